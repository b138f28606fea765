"""What becomes of known pages that a crawl did not ask for: carried over as they are known, or let go with a reason."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tripper_assets.clients.frontier import Frontier
from tripper_assets.domain.model import Problem
from tripper_assets.domain.pages import GonePage, KnownPage
from tripper_assets.domain.revisits import is_forsaken, keeps


@dataclass
class Leftovers:
    """The known pages that were not asked for."""

    kept: dict[str, str] = field(default_factory=dict[str, str])
    """Why each carried page was not asked for, by URL."""
    gone: list[GonePage] = field(default_factory=list[GonePage])

    def counts(self) -> Counter[str]:
        """Return how many pages were carried over, by reason."""
        return Counter(self.kept.values())


def leftovers(
    known: Mapping[str, KnownPage],
    frontier: Frontier,
    *,
    refused: set[str],
    settled: set[str],
    why_not: str,
    max_kept: int,
    now: datetime,
) -> Leftovers:
    """Return what becomes of the known pages that are neither asked for, nor ``refused``, nor ``settled`` otherwise.

    ``why_not`` is why pages that were found were not asked for: outage or budget. At most ``max_kept`` of them are carried over, so that a
    source does not grow beyond twice its budget; in an outage all are.
    """
    found = Leftovers()
    room = len(known) if why_not == "outage" else max_kept
    for url in sorted(known):
        if url in refused or url in settled or frontier.is_taken(url):
            continue
        page = known[url]
        if not keeps(page, now) or (why_not != "outage" and not frontier.is_known(url) and is_forsaken(page, now)):
            found.gone.append(GonePage(url=url, reason="unlinked"))
        elif why_not == "outage":
            found.kept[url] = "outage"
        elif not frontier.is_known(url):
            found.kept[url] = "unlinked"
        elif room:
            room -= 1
            found.kept[url] = why_not
    return found


def spent_budget(source_url: str, max_pages: int, carried: int) -> Problem:
    """Return the problem that says that known pages were not asked for."""
    return Problem(
        code="budget_spent",
        subject=source_url,
        message=f"max_pages {max_pages:,} was spent before {carried:,} known pages of {source_url} were asked for again;"
        " they are carried over as they were; raise max_pages.",
    )
