"""The outbox: which changes of workflows nobody was told of, and the messages that wait until they have arrived."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text

from tripper_assets.catalog.database import Database
from tripper_assets.domain.notifications import TOLD_WITHIN, Change, Notification

LEASE_SECONDS = 60
"""How long a message that is being sent is nobody else's; one whose sender was killed is sent again then."""
KEPT = timedelta(days=30)
"""How long it is known that a message arrived; much longer than TOLD_WITHIN, as no event may be told of twice."""
READ_AT_ONCE = 200


class Notifications:
    """The outbox of one catalog. What is told is decided once for each event, and kept under the event's id, so that nothing is told twice."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def untold(self, now: datetime) -> list[Change]:
        """Return changes that were not looked at yet, the oldest first; the first look finds none, and remembers when it was.

        An event that a transaction of long ago wrote only now is found too: the look is for what is missing, and not from where it ended.

        Raises:
            TransientError: the catalog does not answer.
        """
        with self._database.session() as session:
            session.execute(_BEGIN, {"now": now})
            rows = session.execute(_UNTOLD, {"oldest": now - TOLD_WITHIN, "limit": READ_AT_ONCE}).mappings().all()
        return [Change.model_validate(dict(row)) for row in rows]

    def note(self, looked_at: Sequence[tuple[Change, Notification | None]], now: datetime) -> None:
        """Keep what became of changes: a message that waits, or nothing; one that was looked at before stays as it is."""
        rows = [_row(change, message, now) for change, message in looked_at]
        if rows:
            with self._database.session() as session:
                session.execute(_NOTE, rows)

    def take(self, now: datetime) -> tuple[Notification, int] | None:
        """Take the message that waits longest, with the number of this attempt; None where none is due.

        It is nobody else's for a minute, and due again then, whatever becomes of who took it.
        """
        values = {"now": now, "until": now + timedelta(seconds=LEASE_SECONDS)}
        with self._database.session() as session:
            row = session.execute(_TAKE, values).one_or_none()
        return (Notification.model_validate(row.message), int(row.attempts)) if row else None

    def arrived(self, message: Notification, at: datetime) -> None:
        """Note that a message has arrived."""
        with self._database.session() as session:
            session.execute(_ARRIVED, {"event": _event(message), "at": at})

    def put_off(self, message: Notification, until: datetime | None, trouble: str) -> None:
        """Note why a message did not arrive, and when it is sent again; None gives it up."""
        with self._database.session() as session:
            session.execute(_PUT_OFF, {"event": _event(message), "until": until, "trouble": trouble})

    def forget(self, now: datetime) -> None:
        """Remove what is known of messages of a month ago."""
        with self._database.session() as session:
            session.execute(_FORGET, {"before": now - KEPT})

    def state(self) -> dict[str, Any]:
        """Return how many messages wait, arrived and were given up, and the newest trouble of one that waits."""
        with self._database.session() as session:
            return dict(session.execute(_STATE).mappings().one())


def _row(change: Change, message: Notification | None, now: datetime) -> dict[str, Any]:
    return {
        "event": change.event_id,
        "kind": message.kind if message else None,
        "message": message.model_dump_json() if message else None,
        "at": change.at,
        "due": now if message else None,
    }


def _event(message: Notification) -> int:
    return int(message.id.removeprefix("event-"))


_BEGIN = text("INSERT INTO tripper.notification_marks (name, since) VALUES ('webhook', :now) ON CONFLICT DO NOTHING")
_UNTOLD = text(
    """
    SELECT events.id AS event_id, events.workflow_id, events.kind, events.at, workflows.source_key, workflows.source_url,
        coalesce(events.payload ->> 'to', '') AS became, coalesce(events.payload ->> 'from', '') AS was,
        coalesce(events.payload ->> 'reason', '') AS reason,
        CASE WHEN events.kind = 'imported' THEN events.payload ELSE '{}' END AS counts,
        ARRAY(
            SELECT DISTINCT jsonb_array_elements_text(held.counts -> 'held_by') FROM tripper.workflow_stages AS held
            WHERE held.workflow_id = workflows.id AND held.asset IN ('final_jsonl', 'imported_activities')
                AND jsonb_typeof(held.counts -> 'held_by') = 'array' ORDER BY 1
        ) AS held_by,
        coalesce((workflows.overrides ->> 'auto_import')::bool, (sources.config ->> 'auto_import')::bool, false) AS imports_itself
    FROM tripper.workflow_events AS events
    JOIN tripper.notification_marks AS begun ON begun.name = 'webhook'
    JOIN tripper.workflows ON workflows.id = events.workflow_id
    JOIN tripper.sources ON sources.key = workflows.source_key
    WHERE (events.kind = 'imported' OR (events.kind = 'status' AND events.payload ->> 'to' IN ('failed', 'review')))
        AND events.at >= :oldest AND events.at >= begun.since
        AND NOT EXISTS (SELECT FROM tripper.notifications WHERE notifications.event_id = events.id)
    ORDER BY events.at, events.id
    LIMIT :limit
    """
)
_NOTE = text(
    """
    INSERT INTO tripper.notifications (event_id, kind, message, at, due_at) VALUES (:event, :kind, CAST(:message AS jsonb), :at, :due)
    ON CONFLICT (event_id) DO NOTHING
    """
)
_TAKE = text(
    """
    UPDATE tripper.notifications SET attempts = attempts + 1, due_at = :until
    WHERE event_id = (
        SELECT event_id FROM tripper.notifications WHERE due_at <= :now ORDER BY due_at, event_id LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    RETURNING message, attempts
    """
)
_ARRIVED = text(
    "UPDATE tripper.notifications SET delivered_at = :at, due_at = NULL, trouble = '' WHERE event_id = :event"
)
_PUT_OFF = text(
    """
    UPDATE tripper.notifications SET due_at = :until, trouble = :trouble WHERE event_id = :event AND delivered_at IS NULL
    """
)
_FORGET = text("DELETE FROM tripper.notifications WHERE at < :before")
_STATE = text(
    """
    SELECT count(*) FILTER (WHERE due_at IS NOT NULL) AS waiting,
        count(*) FILTER (WHERE delivered_at IS NOT NULL) AS arrived,
        count(*) FILTER (WHERE kind IS NOT NULL AND due_at IS NULL AND delivered_at IS NULL) AS given_up,
        coalesce((array_agg(trouble ORDER BY at DESC) FILTER (WHERE due_at IS NOT NULL AND trouble <> ''))[1], '') AS trouble
    FROM tripper.notifications
    """
)
