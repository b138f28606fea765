"""`tripper export`: activities of the catalog as CSV, GeoJSON, a calendar or JSON Lines, written while they are read."""

import os
import sys
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer
from pydantic import ValidationError

from tripper_assets.catalog.exports import ExportChoice, chosen_records
from tripper_assets.cli.catalog import find
from tripper_assets.cli.output import Json, print_json, printable
from tripper_assets.cli.session import Session, open_session
from tripper_assets.domain.errors import ConfigurationError
from tripper_assets.domain.exports import ExportFormat, export_pieces
from tripper_assets.domain.search import MOST_HITS, Spot
from tripper_assets.resources import utc_now

FORMATS: dict[str, ExportFormat] = {"csv": "csv", "geojson": "geojson", "ics": "ics", "jsonl": "jsonl"}


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("export")(export)


def export(  # noqa: PLR0913 (each is an option that people type)
    source: Annotated[str | None, typer.Argument(help="A source key or URL; none exports all sources.")] = None,
    *,
    form: Annotated[str, typer.Option("--format", help="csv, geojson, ics or jsonl.")],
    near: Annotated[str | None, typer.Option(help="LAT,LON or LAT,LON,KM: only around this point.")] = None,
    radius_km: Annotated[float, typer.Option(help="How far around it, where --near does not say.")] = 10.0,
    town: Annotated[str | None, typer.Option(help="Only in this town.")] = None,
    search: Annotated[str | None, typer.Option(help="Only what these words find, the best first.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=MOST_HITS, help="How many --search may find.")] = MOST_HITS,
    past: Annotated[bool, typer.Option("--past", help="Also what is over.")] = False,
    output: Annotated[Path | None, typer.Option(help="A file; it appears when it is complete. Default: standard output.")] = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Export imported activities. A cell of CSV is never a formula, and a calendar has only what has a day."""
    known = _format(form)
    if as_json and output is None:
        raise ConfigurationError("--json tells what was written to a file; give one with --output.")
    with open_session() as session:
        choice = _choice(session, source, _circle(near, radius_km), town, past=past)
        if search is not None:
            hits = find(session, search, limit=limit, source_key=choice.source_key, past=past)
            choice = choice.model_copy(update={"ids": tuple(hit.id for hit in hits)})
        written = _export(session, choice, known, output)
    if as_json:
        print_json({"path": str(output), "format": known, "activities": written.all, "without_a_day": written.undated})
    elif output is not None:
        sys.stderr.write(printable(f"{written.all} activities in {output}{written.left_out(known)}.\n"))


def _format(form: str) -> ExportFormat:
    known = FORMATS.get(form)
    if known is None:
        raise ConfigurationError(f"--format is {form!r}; give one of {', '.join(FORMATS)}.")
    return known


def _choice(session: Session, source: str | None, near: Spot | None, town: str | None, *, past: bool) -> ExportChoice:
    key = session.source(source).key if source else None
    return ExportChoice(source_key=key, near=near, town=town, past=past)


def _circle(near: str | None, radius_km: float) -> Spot | None:
    if near is None:
        return None
    try:
        latitude, longitude, *rest = (float(part) for part in near.split(","))
        (radius,) = rest or [radius_km]
        return Spot(latitude=latitude, longitude=longitude, radius_km=radius)
    except (ValueError, ValidationError):
        raise ConfigurationError(
            f"--near is {near!r} with {radius_km:g} km; give degrees and kilometres such as 53.8,-1.55,10."
        ) from None


@dataclass
class _Written:
    """How many activities went out."""

    all: int = 0
    undated: int = 0
    """Those without a day, which no calendar has."""

    def counting(self, records: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Yield the records, and count them."""
        for one in records:
            self.all += 1
            self.undated += not _is_dated(one)
            yield one

    def left_out(self, form: ExportFormat) -> str:
        """Return what a calendar lacks, for a person; empty for the other formats."""
        return f"; {self.undated} of them have no day and are in no calendar" if form == "ics" and self.undated else ""


def _is_dated(record: Mapping[str, Any]) -> bool:
    return bool(record.get("startDate") or record.get("eventSchedule"))


def _export(session: Session, choice: ExportChoice, form: ExportFormat, output: Path | None) -> _Written:
    written, now = _Written(), utc_now()
    with chosen_records(session.catalog.database, choice, now=now) as records, _target(output) as target:
        for piece in export_pieces(written.counting(records), form, now=now):
            target.write(piece)
    return written


@contextmanager
def _target(output: Path | None) -> Generator[BinaryIO]:
    """Yield what takes the export: a file that gets its name when it is whole, or standard output."""
    if output is None:
        with _standard_output() as target:
            yield target
        return
    temporary = output.with_name(f".{output.name}.{os.getpid()}.part")
    try:
        try:
            with temporary.open("wb") as target:
                yield target
                target.flush()
                os.fsync(target.fileno())
            temporary.replace(output)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"The file {output} cannot be written ({error.strerror}); give another one with --output."
        ) from error


class _Terminal:
    """Standard output where a person reads it: what steers a terminal is left out."""

    def write(self, piece: bytes) -> int:
        return sys.stdout.write(printable(piece.decode("utf-8", "replace").replace("\r\n", "\n")))


@contextmanager
def _standard_output() -> Generator[Any]:
    try:
        yield _Terminal() if sys.stdout.isatty() else sys.stdout.buffer
        sys.stdout.flush()
    except BrokenPipeError:
        # `| head` has what it wanted; Python would complain once more when it closes standard output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
