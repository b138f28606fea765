"""Whether tags can be trusted: how many activities have some, how far voters agree, and how often one failed."""

from collections.abc import Sequence

from tripper_assets.domain.agreement import ENOUGH
from tripper_assets.domain.check_results import SHOWN_IDS, CheckResult
from tripper_assets.domain.consensus import Consensus
from tripper_assets.domain.model import ActivityId
from tripper_assets.domain.tags import Vote

TAG_CHECKS = ("tags_present", "voters_agree", "votes_without_errors")
MOST_ERRORS = 0.1


def check_tags(ids: Sequence[ActivityId], votes: Sequence[Vote], found: Consensus) -> list[CheckResult]:
    """Return the verdicts; none is an ERROR, for a bundle without tags is better than none."""
    return [_present(ids, votes, found), _agreed(found), _without_errors(votes)]


def _present(ids: Sequence[ActivityId], votes: Sequence[Vote], found: Consensus) -> CheckResult:
    tagged = {one.activity_id for one in found.activities}
    bare = [one for one in ids if one not in tagged]
    share = 1 - len(bare) / len(ids) if ids else 1.0
    sentence = f"{len(ids) - len(bare)} of {len(ids)} activities have tags.{_coverage(ids, votes)}"
    return CheckResult("tags_present", not bare, "WARN", sentence, tuple(bare[:SHOWN_IDS]), round(share, 4))


def _coverage(ids: Sequence[ActivityId], votes: Sequence[Vote]) -> str:
    """Return how many activities each voter has tagged, where several vote."""
    reached: dict[str, set[ActivityId]] = {name: set() for name in _by_voter(votes)}
    for one in votes:
        if one.tags:
            reached[_name(one)].add(one.activity_id)
    told = ", ".join(f"{name} {len(some)}" for name, some in reached.items())
    return f" By voter, of {len(ids)}: {told}." if len(reached) > 1 else ""


def _agreed(found: Consensus) -> CheckResult:
    weak = [one for one in found.fields if one.needs_review]
    alphas = [one.alpha for one in found.fields if one.alpha is not None]
    if not alphas:
        return CheckResult(
            "voters_agree", passed=True, severity="WARN", sentence="Fewer than two voters: nothing to compare."
        )
    told = ", ".join(f"{one.field} {one.alpha}" for one in weak)
    sentence = (
        f"Krippendorff's alpha is below {ENOUGH} for {told}." if weak else f"Alpha is {ENOUGH} or more for every field."
    )
    return CheckResult("voters_agree", not weak, "WARN", sentence, figure=round(min(alphas), 4))


def _without_errors(votes: Sequence[Vote]) -> CheckResult:
    """Return the verdict on the voter that failed most: one that always fails would vanish among many that never do."""
    failed = [one for one in votes if one.error]
    shares = {name: sum(bool(one.error) for one in cast) / len(cast) for name, cast in _by_voter(votes).items()}
    worst = max(shares, key=lambda name: shares[name], default="")
    share = shares.get(worst, 0.0)
    sentence = f"{len(failed)} of {len(votes)} votes are errors ({share:.0%}, at most {MOST_ERRORS:.0%} wanted)."
    if len(shares) > 1:
        sentence = f"{len(failed)} of {len(votes)} votes are errors; most of {worst} ({share:.0%}, at most {MOST_ERRORS:.0%} wanted)."
    ids = tuple(dict.fromkeys(one.activity_id for one in failed))[:SHOWN_IDS]
    return CheckResult("votes_without_errors", share <= MOST_ERRORS, "WARN", sentence, ids, round(1 - share, 4))


def _by_voter(votes: Sequence[Vote]) -> dict[str, list[Vote]]:
    found: dict[str, list[Vote]] = {}
    for one in votes:
        found.setdefault(_name(one), []).append(one)
    return found


def _name(vote: Vote) -> str:
    return f"{vote.provider} {vote.model}"
