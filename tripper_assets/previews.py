"""What a person sees of an intermediate in the Dagster UI: small tables, a sheet of pictures, and links to the pages."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

import dagster as dg

from tripper_assets.domain.diff import ActivityChange, ActivityDiff
from tripper_assets.domain.maps import EmbeddingsMap, GeocodedMap, ImagesMap, PlaceRow, TagsMap, TagVotes
from tripper_assets.domain.model import ActivityId, Model

SHOWN_ROWS = 8
SHOWN_CHARS = 60
RECORD_COLUMNS = ("name", "startDate", "location", "isAccessibleForFree", "url")
HIDDEN_COLUMNS = frozenset({"provenance", "embedding"})
SHEET_COLUMNS = 6
SHEET_BYTES = 48_000
"""Of one sheet's Markdown: each run keeps its own for good, twice, in the event log of Dagster."""
SHOWN_PLACES = 20
SHOWN_CHANGES = 20
SHOWN_FIELDS = 4


def preview(value: object) -> str:
    """Return the first rows of a value as a Markdown table."""
    if isinstance(value, ImagesMap | GeocodedMap | TagVotes | TagsMap):
        return table([row.dump() for row in value.rows[:SHOWN_ROWS]])
    if isinstance(value, EmbeddingsMap):
        return table(
            [
                {
                    "activity_id": one,
                    "model": value.model,
                    "vector": [round(float(x), 3) for x in value.vectors[row][:4]],
                }
                for row, one in enumerate(value.ids[:SHOWN_ROWS])
            ]
        )
    if isinstance(value, (list, tuple)):
        return table([_short(one.dump() if isinstance(one, Model) else dict(one)) for one in value[:SHOWN_ROWS]])
    if isinstance(value, ActivityDiff):
        return changes(value)
    if isinstance(value, Model):
        return table([{"field": name, "value": item} for name, item in list(value.dump().items())[:SHOWN_ROWS]])
    return ""


def _short(row: dict[str, Any]) -> dict[str, Any]:
    chosen = {name: row[name] for name in RECORD_COLUMNS if name in row}
    if isinstance(chosen.get("location"), dict):
        place = chosen["location"]
        chosen["location"] = place.get("name") or place.get("address", {}).get("addressLocality", "")
    return chosen or {name: item for name, item in row.items() if name not in HIDDEN_COLUMNS}


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Return rows as a Markdown table, their columns in the order of the first row that has them."""
    if not rows:
        return "_nothing_"
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines = [columns, ["---"] * len(columns), *([_cell(row.get(name, "")) for name in columns] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: object) -> str:
    return plain_markdown(" ".join(str(value).split())[:SHOWN_CHARS])


def plain_markdown(text: str) -> str:
    """Return a stranger's text on one line, as Markdown that shows it as it stands: no markup, link or picture of theirs may act."""
    text = " ".join(text.split())
    for char in "\\|<>[]`*_":
        text = text.replace(char, f"&#{ord(char)};")
    return text


def contact_sheet(pictures: Iterable[tuple[str, bytes]]) -> str:
    """Return a Markdown table of small WebP pictures, each with its activity's name below; as many of them as SHEET_BYTES have room for."""
    shown: list[tuple[str, str]] = []
    room = SHEET_BYTES - 200
    for name, data in pictures:
        cell = f"![](data:image/webp;base64,{base64.b64encode(data).decode()})", _cell(name)
        room -= sum(map(len, cell)) + 6
        if room < 0:
            break
        shown.append(cell)
    if not shown:
        return "_nothing_"
    columns = min(SHEET_COLUMNS, len(shown))
    lines = ["| " * columns + "|", "|---" * columns + "|"]
    rest = iter(shown)
    while row := list(islice(rest, columns)):
        lines += [f"| {' | '.join(cells)} |" for cells in zip(*row, strict=True)]
    return "\n".join(lines)


def places(rows: Sequence[PlaceRow], names: Mapping[ActivityId, str]) -> str:
    """Return where activities are as a Markdown table, those without a place first."""
    ordered = sorted(rows, key=lambda row: row.geocoding.status == "ok")
    return table([_place(row, names) for row in ordered[:SHOWN_PLACES]])


def _place(row: PlaceRow, names: Mapping[ActivityId, str]) -> dict[str, Any]:
    found, is_placed = row.geocoding, row.latitude is not None and row.longitude is not None
    return {
        "activity": names.get(row.activity_id, row.activity_id),
        "place": found.label,
        "status": found.status,
        "accuracy": found.accuracy,
        "by": found.provider,
        "latitude, longitude": f"{row.latitude:.4f}, {row.longitude:.4f}" if is_placed else "",
    }


def changes(diff: ActivityDiff) -> str:
    """Return what changed as a Markdown table, one line for each activity; what was removed stands first, then what changed."""
    first = {"removed": 0, "changed": 1, "added": 2}
    ordered = sorted(diff.activities, key=lambda one: first[one.kind])
    more = len(ordered) - SHOWN_CHANGES
    lines = [table([_change(one) for one in ordered[:SHOWN_CHANGES]])]
    return "\n\n".join(lines + ([f"and {more} more"] if more > 0 else []))


def _change(one: ActivityChange) -> dict[str, Any]:
    fields = [f"{field.field}: {_brief(field.before)} → {_brief(field.after)}" for field in one.changes[:SHOWN_FIELDS]]
    more = len(one.changes) - len(fields)
    return {
        "what": one.kind,
        "activity": one.name,
        "fields": "; ".join(fields + ([f"{more} more"] if more > 0 else [])),
    }


def _brief(value: object) -> str:
    return "nothing" if value in (None, "", [], {}) else str(value)[:24]


def page_links(pages_url: str, workflow_id: str, asset: str = "") -> dict[str, Any]:
    """Return links to the review page of a workflow, and to the stored file of an asset where one is named.

    They hold no token and no signature: whoever follows one signs in.
    """
    links = {"review_page": dg.MetadataValue.url(f"{pages_url}/review/{workflow_id}")}
    file = {"file": dg.MetadataValue.url(f"{pages_url}/v1/workflows/{workflow_id}/files/{asset}")} if asset else {}
    return links | file
