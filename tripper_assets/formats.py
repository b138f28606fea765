"""How each intermediate looks as bytes: JSON Lines for records, Parquet for maps and vectors, JSON for one value."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Any, TypeVar, cast, get_args, get_origin

import orjson
from pydantic import BaseModel, ValidationError

from tripper_assets.domain.activities import Activity
from tripper_assets.domain.errors import CorruptObjectError
from tripper_assets.domain.identity import ids_sha256
from tripper_assets.domain.maps import EmbeddingsMap, GeocodedMap, ImagesMap, TagsMap, TagVotes
from tripper_assets.domain.model import Model

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

T = TypeVar("T")
Rows = ImagesMap | GeocodedMap | TagVotes | TagsMap
IDS = "ids_sha256"
MODEL = "model"
STATED = "stated_sha256"
# Vectors hardly repeat: the bytes of floats split into streams pack to about 0.9 of their size, a dictionary only costs time.
VECTOR_WRITE: dict[str, Any] = {
    "compression": "zstd",
    "use_dictionary": False,
    "use_byte_stream_split": ["vector.list.element"],
    # Of 1,536 floats 6 MB: a hundred thousand of them are packed and unpacked a group at a time, and never stand in memory twice.
    "row_group_size": 1_024,
}


@dataclass(frozen=True)
class Encoded:
    """A value as bytes; rows is 1 for one value, ids_sha256 is empty where the value has no activity ids."""

    data: bytes
    extension: str
    rows: int
    ids_sha256: str = ""


@dataclass(frozen=True)
class Bundle:
    """Final records with the SHA-256 of the file they stand in: what a decision is about and an import takes."""

    sha256: str
    records: tuple[Activity, ...]


def encode(value: object) -> Encoded:
    """Return the bytes of a value that an asset yields: models or dicts in a list, a map, one model, a frame or a table.

    Raises:
        TypeError: the value is of no kind that is stored.
    """
    if isinstance(value, (list, tuple)):
        return _encode_lines(cast("Sequence[Any]", value))
    if isinstance(value, Rows):
        return _encode_rows(value)
    if isinstance(value, EmbeddingsMap):
        return _encode_vectors(value)
    if isinstance(value, Model):
        found = getattr(value, IDS, "")
        # Whole, and not as value.dump(): a field that must be stated may be empty text, such as a batch with nothing to ask.
        data = orjson.dumps(value.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)
        return Encoded(data, "json", 1, found if isinstance(found, str) else "")
    return _encode_table(value)


def decode(data: bytes, wanted: Any, *, extension: str, uri: str) -> Any:  # noqa: ANN401 (the annotation decides what comes back)
    """Return the stored bytes as the annotation ``wanted``: a frame, a table, a map, a model, or a list of models or dicts.

    Raises:
        CorruptObjectError: the bytes are not what the annotation needs.
    """
    try:
        return _decode(data, wanted, extension)
    except (ValueError, ValidationError, KeyError, TypeError, AttributeError, OSError) as error:
        reason = str(error).split("\n", 1)[0][:200]
        raise CorruptObjectError(
            f"Reading {uri} as {wanted} failed ({reason}); materialize the asset that stored it again."
        ) from error


def _decode(data: bytes, wanted: Any, extension: str) -> Any:  # noqa: ANN401 (see decode)
    if _is_named(wanted, "pandas", "DataFrame"):
        return _frame(data, extension)
    if _is_named(wanted, "pyarrow", "Table"):
        return _table(data, extension)
    if wanted in DECODERS:
        return DECODERS[wanted](data)
    if isinstance(wanted, type) and issubclass(wanted, BaseModel):
        return wanted.model_validate_json(data)
    return _decode_lines(data, wanted)


def _encode_lines(values: Sequence[Any]) -> Encoded:
    rows = [value.dump() if isinstance(value, Model) else value for value in values]
    data = b"".join(orjson.dumps(row, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE) for row in rows)
    ids = [row["id"] for row in rows if "id" in row]
    return Encoded(data, "jsonl", len(rows), ids_sha256(ids) if len(ids) == len(rows) else "")


def _decode_lines(data: bytes, wanted: Any) -> list[Any]:  # noqa: ANN401 (a list of what the annotation says)
    rows = [orjson.loads(line) for line in data.splitlines() if line]
    element = (get_args(wanted) or (dict,))[0] if get_origin(wanted) in (list, Sequence) else dict
    is_model = isinstance(element, type) and issubclass(element, BaseModel)
    return [cast("type[BaseModel]", element).model_validate(row) for row in rows] if is_model else rows


def _encode_rows(value: Rows) -> Encoded:
    import pyarrow as pa  # noqa: PLC0415 (a third of a second that only storing maps pays)

    rows = [row.model_dump(mode="json") for row in value.rows]
    table = pa.Table.from_pylist(rows, schema=_schema(value.row_model))
    data = _parquet(table.replace_schema_metadata({IDS: value.ids_sha256}), compression="zstd")
    return Encoded(data, "parquet", len(rows), value.ids_sha256)


def _decode_rows(data: bytes, wanted: Callable[[str, Any], Rows], row_model: type[Model]) -> Rows:
    table = _table(data, "parquet")
    rows = tuple(row_model.model_validate(row) for row in table.to_pylist())
    return wanted(_metadata(table.schema, IDS), rows)


def _encode_vectors(value: EmbeddingsMap) -> Encoded:
    import numpy as np  # noqa: PLC0415 (see _encode_rows)
    import pyarrow as pa  # noqa: PLC0415 (see _encode_rows)

    flat = pa.array(np.ascontiguousarray(value.vectors, dtype=np.float32).reshape(-1))
    vectors = pa.FixedSizeListArray.from_arrays(flat, max(value.dimensions, 1))
    table = pa.table(
        {
            "activity_id": pa.array(value.ids, pa.string()),
            "text_sha256": pa.array(value.text_sha256, pa.string()),
            **({STATED: pa.array(value.stated_sha256, pa.string())} if value.stated_sha256 else {}),
            "vector": vectors,
        }
    )
    data = _parquet(table.replace_schema_metadata({IDS: value.ids_sha256, MODEL: value.model}), **VECTOR_WRITE)
    return Encoded(data, "parquet", len(value.ids), value.ids_sha256)


def _decode_vectors(data: bytes) -> EmbeddingsMap:
    import numpy as np  # noqa: PLC0415 (see _encode_rows)
    import pyarrow as pa  # noqa: PLC0415 (see _encode_rows)
    import pyarrow.parquet as pq  # noqa: PLC0415 (see _encode_rows)

    file = pq.ParquetFile(pa.BufferReader(data))
    schema: Any = file.schema_arrow
    width = schema.field("vector").type.list_size
    vectors = np.empty((file.metadata.num_rows, width), dtype=np.float32)
    names: dict[str, list[str]] = {"activity_id": [], "text_sha256": [], STATED: []}
    for number in range(file.num_row_groups):
        group = file.read_row_group(number)
        start = len(names["activity_id"])
        for name in names.keys() & set(schema.names):
            names[name].extend(map(str, group.column(name).to_pylist()))
        column: Any = group.column("vector").combine_chunks()
        vectors[start : start + len(group)] = column.flatten().to_numpy(zero_copy_only=False).reshape(len(group), width)
    stated = _metadata(schema, IDS), _metadata(schema, MODEL)
    ids, texts, own = map(tuple, names.values())
    return EmbeddingsMap(*stated, ids, texts, vectors, own)


def _encode_table(value: object) -> Encoded:
    import pandas as pd  # noqa: PLC0415 (see _encode_rows)
    import pyarrow as pa  # noqa: PLC0415 (see _encode_rows)

    if isinstance(value, pd.DataFrame):
        value = pa.Table.from_pandas(value)
    if not isinstance(value, pa.Table):
        message = (
            f"A {type(value).__name__} cannot be stored; yield a list of models, a map, a model, a frame or a table."
        )
        raise TypeError(message)
    return Encoded(_parquet(value, compression="zstd"), "parquet", value.num_rows)


def _parquet(table: "pa.Table", **options: Any) -> bytes:  # noqa: ANN401 (pyarrow's own options)
    import pyarrow.parquet as pq  # noqa: PLC0415 (see _encode_rows)

    buffer = BytesIO()
    pq.write_table(table, buffer, **options)
    return buffer.getvalue()


def _table(data: bytes, extension: str) -> "pa.Table":
    import pyarrow as pa  # noqa: PLC0415 (see _encode_rows)
    import pyarrow.parquet as pq  # noqa: PLC0415 (see _encode_rows)

    if extension == "parquet":
        return pq.read_table(BytesIO(data))
    rows = _decode_lines(data, list)
    # The first row leaves out what is empty there, and from_pylist takes its columns for all.
    names = dict.fromkeys(name for row in rows for name in row)
    return pa.table({name: [row.get(name) for row in rows] for name in names})


def _frame(data: bytes, extension: str) -> "pd.DataFrame":
    import pandas as pd  # noqa: PLC0415 (see _encode_rows)

    if extension == "parquet":
        return _table(data, extension).to_pandas()
    rows = _decode_lines(data, list) if extension == "jsonl" else [orjson.loads(data)]
    return pd.DataFrame(rows)


def _metadata(schema: "pa.Schema", name: str) -> str:
    found = (schema.metadata or {}).get(name.encode())
    if found is None:
        message = f"the file does not say its {name}"
        raise ValueError(message)
    return found.decode()


def _is_named(wanted: Any, module: str, name: str) -> bool:  # noqa: ANN401 (any annotation)
    # By name, so that asking does not import pandas or pyarrow.
    return getattr(wanted, "__name__", "") == name and getattr(wanted, "__module__", "").split(".")[0] == module


def _schema(row_model: type[Model]) -> "pa.Schema":
    import pyarrow as pa  # noqa: PLC0415 (see _encode_rows)

    return pa.schema([(name, _arrow_type(field.annotation)) for name, field in row_model.model_fields.items()])


def _arrow_type(annotation: Any) -> "pa.DataType":  # noqa: ANN401 (any annotation)
    import pyarrow as pa  # noqa: PLC0415 (see _encode_rows)

    if get_origin(annotation) is tuple:
        return pa.list_(_arrow_type(get_args(annotation)[0]))
    inner = next((one for one in get_args(annotation) if one is not type(None)), annotation)
    inner = annotation if get_origin(annotation) is None else inner
    if isinstance(inner, type) and issubclass(inner, BaseModel):
        return pa.struct([(name, _arrow_type(field.annotation)) for name, field in inner.model_fields.items()])
    return {int: pa.int64(), float: pa.float64(), bool: pa.bool_()}.get(inner, pa.string())


DECODERS: dict[Any, Callable[[bytes], Any]] = {
    **{
        one: partial(_decode_rows, wanted=one, row_model=one.row_model)
        for one in (ImagesMap, GeocodedMap, TagVotes, TagsMap)
    },
    EmbeddingsMap: _decode_vectors,
    Bundle: lambda data: Bundle(hashlib.sha256(data).hexdigest(), tuple(_decode_lines(data, list[Activity]))),
}
