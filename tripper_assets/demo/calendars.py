"""The sites' ICS feeds, written by hand as publishing systems write them."""

from collections.abc import Sequence
from datetime import UTC, datetime

from tripper_assets.demo.content import series_end
from tripper_assets.demo.markup import Told


def calendar(name: str, told: Sequence[Told], *, stamp: datetime) -> str:
    """Return an ICS calendar: the first occurrence of each activity, and a weekly one's rule."""
    events = "\r\n".join(_event(one, stamp) for one in told)
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//{_text(name)}//sample//EN\r\nX-WR-CALNAME:{_text(name)}\r\n{events}\r\nEND:VCALENDAR\r\n"


def _event(told: Told, stamp: datetime) -> str:
    venue = told.venue
    where = f"{venue.name}, {venue.street}, {venue.postcode} {venue.town}"
    lines = [
        "BEGIN:VEVENT",
        f"UID:{told.event.slug}@{told.url.split('/')[2]}",
        f"DTSTAMP:{stamp.astimezone(UTC):%Y%m%dT%H%M%SZ}",
        *_times(told),
        f"SUMMARY:{_text(told.name)}",
        f"DESCRIPTION:{_text(told.text)}",
        f"LOCATION:{_text(where)}",
        f"URL:{told.url}",
        *([f"ATTACH;FMTTYPE=image/jpeg:{told.picture}"] if told.picture else []),
        "END:VEVENT",
    ]
    return "\r\n".join(_folded(line) for line in lines)


def _times(told: Told) -> list[str]:
    """Return a moment in UTC, or a weekly rule in its own zone, where it keeps its hour when clocks change."""
    first, weekly = told.occurrences[0], told.event.weekly
    if not weekly:
        return [
            f"DTSTART:{first.start.astimezone(UTC):%Y%m%dT%H%M%SZ}",
            f"DTEND:{first.end.astimezone(UTC):%Y%m%dT%H%M%SZ}",
        ]
    last = datetime.combine(series_end(told.today), first.start.timetz()).astimezone(UTC)
    return [
        f"DTSTART;TZID={first.start.tzinfo}:{first.start:%Y%m%dT%H%M%S}",
        f"DTEND;TZID={first.start.tzinfo}:{first.end:%Y%m%dT%H%M%S}",
        f"RRULE:FREQ=WEEKLY;BYDAY={weekly[:2].upper()};UNTIL={last:%Y%m%dT%H%M%SZ}",
    ]


def _text(value: str) -> str:
    return value.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def _folded(line: str) -> str:
    """Return a line folded at 75 octets (RFC 5545 section 3.1), never inside of a character."""
    parts, current = [], ""
    for char in line:
        if len((current + char).encode()) > 74:  # noqa: PLR2004 (75 with the space that marks the fold)
            parts.append(current)
            current = ""
        current += char
    return "\r\n ".join([*parts, current])
