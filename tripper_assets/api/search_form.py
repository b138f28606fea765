"""What the search page is asked: its form's fields as filters, and addresses that ask for a little more or less."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from urllib.parse import urlencode

from tripper_assets.domain.activity_words import day_words, language_words
from tripper_assets.domain.errors import QuestionRefusedError
from tripper_assets.domain.search import Question, SearchFilters
from tripper_assets.extract.questions import NEAR_KM

PAGE = "/search"
LONGEST_QUESTION = 1_000
"""Characters of a question that are looked for; the rest is cut off."""
LONGEST_FIELD = 300
FIELDS = ("q", "since", "until", "near", "place", "radius_km", "age", "max_price", "free", "tag", "language", "source", "past", "literally")  # fmt: skip
ON = ("1", "on", "true", "yes")
FILTERS_OF = {
    "date": ("since", "until"),
    "place": ("near",),
    "age": ("min_age", "max_age"),
    "free": ("free",),
    "price": ("max_price",),
    "language": ("language",),
}
"""Which filters a chip of each kind stands for."""


@dataclass(frozen=True)
class SearchForm:
    """The form as it was sent: a text for each field, without those that are empty."""

    fields: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> "SearchForm":
        """Return the form of an address's parameters; what is none of its fields is left out."""
        longest = {"q": LONGEST_QUESTION}
        return cls(
            tuple(
                (name, value.strip()[: longest.get(name, LONGEST_FIELD)])
                for name, value in pairs
                if name in FIELDS and value.strip()
            )
        )

    def get(self, name: str) -> str:
        """Return a field's text, empty where it was not filled in."""
        return next((value for field, value in self.fields if field == name), "")

    def all(self, name: str) -> tuple[str, ...]:
        """Return every text of a field that may be given several times."""
        return tuple(value for field, value in self.fields if field == name)

    def is_on(self, name: str) -> bool:
        """Return whether a box is ticked."""
        return self.get(name).lower() in ON

    def without(self, *names: str) -> "SearchForm":
        """Return the form with fields empty."""
        return replace(self, fields=tuple(pair for pair in self.fields if pair[0] not in names))

    def having(self, **values: str) -> "SearchForm":
        """Return the form with fields filled in anew."""
        return SearchForm.of((*self.without(*values).fields, *values.items()))

    def without_tag(self, tag: str) -> "SearchForm":
        """Return the form without one of its tags."""
        return replace(self, fields=tuple(pair for pair in self.fields if pair != ("tag", tag)))

    def without_words(self, words: str) -> "SearchForm":
        """Return the form with words of the question taken out."""
        return self.having(q=" ".join(self.get("q").replace(words, " ", 1).split()))

    def url(self, path: str = PAGE, **more: str) -> str:
        """Return the address that asks for this."""
        query = urlencode([*self.fields, *more.items()])
        return f"{path}?{query}" if query else path

    def asks(self) -> bool:
        """Return whether anything is asked for."""
        return bool(self.without("radius_km", "place", "past", "literally").fields)

    def stated(self) -> dict[str, Any]:
        """Return the filters that are filled in, as ``SearchFilters`` takes them.

        Raises:
            QuestionRefusedError: a field is no number, no date or no place.
        """
        found: dict[str, Any] = {name: _day(name, self.get(name)) for name in ("since", "until") if self.get(name)}
        if self.get("near"):
            found["near"] = _spot(self.get("near"), self.get("radius_km"), self.get("place"))
        if self.get("age"):
            found["min_age"] = found["max_age"] = _number("age", self.get("age"))
        if self.get("max_price"):
            found["max_price"] = _number("max_price", self.get("max_price"))
        if self.all("tag"):
            found["tags"] = self.all("tag")
        found |= {field: self.get(name) for name, field in (("language", "language"), ("source", "source_key")) if self.get(name)}  # fmt: skip
        return found | {name: True for name in ("free", "past") if self.is_on(name)}


def _number(name: str, text: str) -> float:
    try:
        return float(text.replace(",", "."))
    except ValueError as error:
        raise QuestionRefusedError(f"{name} is {text[:40]!r}, which is no number; write it such as 3.") from error


def _day(name: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise QuestionRefusedError(
            f"{name} is {text[:40]!r}, which is no date; write it such as 2026-05-02."
        ) from error


def _spot(near: str, radius_km: str, label: str) -> dict[str, Any]:
    try:
        latitude, longitude = (float(part) for part in near.split(","))
    except ValueError as error:
        raise QuestionRefusedError(
            f"near is {near[:40]!r}, which is no LATITUDE,LONGITUDE; write it such as 47.99,7.85, or the town into the question."
        ) from error
    radius = _number("radius_km", radius_km) if radius_km else NEAR_KM
    return {"latitude": latitude, "longitude": longitude, "radius_km": radius, "label": label}


@dataclass(frozen=True)
class ChipView:
    """A filter that holds, and the address that asks without it."""

    kind: str
    label: str
    without: SearchForm
    words: str = ""
    """The words of the question that it was read in; empty where it was filled in."""

    @property
    def url(self) -> str:
        """Where it does not hold."""
        return self.without.url()


def chips_of(form: SearchForm, question: Question) -> list[ChipView]:
    """Return the filters that hold: those that were read in the words, then those that were filled in."""
    stated = set(form.stated())
    read = [
        ChipView(chip.kind, _label(chip.kind, chip.label, question.filters), form.without_words(chip.words), chip.words)
        for chip in question.chips
        if not stated.intersection(FILTERS_OF[chip.kind])
    ]
    return read + _filled_in(form, question.filters)


def _filled_in(form: SearchForm, filters: SearchFilters) -> list[ChipView]:
    kinds: Mapping[str, tuple[str, ...]] = {
        "date": ("since", "until"), "place": ("near", "place", "radius_km"), "age": ("age",), "free": ("free",), "price": ("max_price",), "language": ("language",),
        "source": ("source",), "past": ("past",), "literally": ("literally",),
    }  # fmt: skip
    found = [
        ChipView(kind, _label(kind, "", filters), form.without(*names))
        for kind, names in kinds.items()
        if form.get(names[0]) or (kind == "date" and form.get("until"))
    ]
    return found + [ChipView("tag", tag, form.without_tag(tag)) for tag in form.all("tag")]


def _label(kind: str, said: str, filters: SearchFilters) -> str:
    labels = {
        "date": _days(filters),
        "place": _place(filters),
        "age": _ages(filters) or said,
        "free": "Free",
        "price": f"Up to {said.removeprefix('up to ') or f'{filters.max_price or 0:g}'}",
        "language": f"In {language_words(filters.language)}",
        "source": f"Source {filters.source_key}",
        "past": "Also what is over",
        "literally": "Every word as a word",
    }
    return labels[kind]


def _days(filters: SearchFilters) -> str:
    first, last = (day_words(day.isoformat()) if day else "" for day in (filters.since, filters.until))
    if first == last:
        return first
    return f"{first} to {last}" if first and last else f"From {first}" if first else f"Until {last}"


def _place(filters: SearchFilters) -> str:
    spot = filters.near
    if spot is None:
        return ""
    return f"Within {spot.radius_km:g} km of {spot.label or f'{spot.latitude:.3f}, {spot.longitude:.3f}'}"


def _ages(filters: SearchFilters) -> str:
    low, high = filters.min_age, filters.max_age
    if low is None and high is None:
        return ""
    if low == high:
        return f"Age {low:g}"
    return f"Ages {low or 0:g} and more" if high is None else f"Ages {low or 0:g} to {high:g}"


def wider(form: SearchForm, question: Question, chips: Sequence[ChipView]) -> SearchForm | None:
    """Return the form that asks twice as far around the place that was asked for; None where none was."""
    spot = question.filters.near
    if spot is None:
        return None
    words = next((chip.words for chip in chips if chip.kind == "place"), "")
    base = form.without_words(words) if words else form
    values = {"near": f"{spot.latitude:.5f},{spot.longitude:.5f}", "radius_km": f"{spot.radius_km * 2:g}"}
    return base.having(**values, place=spot.label)
