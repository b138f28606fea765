import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tripper_assets.domain.activities import (
    Schedule,
)
from tripper_assets.domain.cleaning import Cleaned, clean
from tripper_assets_tests.domain.one_statement import BERLIN, NOW, SOURCE, cleaned, raw, rejected


@pytest.mark.parametrize(
    ("start", "end", "kept"),
    [
        ("2026-05-02", "", ("2026-05-02", "")),
        ("20260502", "", ("2026-05-02", "")),
        ("2026-05-02", "2026-05-03", ("2026-05-02", "2026-05-03")),
        ("2026-05-02T10:00+02:00", "", ("2026-05-02T10:00:00+02:00", "")),
        ("2026-05-02 10:00:00.5+02:00", "", ("2026-05-02T10:00:00+02:00", "")),
        ("2026-05-02T10:00Z", "2026-05-02T12:00Z", ("2026-05-02T10:00:00+00:00", "2026-05-02T12:00:00+00:00")),
        ("2026-05-02T23:00+02:00", "2026-05-02T21:30Z", ("2026-05-02T23:00:00+02:00", "2026-05-02T21:30:00+00:00")),
        ("2026-05-02", "2026-05-02T18:00+02:00", ("2026-05-02", "2026-05-02T18:00:00+02:00")),
        ("2024-02-29", "2026-05-02", ("2024-02-29", "2026-05-02")),
    ],
)
def test_dates_stand_in_one_form(start: str, end: str, kept: tuple[str, str]) -> None:
    found = cleaned(raw(startDate=start, endDate=end))

    assert (found.raw.startDate, found.raw.endDate) == kept
    assert not found.problems


@pytest.mark.parametrize(
    ("start", "end", "kept", "code"),
    [
        ("tomorrow", "", ("", ""), "date_invalid"),
        ("2026-02-30", "", ("", ""), "date_invalid"),
        ("2026-05-02T25:00", "", ("", ""), "date_invalid"),
        ("2026-05-02", "soon", ("2026-05-02", ""), "date_invalid"),
        ("", "2026-05-02", ("", ""), "start_missing"),
        ("2026-05-02", "2026-05-01", ("2026-05-02", ""), "end_before_start"),
        ("2026-05-02T10:00Z", "2026-05-02T09:59Z", ("2026-05-02T10:00:00+00:00", ""), "end_before_start"),
        ("2026-05-02T10:00Z", "2026-05-02T11:30+02:00", ("2026-05-02T10:00:00+00:00", ""), "end_before_start"),
    ],
)
def test_a_date_that_cannot_be_is_dropped_and_counted(start: str, end: str, kept: tuple[str, str], code: str) -> None:
    found = cleaned(raw(startDate=start, endDate=end))

    assert (found.raw.startDate, found.raw.endDate) == kept
    assert found.problems == {code}


def test_a_time_without_a_zone_stands_in_the_schedule_and_its_day_in_the_start() -> None:
    found = cleaned(raw(startDate="2026-05-02T10:00", endDate="2026-05-02T12:00"))

    assert (found.raw.startDate, found.raw.endDate) == ("2026-05-02", "2026-05-02")
    assert found.raw.eventSchedule == (
        Schedule(startDate="2026-05-02", endDate="2026-05-02", startTime="10:00", endTime="12:00"),
    )
    assert found.problems == {"timezone_unknown"}


def test_a_rule_that_begins_with_this_time_says_it_already() -> None:
    weekly = Schedule(startDate="2026-05-02", startTime="10:00", repeatFrequency="P1W")

    found = cleaned(raw(startDate="2026-05-02T10:00", eventSchedule=(weekly,)))

    assert found.raw.eventSchedule == (weekly,)


@pytest.mark.parametrize("start", ["2026-05-02T10:00+02:00", "2026-05-02"])
def test_an_end_without_a_zone_keeps_only_its_day(start: str) -> None:
    # Once it kept the time: one sloppy page failed the check times_have_zone, which held the whole source.
    found = cleaned(raw(startDate=start, endDate="2026-05-02T12:00"))

    assert found.raw.endDate == "2026-05-02"
    assert found.problems == {"timezone_unknown"}


def test_a_start_without_a_zone_takes_the_zone_of_an_end_along_to_the_day() -> None:
    found = cleaned(raw(startDate="2026-05-02T10:00", endDate="2026-05-02T12:00+02:00"))

    assert (found.raw.startDate, found.raw.endDate) == ("2026-05-02", "2026-05-02")
    assert found.raw.eventSchedule[0].endTime == "12:00"


@pytest.mark.parametrize(
    ("stated", "kept"),
    [
        ("2026-01-10T10:00", "2026-01-10T10:00:00+01:00"),
        ("2026-07-10T10:00", "2026-07-10T10:00:00+02:00"),
        ("2026-03-29T02:30", "2026-03-29T02:30:00+01:00"),  # the hour that the clocks leave out
        ("2026-10-25T02:30", "2026-10-25T02:30:00+02:00"),  # the hour that comes twice
    ],
)
def test_the_zone_of_the_configuration_stands_in_and_is_counted(stated: str, kept: str) -> None:
    found = cleaned(raw(startDate=stated), BERLIN)

    assert found.raw.startDate == kept
    assert found.problems == {"timezone_from_config"}


def test_a_stated_zone_outweighs_the_configuration() -> None:
    found = cleaned(raw(startDate="2026-07-10T10:00+01:00"), BERLIN)

    assert found.raw.startDate == "2026-07-10T10:00:00+01:00"
    assert not found.problems


WEEKLY_FOR_EVER = Schedule(startDate="2014-03-01", startTime="10:00", repeatFrequency="P1W")


@pytest.mark.parametrize(
    "fields",
    [
        {"startDate": "2024-12-31"},
        {"startDate": "2024-12-31T10:00Z"},
        {"startDate": "2020-01-01", "endDate": "2024-12-31"},
        {"startDate": "2030-01-01"},
        {"eventSchedule": (Schedule(startDate="2015-01-01", endDate="2015-12-31"),)},
        {"eventSchedule": (Schedule(startDate="2015-01-01", repeatFrequency="P1W", endDate="2016-12-31"),)},
        {"eventSchedule": (Schedule(startDate="2015-01-01", repeatFrequency="P1W", repeatCount=10),)},
        {"startDate": "2015-01-01", "eventSchedule": (Schedule(startDate="2015-01-01"),)},
    ],
)
def test_what_is_years_over_or_years_ahead_is_rejected(fields: dict[str, object]) -> None:
    assert rejected(raw(**fields)).reason == "date_out_of_range"


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"startDate": "2025-01-01"},
        {"startDate": "2029-12-31"},
        {"startDate": "1985-06-01", "endDate": "2027-01-01"},
        {"startDate": "2014-03-01", "eventSchedule": (WEEKLY_FOR_EVER,)},
        {"eventSchedule": (Schedule(startDate="2016-01-01", repeatFrequency="P1Y", repeatCount=20),)},
        {"eventSchedule": (Schedule(startDate="2016-01-01", byDay=("Monday",)),)},
        {"eventSchedule": (Schedule(byDay=("Monday",), startTime="10:00"),)},
        {"eventSchedule": (Schedule(startDate="soon"),)},
    ],
)
def test_what_is_near_or_goes_on_is_kept(fields: dict[str, object]) -> None:
    # A calendar's weekly class that began in 2014 was once rejected, for its first day is all that DTSTART says.
    assert cleaned(raw(**fields)).raw.eventSchedule == fields.get("eventSchedule", ())


@given(st.text(alphabet=st.characters(), max_size=30), st.text(max_size=30))
def test_no_stated_date_stops_the_others(start: str, end: str) -> None:
    found = clean(raw(startDate=start, endDate=end), SOURCE, now=NOW)

    if isinstance(found, Cleaned):
        assert re.fullmatch(r"|\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d[+-]\d\d:\d\d)?", found.raw.startDate)
    else:
        assert found.reason == "date_out_of_range"
