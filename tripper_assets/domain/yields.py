"""What a crawl saw beside the source's own last runs: a source that falls silent is told from one that has less to say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from tripper_assets.domain.sources import SourceConfig

COMPARED_RUNS = 5
FEWEST = 0.5
"""The share of the last runs' median that a crawl has to see; the guard of the count against the last import allows the same."""
MOST_UNREAD = 0.05
NAMED_REASONS = 3
YIELD_CHECK = "yield_against_last_runs"
CRAWL_SETTINGS = ("max_pages", "max_depth", "include", "exclude", "sitemap", "feeds", "render_javascript")
"""What shapes how much a crawl sees: runs that differ in one of these are not compared."""


@dataclass(frozen=True)
class CrawlYield:
    """What one crawl saw with its own eyes, and what kept it from seeing more."""

    stated: int
    """Occurrences on the pages that the site gave, or called unchanged, in this crawl; those carried over are none of them."""
    read: int = 0
    """Pages that the site gave or called unchanged."""
    unread: Mapping[str, int] = field(default_factory=dict[str, int])
    """Pages that failed or were blocked, by reason."""


@dataclass(frozen=True)
class PastRun:
    """An earlier crawl of the source whose bundle no check held for its yield, or that a person took all the same."""

    stated: int
    config: Mapping[str, Any]
    """The workflow's SourceConfig."""
    is_taken_all_the_same: bool = False
    """A person imported it though it yielded a fraction: what came before it says nothing any more."""


@dataclass(frozen=True)
class Yields:
    """The yield of a workflow's crawl, and of those before it, the newest first."""

    now: CrawlYield
    before: tuple[int, ...] = ()
    """Occurrences that each of at most COMPARED_RUNS earlier crawls saw."""

    @property
    def usual(self) -> float | None:
        """The median of the last runs; None where there is none that compares."""
        return median(self.before) if self.before else None


def crawl_yield(counts: Mapping[str, Any]) -> CrawlYield:
    """Return the yield that the stage of a crawl counted; where ``confirmed`` was not counted yet, every row was seen."""
    return CrawlYield(
        stated=counts.get("confirmed", counts.get("rows", 0)),
        read=counts.get("fetched", 0) + counts.get("reused", 0) + not_asked(counts),
        unread=dict(counts.get("failures", {})) | dict(counts.get("blocked", {})),
    )


def not_asked(counts: Mapping[str, Any]) -> int:
    """Return how many pages a crawl took for unchanged without asking: their sitemap says so, or an attempt before had read them."""
    return sum(counts.get("unchanged", {}).get(reason, 0) for reason in ("sitemap", "resumed"))


def comparable(runs: Sequence[PastRun], config: Mapping[str, Any]) -> tuple[int, ...]:
    """Return what the runs saw that a crawl with this configuration compares with; ``runs`` are the newest first."""
    found: list[int] = []
    for run in runs:
        if _shape(run.config) == _shape(config):
            found.append(run.stated)
        if run.is_taken_all_the_same or len(found) == COMPARED_RUNS:
            break
    return tuple(found)


def _shape(config: Mapping[str, Any]) -> list[Any]:
    defaults = SourceConfig().model_dump(mode="json")
    return [config.get(name, defaults.get(name)) for name in CRAWL_SETTINGS]


def is_a_fraction(yields: Yields) -> bool:
    """Return whether a crawl saw less than half of what the last runs saw."""
    return yields.usual is not None and yields.now.stated < FEWEST * yields.usual


def yield_sentence(yields: Yields) -> str:
    """Return what was seen now and before, and what kept the crawl from more."""
    now = f"The crawl saw {yields.now.stated:,} occurrences on {yields.now.read:,} pages"
    if yields.usual is None:
        return f"{now}; there is no earlier run to compare with{_unread(yields.now)}."
    runs = "the last run" if len(yields.before) == 1 else f"the last {len(yields.before)} runs"
    return f"{now}, and {runs} saw {yields.usual:,g} (median; wanted {FEWEST:.0%} of it){_unread(yields.now)}."


def _unread(now: CrawlYield) -> str:
    most = sorted(now.unread.items(), key=lambda one: (-one[1], one[0]))
    named = ", ".join(f"{reason} {count:,}" for reason, count in most[:NAMED_REASONS])
    return f"; {sum(now.unread.values()):,} pages were not to be read ({named})" if named else ""


def read_share(now: CrawlYield) -> float:
    """Return which share of the pages that were asked for could be read, 0 to 1; 1 where none was asked for."""
    asked = now.read + sum(now.unread.values())
    return now.read / asked if asked else 1.0
