"""What the dashboard shows, made from values: the trail of a workflow, what can be done with it, how fresh a source is, what days cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

from tripper_assets.api.wording import STAGES, ago, number, plural, stage_name, words
from tripper_assets.catalog.dashboard_reading import DaySpending, ProviderBatch, WorkflowSpending
from tripper_assets.catalog.source_reading import SourceView
from tripper_assets.catalog.workflow_reading import StageView, WorkflowView
from tripper_assets.domain.workflows import WorkflowStatus

ACTIVE: tuple[WorkflowStatus, ...] = ("running", "queued", "waiting")
CANCELABLE = frozenset(ACTIVE)
RETRIABLE = frozenset({"failed", "canceled"})
FRESH, AGEING = timedelta(days=2), timedelta(days=7)
BAR_HEIGHT, BAR_WIDTH, BAR_GAP = 56, 14, 6
CARDS: tuple[tuple[WorkflowStatus, str], ...] = (
    ("running", "under way"), ("queued", "about to begin"), ("waiting", "for a provider's batch"), ("review", "need a decision"),
    ("failed", "need a look"), ("completed", "are imported"),
)  # fmt: skip
Freshness = Literal["fresh", "ageing", "stale", "never"]


@dataclass(frozen=True)
class Waypoint:
    """One stage on a workflow's trail."""

    name: str
    state: str
    """completed, running, failed, skipped, waiting, or empty where it has not begun."""
    told: str = ""
    progress: float = 0.0


@dataclass(frozen=True)
class WorkflowCard:
    """A workflow as the dashboard shows it."""

    id: str
    source_key: str
    source_url: str
    status: WorkflowStatus
    created_at: datetime
    seconds: float | None
    """From its start to its end, or to now."""
    trail: tuple[Waypoint, ...]
    now_at: Waypoint | None
    """Where it is: the stage that runs; None where none does."""
    progress: float
    trouble: str = ""
    """Why it is in review, failed or canceled, with what to do."""
    activities: int = 0
    result: str = ""
    problems: int = 0
    usd: float = 0.0
    tokens: int = 0
    batches: tuple[ProviderBatch, ...] = ()
    can_review: bool = False
    can_retry: bool = False
    can_cancel: bool = False
    dagster_url: str = ""
    """Of its latest run's own page; empty where none began."""


@dataclass(frozen=True)
class SourceCard:
    """A source as the dashboard shows it."""

    view: SourceView
    freshness: Freshness
    freshness_badge: str
    age: str


@dataclass(frozen=True)
class Bar:
    """One day of the chart of costs, in its own units: pixels of the picture."""

    x: int
    y: float
    height: float
    label: str


def card_of(
    view: WorkflowView,
    *,
    now: datetime,
    dagster_url: str,
    spending: Mapping[str, WorkflowSpending],
    batches: Sequence[ProviderBatch],
) -> WorkflowCard:
    """Return how a workflow is shown."""
    trail = trail_of(view)
    spent = spending.get(view.id)
    return WorkflowCard(
        id=view.id,
        source_key=view.source_key,
        source_url=view.source_url,
        status=view.status,
        created_at=view.created_at,
        seconds=_seconds(view, now),
        trail=trail,
        now_at=next((one for one in trail if one.state in ("running", "waiting")), None),
        progress=_progress(trail),
        trouble=view.reason or (view.last_error if view.status == "failed" else ""),
        activities=_activities(view),
        result=_result(view.import_summary),
        problems=view.problems,
        usd=spent.usd if spent else 0.0,
        tokens=spent.tokens if spent else 0,
        batches=tuple(one for one in batches if one.workflow_id == view.id),
        can_review=bool(view.bundle_sha256),
        can_retry=view.status in RETRIABLE,
        can_cancel=view.status in CANCELABLE,
        dagster_url=_run_url(view, dagster_url),
    )


def trail_of(view: WorkflowView) -> tuple[Waypoint, ...]:
    """Return the stages in the graph's order, with those that have not begun."""
    known = {one.asset: one for one in view.stages}
    return tuple(_waypoint(asset, known.get(asset), view.status) for asset in STAGES)


def _waypoint(asset: str, stage: StageView | None, status: WorkflowStatus) -> Waypoint:
    if stage is None:
        waits = status == "waiting" and asset == "embeddings_map"
        return Waypoint(stage_name(asset), "waiting" if waits else "")
    # A stage whose process is gone says that it runs, until somebody looks; its workflow knows better.
    over = stage.status == "running" and status not in ACTIVE
    state = "failed" if over else "waiting" if status == "waiting" and stage.status == "skipped" else stage.status
    return Waypoint(stage_name(asset), state, _told(stage), stage.progress)


def _told(stage: StageView) -> str:
    if stage.status == "running":
        return f"{stage.progress:.0%}" if stage.progress else ""
    rows = stage.counts.get("rows")
    return number(rows) if isinstance(rows, int) and stage.status == "completed" else ""


def _progress(trail: Sequence[Waypoint]) -> float:
    done = sum(1.0 if one.state in ("completed", "skipped") else one.progress for one in trail)
    return round(done / len(trail), 3)


def _seconds(view: WorkflowView, now: datetime) -> float | None:
    if view.started_at is None:
        return None
    ends = [one.ended_at for one in view.stages if one.ended_at]
    end = view.completed_at or (now if view.status in ACTIVE else max(ends, default=view.started_at))
    return max((end - view.started_at).total_seconds(), 0.0)


def _activities(view: WorkflowView) -> int:
    counts = {one.asset: one.counts.get("rows", 0) for one in view.stages}
    return int(counts.get("final_jsonl") or counts.get("activities") or 0)


def _result(summary: Mapping[str, Any] | None) -> str:
    """Return what an import did, in short."""
    if summary is None:
        return ""
    parts = [f"{summary.get(name, 0):,} {word}" for name, word in IMPORT_WORDS if summary.get(name)]
    return ", ".join(parts) or "nothing had changed"


IMPORT_WORDS = (("inserted", "new"), ("updated", "changed"), ("removed", "removed"), ("rejected", "rejected"))


def _run_url(view: WorkflowView, dagster_url: str) -> str:
    runs = [one.run_id for one in view.stages if one.run_id]
    return f"{dagster_url.rstrip('/')}/runs/{runs[-1]}" if runs else ""


def source_card(view: SourceView, now: datetime) -> SourceCard:
    """Return how a source is shown: by the age of its last good result."""
    freshness = freshness_of(view.last_result.at if view.last_result else None, now)
    badge = {"fresh": "good", "ageing": "warn", "stale": "bad", "never": ""}[freshness]
    return SourceCard(view, freshness, badge, ago(view.last_result.at, now) if view.last_result else "no result yet")


def freshness_of(at: datetime | None, now: datetime) -> Freshness:
    """Return how fresh a result is: fresh for two days, ageing for a week, stale after that."""
    if at is None:
        return "never"
    age = now - at
    return "fresh" if age <= FRESH else "ageing" if age <= AGEING else "stale"


def bars(spending: Sequence[DaySpending], *, today: date, days: int) -> list[Bar]:
    """Return a bar for each of the last ``days``, the oldest first; the highest is as high as the picture."""
    by_day: dict[date, float] = {}
    for one in spending:
        by_day[one.day] = by_day.get(one.day, 0.0) + one.usd
    highest = max(by_day.values(), default=0.0)
    shown: list[Bar] = []
    for index in range(days):
        day = today - timedelta(days=days - 1 - index)
        spent = by_day.get(day, 0.0)
        height = max(round(BAR_HEIGHT * spent / highest, 1), 2.0) if spent and highest else 1.0
        shown.append(
            Bar(
                index * (BAR_WIDTH + BAR_GAP), BAR_HEIGHT - height, height, f"{day:%a} {day.day} {day:%b}: ${spent:.4f}"
            )
        )
    return shown


def headline(counts: Mapping[WorkflowStatus, int]) -> str:
    """Return the state of things in one sentence, for those who hear the page."""
    parts = [
        plural(counts[one], f"workflow {words(one)}", f"workflows {words(one)}")
        for one in (*ACTIVE, "review", "failed")
        if counts.get(one)
    ]
    return ", ".join(parts) or "Nothing is under way."
