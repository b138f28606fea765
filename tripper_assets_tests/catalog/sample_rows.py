"""One row of every table of the catalog, made from the models: what migrations are tried on."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from pgvector.sqlalchemy import VECTOR
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Date,
    DateTime,
    Double,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    insert,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR

from tripper_assets.catalog.notification_models import Base

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
BY_TYPE: dict[type, Any] = {
    BigInteger: 7,
    Integer: 7,
    Double: 0.5,
    Boolean: True,
    DateTime: AT,
    Date: date(2026, 5, 1),
    Uuid: UUID(int=7),
    LargeBinary: b"\0\0\0\0" * 7,
    JSONB: {"some": ["thing", None, 1.5]},
    TSVECTOR: "'a':1A",
    VECTOR: [1.0] * 7,
}
# What a rule of the schema asks for; a table that is not here has none that these values break.
STATED: dict[str, Any] = {
    "country_code": "DE",
    "sha256": "a" * 64,
    "record_sha256": "a" * 64,
    "content_sha256": "a" * 64,
    "bundle_sha256": "a" * 64,
    "workflows.status": "completed",
    "workflow_stages.status": "completed",
    "batches.status": "completed",
    "media.status": "stored",
    "llm_usage.status": "paid",
    "decisions.decision": "approved",
    "activity_history.change": "updated",
    "batch_submissions.state": "completed",
    "notifications.kind": "failed",
    "activity_link_verdicts.first_id": UUID(int=6),
}


def insert_samples(connection: Connection) -> None:
    """Write one row into each table, with every column stated that the database does not count up itself."""
    written: dict[str, dict[str, Any]] = {}
    for table in Base.metadata.sorted_tables:
        stated = [column for column in table.columns if column.identity is None and column.computed is None]
        row = {column.name: _value(table, column, written) for column in stated}
        returned = connection.execute(insert(table).values(row).returning(table)).mappings().one()
        written[table.name] = dict(returned)


def _value(table: Table, column: Column[Any], written: dict[str, dict[str, Any]]) -> Any:
    for key in column.foreign_keys:
        return written[key.column.table.name][key.column.name]
    for name in (f"{table.name}.{column.name}", column.name):
        if name in STATED:
            return STATED[name]
    if isinstance(column.type, ARRAY):
        return [_sample(column.type.item_type, "item")]
    return _sample(column.type, column.name)


def _sample(kind: Any, name: str) -> Any:
    if isinstance(kind, Text):
        return f"some {name}"
    return next(value for one, value in BY_TYPE.items() if isinstance(kind, one))
