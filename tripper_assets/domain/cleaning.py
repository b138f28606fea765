"""Field by field: what a page states, made into what a record may say, with a problem code for each value that is dropped."""

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from tripper_assets.domain.activities import AgeRange, Offer, Organizer, Place, RawActivity, Schedule
from tripper_assets.domain.countries import country_code
from tripper_assets.domain.errors import ConfigurationError
from tripper_assets.domain.model import Model, Rejection
from tripper_assets.domain.sources import Source, normalize_url

MIN_NAME, MAX_NAME = 3, 150
MAX_DESCRIPTION = 10_000
MAX_AGE = 120
YEARS_BACK, YEARS_AHEAD = 1, 3
FOREVER = 9999
PRICE = re.compile(r"[0-9]{1,7}(\.[0-9]{1,4})?")
CURRENCY = re.compile(r"[A-Z]{3}")
LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?![A-Za-z0-9])")
PERIOD = re.compile(r"P([0-9]{1,3})([DWMY])")
PERIOD_DAYS = {"D": 1, "W": 7, "M": 31, "Y": 366}
# Controls that are no white space, soft hyphen, zero-width and bidi characters, byte order mark, annotations, lone surrogates, tags.
INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)


@dataclass
class Cleaned:
    """A raw activity whose every field may stand in a record, and the codes of what was dropped or guessed."""

    raw: RawActivity
    url: str
    """Normalised; the detail page where the source has one, else the page that states it."""
    page: str
    """The page that states it, normalised."""
    problems: set[str] = field(default_factory=set)


def clean_text(text: str) -> str:
    """Return ``text`` in NFC without control, bidi and zero-width characters and lone surrogates, white space runs as one space."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    return " ".join(unicodedata.normalize("NFC", INVISIBLE.sub("", text)).split())


def clean(raw: RawActivity, source: Source, *, now: datetime) -> Cleaned | Rejection:
    """Return the cleaned activity, or why it is none."""
    raw = _tidy(raw)
    if len(raw.name) < MIN_NAME:
        return Rejection(
            reason="name_missing", subject=raw.url or raw.page, message=f"The name {raw.name!r} is too short."
        )
    problems: set[str] = set()
    try:
        url, page = normalize_url(raw.url or raw.page), normalize_url(raw.page)
    except ConfigurationError:
        return Rejection(reason="url_invalid", subject=raw.page, message=f"{raw.url[:200]!r} is not a web address.")
    # A ticket shop's page is not the activity's own: the page that states it stands in, and the offer keeps the link.
    if _host(url) not in {_host(page), _host(source.url)}:
        problems.add("url_off_site")
        url = page
    start, end, schedule = _dates(raw, source, problems)
    if _out_of_range(start, end, schedule, now):
        return Rejection(
            reason="date_out_of_range", subject=url, message=f"{start} to {end or start} is not near today."
        )
    offers = _offers(raw.offers, problems)
    changes = {
        "name": _cut(raw.name, MAX_NAME, "name_truncated", problems),
        "type": raw.type or "Event",
        "description": _cut(raw.description, MAX_DESCRIPTION, "description_truncated", problems),
        "inLanguage": language(raw.inLanguage) or language(source.config.language or ""),
        "category": _words(raw.category),
        "keywords": _words(raw.keywords),
        "startDate": start,
        "endDate": end,
        "eventSchedule": schedule,
        "ageRange": _ages(raw.ageRange, problems),
        "location": _place(raw.location, source, problems),
        "offers": offers,
        "isAccessibleForFree": _free(raw.isAccessibleForFree, offers, problems),
        "organizer": _organizer(raw.organizer, problems),
    }
    return Cleaned(raw.model_copy(update=changes), url, page, problems)


AnyModel = TypeVar("AnyModel", bound=Model)


def _tidy(model: AnyModel) -> AnyModel:
    """Return the model with every text in it cleaned, however deep it stands."""
    changes = {name: new for name, old in model if (new := _tidy_value(old)) != old}
    return model.model_copy(update=changes) if changes else model


def _tidy_value(value: Any) -> Any:  # noqa: ANN401 (whatever a field of a model holds)
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, Model):
        return _tidy(value)
    if isinstance(value, tuple):
        return tuple(map(_tidy_value, value))
    if isinstance(value, dict):
        return {name: _tidy_value(item) for name, item in value.items()}
    return value


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").removeprefix("www.")


def _cut(text: str, length: int, code: str, problems: set[str]) -> str:
    if len(text) <= length:
        return text
    problems.add(code)
    kept = text[: length - 1]
    whole_words = kept.rpartition(" ")[0]
    # A word that fills half of the text and more is cut itself: "A " and a line without spaces would leave "A…".
    return (whole_words if len(whole_words) > length // 2 else kept).rstrip() + "…"


def _words(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for word in words if word))


def language(text: str) -> str:
    """Return the primary language subtag of a tag such as ``de-AT`` or ``de_AT``, empty where there is none."""
    match = LANGUAGE.match(text)
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
        schedule = _with_occurrence(schedule, start, end)
        start, end = start.date(), _day(end) if end else None
    elif isinstance(end, datetime) and end.tzinfo is None:
        problems.add("timezone_unknown")
        end = end.date()
    return _iso(start), _iso(end), schedule


def _moment(text: str, source: Source, problems: set[str]) -> date | datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text) if "T" in text or ":" in text else date.fromisoformat(text)
    except ValueError:
        problems.add("date_invalid")
        return None
    if isinstance(moment, datetime) and moment.tzinfo is None and source.config.timezone:
        problems.add("timezone_from_config")
        moment = moment.replace(tzinfo=ZoneInfo(source.config.timezone))
    return moment.date() if isinstance(moment, datetime) and _has_odd_offset(moment) else moment


def _has_odd_offset(moment: datetime) -> bool:
    """Return whether the offset has seconds, as the local mean times of old had, which ISO 8601 cannot say."""
    offset = moment.utcoffset()
    return offset is not None and offset.total_seconds() % 60 != 0


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


def _with_occurrence(
    schedule: tuple[Schedule, ...], start: datetime, end: date | datetime | None
) -> tuple[Schedule, ...]:
    day, time = start.date().isoformat(), f"{start:%H:%M}"
    if any(one.startDate == day and one.startTime[: len(time)] == time for one in schedule):
        return schedule  # the rule that begins on that day says it already
    occurrence = Schedule(
        startDate=day,
        endDate=_day(end).isoformat() if end else day,
        startTime=time,
        endTime=f"{end:%H:%M}" if isinstance(end, datetime) else "",
    )
    return (*schedule, occurrence)


def _out_of_range(start: str, end: str, schedule: tuple[Schedule, ...], now: datetime) -> bool:
    """Return whether all that is stated lies years back or ahead; a rule without an end goes on for ever."""
    first = [year for day in (start, *(one.startDate for one in schedule)) if (year := _year(day))]
    last = [_year(end or start) or 0, *map(_last_year, schedule)]
    return bool(first) and (max(last) < now.year - YEARS_BACK or min(first) > now.year + YEARS_AHEAD)


def _year(day: str) -> int | None:
    return int(day[:4]) if day[:4].isascii() and day[:4].isdecimal() else None


def _last_year(one: Schedule) -> int:
    recurs = bool(one.repeatFrequency or one.byDay or one.byMonthDay)
    stated = _year(one.endDate) or (None if recurs else _year(one.startDate))
    if stated is not None:
        return stated
    begin, period = _year(one.startDate), PERIOD.fullmatch(one.repeatFrequency)
    if begin is None or period is None or one.repeatCount is None:
        return FOREVER
    return begin + (int(period[1]) * PERIOD_DAYS[period[2]] * one.repeatCount) // 365 + 1


def _ages(ages: AgeRange | None, problems: set[str]) -> AgeRange | None:
    if ages is None:
        return None
    low, high = ages.minValue, ages.maxValue
    sane = all(0 <= value <= MAX_AGE for value in (low, high) if value is not None)
    if not sane or (low is not None and high is not None and low > high):
        problems.add("age_invalid")
        return None
    return ages if low is not None or high is not None else None


def _offers(offers: tuple[Offer, ...], problems: set[str]) -> tuple[Offer, ...]:
    kept = [_offer(offer, problems) for offer in offers]
    return tuple(dict.fromkeys(one for one in kept if one is not None and (one.name or one.price or one.url)))


def _offer(offer: Offer, problems: set[str]) -> Offer | None:
    currency = offer.priceCurrency.upper()
    if (offer.price and not PRICE.fullmatch(offer.price)) or (currency and not CURRENCY.fullmatch(currency)):
        problems.add("price_invalid")
        if offer.price:
            return None
        currency = ""
    if offer.price and not currency and float(offer.price) > 0:
        problems.add("currency_missing")
    return offer.model_copy(update={"priceCurrency": currency, "url": _link(offer.url, problems)})


def _link(url: str, problems: set[str]) -> str:
    """Return a web address as it is, and nothing for any other: a ``javascript:`` link must reach no page of ours."""
    if not url or url.lower().startswith(("http://", "https://")):
        return url
    problems.add("link_invalid")
    return ""


def _free(stated: bool | None, offers: tuple[Offer, ...], problems: set[str]) -> bool | None:  # noqa: FBT001 (a stated fact)
    free = free_of_charge(stated, offers)
    if stated is not None and free != stated:
        problems.add("free_contradicted")
    return free


def free_of_charge(stated: bool | None, offers: tuple[Offer, ...]) -> bool | None:  # noqa: FBT001 (a stated fact)
    """Return whether an activity is free, None where nothing says so; prices outweigh the statement where they contradict it."""
    prices = [float(offer.price) for offer in offers if offer.price]
    if not prices:
        return stated
    costs = any(price > 0 for price in prices)
    if stated and 0 in prices:
        return True  # free for some, as the page says
    return not costs


def _organizer(organizer: Organizer | None, problems: set[str]) -> Organizer | None:
    if organizer is None:
        return None
    found = Organizer(name=organizer.name, url=_link(organizer.url, problems))
    return found if found.name or found.url else None


def _place(place: Place | None, source: Source, problems: set[str]) -> Place | None:
    if place is None:
        return None
    geo, code = place.geo, country_code(place.address.addressCountry)
    if geo is not None and geo.latitude == 0 and geo.longitude == 0:
        problems.add("null_island")
        geo = None
    found = place.model_copy(update={"address": place.address.model_copy(update={"addressCountry": code}), "geo": geo})
    if not found.dump():
        return None
    return found if code else _with_country(found, source, problems)


def _with_country(place: Place, source: Source, problems: set[str]) -> Place:
    code = source.config.country_code
    if code is None:
        return place
    problems.add("country_from_config")
    return place.model_copy(update={"address": place.address.model_copy(update={"addressCountry": code})})
