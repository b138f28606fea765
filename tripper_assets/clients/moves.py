"""Where redirects lead: to another page of the site, off it, or in a circle."""

from dataclasses import dataclass, field

from tripper_assets.clients.frontier import Candidate
from tripper_assets.domain.errors import PermanentError
from tripper_assets.domain.model import Problem
from tripper_assets.domain.urls import Admission, PageUrl

MAX_HOPS = 5


@dataclass(frozen=True)
class Move:
    """What becomes of one redirect."""

    reason: str
    """How the page that redirects is counted."""
    onward: Candidate | None = None
    """Where it goes on; None where it ends."""
    problem: Problem | None = None
    error: PermanentError | None = None
    """What to raise where the whole crawl hangs on it."""


@dataclass
class Moves:
    """The redirects of one crawl."""

    admission: Admission
    _moved_to: dict[str, str] = field(default_factory=dict[str, str])

    def __len__(self) -> int:
        return len(self._moved_to)

    def judge(self, candidate: Candidate, target: PageUrl | None, stated: str) -> Move:
        """Return what becomes of a candidate that redirects to ``target``, None for what is no page; ``stated`` is what the site said."""
        here = candidate.page.identity
        if target is None or not self.admission.site.holds(target.identity):
            return _ended("off_site", "redirect_off_site", here, _elsewhere(here, stated))
        if candidate.hops >= MAX_HOPS or self._goes_in_a_circle(here, target.identity):
            return _ended(
                "redirect_loop",
                "redirect_loop",
                here,
                f"{here} is redirected in a circle or too often; the site has to mend it.",
            )
        refusal = self.admission.refusal(target)
        if refusal and not candidate.is_start:
            return Move(refusal)
        self._moved_to[here] = target.identity
        onward = Candidate(target, candidate.depth, candidate.hops + 1, candidate.is_start, found_on=candidate.found_on)
        return Move("redirect", onward)

    def _goes_in_a_circle(self, here: str, target: str) -> bool:
        while target in self._moved_to and target != here:
            target = self._moved_to[target]
        return target == here


def _elsewhere(here: str, stated: str) -> str:
    return f"{here} redirects to {stated[:300]}, which is another site; add that one as a source if it is meant."


def _ended(reason: str, code: str, url: str, message: str) -> Move:
    return Move(reason, problem=Problem(code=code, subject=url, message=message), error=PermanentError(message))
