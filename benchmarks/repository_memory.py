"""What exporting a whole catalog, or reading a thousand activities, takes of time and memory in a process of its own."""

import json
import sys
from datetime import UTC, datetime

from benchmarks.crawl_memory import peak_bytes
from benchmarks.figure import seconds
from benchmarks.one_core import answered
from tripper_assets.catalog.database import Database
from tripper_assets.catalog.exports import ExportChoice, chosen_records
from tripper_assets.catalog.repository import Repository
from tripper_assets.domain.exports import ExportFormat, export_pieces

FORMS: dict[str, ExportFormat] = {"csv": "csv", "geojson": "geojson", "ics": "ics", "jsonl": "jsonl"}
AT = datetime(2026, 3, 15, 9, 0, tzinfo=UTC)


def export(url: str, form: str) -> dict[str, float]:
    """Return the rows, seconds and bytes by which the process grew, for one export of everything."""
    return answered("repository_memory", work=form, url=url)


def read_1000(url: str) -> dict[str, float]:
    """Return the bytes by which a process grew that read and kept a thousand activities."""
    return answered("repository_memory", work="read", url=url)


def _export(database: Database, form: ExportFormat) -> int:
    rows = 0
    with chosen_records(database, ExportChoice(past=True), now=AT) as records:
        for piece in export_pieces(records, form, now=AT):
            rows += len(piece) > 0
    return rows


def _warm_up(database: Database) -> None:
    with chosen_records(database, ExportChoice(past=True), now=AT) as records:
        for form in FORMS.values():
            list(export_pieces([next(records)], form, now=AT))


def _main(work: str, url: str) -> dict[str, float]:
    database = Database(url)
    _warm_up(database)
    before = peak_bytes()
    kept: list[object] = []
    form = FORMS.get(work)
    if form is None:
        took = seconds(lambda: kept.append(Repository(database).list(limit=1_000)))
        return {"seconds": took, "bytes": peak_bytes() - before}
    rows: list[int] = []
    took = seconds(lambda: rows.append(_export(database, form)))
    return {"rows": rows[0], "seconds": took, "bytes": peak_bytes() - before}


if __name__ == "__main__":
    print(json.dumps(_main(**json.loads(sys.argv[1]))))
