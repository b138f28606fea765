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


def test_the_first_monday_of_a_month_is_a_rule(read: Callable[..., Extraction]) -> None:
    club = read("fair.ics", url=ICS, timezone="Europe/Berlin").activities[3]

    (schedule,) = club.eventSchedule
    assert (club.startDate, club.endDate) == ("2024-05-06T16:00:00+02:00", "2024-05-06T17:30:00+02:00")
    assert (schedule.startDate, schedule.startTime, schedule.endTime) == ("2024-05-06", "16:00", "17:30")
    assert (schedule.byDay, schedule.byMonthWeek, schedule.repeatCount) == (("Monday",), (1,), 4)


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


def play(*lines: str) -> str:
    return calendar("BEGIN:VEVENT", "UID:1", "SUMMARY:Play", *lines, "END:VEVENT")


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("DTSTART;TZID=America/New_York:20240504T100000", "2024-05-04T10:00:00-04:00"),
        ("DTSTART;TZID=W. Europe Standard Time:20240504T100000", "2024-05-04T10:00:00+02:00"),
        ("DTSTART;TZID=/citadel.org/20190914_1/Europe/London:20240504T100000", "2024-05-04T10:00:00+01:00"),
        ("DTSTART;TZID=Nowhere/Known:20240504T100000", "2024-05-04T10:00:00+02:00"),
        ("DTSTART:20240504T100000Z", "2024-05-04T12:00:00+02:00"),
        ("DTSTART:20240504T100000", "2024-05-04T10:00:00+02:00"),
        ("DTSTART;VALUE=DATE:20240504", "2024-05-04"),
    ],
)
def test_times_are_in_their_own_zone_else_in_the_calendar_s(
    read: Callable[..., Extraction], start: str, expected: str
) -> None:
    (activity,) = read(play(start).replace("VERSION", "X-WR-TIMEZONE:Europe/Berlin\r\nVERSION"), url=ICS).activities

    assert activity.startDate == expected


def test_a_zone_that_the_calendar_defines_itself_holds(read: Callable[..., Extraction]) -> None:
    zone = ["BEGIN:VTIMEZONE", "TZID:Ours", "BEGIN:STANDARD", "DTSTART:19700101T000000", "TZOFFSETFROM:+0500", "TZOFFSETTO:+0500",
            "END:STANDARD", "END:VTIMEZONE"]  # fmt: skip

    stated = ["BEGIN:VEVENT", "UID:1", "SUMMARY:Play", "DTSTART;TZID=Ours:20240504T100000", "END:VEVENT"]

    (activity,) = read(calendar(*zone, *stated), url=ICS).activities

    assert activity.startDate == "2024-05-04T10:00:00+05:00"


def test_a_cancelled_occurrence_without_a_title_is_called_as_its_series(read: Callable[..., Extraction]) -> None:
    changed = ["BEGIN:VEVENT", "UID:1", "RECURRENCE-ID:20240511T100000", "STATUS:CANCELLED", "END:VEVENT"]

    series, cancelled = read(
        calendar(*event("RRULE:FREQ=WEEKLY;COUNT=5", "LOCATION:Hall"), *changed), url=ICS
    ).activities

    assert series.eventSchedule[0].exceptDate == ("2024-05-11",)
    assert (cancelled.name, cancelled.startDate, cancelled.eventStatus) == (
        "Play",
        "2024-05-11T10:00:00",
        "EventCancelled",
    )
    assert cancelled.location == series.location


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (["STATUS:CANCELLED"], "EventCancelled"),
        (["STATUS:CONFIRMED"], "EventScheduled"),
        (["STATUS:CONFIRMED", "SUMMARY:POSTPONED: Play"], "EventPostponed"),
        (["SUMMARY:Play (abgesagt)"], "EventCancelled"),
        (["SUMMARY:The cancelled cheque"], None),
        ([], None),
    ],
)
def test_the_status_is_stated_by_itself_or_in_the_title(
    read: Callable[..., Extraction], lines: list[str], status: str | None
) -> None:
    title = [] if any(line.startswith("SUMMARY") for line in lines) else ["SUMMARY:Play"]
    text = calendar("BEGIN:VEVENT", "UID:1", *title, "DTSTART:20240504", *lines, "END:VEVENT")

    assert [one.eventStatus for one in read(text, url=ICS).activities] == [status]


def test_a_withdrawn_calendar_cancels_its_events(read: Callable[..., Extraction]) -> None:
    assert [one.eventStatus for one in read(calendar("METHOD:CANCEL", *event()), url=ICS).activities] == [
        "EventCancelled"
    ]


def test_a_description_in_html_and_a_picture_are_read(read: Callable[..., Extraction]) -> None:
    html = "X-ALT-DESC;FMTTYPE=text/html:<p>Bring <b>boots</b></p>"
    (activity,) = read(
        calendar(*event(html, "IMAGE;VALUE=URI;FMTTYPE=image/png:https://example.org/a.png")), url=ICS
    ).activities

    assert activity.description == "Bring boots"
    assert [image.sourceUrl for image in activity.image] == ["https://example.org/a.png"]


def test_a_cut_calendar_keeps_its_events(read: Callable[..., Extraction]) -> None:
    whole = calendar(*event(), *event("SUMMARY:Cut", "DESCRIPTION:A long text"))
    extraction = read(whole[: whole.index("long text")], url=ICS)

    assert len(extraction.activities) == 2
    assert read(calendar(*event()).replace("END:VCALENDAR", ""), url=ICS).problems == []


@pytest.mark.parametrize(
    "text", ["BEGIN:VCALENDAR", "BEGIN:VCALENDAR\nEND:VCALENDAR", "BEGIN:VEVENT\n" * 50, "BEGIN:VCALENDAR\n\x00\n"]
)
def test_a_calendar_without_events_states_nothing(read: Callable[..., Extraction], text: str) -> None:
    assert read(text, url=ICS).activities == []


@pytest.mark.parametrize(
    ("rule", "days", "weeks"),
    [
        ("BYDAY=1MO", ("Monday",), (1,)),
        ("BYDAY=1SA,3SA", ("Saturday",), (1, 3)),
        ("BYDAY=-1SU", ("Sunday",), (-1,)),
        ("BYDAY=+2TU,+2TH", ("Tuesday", "Thursday"), (2,)),
        ("BYDAY=TU;BYSETPOS=1,3", ("Tuesday",), (1, 3)),
        ("BYDAY=SA;BYSETPOS=-1", ("Saturday",), (-1,)),
    ],
)
def test_the_first_or_the_last_weekday_of_a_month_is_stated_as_a_rule(
    read: Callable[..., Extraction], rule: str, days: tuple[str, ...], weeks: tuple[int, ...]
) -> None:
    (activity,) = read(calendar(*event(f"RRULE:FREQ=MONTHLY;INTERVAL=2;{rule}")), url=ICS).activities

    (schedule,) = activity.eventSchedule
    assert (schedule.repeatFrequency, schedule.byDay, schedule.byMonthWeek) == ("P2M", days, weeks)


@pytest.mark.parametrize(
    "rule",
    [
        "BYDAY=1MO,3WE",
        "BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1",
        "BYDAY=-2SA",
        "BYDAY=FR;BYMONTHDAY=13",
        "BYDAY=MO",
        "BYMONTHDAY=1,2,3;BYSETPOS=-1",
        "BYDAY=1MO,MO",
    ],
)
def test_what_a_schedule_cannot_say_is_written_out(read: Callable[..., Extraction], rule: str) -> None:
    (activity,) = read(calendar(*event(f"RRULE:FREQ=MONTHLY;{rule}")), url=ICS).activities

    assert len(activity.eventSchedule) > 1
    assert all(one.startDate == one.endDate and not one.repeatFrequency for one in activity.eventSchedule)


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
        "RRULE:FREQ=MONTHLY;BYDAY=-,5,MO;BYSETPOS=x",
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
