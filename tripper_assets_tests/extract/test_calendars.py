from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tripper_assets.domain.activities import Extraction, GeoCoordinates, Schedule
from tripper_assets.extract import extract_activities

ICS = "https://example.org/fair.ics"
NOW = datetime(2024, 4, 10, tzinfo=UTC)


def test_an_event_is_an_activity_with_its_rule(read: Callable[..., Extraction]) -> None:
    market = read("fair.ics", url=ICS).activities[0]

    assert (market.name, market.identifier, market.url) == (
        "Flea market",
        "fair-1@example.org",
        "https://example.org/flea",
    )
    assert (market.startDate, market.endDate) == ("2024-05-04T10:00:00+02:00", "2024-05-04T16:00:00+02:00")
    assert market.category == ("Market", "Family")
    assert market.location is not None
    assert market.location.name == "Market Square"
    assert market.location.address.postalCode == "12345"
    assert market.location.geo == GeoCoordinates(latitude=50.1, longitude=8.6)
    assert market.eventSchedule == (
        Schedule(
            startDate="2024-05-04",
            endDate="2024-06-29",
            startTime="10:00",
            endTime="16:00",
            scheduleTimezone="Europe/Berlin",
            repeatFrequency="P1W",
            byDay=("Saturday",),
            exceptDate=("2024-05-18", "2024-05-25"),
        ),
    )
    assert market.provenance["eventSchedule"].method == "ics"
    assert market.provenance["eventSchedule"].evidence.startswith("FREQ=WEEKLY")


def test_a_moved_occurrence_is_its_own_activity(read: Callable[..., Extraction]) -> None:
    moved = read("fair.ics", url=ICS).activities[1]

    assert (moved.name, moved.startDate, moved.eventSchedule) == (
        "Flea market (in the hall)",
        "2024-05-25T11:00:00+02:00",
        (),
    )


def test_whole_days_end_on_their_last_day_and_may_be_cancelled(read: Callable[..., Extraction]) -> None:
    camp = read("fair.ics", url=ICS).activities[2]

    assert (camp.startDate, camp.endDate, camp.eventStatus) == ("2024-07-01", "2024-07-05", "EventCancelled")


def test_a_rule_that_schema_org_cannot_say_is_written_out(read: Callable[..., Extraction]) -> None:
    club = read("fair.ics", url=ICS, timezone="Europe/Berlin").activities[3]

    assert (club.startDate, club.endDate) == ("2024-05-06T16:00:00+02:00", "2024-05-06T17:30:00+02:00")
    assert [(one.startDate, one.startTime, one.endTime) for one in club.eventSchedule] == [
        ("2024-05-06", "16:00", "17:30"),
        ("2024-06-03", "16:00", "17:30"),
        ("2024-07-01", "16:00", "17:30"),
        ("2024-08-05", "16:00", "17:30"),
    ]


def test_an_event_without_a_title_is_a_problem(read: Callable[..., Extraction]) -> None:
    assert [problem.code for problem in read("fair.ics", url=ICS).problems] == ["calendar_event_incomplete"]


def calendar(*lines: str) -> str:
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-", *lines, "END:VCALENDAR", ""])


def event(*lines: str) -> list[str]:
    return ["BEGIN:VEVENT", "UID:1", "SUMMARY:Play", "DTSTART:20240504T100000", *lines, "END:VEVENT"]


def test_a_broken_event_never_loses_the_others(read: Callable[..., Extraction]) -> None:
    extraction = read(calendar("BEGIN:VEVENT", "this is no line", "END:VEVENT", *event()), url=ICS)

    assert [one.name for one in extraction.activities] == ["Play"]


@pytest.mark.parametrize(
    "line",
    [
        "RRULE:FREQ=SOMETIMES",
        "RRULE:FREQ=DAILY\\.",
        "DURATION:soon",
        "DTEND:20240504",
        "EXDATE:never",
        "RDATE:x",
        "GEO:north",
        "CATEGORIES:",
        "RRULE:FREQ=SECONDLY;BYSECOND=1",
        "RRULE:FREQ=MONTHLY;BYDAY=5MO;BYMONTH=2;BYMONTHDAY=30",
        "DTEND:20200101T000000",
        "ORGANIZER:mailto:a@example.org",
        "ATTACH:ftp://x",
    ],
)
def test_a_broken_property_costs_only_itself(read: Callable[..., Extraction], line: str) -> None:
    extraction = read(calendar(*event(line)), url=ICS)

    assert [(one.name, one.startDate) for one in extraction.activities] == [("Play", "2024-05-04T10:00:00")]


def test_stated_extra_days_an_organiser_and_a_picture(read: Callable[..., Extraction]) -> None:
    (activity,) = read(
        calendar(
            *event(
                "RDATE:20240511T100000",
                "ORGANIZER;CN=Town:mailto:a@example.org",
                "ATTACH;FMTTYPE=image/png:https://example.org/a.png",
            )
        ),
        url=ICS,
    ).activities

    assert [one.startDate for one in activity.eventSchedule] == ["2024-05-04", "2024-05-11"]
    assert activity.organizer is not None
    assert activity.organizer.name == "Town"
    assert [image.sourceUrl for image in activity.image] == ["https://example.org/a.png"]


@pytest.mark.parametrize(
    "text", ["BEGIN:VCALENDAR", "BEGIN:VCALENDAR\nEND:VCALENDAR", "BEGIN:VEVENT\n" * 50, "BEGIN:VCALENDAR\n\x00\n"]
)
def test_a_calendar_without_events_states_nothing(read: Callable[..., Extraction], text: str) -> None:
    assert read(text, url=ICS).activities == []


LINES = st.sampled_from(
    [
        "BEGIN:VEVENT",
        "END:VEVENT",
        "BEGIN:VCALENDAR",
        "END:VCALENDAR",
        "SUMMARY:x",
        "DTSTART:20240101",
        "DTSTART;TZID=X:20240101T100000",
        "DTEND:x",
        "RRULE:FREQ=DAILY",
        "RRULE:FREQ=MONTHLY;BYDAY=1MO",
        "EXDATE:20240101",
        "DURATION:P1D",
        "GEO:1;2",
        "GEO:x",
        "STATUS:CANCELLED",
        "BEGIN:VTIMEZONE",
        "END:VTIMEZONE",
        "RECURRENCE-ID:20240102",
        "UID:1",
        ":",
    ]
)


@given(st.lists(LINES | st.text(max_size=20), max_size=15))
def test_any_calendar_is_read_without_raising(lines: list[str]) -> None:
    body = "\r\n".join(["BEGIN:VCALENDAR", *lines]).encode("utf-8", "replace")

    extract_activities(body, url=ICS, content_type="text/calendar", now=NOW)
