"""Votes become one set of tags for each activity: a voter's runs fold into one ballot, and the voters' ballots into the consensus."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tripper_assets.domain.agreement import ENOUGH, interval_alpha, nominal_alpha
from tripper_assets.domain.ballots import Ballots, Floats, Ints, ballots, counted, medians, tally
from tripper_assets.domain.model import ActivityId, Model
from tripper_assets.domain.tags import (
    CHOICES,
    FIELDS,
    LABELS,
    MAX_FREE_TAGS,
    NUMBERS,
    RANGES,
    ActivityTags,
    Evidence,
    Vote,
)

NAMELESS = 2
"""Below so many ballots nothing agrees or disagrees."""
MAX_EVIDENCE = 12


class FieldAgreement(Model):
    """How far the voters agree on one field, over all activities."""

    field: str
    alpha: float | None
    """Krippendorff's; None where no activity has two ballots."""
    needs_review: bool
    """Whether alpha is below 0.667."""


class FieldShare(Model):
    """How many of the ballots on one field say what the consensus says."""

    field: str
    share: float
    """0 to 1."""
    spread: float | None = None
    """The median absolute deviation of a number, in the field's unit; None where there is none."""


class TaggedActivity(Model):
    """The consensus on one activity."""

    activity_id: ActivityId
    text_sha256: str
    tags: ActivityTags
    voters: int
    agreement: tuple[FieldShare, ...] = ()
    """Of each field; empty where there is one ballot only."""
    review: tuple[str, ...] = ()
    """The fields that wait for a person: level votes, an agreement below 0.667 here or an alpha below it over all."""
    refined: bool = False
    """Whether the tags are a refiner's, and no longer the votes' own; agreement and review are the votes' all the same."""


@dataclass(frozen=True)
class Consensus:
    """What the votes come to, ordered by activity id."""

    activities: tuple[TaggedActivity, ...]
    fields: tuple[FieldAgreement, ...]
    weights: dict[str, float]
    """By voter ("provider model") how much its ballot counts, 1 on average: how often it says what the others say."""


def consensus(votes: Iterable[Vote]) -> Consensus:
    """Return the consensus of all votes that have tags; each activity's are of one text. Their order changes nothing."""
    given = [one for one in votes if one.tags is not None]
    if not given:
        return Consensus((), (), {})
    table = _Table(given)
    folded, voters = table.folded()
    weights = _reliability(folded, voters, len(table.voters))
    judged, each = (table.ballots, np.ones(len(table.ballots))) if table.is_alone else (folded, weights[voters])
    units = np.arange(len(table.activities), dtype=np.int64)
    agreed = tally(judged, judged.units, units, each)
    fields = _agreements(judged)
    shares = _shares(judged, agreed.ballots, len(units))
    found = _Written(table, agreed.ballots, shares, _spreads(judged, agreed.ballots, len(units)))
    weak = {one.field for one in fields if one.needs_review}
    activities = tuple(
        found.activity(int(unit), weak, {name for name, level in agreed.ties.items() if level[unit]}) for unit in units
    )
    return Consensus(
        activities, fields, dict(zip(table.voters, (round(float(one), 4) for one in weights), strict=True))
    )


class _Table:
    """Votes ordered by activity, voter and run, as columns."""

    def __init__(self, votes: Sequence[Vote]) -> None:
        self.activities, units = _coded([one.activity_id for one in votes])
        self.voters, voter = _coded([f"{one.provider} {one.model}" for one in votes])
        _, prompts = _coded([one.prompt_version for one in votes])
        # By columns: a tuple for each vote to sort by would take as long as all the counting.
        runs = np.array([one.run_number for one in votes], dtype=np.int64)
        order = np.lexsort((prompts, runs, voter, units))
        self.votes = [votes[place] for place in order.tolist()]
        self.is_alone = len(self.voters) == 1
        """Whether one voter voted on all: its runs are the ballots then."""
        self.voter = voter[order]
        self.ballots = ballots(units[order], [one.tags for one in self.votes if one.tags is not None])
        self.starts = np.searchsorted(self.ballots.units, np.arange(len(self.activities) + 1)).tolist()

    def folded(self) -> tuple[Ballots, Ints]:
        """Return one ballot of each voter for each activity, and the voter of each."""
        pair = self.ballots.units * len(self.voters) + self.voter
        kept, groups = np.unique(pair, return_inverse=True)
        found = tally(self.ballots, groups, kept // len(self.voters), np.ones(len(pair)))
        return found.ballots, kept % len(self.voters)

    def votes_of(self, unit: int) -> Sequence[Vote]:
        """Return the votes of one activity."""
        return self.votes[self.starts[unit] : self.starts[unit + 1]]


def _coded(texts: Sequence[str]) -> tuple[list[str], Ints]:
    """Return the different texts in order, and the place of each."""
    kinds = sorted(set(texts))
    places = {text: place for place, text in enumerate(kinds)}
    return kinds, np.fromiter(map(places.__getitem__, texts), dtype=np.int64, count=len(texts))


def _reliability(folded: Ballots, voters: Ints, size: int) -> Floats:
    """Return a weight for each voter: the share of its choices that are the others' plurality, 1 on average.

    Each starts as right once and wrong once, so that one who voted seldom counts like the rest.
    """
    agreed, asked = np.ones(size), np.full(size, 2.0)
    units = int(folded.units.max()) + 1
    for name, values in folded.choices.items():
        kinds = len(CHOICES[name])
        others = counted(values, folded.units, np.ones(len(folded)), size=units, kinds=kinds)[folded.units]
        rows = np.arange(len(folded))
        others[rows, values] -= 1
        has_others = others.sum(axis=1) > 0
        is_most = others[rows, values] == others.max(axis=1)
        agreed += np.bincount(voters, has_others & is_most, minlength=size)
        asked += np.bincount(voters, has_others, minlength=size)
    weights = agreed / asked
    return weights / weights.mean()


def _agreements(found: Ballots) -> tuple[FieldAgreement, ...]:
    units = int(found.units.max()) + 1
    ones = np.ones(len(found))
    alphas: dict[str, float | None] = {}
    for name, values in found.choices.items():
        alphas[name] = nominal_alpha(counted(values, found.units, ones, size=units, kinds=len(CHOICES[name])))
    for name, held in found.labels.items():
        alphas[name] = _label_alpha(held, found.units, units)
    for name, values in found.numbers.items():
        stated = ~np.isnan(values)
        alphas[name] = interval_alpha(values[stated], found.units[stated])
    return tuple(_agreement(name, alphas[name]) for name in FIELDS)


def _agreement(name: str, alpha: float | None) -> FieldAgreement:
    if alpha is None:
        return FieldAgreement(field=name, alpha=None, needs_review=False)
    return FieldAgreement(field=name, alpha=round(alpha, 4), needs_review=alpha < ENOUGH)


def _label_alpha(held: npt.NDArray[np.bool_], units: Ints, size: int) -> float | None:
    """Return the labels' alphas, each weighed by how often it was given: that nobody names a label says little."""
    ones, weights, alphas = np.ones(len(units)), list[float](), list[float]()
    for label in range(held.shape[1]):
        alpha = nominal_alpha(counted(held[:, label].astype(np.int64), units, ones, size=size, kinds=2))
        if alpha is None:
            return None
        weights.append(float(held[:, label].sum()))
        alphas.append(alpha)
    return float(np.average(alphas, weights=weights)) if sum(weights) else 1.0


def _shares(found: Ballots, agreed: Ballots, size: int) -> dict[str, Floats]:
    """Return by field the share of each activity's ballots that are as the consensus; sets by their labels in common (Jaccard)."""
    units, count = found.units, np.bincount(found.units, minlength=size)
    same: dict[str, Floats] = {
        name: (values == agreed.choices[name][units]).astype(np.float64) for name, values in found.choices.items()
    }
    for name, held in found.labels.items():
        either, both = held | agreed.labels[name][units], held & agreed.labels[name][units]
        same[name] = np.where(either.any(axis=1), both.sum(axis=1) / np.maximum(either.sum(axis=1), 1), 1.0)
    for name, values in found.numbers.items():
        mean = agreed.numbers[name][units]
        same[name] = ((values == mean) | (np.isnan(values) & np.isnan(mean))).astype(np.float64)
    return {name: np.bincount(units, one, minlength=size) / count for name, one in same.items()}


def _spreads(found: Ballots, agreed: Ballots, size: int) -> dict[str, Floats]:
    """Return by number field the median absolute deviation from the consensus."""
    return {
        name: medians(np.abs(values - agreed.numbers[name][found.units]), found.units, size)
        for name, values in found.numbers.items()
    }


class _Written:
    """The consensus as values for each activity."""

    def __init__(self, table: _Table, agreed: Ballots, shares: dict[str, Floats], spreads: dict[str, Floats]) -> None:
        self._table = table
        self._choices = {name: [CHOICES[name][code] for code in values] for name, values in agreed.choices.items()}
        self._labels = {name: values.tolist() for name, values in agreed.labels.items()}
        self._numbers = {name: values.tolist() for name, values in agreed.numbers.items()}
        self._shares = {name: np.round(shares[name], 3).tolist() for name in FIELDS}
        self._spreads = {name: np.round(values, 3).tolist() for name, values in spreads.items()}
        self._said: dict[tuple[str, float, float | None], FieldShare] = {}
        """Few ballots have few shares: most activities have each field's from another one."""

    def activity(self, unit: int, weak: set[str], level: set[str]) -> TaggedActivity:
        votes = self._table.votes_of(unit)
        voters = len({(one.provider, one.model) for one in votes})
        is_compared = (len(votes) if self._table.is_alone else voters) >= NAMELESS
        agreement = tuple(self._share(name, unit) for name in FIELDS) if is_compared else ()
        low = {one.field for one in agreement if one.share < ENOUGH}
        crossed = {name for pair in RANGES if self._crosses(*pair, unit) for name in pair}
        waiting = (level | low | weak | crossed) if is_compared else set[str]()
        return TaggedActivity(
            activity_id=self._table.activities[unit],
            text_sha256=votes[0].text_sha256,
            tags=self._tags(unit, votes),
            voters=voters,
            agreement=agreement,
            review=tuple(name for name in FIELDS if name in waiting),
        )

    def _share(self, name: str, unit: int) -> FieldShare:
        spread = self._spreads[name][unit] if name in self._spreads else math.nan
        said = (name, self._shares[name][unit], spread if spread > 0 else None)
        if said not in self._said:
            self._said[said] = FieldShare(field=said[0], share=said[1], spread=said[2])
        return self._said[said]

    def _crosses(self, low: str, high: str, unit: int) -> bool:
        """Return whether the ends of a range passed each other: they are medians each by itself, of which few state both."""
        return self._numbers[low][unit] > self._numbers[high][unit]

    def _tags(self, unit: int, votes: Sequence[Vote]) -> ActivityTags:
        values: dict[str, object] = {name: found[unit] for name, found in self._choices.items()}
        for name, rows in self._labels.items():
            values[name] = tuple(label for label, has in zip(LABELS[name], rows[unit], strict=True) if has)
        numbers = {name: self._numbers[name][unit] for name in NUMBERS}
        values |= {name: None if math.isnan(number) else int(number) for name, number in numbers.items()}
        values |= {name: None for pair in RANGES if self._crosses(*pair, unit) for name in pair}
        return ActivityTags.model_validate({**values, "free_tags": _free_tags(votes), "evidence": _evidence(votes)})


def _free_tags(votes: Sequence[Vote]) -> tuple[str, ...]:
    """Return the tags that half of the votes have, the most frequent first."""
    counts: dict[str, int] = {}
    for vote in votes:
        for tag in vote.tags.free_tags if vote.tags else ():
            counts[tag] = counts.get(tag, 0) + 1
    kept = sorted((-count, tag) for tag, count in counts.items() if 2 * count >= len(votes))
    return tuple(tag for _, tag in kept[:MAX_FREE_TAGS])


def _evidence(votes: Sequence[Vote]) -> tuple[Evidence, ...]:
    """Return the quotes of all votes, each once."""
    found = {(one.field, one.quote): one for vote in votes if vote.tags for one in vote.tags.evidence}
    return tuple(found[key] for key in sorted(found)[:MAX_EVIDENCE])
