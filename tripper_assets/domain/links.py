"""Which activities of different sources are one: they are compared block by block, and grouped so that no two of a group contradict each other."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from rapidfuzz import fuzz, process

from tripper_assets.domain.likeness import Likeness, likeness
from tripper_assets.domain.link_facts import LinkFacts
from tripper_assets.domain.model import ActivityId

SCORERS = (fuzz.token_set_ratio, fuzz.ratio)
WORTH_COMPARING = 60
"""Of a hundred: below it by both scorers, two names share hardly a word, whatever their places say."""
CLEARLY = 0.03
"""By how much the better of two activities must fit that cannot both be the third."""
MACHINE = "tripper"

Pair = tuple[ActivityId, ActivityId]


@dataclass(frozen=True)
class Verdict:
    """What a person said of two activities; it holds against every likeness."""

    pair: Pair
    is_same: bool
    by: str


@dataclass(frozen=True)
class Edge:
    """Two activities that are one, why, and who says so."""

    pair: Pair
    score: float
    evidence: Mapping[str, Any]
    by: str = MACHINE


@dataclass(frozen=True)
class LinkGroup:
    """Two or more activities that are one; the first is the best described, and stands for all."""

    members: tuple[ActivityId, ...]
    edges: tuple[Edge, ...]

    @property
    def id(self) -> ActivityId:
        """The least of the members' ids: the same group has the same id, whoever stands for it."""
        return min(self.members)


def pair_of(a: ActivityId, b: ActivityId) -> Pair:
    """Return two ids as the one pair that they are."""
    return (a, b) if a < b else (b, a)


def link_groups(facts: Iterable[LinkFacts], verdicts: Iterable[Verdict] = ()) -> tuple[LinkGroup, ...]:
    """Return the groups of activities that are one, in the order of their ids; the order of what goes in makes no difference."""
    known = sorted(facts, key=lambda one: one.id)
    return group(known, edges(known, (), verdicts), verdicts)


def edges(fresh: Sequence[LinkFacts], others: Sequence[LinkFacts], verdicts: Iterable[Verdict] = ()) -> list[Edge]:
    """Return the pairs that are one activity among ``fresh``, and between them and ``others``."""
    every = {one.id: one for one in (*others, *fresh)}
    said = {one.pair: one for one in verdicts}
    found: dict[Pair, Edge] = {}
    blocks = _blocks(every.values())
    for one in fresh:
        for mate in _mates(one, blocks):
            pair = pair_of(one.id, mate.id)
            if pair not in found and pair not in said and (edge := _edge(one, mate)):
                found[pair] = edge
    spoken = [one for one in said.values() if one.is_same and set(one.pair) <= every.keys()]
    return [*found.values(), *(Edge(one.pair, 1.0, {"said": "same"}, one.by) for one in spoken)]


def _blocks(facts: Iterable[LinkFacts]) -> dict[int, list[LinkFacts]]:
    blocks: dict[int, list[LinkFacts]] = defaultdict(list)
    for one in facts:
        for key in one.keys:
            blocks[key].append(one)
    return blocks


def _mates(one: LinkFacts, blocks: Mapping[int, Sequence[LinkFacts]]) -> list[LinkFacts]:
    """Return those of other sources in the same blocks whose names share at least some words."""
    mates = {other.id: other for key in one.keys for other in blocks[key] if other.source_key != one.source_key}
    if not mates:
        return []
    near = list(mates.values())
    others = [other.name for other in near]
    scores = [process.cdist([one.name], others, scorer=scorer, score_cutoff=WORTH_COMPARING)[0] for scorer in SCORERS]
    return [other for other, *found in zip(near, *scores, strict=True) if any(found)]


def _edge(a: LinkFacts, b: LinkFacts) -> Edge | None:
    found = likeness(a, b)
    return Edge(pair_of(a.id, b.id), found.score, _evidence(found)) if found.is_one else None


def _evidence(found: Likeness) -> dict[str, Any]:
    return {"name": found.name, "place": found.place_is, "time": found.time_is}


def group(facts: Iterable[LinkFacts], found: Sequence[Edge], verdicts: Iterable[Verdict] = ()) -> tuple[LinkGroup, ...]:
    """Return the groups that the edges make, the surest first; one that would bring a contradiction into a group is left out."""
    known = {one.id: one for one in facts}
    apart = {one.pair for one in verdicts if not one.is_same}
    found = _without_rivals(found, known)
    of: dict[ActivityId, set[ActivityId]] = {one: {one} for one in known}
    for edge in sorted(found, key=lambda one: (one.by == MACHINE, -one.score, one.pair)):
        a, b = (of[one] for one in edge.pair)
        if a is not b and _fit(a, b, known, apart, edge):
            a |= b
            of.update(dict.fromkeys(b, a))
    groups = {min(members): members for members in of.values() if len(members) > 1}
    return tuple(_group(groups[first], known, found) for first in sorted(groups))


def _without_rivals(found: Sequence[Edge], known: Mapping[ActivityId, LinkFacts]) -> list[Edge]:
    """Return the edges that are sure: an activity that fits two which cannot both be it is linked to neither, or to the one that clearly fits better."""
    of: dict[ActivityId, list[tuple[float, ActivityId]]] = defaultdict(list)
    for edge in found:
        for one, other in (edge.pair, edge.pair[::-1]):
            of[one].append((edge.score, other))
    unsure = {pair_of(one, other) for one, near in of.items() for other in _rivals(near, known)}
    return [edge for edge in found if edge.by != MACHINE or edge.pair not in unsure]


def _rivals(near: Sequence[tuple[float, ActivityId]], known: Mapping[ActivityId, LinkFacts]) -> set[ActivityId]:
    """Return those of an activity's neighbours that another one, which cannot be the same as they, fits as well or better."""
    rivals: set[ActivityId] = set()
    for (score, one), (other_score, other) in combinations(near, 2):
        if _exclude_each_other(known[one], known[other]):
            rivals |= {one} if score <= other_score + CLEARLY else set()
            rivals |= {other} if other_score <= score + CLEARLY else set()
    return rivals


def _exclude_each_other(a: LinkFacts, b: LinkFacts) -> bool:
    return a.source_key == b.source_key or likeness(a, b).conflict not in {"", "name"}


def _fit(
    a: set[ActivityId], b: set[ActivityId], known: Mapping[ActivityId, LinkFacts], apart: set[Pair], edge: Edge
) -> bool:
    """Return whether two groups can be one: nobody parted two of them, no source has two in it, and none contradicts another."""
    pairs = [pair_of(one, other) for one in a for other in b]
    if not apart.isdisjoint(pairs):
        return False
    if edge.by != MACHINE:
        return True
    return all(
        known[one].source_key != known[other].source_key and not likeness(known[one], known[other]).conflict
        for one, other in pairs
    )


def _group(members: set[ActivityId], known: Mapping[ActivityId, LinkFacts], found: Iterable[Edge]) -> LinkGroup:
    best_first = sorted((known[one] for one in members), key=lambda one: one.rank)
    within = sorted((one for one in found if set(one.pair) <= members), key=lambda one: one.pair)
    return LinkGroup(tuple(one.id for one in best_first), tuple(within))
