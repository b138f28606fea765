"""How values are said to people: days and times, durations, sizes, money, names of stages, and which links may be followed."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from tripper_assets.domain.activities import OpeningHours, Schedule
from tripper_assets.domain.activity_words import day_words, hours_words, schedule_words
from tripper_assets.domain.occurrences import DAY_NAMES, is_rule

KILO = 1000
MINUTE, HOUR, DAY = 60, 3600, 86400
CENT = 0.01
LONG_AGO = timedelta(days=14)
STAGES = {
    "raw_activities": "Crawl",
    "activities": "Standardize",
    "images_map": "Pictures",
    "geocoded_map": "Places",
    "embedding_batch": "Embed",
    "embeddings_map": "Collect",
    "tag_batches": "Ask",
    "tag_votes": "Vote",
    "activity_tags": "Tag",
    "final_jsonl": "Join",
    "activity_diff": "Compare",
    "imported_activities": "Import",
    "workflow_cleanup": "Clean up",
}
"""The stages of the graph in its order, with what a person calls each."""
FIELDS = {
    "startDate": "starts",
    "endDate": "ends",
    "eventSchedule": "schedule",
    "openingHoursSpecification": "opening hours",
    "eventStatus": "status",
    "eventAttendanceMode": "attendance",
    "ageRange": "ages",
    "isAccessibleForFree": "free of charge",
    "inLanguage": "language",
    "url": "own page",
    "image": "pictures",
    "offers": "prices",
    "location": "place",
    "geocoding": "found by",
    "geometry": "coordinates",
    "exceptDate": "not on",
    "repeatCount": "times",
    "validFrom": "from",
    "validThrough": "until",
}


def words(name: str) -> str:
    """Return a code's name as words: ``image_missing`` is image missing."""
    return name.replace("_", " ").replace("-", " ")


def stage_name(asset: str) -> str:
    """Return what a person calls a stage."""
    return STAGES.get(asset, words(asset))


def field_name(field: str) -> str:
    """Return what a person calls a field of an activity."""
    return FIELDS.get(field, words(field))


def web_url(url: object) -> str:
    """Return the URL where a page may link to it, which is http and https only; empty for all else, such as javascript."""
    try:
        parts = urlsplit(str(url).strip())
        return str(url).strip() if parts.scheme.lower() in ("http", "https") and parts.hostname else ""
    except ValueError:
        return ""


def shown_url(url: object) -> str:
    """Return a URL as people read it: without its scheme, www and a slash at its end."""
    text = str(url).strip()
    return text.partition("://")[2].removeprefix("www.").rstrip("/") or text if "://" in text else text


def day_and_time(stated: str) -> str:
    """Return an activity's date or local date-time as people say it; what is none comes back as it stands."""
    try:
        if "T" not in stated:
            return _day(date.fromisoformat(stated))
        moment = datetime.fromisoformat(stated)
    except ValueError:
        return stated
    return f"{_day(moment)}, {moment:%H:%M}"


def _day(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b %Y}"


def moment(at: datetime) -> str:
    """Return a moment as UTC, as people say it."""
    return f"{at.day} {at:%b %Y, %H:%M} UTC"


def ago(at: datetime, now: datetime) -> str:
    """Return how long ago a moment was, and its day where that is more than two weeks."""
    passed = now - at
    if passed > LONG_AGO:
        return f"{at.day} {at:%b %Y}"
    seconds = passed.total_seconds()
    if seconds < MINUTE:
        return "just now"
    return f"{duration(seconds, whole=True)} ago"


def duration(seconds: float, *, whole: bool = False) -> str:
    """Return a duration in the unit that people would use."""
    if seconds < MINUTE:
        return f"{seconds:.0f} s" if whole or seconds >= 10 else f"{seconds:.1f} s"  # noqa: PLR2004 (below, a tenth counts)
    if seconds < HOUR:
        minutes, rest = divmod(round(seconds), MINUTE)
        return f"{minutes} min" if whole or not rest else f"{minutes} min {rest} s"
    if seconds < DAY:
        hours, rest = divmod(round(seconds / MINUTE), MINUTE)
        return f"{hours} h" if whole or not rest else f"{hours} h {rest} min"
    days = round(seconds / DAY)
    return f"{days} day{'' if days == 1 else 's'}"


def number(value: float) -> str:
    """Return a number with its thousands apart."""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}".rstrip("0").rstrip(".")


def size(count: int) -> str:
    """Return bytes in the unit that people would use."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < KILO:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= KILO
    return f"{value:.1f} TB"


def usd(amount: float) -> str:
    """Return US dollars; less than a cent with as many digits as it needs."""
    if amount and abs(amount) < CENT:
        return f"${amount:.4f}"
    return f"${amount:,.2f}"


def plural(count: int, one: str, many: str = "") -> str:
    """Return a count with its noun: 1 activity, 2 activities."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def said(value: Any) -> str:  # noqa: ANN401 (any JSON value)
    """Return any field's value as a line of text: parts that say nothing are left out."""
    if value is None or value == "":
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(
            f"{field_name(str(name))}: {said(one)}" for name, one in value.items() if one not in (None, "", [], {})
        )
    if isinstance(value, Sequence) and not isinstance(value, str):
        parts = [said(one) for one in value]
        return "; ".join(parts) if any(isinstance(one, Mapping) for one in value) else ", ".join(parts)
    return day_and_time(value) if isinstance(value, str) else str(value)


def field_said(value: Any, field: str) -> str:  # noqa: ANN401 (any JSON value)
    """Return a field's value as people say it: a place as an address, ages as a range, prices with their currency, times in words; all else as ``said``."""
    if not value or field not in SAID_AS:
        return said(value)
    try:
        return SAID_AS[field](value)
    except (ValueError, TypeError, AttributeError):  # of an older form, or what a check found wrong
        return said(value)


def _place(value: Mapping[str, Any]) -> str:
    address, geo = value.get("address") or {}, value.get("geo")
    town = " ".join(str(address[name]) for name in ("postalCode", "addressLocality") if address.get(name))
    parts = (
        value.get("name"),
        address.get("streetAddress"),
        town,
        address.get("addressRegion"),
        address.get("addressCountry"),
    )
    stated = ", ".join(str(one) for one in dict.fromkeys(parts) if one)
    return f"{stated} ({geo['latitude']:.5f}, {geo['longitude']:.5f})" if geo else stated or "nothing"


def _ages(value: Mapping[str, float | None]) -> str:
    low, high = value.get("minValue"), value.get("maxValue")
    if low is not None and high is not None:
        return f"{low:g}–{high:g} years"
    return f"from {low:g} years" if low is not None else f"up to {high:g} years" if high is not None else "nothing"


def _prices(value: Sequence[Mapping[str, Any]]) -> str:
    return "; ".join(map(_price, value))


def _price(offer: Mapping[str, Any]) -> str:
    amount = " ".join(str(offer[name]) for name in ("price", "priceCurrency") if offer.get(name))
    name = offer.get("name")
    if name and amount:
        return f"{name}: {amount}"
    return str(name or amount or shown_url(offer.get("url", "")) or "nothing")


def _schedules(value: Sequence[Any]) -> str:
    return "; ".join(_schedule(Schedule.model_validate(one)) for one in value)


def _schedule(one: Schedule) -> str:
    last = "" if is_rule(one) or one.endDate == one.startDate else one.endDate
    more = {
        "startDate": one.startDate if is_rule(one) else "",
        "endDate": last,
        "exceptDate": ", ".join(map(day_words, one.exceptDate)),
        "repeatCount": one.repeatCount,
    }
    return _with(schedule_words([one])[0], more) or said(one.dump())


def _hours(value: Sequence[Any]) -> str:
    """Return opening hours in words, season by season."""
    seasons: dict[tuple[str, str], list[OpeningHours]] = {}
    for one in map(OpeningHours.model_validate, value):
        seasons.setdefault((one.validFrom, one.validThrough), []).append(one)
    return "; ".join(
        _with(_season(rows), {"validFrom": first, "validThrough": last}) for (first, last), rows in seasons.items()
    )


def _season(rows: Sequence[OpeningHours]) -> str:
    shut = [one for one in rows if one.opens and one.opens == one.closes]
    closed = dict.fromkeys(day for one in shut for day in one.dayOfWeek or DAY_NAMES)
    parts = (
        hours_words(rows, most=len(rows)),
        f"closed {', '.join(closed)}" if closed else "",
        *(said(one.dump()) for one in rows if not one.opens),
    )
    return "; ".join(part for part in parts if part)


def _with(text: str, more: Mapping[str, Any]) -> str:
    """Return words, and behind them what they leave out."""
    left_out = said(more)
    return f"{text} ({left_out})" if text and left_out else text or left_out


def _point(value: Mapping[str, Any]) -> str:
    longitude, latitude = value.get("coordinates", (0.0, 0.0))[:2]
    return f"{latitude:.5f}, {longitude:.5f}"


SAID_AS: Mapping[str, Callable[[Any], str]] = {
    "location": _place,
    "ageRange": _ages,
    "offers": _prices,
    "eventSchedule": _schedules,
    "openingHoursSpecification": _hours,
    "geometry": _point,
}
