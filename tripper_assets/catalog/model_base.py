"""What every table of the catalog is made with: the schema, how constraints are named, types, and columns that come again."""

from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, DateTime, Double, ForeignKey, Identity, MetaData, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from tripper_assets.catalog.database import SCHEMA

NAMING = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}


class Base(DeclarativeBase):
    """The base of every table: text without length limits, times with their zone."""

    metadata = MetaData(schema=SCHEMA, naming_convention=NAMING)
    type_annotation_map = {
        str: Text,
        float: Double,
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[str]: ARRAY(Text),
    }


def now_column() -> Mapped[datetime]:
    """Return a column that holds when its row was written, where nothing else is said."""
    return mapped_column(server_default=func.now())


def empty_column() -> Mapped[str]:
    """Return a column for text that may be unsaid."""
    return mapped_column(server_default="")


def number_column() -> Mapped[int]:
    """Return a key that the database counts up."""
    return mapped_column(BigInteger, Identity(always=True), primary_key=True)


def of_workflow(*, index: bool = False) -> Mapped[str]:
    """Return a column for the workflow that a row goes with."""
    return mapped_column(ForeignKey("tripper.workflows.id", ondelete="CASCADE"), index=index)


def of_some_workflow() -> Mapped[str | None]:
    """Return a column for the workflow that a row is from, which it outlives."""
    return mapped_column(ForeignKey("tripper.workflows.id", ondelete="SET NULL"), index=True)
