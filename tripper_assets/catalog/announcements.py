"""Changes of workflows and their stages, told by the database as they are committed: which workflows, and since when."""

from collections.abc import AsyncGenerator
from typing import NamedTuple

import psycopg
from sqlalchemy import text

from tripper_assets.catalog.database import Database

CHANNEL = "tripper_changes"
OVERLAP = 100
"""How many earlier events count as new again: their numbers are given out before they are committed, and not in that order."""


class Changes(NamedTuple):
    """Which workflows changed, and up to which event that was looked for."""

    workflow_ids: list[str]
    newest: int


async def announced(database: Database) -> AsyncGenerator[str | None]:
    """Yield the id of each workflow that changes, from now on; None once, when the database is being listened to.

    Raises:
        TransientError: the catalog does not answer, or not any more.
    """
    # The driver's own asynchronous connection, outside of the pool: it is held for as long as somebody listens.
    _, options = database.engine.dialect.create_connect_args(database.engine.url)
    with database.verdicts():
        connection = await psycopg.AsyncConnection.connect(
            **options, autocommit=True, connect_timeout=10, application_name="tripper-events"
        )
        async with connection:
            await connection.execute(f"LISTEN {CHANNEL}")
            yield None
            async for told in connection.notifies():
                yield told.payload


def changes_since(database: Database, event: int | None, *, overlap: int = OVERLAP) -> Changes:
    """Return the workflows with an event after ``event``, none where it is None, and the number of the newest event.

    The ``overlap`` earlier ones count as new again.
    """
    with database.connection() as connection:
        newest = connection.scalar(text("SELECT coalesce(max(id), 0) FROM tripper.workflow_events")) or 0
        if event is None:
            return Changes([], newest)
        ids = connection.execute(text(_SINCE), {"after": event - overlap, "limit": 1000})
        return Changes([str(one) for one in ids.scalars()], newest)


_SINCE = """
    SELECT workflow_id FROM tripper.workflow_events WHERE id > :after GROUP BY workflow_id ORDER BY max(id) DESC LIMIT :limit
"""
