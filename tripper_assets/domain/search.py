"""What a search is asked and what it answers: filters that are checked, hits that say why, and chips for what was read in the words."""

from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from tripper_assets.domain.errors import QuestionRefusedError
from tripper_assets.domain.model import ActivityId, Model, SourceKey
from tripper_assets.domain.sources import validation_sentence

MOST_HITS = 200
"""Hits of one page."""
OLDEST = 120
FARTHEST_KM = 20_038
"""Half of the way around the Earth."""
YEARS = range(1900, 2201)
Finite = Annotated[float, Field(allow_inf_nan=False)]
Tag = Annotated[str, Field(min_length=1, max_length=200)]


def _in_our_time(day: date) -> date:
    if day.year not in YEARS:
        message = f"{day} is not in the years {YEARS[0]} to {YEARS[-1]}"
        raise ValueError(message)
    return day


Day = Annotated[date, AfterValidator(_in_our_time)]


class Spot(Model):
    """A circle on Earth: WGS 84 degrees, and kilometres around them."""

    latitude: Finite = Field(ge=-90, le=90)
    longitude: Finite = Field(ge=-180, le=180)
    radius_km: Finite = Field(gt=0, le=FARTHEST_KM)
    label: str = ""
    """What a person calls it; empty where only degrees are known."""


class SearchFilters(Model):
    """What a hit has to be; what is None, empty or False filters nothing."""

    since: Day | None = None
    """It happens on a day from then on; what states no day never does. None with ``until`` leaves that side open."""
    until: Day | None = None
    """The last day, inclusive."""
    near: Spot | None = None
    min_age: Finite | None = Field(default=None, ge=0, le=OLDEST)
    """In years; some age from ``min_age`` to ``max_age`` is welcome there. What states no age is for all."""
    max_age: Finite | None = Field(default=None, ge=0, le=OLDEST)
    free: bool = False
    max_price: Finite | None = Field(default=None, ge=0, le=1_000_000)
    """What its cheapest ticket costs at most, in its own currency; what is free costs nothing."""
    tags: tuple[Tag, ...] = Field(default=(), max_length=20)
    """Each is one of its categories, keywords or tags, without regard to case and accents."""
    language: str = Field(default="", pattern=r"^([a-z]{2,3})?$")
    """The primary subtag of its text, such as de."""
    source_key: SourceKey | None = Field(default=None, max_length=300)
    past: bool = False
    """Also what is over; days that are over ask for that themselves."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.since and self.until and self.until < self.since:
            message = f"until {self.until} is before since {self.since}"
            raise ValueError(message)
        if self.min_age is not None and self.max_age is not None and self.max_age < self.min_age:
            message = f"max_age {self.max_age:g} is below min_age {self.min_age:g}"
            raise ValueError(message)
        return self


def search_filters(**values: Any) -> SearchFilters:  # noqa: ANN401 (the fields of SearchFilters, from outside)
    """Return checked filters.

    Raises:
        QuestionRefusedError: names each field that is wrong.
    """
    try:
        return SearchFilters.model_validate(values)
    except ValidationError as error:
        raise QuestionRefusedError(
            f"A filter of the search is wrong ({validation_sentence(error)}); change it."
        ) from error


class Chip(Model):
    """A filter that was read in the words of a question, and the words that it was read in."""

    kind: Literal["date", "place", "age", "free", "price", "language"]
    label: str
    """What it means, such as 2026-05-02 to 2026-05-03."""
    words: str
    """As the question has them."""


class Question(Model):
    """A question as it is understood: the words that are left, and the filters that the others mean."""

    text: str
    """What is looked for by words; empty where every word is a filter or says nothing."""
    meaning: str
    """What is looked for by meaning: with the words for whom it is, which say something of the subject too."""
    filters: SearchFilters = SearchFilters()
    chips: tuple[Chip, ...] = ()


class OtherSource(Model):
    """Another site that tells of the same activity."""

    id: ActivityId
    source_key: SourceKey
    url: str


class SearchHit(Model):
    """One found activity, and why it was found."""

    id: ActivityId
    name: str
    url: str
    source_key: SourceKey
    type: str
    startDate: str = ""
    endDate: str = ""
    place: str = ""
    """The venue's name and the locality, as far as they are known."""
    latitude: float | None = None
    longitude: float | None = None
    isAccessibleForFree: bool | None = None
    score: float
    """The fused one, the best hit first, and only comparable within one search; 0 where filters alone were asked for."""
    found_by: tuple[str, ...]
    """Which rankings have it: words (all of them), some_words, name (despite typing errors), meaning; none where filters alone were asked for."""
    ranks: dict[str, int] = {}
    """Its rank in each of them, from 1."""
    distance_km: float | None = None
    """From the asked place; None where none was asked for."""
    matched: tuple[str, ...] = ()
    """The words of its text that the question has, as the text writes them, in their order there, each once."""
    also: tuple[OtherSource, ...] = ()
    """Where else the same activity is told of; those are no hits of their own, unless one source alone was asked for."""
    snippet: str = ""
    """A part of its text with those words between ** and **; empty where there are none."""


class SearchPage(Model):
    """The hits of one page, and where the next one begins."""

    hits: tuple[SearchHit, ...]
    next: str | None = None
    """An opaque cursor, for the same question only; None on the last page."""
