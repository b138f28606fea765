"""What a person sees of an intermediate in the Dagster UI: a small table, and the columns of a stored model."""

from collections.abc import Sequence
from typing import Any, Literal, get_args, get_origin

import dagster as dg

from tripper_assets.domain.maps import EmbeddingsMap, GeocodedMap, ImagesMap
from tripper_assets.domain.model import Model

SHOWN_ROWS = 8
SHOWN_CHARS = 60
RECORD_COLUMNS = ("name", "startDate", "location", "isAccessibleForFree", "url")
HIDDEN_COLUMNS = frozenset({"provenance", "embedding"})


def preview(value: object) -> str:
    """Return the first rows of a value as a Markdown table."""
    if isinstance(value, ImagesMap | GeocodedMap):
        return _table([row.dump() for row in value.rows[:SHOWN_ROWS]])
    if isinstance(value, EmbeddingsMap):
        return _table(
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
        return _table([_short(one.dump() if isinstance(one, Model) else dict(one)) for one in value[:SHOWN_ROWS]])
    if isinstance(value, Model):
        return _table([{"field": name, "value": item} for name, item in list(value.dump().items())[:SHOWN_ROWS]])
    return ""


def _short(row: dict[str, Any]) -> dict[str, Any]:
    chosen = {name: row[name] for name in RECORD_COLUMNS if name in row}
    if isinstance(chosen.get("location"), dict):
        place = chosen["location"]
        chosen["location"] = place.get("name") or place.get("address", {}).get("addressLocality", "")
    return chosen or {name: item for name, item in row.items() if name not in HIDDEN_COLUMNS}


def _table(rows: Sequence[dict[str, Any]]) -> str:
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


def column_schema(model: type[Model]) -> dg.TableSchema:
    """Return the columns of a stored model, with what each one means."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(name, _type_name(field.annotation), description=field.description)
            for name, field in model.model_fields.items()
        ]
    )


VECTOR_COLUMNS = dg.TableSchema(
    columns=[
        dg.TableColumn("activity_id", "str"),
        dg.TableColumn("text_sha256", "str", description="Of the text that the vector was made from."),
        dg.TableColumn("vector", "list of float32", description="Unit length."),
    ]
)
"""The columns of embeddings_map, which is stored as arrays and not as rows of a model."""


def _type_name(annotation: Any) -> str:  # noqa: ANN401 (any annotation)
    """Return a type as a person says it: ``list of Offer``, ``AgeRange or nothing``, ``str`` for an enumeration."""
    kind, parts = get_origin(annotation), get_args(annotation)
    if kind is tuple:
        return f"list of {_type_name(parts[0])}"
    if kind is dict:
        return f"{_type_name(parts[1])} by name"
    if kind is Literal:
        return type(parts[0]).__name__
    if type(None) in parts:
        return " or ".join([*(_type_name(part) for part in parts if part is not type(None)), "nothing"])
    return "anything" if annotation is Any else str(annotation.__name__)
