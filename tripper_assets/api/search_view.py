"""What the search page shows of its hits: cards with pictures, and in words why each was found."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from tripper_assets.api.wording import shown_url
from tripper_assets.domain.activities import Activity, ImageObject
from tripper_assets.domain.activity_words import (
    ages_words,
    language_tag,
    language_words,
    place_words,
    price_words,
    when_words,
)
from tripper_assets.domain.model import ActivityId
from tripper_assets.domain.search import SearchHit, Spot

SHORT_TEXT = 170
HERE_KM = 0.1
"""What is nearer than this was found in the middle of the asked town, and is there."""
FOUND_BY = {
    "name": "has a name that is written much alike",
    "meaning": "is about something similar",
    "some_words": "has most of the words",
}
"""Why a hit is one, where none of its words can be shown."""


@dataclass(frozen=True)
class Picture:
    """A stored picture as a page shows it."""

    src: str
    width: int | None
    height: int | None


@dataclass(frozen=True)
class Elsewhere:
    """The same activity on another site."""

    site: str
    href: str


@dataclass(frozen=True)
class Card:
    """One hit in words; a text is empty where nothing is stated."""

    id: ActivityId
    name: str
    href: str
    site: str
    lang: str
    """The tag of the language that name and text are in."""
    language: str
    picture: Picture | None
    when: str
    place: str
    ages: str
    price: str
    distance: str
    cancelled: bool
    text: tuple[tuple[str, bool], ...]
    """A part of its text, in pieces that are matched words or not."""
    why: str
    also: tuple[Elsewhere, ...]
    latitude: float | None
    longitude: float | None

    @property
    def point(self) -> dict[str, Any]:
        """What a map shows of it."""
        return {"id": self.id, "name": self.name, "latitude": self.latitude, "longitude": self.longitude, "href": self.href}  # fmt: skip


def cards(hits: Iterable[SearchHit], records: Mapping[ActivityId, Mapping[str, Any]], *, today: date, near: Spot | None) -> list[Card]:  # fmt: skip
    """Return the hits as cards; one whose record went away meanwhile is left out."""
    return [
        _card(hit, Activity.model_validate(records[hit.id]), today=today, near=near)
        for hit in hits
        if hit.id in records
    ]


def _card(hit: SearchHit, one: Activity, *, today: date, near: Spot | None) -> Card:
    return Card(
        id=hit.id,
        name=one.name,
        href=f"/activities/{hit.id}",
        site=site_of(one.url),
        lang=language_tag(one.inLanguage),
        language=language_words(one.inLanguage),
        picture=picture_of(one.image),
        when=when_words(one, today=today),
        place=place_words(one.location),
        ages=ages_words(one.ageRange),
        price=price_words(one.offers, is_free=one.isAccessibleForFree),
        distance=distance_words(hit.distance_km, near),
        cancelled=one.eventStatus == "EventCancelled",
        text=pieces(hit.snippet) if hit.snippet else ((shortened(one.description), False),),
        why=why(hit),
        also=tuple(Elsewhere(site_of(other.url), f"/activities/{other.id}") for other in hit.also),
        latitude=hit.latitude,
        longitude=hit.longitude,
    )


def site_of(url: str) -> str:
    """Return the host of a page, without www."""
    return shown_url(url).partition("/")[0]


def picture_of(images: Sequence[ImageObject], *, small: bool = True) -> Picture | None:
    """Return the best picture that is stored, by default its thumbnail; None where none is."""
    stored = next((image for image in images if image.sha256), None)
    if stored is None:
        return None
    file = stored.thumbnail if small and stored.thumbnail else stored
    return Picture(f"/media/{file.sha256}", file.width, file.height)


def pieces(snippet: str) -> tuple[tuple[str, bool], ...]:
    """Return a snippet whose matched words stand between ** and ** in pieces, and of each whether it is matched."""
    parts = snippet.split("**")
    return tuple((part, number % 2 == 1) for number, part in enumerate(parts) if part)


def shortened(text: str) -> str:
    """Return the beginning of a text, ended at a word."""
    whole = " ".join(text.split())
    return whole if len(whole) <= SHORT_TEXT else f"{whole[:SHORT_TEXT].rsplit(' ', 1)[0].rstrip(' ,;.:')} …"


def why(hit: SearchHit) -> str:
    """Return why a hit was found; empty where filters alone were asked for."""
    if hit.matched:
        words = {word.casefold(): word for word in reversed(hit.matched)}
        return f"matches {', '.join(reversed(words.values()))}"
    return next((FOUND_BY[one] for one in hit.found_by if one in FOUND_BY), "")


def distance_words(kilometres: float | None, near: Spot | None) -> str:
    """Return how far it is from the asked place; empty where none was asked for, or it is there."""
    if kilometres is None or near is None or kilometres < HERE_KM:
        return ""
    far = f"{kilometres:.0f} km" if kilometres >= 10 else f"{kilometres:.1f} km"  # noqa: PLR2004 (below, a tenth counts)
    return f"{far} from {near.label.partition(',')[0]}" if near.label else f"{far} away"
