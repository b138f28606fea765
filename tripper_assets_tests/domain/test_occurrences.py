import pytest

from tripper_assets.domain.activities import Provenance, RawActivity, Schedule
from tripper_assets.domain.occurrences import When, when

PAGE = "https://town.example/theatre"
WEEKLY = Schedule(startDate="2026-05-02", startTime="10:00", repeatFrequency="P1W", byDay=("Saturday",))


def stated(
    start: str = "", end: str = "", *, method: str = "json-ld", page: str = PAGE, **fields: object
) -> RawActivity:
    said = [name for name, value in {"startDate": start, "endDate": end, **fields}.items() if value]
    provenance = {name: Provenance(method=method, page=page) for name in ["name", *said]}  # pyright: ignore[reportArgumentType]
    return RawActivity.model_validate(
        {"page": page, "name": "Theatre", "startDate": start, "endDate": end, "provenance": provenance, **fields}
    )


def dates(found: When) -> tuple[str, str]:
    return found.startDate, found.endDate


def single(start: str, time: str = "", end: str = "", until: str = "") -> Schedule:
    return Schedule(startDate=start, startTime=time, endDate=end or start, endTime=until)


def test_one_occurrence_stays_as_it_is() -> None:
    found = when([stated("2026-05-02T10:00:00+02:00", "2026-05-02T12:00:00+02:00")])

    assert dates(found) == ("2026-05-02T10:00:00+02:00", "2026-05-02T12:00:00+02:00")
    assert found.eventSchedule == ()


def test_what_states_no_date_has_none() -> None:
    assert when([stated()]) == When("", "", (), None, {})


def test_several_occurrences_are_a_schedule_from_the_first_to_the_last() -> None:
    found = when(
        [
            stated("2026-05-09T10:00:00+02:00", "2026-05-09T12:00:00+02:00"),
            stated("2026-05-02T10:00:00+02:00"),
            stated("2026-05-16"),
        ]
    )

    assert dates(found) == ("2026-05-02T10:00:00+02:00", "2026-05-16")
    assert found.eventSchedule == (
        single("2026-05-02", "10:00+02:00"),
        single("2026-05-09", "10:00+02:00", until="12:00+02:00"),
        single("2026-05-16"),
    )


def test_a_day_that_another_page_states_with_its_time_is_one_occurrence() -> None:
    found = when([stated("2026-05-02"), stated("2026-05-02T10:00:00+02:00"), stated("2026-05-02", "2026-05-02")])

    assert dates(found) == ("2026-05-02T10:00:00+02:00", "")
    assert found.eventSchedule == ()


def test_a_season_keeps_its_end_beside_the_opening_hour() -> None:
    # The day that the season begins on has a time, and the season was once dropped for it.
    found = when([stated("2026-05-02", "2026-05-31"), stated("2026-05-02T18:00:00+02:00")])

    assert dates(found) == ("2026-05-02", "2026-05-31")


@pytest.mark.parametrize(
    "other",
    [
        "2026-05-02T08:00:00+00:00",  # a calendar in UTC
        "2026-05-02T10:00:00+00:00",  # a page that writes local time as UTC
        "2026-05-02T04:00:00-04:00",
    ],
)
def test_one_moment_in_two_zones_is_one_occurrence_as_the_best_page_states_it(other: str) -> None:
    found = when([stated("2026-05-02T10:00:00+02:00"), stated(other, "2026-05-02T12:00:00+02:00", method="ics")])

    assert dates(found) == ("2026-05-02T10:00:00+02:00", "2026-05-02T12:00:00+02:00")
    assert found.eventSchedule == ()


def test_of_two_ends_of_one_occurrence_the_best_pages_counts() -> None:
    found = when([stated("2026-05-02"), stated("2026-05-02", "2026-05-04"), stated("2026-05-02", "2026-05-31")])

    assert dates(found) == ("2026-05-02", "2026-05-04")


def test_dates_in_text_count_only_where_no_markup_states_one() -> None:
    text, markup = stated("2026-05-09", method="text"), stated("2026-05-02", method="json-ld")

    assert dates(when([text, markup])) == ("2026-05-02", "")
    assert dates(when([text])) == ("2026-05-09", "")


def test_an_occurrence_without_a_zone_is_said_once() -> None:
    # domain/cleaning.py moves a time without a zone into the schedule.
    zoned, floating = (
        stated("2026-05-02T10:00:00+02:00"),
        stated("2026-05-02", eventSchedule=(single("2026-05-02", "10:00"),)),
    )

    found = when([zoned, floating])

    assert dates(found) == ("2026-05-02T10:00:00+02:00", "")
    assert found.eventSchedule == ()


def test_occurrences_with_and_without_a_zone_all_stand_in_the_schedule() -> None:
    # One time without a zone once dropped every other from the schedule.
    found = when(
        [
            stated("2026-05-02T10:00:00+02:00"),
            stated("2026-05-09T10:00:00+02:00"),
            stated("2026-05-16", eventSchedule=(single("2026-05-16", "10:00"),)),
        ]
    )

    assert dates(found) == ("2026-05-02T10:00:00+02:00", "2026-05-16")
    assert found.eventSchedule == (
        single("2026-05-02", "10:00+02:00"),
        single("2026-05-09", "10:00+02:00"),
        single("2026-05-16", "10:00"),
    )


def test_occurrences_that_follow_a_rule_are_not_listed_beside_it() -> None:
    saturdays = [stated(f"2026-05-{day}T10:00:00+02:00", method="microdata") for day in ("02", "09", "16")]

    found = when([stated("2026-05-02T10:00:00+02:00", eventSchedule=(WEEKLY,)), *saturdays])

    assert found.eventSchedule == (WEEKLY,)
    assert dates(found) == ("2026-05-02T10:00:00+02:00", "2026-05-16T10:00:00+02:00")


@pytest.mark.parametrize(
    ("rule", "follows"),
    [
        (Schedule(startDate="2026-05-02", repeatFrequency="P1W"), True),
        (Schedule(startDate="2026-05-02", repeatFrequency="P1D", startTime="10:00+02:00"), True),
        (Schedule(byDay=("Saturday",)), True),
        (Schedule(startDate="2026-05-03", repeatFrequency="P1W"), False),
        (Schedule(byDay=("Sunday",)), False),
        (Schedule(byDay=("Saturday",), startTime="11:00"), False),
        (Schedule(byDay=("Saturday",), startDate="2026-05-10"), False),
        (Schedule(byDay=("Saturday",), endDate="2026-05-08"), False),
        (Schedule(byDay=("Saturday",), exceptDate=("2026-05-09",)), False),
        (Schedule(byDay=("Saturday",), byMonthWeek=(1, 2), repeatFrequency="P1M"), True),
        (Schedule(byDay=("Saturday",), byMonthWeek=(1, -1), repeatFrequency="P1M"), False),
        (Schedule(byMonthDay=(2, 9), repeatFrequency="P1M"), True),
        (Schedule(byMonthDay=(2,), repeatFrequency="P1M"), False),
    ],
)
def test_an_occurrence_beside_the_rule_is_listed(*, rule: Schedule, follows: bool) -> None:
    begin = stated("2026-05-02T10:00:00+02:00", eventSchedule=(rule,))

    found = when([begin, stated("2026-05-09T10:00:00+02:00", method="ics")])

    assert found.eventSchedule == ((rule,) if follows else (rule, single("2026-05-09", "10:00+02:00")))


def test_a_rule_without_a_first_day_stands_alone() -> None:
    found = when([stated(eventSchedule=(WEEKLY, WEEKLY))])

    assert found == When("", "", (WEEKLY,), None, {"eventSchedule": Provenance(method="json-ld", page=PAGE)})


def test_a_rule_of_the_first_years_is_read() -> None:
    found = when([stated("0001-01-01T00:00:00+02:00", eventSchedule=(WEEKLY,))])

    assert found.startDate == "0001-01-01T00:00:00+02:00"


# Cancelled


def test_a_cancelled_activity_keeps_its_date() -> None:
    found = when([stated("2026-05-02", eventStatus="EventCancelled"), stated("2026-05-02", method="ics")])

    assert dates(found) == ("2026-05-02", "")
    assert found.eventStatus == "EventCancelled"


def test_the_best_page_has_the_last_word_on_one_occurrence() -> None:
    found = when(
        [stated("2026-05-02", eventStatus="EventScheduled"), stated("2026-05-02", eventStatus="EventCancelled")]
    )

    assert dates(found) == ("2026-05-02", "")
    assert found.eventStatus == "EventScheduled"


def test_one_cancelled_occurrence_does_not_cancel_the_series() -> None:
    found = when(
        [
            stated("2026-05-02", eventStatus="EventCancelled"),
            stated("2026-05-09", eventStatus="EventPostponed"),
            stated("2026-05-16"),
        ]
    )

    assert dates(found) == ("2026-05-09", "2026-05-16")
    assert [one.startDate for one in found.eventSchedule] == ["2026-05-09", "2026-05-16"]
    assert found.eventStatus == "EventPostponed"


def test_one_cancelled_day_of_a_calendars_rule_does_not_cancel_the_rule() -> None:
    # RECURRENCE-ID with STATUS:CANCELLED, even on the first day of the rule: most rules state no status at all.
    rule = stated("2026-05-02T10:00:00+02:00", method="ics", eventSchedule=(WEEKLY,))

    for day in ("02", "09"):
        off = stated(f"2026-05-{day}T10:00:00+02:00", method="ics", eventStatus="EventCancelled")
        found = when([rule, off])

        assert found.eventStatus is None
        assert dates(found) == ("2026-05-02T10:00:00+02:00", "")


def test_a_cancelled_rule_is_cancelled() -> None:
    found = when([stated("2026-05-02", eventSchedule=(WEEKLY,), eventStatus="EventCancelled")])

    assert found.eventStatus == "EventCancelled"
    assert found.startDate == "2026-05-02"


def test_a_series_of_which_nothing_is_left_is_cancelled() -> None:
    found = when([stated(f"2026-05-0{day}", eventStatus="EventCancelled") for day in (3, 2)])

    assert dates(found) == ("2026-05-02", "2026-05-03")
    assert found.eventStatus == "EventCancelled"


def test_a_status_without_a_date_is_that_of_the_whole() -> None:
    found = when([stated(eventStatus="EventCancelled"), stated("2026-05-02"), stated("2026-05-09")])

    assert found.eventStatus == "EventCancelled"


def test_the_status_of_a_day_holds_for_its_time() -> None:
    found = when(
        [stated("2026-05-02", eventStatus="EventCancelled"), stated("2026-05-02T10:00:00+02:00"), stated("2026-05-09")]
    )

    assert dates(found) == ("2026-05-09", "")


# Provenance


def test_each_date_tells_the_page_that_states_it() -> None:
    first, last = "https://town.example/first", "https://town.example/last"

    found = when(
        [
            stated("2026-05-09", "2026-05-10", page=last),
            stated("2026-05-02", page=first, eventStatus="EventScheduled", method="ics"),
        ]
    )

    assert {name: one.page for name, one in found.provenance.items()} == {
        "startDate": first,
        "endDate": last,
        "eventStatus": first,
    }


def test_the_last_of_a_weekday_is_the_fourth_or_the_fifth() -> None:
    last = Schedule(byDay=("Saturday",), byMonthWeek=(-1,), repeatFrequency="P1M")
    days = ("2026-05-30T10:00:00+02:00", "2026-06-27T10:00:00+02:00", "2026-06-20T10:00:00+02:00")
    begin, fourth, other = (stated(day, eventSchedule=(last,) if index == 0 else ()) for index, day in enumerate(days))

    found = when([begin, fourth, other])

    assert found.eventSchedule == (last, single("2026-06-20", "10:00+02:00"))
