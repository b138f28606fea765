"""Telling people: what happened since the last look goes into the outbox, and what waits there goes to the webhook."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tripper_assets.catalog.notifications import Notifications
from tripper_assets.clients.webhooks import Receiver
from tripper_assets.domain.errors import TransientError, TripperError
from tripper_assets.domain.notifications import (
    TOLD_WITHIN,
    Change,
    Notification,
    NotificationKind,
    kind_of,
    notification,
    wait_before,
)

TOO_OLD = f"It waited for more than {TOLD_WITHIN.days} days, in which nobody sent it, and is no news."


@dataclass
class Told:
    """What one look did."""

    noted: int = 0
    """Messages that came into the outbox."""
    arrived: int = 0
    troubles: list[str] = field(default_factory=list[str])
    """Why others did not arrive."""
    put_off: int = 0
    """How many of those are sent again."""
    given_up: int = 0
    """Messages that are no news any more."""


def tell(
    outbox: Notifications,
    receiver: Receiver,
    *,
    wanted: Collection[NotificationKind],
    pages_url: str,
    clock: Callable[[], datetime],
    goes_on: Callable[[], bool] = lambda: True,
) -> Told:
    """Note what nobody was told of, and send what is due, one after another for as long as ``goes_on`` says yes.

    A receiver that does not answer is left alone until the next look; a message that it refuses holds no other.

    Raises:
        TransientError: the catalog does not answer.
    """
    told = Told(noted=_note(outbox, wanted, pages_url, clock()))
    while goes_on() and (taken := outbox.take(clock())) is not None:
        if not _sent(outbox, receiver, *taken, told, clock):
            break
    outbox.forget(clock())
    return told


def _note(outbox: Notifications, wanted: Collection[NotificationKind], pages_url: str, now: datetime) -> int:
    looked_at = [(change, _message(change, wanted, pages_url)) for change in outbox.untold(now)]
    outbox.note(looked_at, now)
    return sum(message is not None for _, message in looked_at)


def _message(change: Change, wanted: Collection[NotificationKind], pages_url: str) -> Notification | None:
    kind = kind_of(change)
    return notification(change, kind, pages_url) if kind is not None and kind in wanted else None


def _sent(
    outbox: Notifications,
    receiver: Receiver,
    message: Notification,
    attempt: int,
    told: Told,
    clock: Callable[[], datetime],
) -> bool:
    """Send one message, and return whether the next one is worth a try; one that waited while nobody sent anything may be no news by now."""
    if clock() - message.at > TOLD_WITHIN:
        outbox.put_off(message, None, TOO_OLD)
        told.given_up += 1
        return True
    try:
        receiver.send(message)
    except TripperError as error:
        until = _next_attempt(message, attempt, error, clock())
        outbox.put_off(message, until, str(error))
        told.troubles.append(str(error))
        told.given_up += until is None
        told.put_off += until is not None
        return not isinstance(error, TransientError)
    outbox.arrived(message, clock())
    told.arrived += 1
    return True


def _next_attempt(message: Notification, attempt: int, error: TripperError, now: datetime) -> datetime | None:
    """Return when a message is sent again, None where it is no news by then."""
    asked = error.retry_after_seconds if isinstance(error, TransientError) else None
    until = now + max(wait_before(attempt), timedelta(seconds=asked or 0))
    return until if until - message.at <= TOLD_WITHIN else None
