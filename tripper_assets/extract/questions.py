"""A question in plain words, read as filters and the words that are left: by the grammars of texts, and without a language model."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal

from pydantic import ValidationError

from tripper_assets.domain.search import Chip, Question, SearchFilters, Spot
from tripper_assets.extract.ages import find_ages
from tripper_assets.extract.date_periods import period
from tripper_assets.extract.date_words import MONTHS, plain
from tripper_assets.extract.dates import DateSpan, find_dates
from tripper_assets.extract.prices import find_prices
from tripper_assets.extract.question_words import (
    AT_LEAST,
    AT_MOST,
    AUDIENCE,
    AUDIENCE_AGES,
    CHILDHOOD,
    FILLERS,
    FREE,
    HANGING,
    IN_MONTH,
    LANGUAGE,
    LANGUAGE_TAGS,
    MILE_KM,
    ONE_AGE,
    PLACE,
    SMALL_WORDS_OF,
    TOWN_WORD,
    WEEKEND,
)

Locate = Callable[[str, int], Spot | None]
"""Finds the town of a name that has at least so many people; None where there is none or several are meant by it."""
LONGEST_READ = 500
"""Characters of a question that filters are read in."""
NEAR_KM, IN_KM = 25.0, 10.0
NAMED_PEOPLE, UNNAMED_PEOPLE = 500, 100_000
"""People that a town must have to be meant by a word with a capital, or behind "near", and by one without."""
CAPITAL_PEOPLE = 5_000
"""The same behind a mere "in": German writes every noun with a capital."""
TOWN_WORDS = 4
WEEK = timedelta(days=7)
SURE_KINDS = frozenset({"day", "weekday", "relative", "period"})
SPACE = re.compile(r" {1,2}")
QUOTED = re.compile(r'"[^"]*"?')
WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
Kind = Literal["date", "place", "age", "free", "price", "language"]


@dataclass
class _Reading:
    """What is read so far: the places of the words that are taken, the chips and the filters."""

    text: str
    taken: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    said_of_subject: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    chips: list[Chip] = field(default_factory=list[Chip])
    values: dict[str, Any] = field(default_factory=dict[str, Any])

    def is_free(self, begin: int, stop: int) -> bool:
        """Return whether nobody took these words."""
        return all(stop <= one or other <= begin for one, other in self.taken)

    def take(self, kind: Kind, begin: int, stop: int, label: str, **values: Any) -> None:  # noqa: ANN401 (filters)
        """Make a chip of words."""
        self.taken.append((begin, stop))
        self.chips.append(Chip(kind=kind, label=label, words=self.text[begin:stop].strip()))
        self.values |= values


def read_question(text: str, *, now: datetime, locate: Locate) -> Question:
    """Return what a question asks for; words within quotes are words.

    ``now`` is in the asking person's zone: tomorrow is the day after that date.
    """
    reading = _Reading(text[:LONGEST_READ])
    reading.taken += [match.span() for match in QUOTED.finditer(reading.text)]
    quoted = list(reading.taken)
    for read in (_read_language, _read_ages, _read_price):
        read(reading)
    _read_dates(reading, now)
    _read_place(reading, locate)
    try:
        filters = SearchFilters.model_validate(reading.values)
    except ValidationError:
        # What no activity can be is no filter: a year 2500, an age of 300.
        return Question(text=text, meaning=text)
    if not reading.chips:
        left = _left(text, [])
        return Question(text=left or text, meaning=left or text)
    spans = [span for span in reading.taken if span not in quoted]
    subject = [span for span in spans if span not in reading.said_of_subject]
    return Question(text=_left(text, spans), meaning=_left(text, subject), filters=filters, chips=tuple(reading.chips))


def _left(text: str, taken: Iterable[tuple[int, int]]) -> str:
    """Return the words that nobody took, without what hangs there and what says nothing."""
    parts: list[str] = []
    last = 0
    for begin, stop in sorted(taken):
        parts.append(text[last:begin])
        last = max(last, stop)
    parts.append(text[last:])
    kept = (_without_hanging(FILLERS.sub(" ", part), at_end=len(parts) > 1) for part in parts)
    return " ".join(" ".join(part for part in kept if part).split())


def _without_hanging(part: str, *, at_end: bool) -> str:
    words = part.replace(",", " ").split() if at_end else part.split()
    bare = [word.strip(".,;:!?()").casefold() for word in words]
    if all(not one or one in HANGING for one in bare):
        return ""
    while at_end and (not bare[-1] or bare[-1] in HANGING):
        words.pop()
        bare.pop()
    while at_end and (not bare[0] or bare[0] in HANGING):
        words.pop(0)
        bare.pop(0)
    return " ".join(words).strip(" ,;?!")


def _read_language(reading: _Reading) -> None:
    match = LANGUAGE.search(reading.text)
    if match and reading.is_free(*match.span()):
        tag = LANGUAGE_TAGS[match["name"].casefold()]
        reading.take("language", *match.span(), tag, language=tag)


def _read_ages(reading: _Reading) -> None:
    """Read whom it is for: stated ages first, then one age, then a word for such children; one of them."""
    for begin, stop, low, high in _stated_ages(reading.text):
        if reading.is_free(begin, stop) and (low or 0) <= CHILDHOOD:
            reading.take("age", begin, stop, _age_label(low, high), min_age=low, max_age=high)
            return
    match = AUDIENCE.search(reading.text)
    if match and reading.is_free(*match.span()):
        low, high = AUDIENCE_AGES[match[0].casefold()]
        reading.take("age", *match.span(), _age_label(low, high), min_age=low, max_age=high)
        reading.said_of_subject.append(match.span())


def _stated_ages(text: str) -> Iterator[tuple[int, int, float | None, float | None]]:
    for span in find_ages(text):
        yield span.begin, span.stop, span.minimum, span.maximum
    for match in ONE_AGE.finditer(text):
        years = int(match["age"] or match["aged"]) / (12 if match["months"] else 1)
        yield *match.span(), round(years, 2), round(years, 2)


def _age_label(low: float | None, high: float | None) -> str:
    if low == high and low is not None:
        return f"age {low:g}"
    return f"ages {low or 0:g} and more" if high is None else f"ages {low or 0:g} to {high:g}"


def _read_price(reading: _Reading) -> None:
    free = next((one for one in FREE.finditer(reading.text) if reading.is_free(*one.span())), None)
    if free is not None:
        reading.take("free", *free.span(), "free", free=True)
        return
    for span in find_prices(reading.text):
        before = reading.text[: span.begin]
        if AT_LEAST.search(before) or not reading.is_free(span.begin, span.stop):
            continue
        most = AT_MOST.search(before)
        begin = most.start() if most else span.begin
        reading.take(
            "price", begin, span.stop, f"up to {span.price} {span.currency}".strip(), max_price=float(span.price)
        )
        return


def _read_dates(reading: _Reading, now: datetime) -> None:
    today = now.date()
    found = [*_weekends(reading, today), *_stated_days(reading, now), *_months(reading, today)]
    open_ones = [one for one in found if reading.is_free(one[0], one[1])]
    if not open_ones:
        return
    begin, stop, since, until = open_ones[0]
    for other in open_ones[1:]:
        # Saturday and Sunday are one span of days; what lies further away stays a word.
        if stop <= other[0] and since <= other[2] <= until + timedelta(days=1):
            stop, until = other[1], max(until, other[3])
    since = today if since < today <= until else since
    label = str(since) if since == until else f"{since} to {until}"
    reading.take("date", begin, stop, label, since=since, until=until)


_Days = tuple[int, int, date, date]


def _weekends(reading: _Reading, today: date) -> list[_Days]:
    found: list[_Days] = []
    for match in WEEKEND.finditer(reading.text):
        first, last = period(today, "e")
        shift = WEEK if match["next"] or match["after"] else timedelta(0)
        found.append((*match.span(), first + shift, last + shift))
    return found


def _stated_days(reading: _Reading, now: datetime) -> list[_Days]:
    """Return the days of the language in which most of the text states days; of several, the one that the question seems to be in."""
    text = reading.text
    taken = [match.span() for match in WEEKEND.finditer(text)]
    readings = [_sure(find_dates(text, now=now, language=tag), taken) for tag in _languages(text)]
    best = max(readings, key=lambda spans: sum(span.stop - span.begin for span in spans), default=[])
    return [(span.begin, span.stop, _day(span.start), _day(span.end or span.start)) for span in best]


def _sure(spans: Iterable[DateSpan], taken: list[tuple[int, int]]) -> list[DateSpan]:
    return [
        span
        for span in spans
        if span.kind in SURE_KINDS and all(span.stop <= begin or stop <= span.begin for begin, stop in taken)
    ]


def _day(moment: date | datetime) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def _languages(text: str) -> list[str]:
    """Return the languages that the question may be in, the likeliest first."""
    words = [word.casefold() for word in WORD.findall(text)]
    hits = {tag: sum(word in small for word in words) for tag, small in SMALL_WORDS_OF.items()}
    return sorted(hits, key=lambda tag: -hits[tag])


def _months(reading: _Reading, today: date) -> list[_Days]:
    found: list[_Days] = []
    for match in IN_MONTH.finditer(reading.text):
        number = _MONTH_NUMBERS.get(plain(match["month"]))
        if number is not None:
            year = int(match["year"]) if match["year"] else today.year + (number < today.month)
            found.append((*match.span(), *period(date(year, number, 1), "m")))
    return found


_MONTH_NUMBERS = {
    names.split()[0]: number for listed in MONTHS.values() for number, names in enumerate(listed.split(","), start=1)
}


def _read_place(reading: _Reading, locate: Locate) -> None:
    for match in PLACE.finditer(reading.text):
        if not reading.is_free(*match.span()):
            continue
        found = _town(reading, match, locate)
        if found is not None:
            stop, spot = found
            label = f"{spot.label}, {spot.radius_km:g} km around"
            reading.take("place", match.start(), stop, label, near=spot)
            return


def _town(reading: _Reading, match: re.Match[str], locate: Locate) -> tuple[int, Spot] | None:
    """Return the town that the words behind ``near`` name, the most words first, and where they end."""
    for stop in _ends(reading, match.end()):
        name = reading.text[match.end() : stop].rstrip(".")
        if name.casefold() in HANGING:
            continue
        spot = locate(name, _people(name, weak=bool(match["weak"])))
        if spot is not None:
            return stop, spot.model_copy(update={"radius_km": _radius(match)})
    return None


def _ends(reading: _Reading, begin: int) -> list[int]:
    ends: list[int] = []
    at = begin
    while len(ends) < TOWN_WORDS and (word := TOWN_WORD.match(reading.text, at)):
        if not reading.is_free(*word.span()):
            break
        ends.append(word.end())
        space = SPACE.match(reading.text, word.end())
        if space is None:
            break
        at = space.end()
    return ends[::-1]


def _people(name: str, *, weak: bool) -> int:
    if not name[0].isupper():
        return UNNAMED_PEOPLE if weak else CAPITAL_PEOPLE
    return CAPITAL_PEOPLE if weak else NAMED_PEOPLE


def _radius(match: re.Match[str]) -> float:
    if match["km"]:
        scale = MILE_KM if match["unit"].casefold().startswith("mi") else 1.0
        return max(float(match["km"]) * scale, 0.1)
    return IN_KM if match["weak"] else NEAR_KM
