"""A calendar that another program reads has the same starts and rules as the records."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tripper_assets.domain.activities import Activity
from tripper_assets.domain.calendars import calendar_pieces
from tripper_assets_tests.calendars import events_of
from tripper_assets_tests.domain.test_exports import NOW, record

BERLIN = ZoneInfo("Europe/Berlin")


def calendar(**fields: Any) -> bytes:
    return b"".join(calendar_pieces([Activity.model_validate(record(**fields))], now=NOW))


def events(**fields: Any) -> list[Any]:
    return events_of(calendar(**fields))


def test_a_single_event_keeps_its_moment_and_what_is_said_of_it() -> None:
    place = {"name": "Old Mill", "address": {"streetAddress": "Mill Lane 1", "addressLocality": "Leeds"}}
    fields = {"startDate": "2026-06-01T15:00:00+02:00", "endDate": "2026-06-01T16:30:00+02:00", "location": place}
    fields |= {"geometry": {"coordinates": [-1.55, 53.8]}, "description": "Fish, and\nsea; more", "category": ["Zoo"]}

    (event,) = events(**fields, eventStatus="EventCancelled", name="x" * 150)

    assert event.start == datetime(2026, 6, 1, 13, tzinfo=UTC)
    assert event.end == datetime(2026, 6, 1, 14, 30, tzinfo=UTC)
    assert (event["summary"], event["description"]) == ("x" * 150, "Fish, and\nsea; more")
    assert (event["location"], event["status"], event["url"]) == (
        "Old Mill, Mill Lane 1, Leeds",
        "CANCELLED",
        "https://zoo.example/1",
    )
    assert event["uid"] == "6f17a177-f691-594a-8d96-2256a52174b8@tripper-assets"
    assert event["geo"].to_ical() == "53.8;-1.55"


@pytest.mark.parametrize(
    ("start", "end", "expected_start", "expected_end"),
    [
        ("2026-06-01", "", date(2026, 6, 1), None),
        ("2026-06-01", "2026-06-03", date(2026, 6, 1), date(2026, 6, 4)),  # the end of a calendar is not in it
        ("2026-06-01T15:00:00", "", datetime(2026, 6, 1, 15), None),  # noqa: DTZ001 (the zone is unknown)
        ("2026-06-01T15:00:00Z", "2026-06-01", datetime(2026, 6, 1, 15, tzinfo=UTC), None),
    ],
)
def test_days_and_floating_times_stay_what_they_are(
    start: str, end: str, expected_start: Any, expected_end: Any
) -> None:
    (event,) = events(startDate=start, endDate=end)

    assert event["dtstart"].dt == expected_start
    assert (event["dtend"].dt if "dtend" in event else None) == expected_end


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"repeatFrequency": "P1W", "byDay": ["Tuesday"]}, {"FREQ": ["WEEKLY"], "BYDAY": ["TU"]}),
        (
            {"repeatFrequency": "P2W", "byDay": ["Tuesday", "Friday"]},
            {"FREQ": ["WEEKLY"], "INTERVAL": [2], "BYDAY": ["TU", "FR"]},
        ),
        (
            {"repeatFrequency": "P1M", "byDay": ["Monday"], "byMonthWeek": [1, 3]},
            {"FREQ": ["MONTHLY"], "BYDAY": ["1MO", "3MO"]},
        ),
        (
            {"repeatFrequency": "P1M", "byDay": ["Saturday"], "byMonthWeek": [-1]},
            {"FREQ": ["MONTHLY"], "BYDAY": ["-1SA"]},
        ),
        ({"byMonthDay": [15]}, {"FREQ": ["MONTHLY"], "BYMONTHDAY": [15]}),
        ({"repeatFrequency": "P1D", "repeatCount": 4}, {"FREQ": ["DAILY"], "COUNT": [4]}),
        ({"byDay": ["Sunday"]}, {"FREQ": ["WEEKLY"], "BYDAY": ["SU"]}),
    ],
)
def test_a_rule_is_the_same_rule(rule: dict[str, Any], expected: dict[str, Any]) -> None:
    stated = {"startDate": "2026-06-02", "startTime": "15:00", "scheduleTimezone": "Europe/Berlin", **rule}

    (event,) = events(eventSchedule=[stated])

    assert dict(event["rrule"]) == expected
    assert event.start.utcoffset() == timedelta(hours=2)


def test_a_rule_begins_on_the_first_of_its_days_ends_with_its_last_and_leaves_out_what_it_excepts() -> None:
    rule = {
        "repeatFrequency": "P1W",
        "byDay": ["Tuesday"],
        "startDate": "2026-05-30",
        "endDate": "2026-07-31",
        "startTime": "15:00",
        "endTime": "16:00",
    }

    text = calendar(eventSchedule=[{**rule, "scheduleTimezone": "Europe/Berlin", "exceptDate": ["2026-06-09"]}])

    (event,) = events_of(text)
    assert event.start == datetime(2026, 6, 2, 15, tzinfo=BERLIN)
    assert event.end == datetime(2026, 6, 2, 16, tzinfo=BERLIN)
    assert event["rrule"]["UNTIL"] == [datetime(2026, 7, 31, 21, 59, 59, tzinfo=UTC)]
    assert [one.dt for one in event["exdate"].dts] == [datetime(2026, 6, 9, 15, tzinfo=BERLIN)]
    assert text.count(b"BEGIN:VTIMEZONE") == 1
    assert text.index(b"BEGIN:VTIMEZONE") < text.index(b"BEGIN:VEVENT")


def test_a_rule_with_an_offset_alone_holds_by_the_wall_clock_all_year() -> None:
    (event,) = events(
        startDate="2026-06-02T15:00:00+02:00",
        eventSchedule=[{"repeatFrequency": "P1W", "byDay": ["Tuesday"], "startTime": "15:00+02:00"}],
    )

    assert event["dtstart"].dt == datetime(2026, 6, 2, 15)  # noqa: DTZ001 (it floats)


def test_a_rule_that_states_no_day_begins_from_today() -> None:
    (event,) = events(eventSchedule=[{"repeatFrequency": "P1W", "byDay": ["Sunday"], "startTime": "11:00"}])

    assert event["dtstart"].dt == datetime(2026, 5, 3, 11)  # noqa: DTZ001 (it floats)


def test_stated_occurrences_of_one_length_are_one_event_with_its_dates() -> None:
    def on(day: int, clock: str) -> dict[str, str]:
        return {
            "startDate": f"2026-06-0{day}",
            "endDate": f"2026-06-0{day}",
            "startTime": f"{clock}+02:00",
            "endTime": "18:00+02:00",
        }

    one, other = events(
        startDate="2026-06-01T15:00:00+02:00", eventSchedule=[on(3, "15:00"), on(1, "15:00"), on(2, "16:00")]
    )

    assert one.start == datetime(2026, 6, 1, 13, tzinfo=UTC)
    assert [moment.dt for moment in one["rdate"].dts] == [datetime(2026, 6, 3, 13, tzinfo=UTC)]
    assert other.start == datetime(2026, 6, 2, 14, tzinfo=UTC)
    assert one["uid"] != other["uid"]


def test_whole_days_that_are_listed_are_dates() -> None:
    (event,) = events(eventSchedule=[{"startDate": f"2026-06-0{day}", "endDate": f"2026-06-0{day}"} for day in (1, 4)])

    assert event["dtstart"].dt == date(2026, 6, 1)
    assert [moment.dt for moment in event["rdate"].dts] == [date(2026, 6, 4)]


@pytest.mark.parametrize(
    "fields",
    [{}, {"startDate": "soon"}, {"eventSchedule": [{"byMonthDay": [31], "byDay": ["Monday"], "byMonthWeek": [1]}]}],
)
def test_what_has_no_day_is_in_no_calendar(fields: dict[str, Any]) -> None:
    assert events(**fields) == []
