"""What the sample sites tell, and when: the content files read into models, with dates counted from the first of next month."""

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, Literal
from zoneinfo import ZoneInfo

import yaml
from pydantic import Field

from tripper_assets.domain.model import Model

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SERIES_DAYS = 90
DECEMBER = 12


class Venue(Model):
    """Where something happens; geo is latitude and longitude, None where the site does not say."""

    name: str
    street: str
    postcode: str
    town: str
    geo: tuple[float, float] | None = None


class Hours(Model):
    """Opening hours."""

    days: tuple[str, ...]
    opens: str
    closes: str


class Event(Model):
    """One activity as its author wrote it; day 1 is the first of next month."""

    slug: str
    name: str
    text: str
    place: str
    style: Literal["json-ld", "microdata", "text"] = "text"
    lang: Literal["en", "de"] = "en"
    category: str = ""
    day: int | None = None
    until: int | None = None
    days: tuple[int, ...] = ()
    weekly: str = ""
    starts: str = Field(default="", alias="from")
    ends: str = Field(default="", alias="to")
    hours: Hours | None = None
    ages: tuple[float | None, float | None] = (None, None)
    price: str = ""


class Town(Model):
    """Everything that the main site tells."""

    name: str
    tagline: dict[str, str]
    places: dict[str, Venue]
    categories: dict[str, dict[str, str]]
    activities: tuple[Event, ...]
    broken_block: str
    translated: dict[str, dict[str, str]]
    without_picture: tuple[str, ...]
    unlisted_in_sitemap: tuple[str, ...]
    calendar_only: tuple[dict[str, Any], ...]
    calendar_also: tuple[str, ...]


class SmallSite(Model):
    """One of the small sites for backfills."""

    slug: str
    name: str
    lang: str
    timezone: str
    country: str
    currency: str
    style: Literal["json-ld", "microdata", "ics", "listing"]
    places: dict[str, Venue]
    activities: tuple[Event, ...]


@cache
def town() -> Town:
    """Return the main site's content."""
    return Town.model_validate(_read("town.yaml"))


@cache
def small_sites() -> dict[str, SmallSite]:
    """Return the small sites by slug."""
    sites = [SmallSite.model_validate(entry) for entry in _read("small_sites.yaml")]
    return {site.slug: site for site in sites}


def _read(name: str) -> Any:  # noqa: ANN401 (whatever the file holds; models check it)
    return yaml.safe_load(files(__name__).joinpath(name).read_text(encoding="utf-8"))


class Occurrence(Model):
    """One time that something happens, in the site's zone."""

    start: datetime
    end: datetime


def anchor(today: date) -> date:
    """Return the first of the month after ``today``: a site's pages stay the same, byte for byte, through a month."""
    return date(today.year + today.month // DECEMBER, today.month % DECEMBER + 1, 1)


def edited_at(today: date) -> datetime:
    """Return when the sites were last edited: shortly before this month, so that it is past in every zone and the same all month."""
    return datetime(today.year, today.month, 1, 6, tzinfo=UTC) - timedelta(days=2)


def occurrences(event: Event, today: date, timezone: str) -> list[Occurrence]:
    """Return the stated occurrences of an event in order; a weekly one has its first, one with opening hours has none."""
    first = anchor(today)
    days = [first + timedelta(days=one - 1) for one in event.days or ([event.day] if event.day else [])]
    if event.weekly:
        days = [first + timedelta(days=(WEEKDAYS.index(event.weekly) - first.weekday()) % 7)]
    last = timedelta(days=(event.until - event.day) if event.until and event.day else 0)
    return [_occurrence(day, day + last, event, ZoneInfo(timezone)) for day in days]


def _occurrence(first: date, last: date, event: Event, zone: ZoneInfo) -> Occurrence:
    return Occurrence(
        start=datetime.combine(first, time.fromisoformat(event.starts), zone),
        end=datetime.combine(last, time.fromisoformat(event.ends), zone),
    )


def series_end(today: date) -> date:
    """Return the last day of weekly series."""
    return anchor(today) + timedelta(days=SERIES_DAYS)
