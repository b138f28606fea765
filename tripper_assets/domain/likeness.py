"""How alike two activities of different sources are: their names word by word, their places and their times, and what speaks against it."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

from rapidfuzz.distance import OSA, Levenshtein

from tripper_assets.domain.distances import distance_km
from tripper_assets.domain.link_facts import LinkFacts, Occurrence, Where, Words

Conflict = Literal["", "name", "place", "time", "ages", "attendance", "person"]

ARTICLES_AND_THEIR_LIKE = """
    a an and our your we us come join unser unsere notre nos at by for from in of on or the to with der die das den dem des ein eine einen im am zum zur und mit fur von bei le la les l d du
    de un une et au aux avec pour en chez el los las una y con para del al il lo gli i e di da nel della per w z na do dla ze
"""
SMALL_WORDS = frozenset(ARTICLES_AND_THEIR_LIKE.split())
SMALL_WORD_WEIGHT = 0.2
SHORTEST_TYPO, LONG = 4, 7
"""Letters of the words that one slip, or two, may have changed: more in short ones make clay of play."""
CALENDAR_WORDS = """
    monday tuesday wednesday thursday friday saturday sunday montag dienstag mittwoch donnerstag freitag samstag sonntag lundi mardi mercredi jeudi
    vendredi samedi dimanche january february march april june july august september october november december januar februar marz juni juli oktober
    dezember janvier fevrier avril juin juillet aout septembre octobre novembre decembre morning afternoon vormittag nachmittag indoor outdoor
"""
OPPOSITES = frozenset(CALENDAR_WORDS.split())
"""Words that are alike and never mean the same."""
SAME_TOWN = 0.78
JOINED, TRANSPOSED = 0.97, 0.85
PART = 0.95
"""What is left of a likeness that holds for the name without its subtitle."""
SAME_VENUE, OTHER_VENUE, OTHER_STREET = 0.8, 0.5, 0.6
AT_THE_DOOR_METRES = 75
SLACK_METRES = 150
SURE_METRES = 400
"""Points that are less sure say nothing of who is near whom."""
FAR_METRES = 1_000
UNTIMED = "no time stated"
EXACTLY = 0.99
LATE_MINUTES = 30
TIMES_WORTH = ((0, 1.0), (LATE_MINUTES, 0.85), (60, 0.6))
"""By minutes apart: doors and beginning, a quarter of an hour that one site rounds, summer time that one site forgets."""
LEAST_SHARED_DAYS = 0.5
LEAST_NAME, LEAST_NAME_UNTIMED = 0.66, 0.82
LEAST_SCORE = 0.75
WEIGHTS = (0.48, 0.29, 0.18, 0.05)
"""Of name, place, time and ages."""
SAME_AGES, UNKNOWN_AGES = 1.0, 0.5
OTHER_WORD = 0.8
"""What is left of the likeness of two names that each have a word which the other lacks: Knights' afternoon, Pirates' afternoon."""


@dataclass(frozen=True)
class Likeness:
    """The verdict on two activities, and what it rests on; each part is 0 to 1."""

    name: float
    place: float
    time: float
    ages: float
    place_is: str
    """Such as "same venue" or "120 m apart"."""
    time_is: str
    conflict: Conflict = ""
    """What cannot be said of one activity by both."""

    @property
    def score(self) -> float:
        """The weighted sum of the parts, 0 where they contradict each other."""
        return 0.0 if self.conflict else round(sum(map(math.prod, zip(WEIGHTS, self.parts, strict=True))), 4)

    @property
    def parts(self) -> tuple[float, float, float, float]:
        """Name, place, time and ages."""
        return (self.name, self.place, self.time, self.ages)

    @property
    def is_one(self) -> bool:
        """Whether they are one activity."""
        return not self.conflict and self.score >= LEAST_SCORE


def likeness(a: LinkFacts, b: LinkFacts) -> Likeness:
    """Return how alike two activities are; which of them comes first makes no difference."""
    one, other = sorted((a, b), key=lambda facts: facts.id)
    name = name_likeness(one, other)
    place, place_is = _place(one.where, other.where)
    time, time_is = _time(one, other)
    least = LEAST_NAME if time_is != UNTIMED else LEAST_NAME_UNTIMED
    conflict = _first_conflict(
        ("name", lambda: name < least or _numbers(one) != _numbers(other)),
        ("attendance", lambda: _attendance_differs(one.where, other.where)),
        ("place", lambda: place < 0),
        ("time", lambda: time < 0),
        ("ages", lambda: _ages_differ(one.ages, other.ages)),
    )
    ages = SAME_AGES if one.ages and one.ages == other.ages else UNKNOWN_AGES
    return Likeness(name, max(place, 0.0), max(time, 0.0), ages, place_is, time_is, conflict)


def _first_conflict(*rules: tuple[Conflict, Callable[[], bool]]) -> Conflict:
    for name, applies in rules:
        if applies():
            return name
    return ""


def name_likeness(a: LinkFacts, b: LinkFacts) -> float:
    """Return how alike two names are: the whole ones, or the whole of one and a part of the other where that has a subtitle."""
    one, other = (_without_places(facts.names, a.where.words | b.where.words) for facts in (a, b))
    if not one or not other:
        return 0.0
    whole = _words_likeness(one[0], other[0])
    if one[1:] and other[1:]:  # a common first or last part alone is a series' name: Concert: Peter, Concert: Carnival
        pairs = [*product(one[1:2], other[2:]), *product(one[2:], other[1:2])]
    else:
        pairs = [*product(one[1:], other[:1]), *product(one[:1], other[1:])]
    return round(max(whole, PART * max((_words_likeness(*pair) for pair in pairs), default=0.0)), 4)


def _without_places(names: Sequence[Words], places: frozenset[str]) -> list[Words]:
    """Return names without the words of both places; a name that would be empty stays whole."""
    return [tuple(word for word in words if word not in places or word.isdigit()) or words for words in names]


def _words_likeness(a: Words, b: Words) -> float:
    """Return twice the weight of the words that two names share, mistyped ones less, by the weight of all (Dice)."""
    if a == b:
        return 1.0
    first, second = sorted((a, b))
    if _is_spaced_otherwise(first, second):
        return JOINED
    left = list(second)
    shared, lacking = 0.0, 0.0
    for word in first:
        best, alike = _best(word, left)
        if best >= 0:
            shared += _weight(word) * alike
            left.pop(best)
        else:
            lacking += _weight(word)
    total = sum(map(_weight, first)) + sum(map(_weight, second))
    differ = lacking >= 1 and sum(map(_weight, left)) >= 1
    return round(min(2 * shared / total, 1.0) * (OTHER_WORD if differ else 1.0), 4) if total else 0.0


def _is_spaced_otherwise(a: Words, b: Words) -> bool:
    """Return whether two names are one but for a space in the wrong place, with at most one slip beside it."""
    if [*map(len, a)] == [*map(len, b)]:
        return False
    slips = 1 if len(a) == len(b) else 2
    return OSA.distance("".join(a), "".join(b), score_cutoff=slips) <= slips


def _best(word: str, others: Sequence[str]) -> tuple[int, float]:
    """Return which of the others is the same word, perhaps mistyped, and how alike it is; -1 where none is."""
    if word in others:
        return others.index(word), 1.0
    alike = [_typo_likeness(word, other) for other in others]
    best = max(alike, default=0.0)
    return (alike.index(best), best) if best else (-1, 0.0)


def _typo_likeness(a: str, b: str) -> float:
    """Return how alike two words are that a slip of the hand made of one, else 0; the first letter is hardly ever wrong by itself."""
    shorter, longer = sorted((a, b), key=len)
    if len(shorter) < SHORTEST_TYPO or a.isdigit() or {a, b} <= OPPOSITES or not _begin_alike(shorter, longer):
        return 0.0
    if sorted(a) == sorted(b):
        return TRANSPOSED
    slips = 2 if len(shorter) >= LONG else 1
    found = OSA.distance(a, b, score_cutoff=slips)
    return 1 - found / len(longer) if found <= slips else 0.0


def _begin_alike(shorter: str, longer: str) -> bool:
    """Return whether a slip can have made one word of the other, as far as their first letters go: lost, or changed places."""
    lost = len(longer) >= LONG and longer[1:] == shorter
    return shorter[0] == longer[0] or lost or sorted(shorter) == sorted(longer)


def _weight(word: str) -> float:
    return SMALL_WORD_WEIGHT if word in SMALL_WORDS else 1.0


def _numbers(facts: LinkFacts) -> frozenset[str]:
    """Return the numbers of a name: Level 1 and Level 2 are two courses, however alike their names are."""
    return frozenset(word for words in facts.names[:1] for word in words if word.isdigit())


def _attendance_differs(a: Where, b: Where) -> bool:
    return (a.is_online and b.is_offline) or (a.is_offline and b.is_online)


def _ages_differ(a: tuple[float, float] | None, b: tuple[float, float] | None) -> bool:
    """Return whether two stated ranges do not overlap: 0 to 4 and 4 to 8 are two groups that meet at a birthday."""
    if a is None or b is None or a == b:
        return False
    low, high = max(a[0], b[0]), min(a[1], b[1])
    return high < low or (high == low and a[0] != a[1] and b[0] != b[1])


def _place(a: Where, b: Where) -> tuple[float, str]:
    """Return how well two places agree, below 0 where they contradict each other, and in which words."""
    apart = distance_km(a.point, b.point) * 1_000 if a.point and b.point else None
    near = apart if apart is not None and _is_near(a, b, apart) else None
    contradiction = _contradiction(a, b, apart, near)
    return (-1.0, contradiction) if contradiction else _agreement(a, b, near)


def _is_near(a: Where, b: Where, apart: float) -> bool:
    """Return whether two sure points are one place as far as they are sure."""
    sure = max(a.radius_metres, b.radius_metres) <= SURE_METRES
    return sure and apart <= a.radius_metres + b.radius_metres + SLACK_METRES


def _contradiction(a: Where, b: Where, apart: float | None, near: float | None) -> str:
    if apart is not None and apart > a.radius_metres + b.radius_metres + SLACK_METRES + FAR_METRES:
        return f"{apart / 1000:.0f} km apart"
    if near is None and a.town and b.town and Levenshtein.normalized_similarity(a.town, b.town) < SAME_TOWN:
        return "other town"
    if near is None and _other_street(a, b):
        return "other street"
    at_one_door = near is not None and near <= AT_THE_DOOR_METRES
    venue = _venue_likeness(a, b)
    excused = at_one_door or _same_street(a, b) or _is_part(a.venue, b.venue)
    other = venue is not None and venue < OTHER_VENUE and not excused
    return "other venue" if other else ""


def _agreement(a: Where, b: Where, near: float | None) -> tuple[float, str]:
    venue = _venue_likeness(a, b)
    rules = (
        (venue is not None and venue >= SAME_VENUE, 1.0, "same venue"),
        (near is not None and near <= AT_THE_DOOR_METRES, 1.0, f"{near or 0:.0f} m apart"),
        (_same_street(a, b), 0.9, "same street"),
        (_is_part(a.venue, b.venue), 0.7, "venue that is called like it"),
        (near is not None, 0.8, f"{near or 0:.0f} m apart"),
        (a.is_online and b.is_online, 0.6, "online"),
        (bool(a.town) and bool(b.town), 0.5, "same town"),
    )
    return next(((worth, words) for applies, worth, words in rules if applies), (0.0, "unknown"))


def _venue_likeness(a: Where, b: Where) -> float | None:
    """Return how alike the names of two venues are, None where one has none; "Library" is one with "Central Library" to half."""
    return _words_likeness(a.venue, b.venue) if a.venue and b.venue else None


def _is_part(a: Words, b: Words) -> bool:
    """Return whether one venue's words are among the other's: the Library beside the Town Library."""
    return bool(a) and bool(b) and (set(a) <= set(b) or set(b) <= set(a))


def _same_street(a: Where, b: Where) -> bool:
    return bool(a.street) and bool(b.street) and Levenshtein.normalized_similarity(a.street, b.street) >= 0.9  # noqa: PLR2004 (a typo)


def _other_street(a: Where, b: Where) -> bool:
    both = a.street and b.street
    return bool(both) and Levenshtein.normalized_similarity(a.street, b.street) < OTHER_STREET


def _time(a: LinkFacts, b: LinkFacts) -> tuple[float, str]:
    """Return how well the times of two activities agree, below 0 where they contradict each other, and in which words."""
    if a.rules and b.rules:
        return _rules_agree(a, b)
    if a.occurrences and b.occurrences:
        return _days_agree(a.occurrences, b.occurrences)
    if not any((a.rules, b.rules, a.occurrences, b.occurrences)):
        return 0.5, UNTIMED
    return -1.0, "one has days and the other none"


def _rules_agree(a: LinkFacts, b: LinkFacts) -> tuple[float, str]:
    if a.rules == b.rules:
        return 1.0, "same rule"
    bare = [{one[:4] for one in facts.rules} for facts in (a, b)]
    if bare[0].isdisjoint(bare[1]):
        return -1.0, "other days"
    times = [(one[4], other[4]) for one, other in product(a.rules, b.rules) if one[:4] == other[:4]]
    if any(one is None or other is None for one, other in times):
        return 0.7, "same days"
    if any(one is not None and other is not None and abs(one - other) <= LATE_MINUTES for one, other in times):
        return 0.9, "same days, about the same time"
    return -1.0, "other times"


def _days_agree(a: Sequence[Occurrence], b: Sequence[Occurrence]) -> tuple[float, str]:
    """Return how many of the shorter list's days the other has at the same time."""
    shorter, longer = sorted((a, b), key=len)
    days = {one.day for one in longer}
    if not any(one.day in days for one in shorter):
        return -1.0, "other days"
    found = [max((_moments_agree(one, other) for other in longer if other.day == one.day), default=0.0) for one in shorter]  # fmt: skip
    share = sum(1 for one in found if one > 0) / len(found)
    if share < LEAST_SHARED_DAYS:
        return -1.0, "other times"
    return round(sum(found) / len(found), 4), "same time" if min(found) >= EXACTLY else "about the same time"


def _moments_agree(a: Occurrence, b: Occurrence) -> float:
    """Return how well two times of one day agree: by the wall clock or in UTC, for many a page writes its local time with a Z."""
    if a.wall is None or b.wall is None:
        return 0.7
    apart = abs(a.wall - b.wall)
    if a.instant is not None and b.instant is not None:
        apart = min(apart, abs(a.instant - b.instant))
    return next((worth for minutes, worth in TIMES_WORTH if apart <= minutes), 0.0)
