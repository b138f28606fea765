"""Field by field: what a page states, made into what a record may say, with a problem code for each value that is dropped."""

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date, datetime
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from tripper_assets.domain.activities import AgeRange, Offer, Place, RawActivity, Schedule
from tripper_assets.domain.countries import country_code
from tripper_assets.domain.errors import ConfigurationError
from tripper_assets.domain.model import Rejection
from tripper_assets.domain.sources import Source, normalize_url

MIN_NAME, MAX_NAME = 3, 150
MAX_DESCRIPTION = 10_000
MAX_AGE = 120
YEARS_BACK, YEARS_AHEAD = 1, 3
PRICE = re.compile(r"^\d{1,7}(\.\d{1,4})?$")
CURRENCY = re.compile(r"^[A-Z]{3}$")
LANGUAGE = re.compile(r"^[a-z]{2,3}\b", re.IGNORECASE)
INVISIBLE = re.compile(
    "[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


@dataclass
class Cleaned:
    """A raw activity whose every field may stand in a record, and the codes of what was dropped or guessed."""

    raw: RawActivity
    url: str
    """Normalised; the detail page where the source has one, else the page that states it."""
    problems: set[str] = field(default_factory=set)


def clean_text(text: str) -> str:
    """Return ``text`` in NFC without control, bidi and zero-width characters and lone surrogates, white space runs as one space."""
    return " ".join(INVISIBLE.sub("", unicodedata.normalize("NFC", text)).split())


def clean(raw: RawActivity, source: Source, *, now: datetime) -> Cleaned | Rejection:
    """Return the cleaned activity, or why it is none."""
    name = clean_text(raw.name)
    if len(name) < MIN_NAME:
        return Rejection(reason="name_missing", subject=raw.url or raw.page, message=f"The name {name!r} is too short.")
    problems: set[str] = set()
    url = _activity_url(raw, source, problems)
    if url is None:
        return Rejection(reason="url_invalid", subject=raw.page, message=f"{raw.url[:200]!r} is not a web address.")
    start, end, schedule = _dates(raw, source, problems)
    if _out_of_range(start, end, now):
        return Rejection(
            reason="date_out_of_range", subject=url, message=f"{start} to {end or start} is not near today."
        )
    offers = _offers(raw, problems)
    changes = {
        "name": _cut(name, MAX_NAME, "name_truncated", problems),
        "description": _cut(clean_text(raw.description), MAX_DESCRIPTION, "description_truncated", problems),
        "inLanguage": _language(raw.inLanguage or source.config.language or ""),
        "category": _words(raw.category),
        "keywords": _words(raw.keywords),
        "startDate": start,
        "endDate": end,
        "eventSchedule": schedule,
        "ageRange": _ages(raw.ageRange, problems),
        "location": _place(raw.location, source, problems),
        "offers": offers,
        "isAccessibleForFree": _free(raw.isAccessibleForFree, offers, problems),
    }
    return Cleaned(raw.model_copy(update=changes), url, problems)


def _activity_url(raw: RawActivity, source: Source, problems: set[str]) -> str | None:
    try:
        url, page = normalize_url(raw.url or raw.page), normalize_url(raw.page)
    except ConfigurationError:
        return None
    # A ticket shop's page is not the activity's own: the page that states it stands in, and the offer keeps the link.
    if _host(url) not in {_host(page), _host(source.url)}:
        problems.add("url_off_site")
        return page
    return url


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").removeprefix("www.")


def _cut(text: str, length: int, code: str, problems: set[str]) -> str:
    if len(text) <= length:
        return text
    problems.add(code)
    return text[: length - 1].rsplit(" ", 1)[0].rstrip() + "…"


def _words(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for word in map(clean_text, words) if word))


def _language(text: str) -> str:
    match = LANGUAGE.match(text.strip())
    return match[0].lower() if match else ""


def _dates(raw: RawActivity, source: Source, problems: set[str]) -> tuple[str, str, tuple[Schedule, ...]]:
    """Return start, end and schedule; a time without a zone moves from startDate into the schedule, which needs none."""
    start, end = _moment(raw.startDate, source, problems), _moment(raw.endDate, source, problems)
    if start is None and end is not None:
        problems.add("start_missing")
        end = None
    if start is not None and end is not None and _before(end, start):
        problems.add("end_before_start")
        end = None
    schedule = raw.eventSchedule
    if isinstance(start, datetime) and start.tzinfo is None:
        problems.add("timezone_unknown")
        schedule = (*schedule, _occurrence(start, end))
        start, end = start.date(), end.date() if isinstance(end, datetime) else end
    return _iso(start), _iso(end), schedule


def _moment(text: str, source: Source, problems: set[str]) -> date | datetime | None:
    if not text:
        return None
    try:
        moment = date.fromisoformat(text) if len(text) == len("2026-01-31") else datetime.fromisoformat(text)
    except ValueError:
        problems.add("date_invalid")
        return None
    if isinstance(moment, datetime) and moment.tzinfo is None and source.config.timezone:
        problems.add("timezone_from_config")
        return moment.replace(tzinfo=ZoneInfo(source.config.timezone))
    return moment


def _before(one: date | datetime, other: date | datetime) -> bool:
    if isinstance(one, datetime) and isinstance(other, datetime) and (one.tzinfo is None) == (other.tzinfo is None):
        return one < other
    return _day(one) < _day(other)


def _day(moment: date | datetime) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def _iso(moment: date | datetime | None) -> str:
    if isinstance(moment, datetime):
        return moment.isoformat(timespec="seconds")
    return moment.isoformat() if moment else ""


def _occurrence(start: datetime, end: date | datetime | None) -> Schedule:
    return Schedule(
        startDate=start.date().isoformat(),
        endDate=_day(end).isoformat() if end else start.date().isoformat(),
        startTime=f"{start:%H:%M}",
        endTime=f"{end:%H:%M}" if isinstance(end, datetime) else "",
    )


def _out_of_range(start: str, end: str, now: datetime) -> bool:
    if not start:
        return False
    last = int((end or start)[:4])
    return last < now.year - YEARS_BACK or int(start[:4]) > now.year + YEARS_AHEAD


def _ages(ages: AgeRange | None, problems: set[str]) -> AgeRange | None:
    if ages is None:
        return None
    low, high = ages.minValue, ages.maxValue
    sane = all(0 <= value <= MAX_AGE for value in (low, high) if value is not None)
    if not sane or (low is not None and high is not None and low > high):
        problems.add("age_invalid")
        return None
    return ages if low is not None or high is not None else None


def _offers(raw: RawActivity, problems: set[str]) -> tuple[Offer, ...]:
    kept: list[Offer] = []
    for offer in raw.offers:
        price = offer.price.strip()
        if price and (not PRICE.match(price) or (offer.priceCurrency and not CURRENCY.match(offer.priceCurrency))):
            problems.add("price_invalid")
            continue
        if price and not offer.priceCurrency and float(price) > 0:
            problems.add("currency_missing")
        kept.append(offer.model_copy(update={"name": clean_text(offer.name), "price": price}))
    return tuple(dict.fromkeys(kept))


def _free(stated: bool | None, offers: tuple[Offer, ...], problems: set[str]) -> bool | None:  # noqa: FBT001 (a stated fact)
    prices = [float(offer.price) for offer in offers if offer.price]
    if stated and any(price > 0 for price in prices) and not any(price == 0 for price in prices):
        problems.add("free_contradicted")
        return False
    if stated is False and prices and not any(price > 0 for price in prices):
        problems.add("free_contradicted")
        return True
    if stated is None and prices:
        return not any(price > 0 for price in prices)
    return stated


def _place(place: Place | None, source: Source, problems: set[str]) -> Place | None:
    if place is None:
        return None
    stated = place.address
    code = country_code(stated.addressCountry)
    if not code and source.config.country_code:
        problems.add("country_from_config")
        code = source.config.country_code
    address = stated.model_copy(
        update={
            "streetAddress": clean_text(stated.streetAddress),
            "addressLocality": clean_text(stated.addressLocality),
            "addressRegion": clean_text(stated.addressRegion),
            "postalCode": clean_text(stated.postalCode),
            "addressCountry": code,
        }
    )
    geo = place.geo
    if geo is not None and geo.latitude == 0 and geo.longitude == 0:
        problems.add("null_island")
        geo = None
    return Place(name=clean_text(place.name), address=address, geo=geo)
