"""How values are said to people: days and times, durations, sizes, money, names of stages, and which links may be followed."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

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
    """Return a field's value as people say it: a place as an address, ages as a range, prices with their currency; all else as ``said``."""
    if not value and value not in (0, False):
        return said(value)
    if field == "location" and isinstance(value, Mapping):
        return _place(value)
    if field == "ageRange" and isinstance(value, Mapping):
        return _ages(value.get("minValue"), value.get("maxValue"))
    if field == "offers" and isinstance(value, Sequence):
        return "; ".join(_price(one) for one in value if isinstance(one, Mapping))
    if field == "geometry" and isinstance(value, Mapping):
        longitude, latitude = value.get("coordinates", (0.0, 0.0))[:2]
        return f"{latitude:.5f}, {longitude:.5f}"
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


def _ages(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f"{low:g}–{high:g} years"
    return f"from {low:g} years" if low is not None else f"up to {high:g} years" if high is not None else "nothing"


def _price(offer: Mapping[str, Any]) -> str:
    amount = " ".join(str(offer[name]) for name in ("price", "priceCurrency") if offer.get(name))
    name = offer.get("name")
    return f"{name}: {amount}" if name and amount else str(name or amount or "nothing")
