"""What another reads in a calendar of ours."""

from icalendar import Calendar, Event


def events_of(text: bytes) -> list[Event]:
    """Return the events of a calendar, read back."""
    return [one for one in Calendar.from_ical(text).walk("VEVENT") if isinstance(one, Event)]
