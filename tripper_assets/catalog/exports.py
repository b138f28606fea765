"""What an export reads: the chosen activities one after the other, from a cursor on the server, however many they are."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import text

from tripper_assets.catalog.database import Database
from tripper_assets.catalog.search_conditions import conditions
from tripper_assets.catalog.storable import storable_text
from tripper_assets.domain.model import ActivityId
from tripper_assets.domain.search import SearchFilters

ROWS_AT_ONCE = 500


class ExportChoice(SearchFilters):
    """Which current activities an export has: those that fit all that is said here."""

    town: str | None = None
    """By its name or the first words of it, whatever its case and accents."""
    ids: tuple[ActivityId, ...] | None = None
    """In this order, as a search found them; by id otherwise."""


@contextmanager
def chosen_records(database: Database, choice: ExportChoice, *, now: datetime) -> Generator[Iterator[dict[str, Any]]]:
    """Yield the records of an export, which are read while they are written: all as they were at its beginning.

    Raises:
        TransientError: the catalog does not answer, also in the middle.
    """
    asked = conditions(choice, now=now)
    town = "" if choice.town is None else _IN_TOWN
    statement = (_RECORDS if choice.ids is None else _IN_ORDER).format(conditions=asked.sql + town)
    values = {**asked.values, "town": storable_text(choice.town or ""), "ids": list(choice.ids or ())}
    used = {name: value for name, value in values.items() if f":{name}" in statement}
    streamed = {"yield_per": ROWS_AT_ONCE}
    with (
        database.connection() as connection,
        connection.execute(text(statement), used, execution_options=streamed) as rows,
    ):
        yield iter(rows.scalars())


_RECORDS = "SELECT record FROM tripper.activities WHERE {conditions} ORDER BY id"
_IN_ORDER = """
    SELECT record FROM unnest(CAST(:ids AS uuid[])) WITH ORDINALITY AS wanted (wanted_id, number)
    JOIN tripper.activities ON id = wanted_id WHERE {conditions} ORDER BY number
"""
# "Freiburg" is Freiburg im Breisgau too, and no Freiburger Straße.
_IN_TOWN = " AND starts_with(tripper.plain(activities.locality) || ' ', tripper.plain(:town) || ' ')"
