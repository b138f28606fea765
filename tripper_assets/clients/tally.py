"""What a crawl counts as it goes, and the report that comes of it."""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from tripper_assets.clients.answers import Visit
from tripper_assets.domain.model import Problem
from tripper_assets.domain.pages import CrawlReport

MAX_PROBLEMS = 10_000
"""Problems in words; more of them are counted by reason all the same."""


@dataclass
class Tally:
    """The counts of one crawl; each found URL ends in exactly one of them."""

    fetched: int = 0
    not_modified: int = 0
    unchanged: Counter[str] = field(default_factory=Counter[str])
    failures: Counter[str] = field(default_factory=Counter[str])
    blocked: Counter[str] = field(default_factory=Counter[str])
    gone: Counter[str] = field(default_factory=Counter[str])
    skipped: Counter[str] = field(default_factory=Counter[str])
    problems: list[Problem] = field(default_factory=list[Problem])
    bytes_received: int = 0
    confirmed: int = 0
    """Occurrences on pages that the site gave, or called unchanged."""
    asked: int = 0
    """What counts towards max_pages."""
    _started: float = field(default_factory=time.monotonic)

    def count(self, visit: Visit) -> None:
        """Count one visit; a moved page is counted where it is decided what becomes of it."""
        self.bytes_received += visit.received_bytes
        self.asked += visit.outcome not in {"moved", "skipped"} or visit.reason == "content_type"
        if visit.problem:
            self.tell(visit.problem)
        match visit.outcome:
            case "fetched":
                self.fetched += 1
            case "not_modified":
                self.not_modified += 1
            case "failed":
                self.failures[visit.reason] += 1
            case "blocked":
                self.blocked[visit.reason] += 1
            case "gone":
                self.gone[visit.reason] += 1
            case "skipped":
                self.skipped[visit.reason] += 1
            case "moved":
                pass

    def tell(self, *problems: Problem) -> None:
        """Take problems, as many as a person may ever read."""
        self.problems += problems[: max(0, MAX_PROBLEMS - len(self.problems))]

    @property
    def has_read(self) -> bool:
        """Whether the site gave any page now; what an earlier attempt read says nothing of a site that is down."""
        return bool(self.fetched or self.not_modified)

    def report_so_far(self, waiting: int) -> CrawlReport:
        """Return the counts with how many pages wait; neither validated nor copied, as this runs once for each page."""
        counters = (self.unchanged, self.failures, self.blocked, self.gone, self.skipped)
        done = self.fetched + self.not_modified + sum(one.total() for one in counters)
        return CrawlReport.model_construct(
            found=done + waiting,
            fetched=self.fetched,
            not_modified=self.not_modified,
            unchanged=self.unchanged,
            failed=self.failures.total(),
            failures=self.failures,
            blocked=self.blocked,
            gone=self.gone,
            skipped=self.skipped,
            problems=self.problems,
            bytes_received=self.bytes_received,
            confirmed=self.confirmed,
            seconds=time.monotonic() - self._started,
        )

    def report(self, left: Mapping[str, int]) -> CrawlReport:
        """Return the whole report; ``left`` says why what waits was not asked for."""
        self.skipped.update(left)
        counters = {
            name: _by_name(getattr(self, name)) for name in ("unchanged", "failures", "blocked", "gone", "skipped")
        }
        problems = sorted(self.problems, key=lambda problem: (problem.subject, problem.code, problem.message))
        return self.report_so_far(0).model_copy(update={**counters, "problems": problems})


def _by_name(counter: Counter[str]) -> dict[str, int]:
    return {name: count for name, count in sorted(counter.items()) if count}
