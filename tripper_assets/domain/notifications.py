"""What people are told without looking: which changes of a workflow, in what words, and when a message that did not arrive is sent again."""

from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any, Literal, get_args

from tripper_assets.domain.model import Model, SourceKey

NotificationKind = Literal["failed", "review", "guard", "imported"]
KINDS: tuple[NotificationKind, ...] = get_args(NotificationKind)
TOLD_BY_DEFAULT: tuple[NotificationKind, ...] = ("failed", "review", "guard")
TOLD_WITHIN = timedelta(days=3)
"""What is older is no news: a webhook that was away for a week is not flooded when it comes back."""
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=1)
LONGEST_TEXT = 2_500
"""As it is sent, where an escaped letter is up to five characters: with the title it stays below the 3,000 that Slack takes in a block."""
LONGEST_TITLE = 240


class Change(Model):
    """One change of a workflow as the catalog wrote it down, with what was known of the workflow then."""

    event_id: int
    workflow_id: str
    source_key: SourceKey
    source_url: str
    kind: Literal["status", "imported"]
    became: str = ""
    """The workflow's state behind the change; empty for an import."""
    was: str = ""
    reason: str = ""
    held_by: tuple[str, ...] = ()
    """The checks that hold its import."""
    imports_itself: bool = False
    """Whether its bundle is imported without a person, unless checks hold it."""
    counts: dict[str, Any] = {}
    """Of an import: lines, inserted, updated, unchanged, removed, rejected."""
    at: datetime


class Notification(Model):
    """One message: its id is the event's, so that a receiver knows one that comes twice."""

    id: str
    kind: NotificationKind
    workflow_id: str
    text: str
    """One sentence, which a telephone shows."""
    blocks: tuple[dict[str, Any], ...] = ()
    """The same for Slack's layout."""
    at: datetime

    def body(self) -> dict[str, Any]:
        """Return what is sent: the text and the blocks, which Slack and those that speak its format show."""
        return {"text": self.text, "blocks": list(self.blocks)}


def kind_of(change: Change) -> NotificationKind | None:
    """Return what a change is to a person who is told of it, None where it is no news."""
    if change.kind == "imported":
        return "imported"
    if change.was == change.became:
        return None
    if change.became == "failed":
        return "failed"
    if change.became == "review":
        return "guard" if change.held_by else None if change.imports_itself else "review"
    return None


def notification(change: Change, kind: NotificationKind, pages_url: str) -> Notification:
    """Return the message about a change; its links lead to the pages, and hold no token."""
    page = f"{pages_url}/review/{change.workflow_id}"
    title, told = _title(change, kind), change.reason or _counted(change.counts)
    return Notification(
        id=f"event-{change.event_id}",
        kind=kind,
        workflow_id=change.workflow_id,
        text=_fitting(f"{title}: {told}" if told else title, LONGEST_TEXT),
        blocks=tuple(_blocks(title, told, page, change)),
        at=change.at,
    )


def trial_notification(now: datetime) -> Notification:
    """Return a message that says that messages arrive."""
    text = "tripper_assets can reach this webhook."
    return Notification(id=f"test-{now:%Y%m%dT%H%M%S%f}", kind="review", workflow_id="", text=text, at=now)


def wait_before(attempt: int) -> timedelta:
    """Return how long to wait behind the attempt of that number, the first is 1: half a minute, then twice as long, an hour at most."""
    doublings = min(attempt - 1, 12)
    return min(FIRST_WAIT * 2**doublings, LONGEST_WAIT)


def escaped(text: str) -> str:
    """Return a stranger's text as Slack shows it as it stands: no link, mention or command of theirs may act."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _title(change: Change, kind: NotificationKind) -> str:
    name = change.source_url
    return {
        "failed": f"Failed: {name}",
        "review": f"Review wanted: {name}",
        "guard": f"Held by {len(change.held_by)} check{'s' if len(change.held_by) != 1 else ''}: {name}",
        "imported": f"Imported: {name}",
    }[kind]


def _counted(counts: dict[str, Any]) -> str:
    names = ("inserted", "updated", "unchanged", "removed", "rejected")
    found = [f"{counts[name]} {name}" for name in names if counts.get(name)]
    return f"{', '.join(found)}." if found else ""


def _blocks(title: str, told: str, page: str, change: Change) -> list[dict[str, Any]]:
    said = f"*{_fitting(title, LONGEST_TITLE)}*" + (f"\n{_fitting(told, LONGEST_TEXT)}" if told else "")
    context = f"<{page}|Open its page> · workflow `{change.workflow_id[:8]}` · {change.at:%Y-%m-%d %H:%M} UTC"
    if change.held_by:
        context += f" · {', '.join(f'`{one}`' for one in change.held_by)}"
    return [
        {"type": "section", "text": {"type": "mrkdwn", "text": said}},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": context}]},
    ]


def _fitting(text: str, longest: int) -> str:
    """Return a text escaped, and cut where that is longer than it may be; never within an escaped letter."""
    shown = escaped(text)
    if len(shown) <= longest:
        return shown
    lengths = accumulate(len(escaped(letter)) for letter in text[:longest])
    return f"{escaped(text[: sum(length < longest for length in lengths)])}…"
