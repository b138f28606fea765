"""Times as activities state them: ISO 8601 text, brought to local wall time with its offset where the zone is known."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tripper_assets.domain.model import Problem
from tripper_assets.extract.dates import find_dates

_ISO = re.compile(
    r"([+-]?\d{4})-?(\d{2})-?(\d{2})(?:[T ]\s?(\d{1,2}):?(\d{2})(?::?(\d{2})(?:[.,]\d{1,9})?)?\s?(Z|[+-]\d{2}:?(?:\d{2})?)?)?",
    re.IGNORECASE,
)
_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}T")
_DURATION = re.compile(r"P(?:(\d{1,4})W)?(?:(\d{1,4})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,7})S)?)?")
MAX_DATE_TEXT = 200
LONG_LIST, VERY_LONG_LIST = 30, 150
YEAR, SEASON = timedelta(days=366), timedelta(days=90)


def zone(name: str | None) -> tzinfo | None:
    """Return the IANA zone, None where there is no such zone: an unknown name states nothing."""
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def iso(value: date | datetime, local: tzinfo | None) -> str:
    """Return a date, or a time to the second with its offset; a time without zone gets the local zone's, UTC becomes local time."""
    if not isinstance(value, datetime):
        return value.isoformat()
    if local is not None:
        value = _in_zone(value, local)
    return value.replace(microsecond=0).isoformat()


def _in_zone(value: datetime, local: tzinfo) -> datetime:
    try:
        if value.tzinfo is None:
            return value.replace(tzinfo=local)
        return value.astimezone(local) if value.utcoffset() == timedelta(0) else value
    except OverflowError:
        return value


def parse_iso(text: str) -> date | datetime | None:
    """Return what an ISO 8601 text states, with its offset; None where it is none or there is no such day."""
    match = _ISO.fullmatch(text.strip()[:40])
    if match is None:
        return None
    year, month, day, hour, minute, second, offset = match.groups()
    try:
        if hour is None:
            return date(int(year), int(month), int(day))
        if int(hour) > 24:  # noqa: PLR2004 (a clock; 24:00 is the next day's midnight)
            return None
        extra = timedelta(days=1) if hour == "24" else timedelta(0)
        stated = datetime(
            int(year),
            int(month),
            int(day),
            int(hour) % 24,
            int(minute),
            min(int(second or 0), 59),
            tzinfo=_offset(offset),
        )
        return stated + extra
    except (ValueError, OverflowError):
        return None


def _offset(text: str | None) -> tzinfo | None:
    if not text:
        return None
    if text in "Zz":
        return UTC
    digits = text[1:].replace(":", "")
    shift = timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
    if shift >= timedelta(days=1):
        return None
    return timezone(-shift if text[0] == "-" else shift)


def stated(text: str, *, now: datetime, language: str, local: tzinfo | None) -> tuple[str, str]:
    """Return start and end as ISO text from ISO text, a timestamp or a date in words; empty where it states none."""
    text = text.strip()
    if not text or len(text) > MAX_DATE_TEXT:
        return "", ""
    whole = parse_iso(text)
    if whole is None and _ISO_DAY.match(text):
        whole = parse_iso(text[:10])
    if whole is not None:
        return iso(whole, local), ""
    spans = [span for span in find_dates(text, now=now, language=language) if span.kind in {"day", "weak"}]
    if not spans:
        return "", ""
    return iso(spans[0].start, local), iso(spans[0].end, local) if spans[0].end else ""


def duration(text: str) -> timedelta | None:
    """Return an ISO 8601 duration of weeks, days and times; None for others."""
    match = _DURATION.fullmatch(text.strip()[:40])
    if match is None or not any(match.groups()):
        return None
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)


@dataclass(frozen=True, slots=True)
class Clock:
    """What the dates of one document are read against."""

    now: datetime
    language: str
    """The language of the words, a tag; empty where it is not known."""
    local: tzinfo | None

    def read(self, text: str) -> tuple[str, str]:
        """Return start and end that a text states, as ``stated``."""
        return stated(text, now=self.now, language=self.language, local=self.local)

    def iso(self, value: date | datetime) -> str:
        """Return the value as ``iso`` does, in the document's zone."""
        return iso(value, self.local)


def archive_before(count: int, clock: Clock) -> str:
    """Return the day before which a list of ``count`` entries is an archive: of up to 30 none, of more a year ago, of very many 90 days."""
    if count <= LONG_LIST:
        return ""
    return (clock.now - (YEAR if count <= VERY_LONG_LIST else SEASON)).date().isoformat()


def archive_problems(left_out: int, earliest: str, url: str) -> list[Problem]:
    """Return the problem that tells how many entries of a list were left out as its archive; none where none was."""
    message = f"{left_out} entries before {earliest} were left out as the archive of a long list."
    return [Problem(code="archive_entries_left_out", subject=url, message=message)] if left_out else []
