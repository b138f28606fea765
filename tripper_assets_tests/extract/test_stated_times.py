from collections.abc import Callable

import pytest

from tripper_assets.domain.activities import Extraction

Read = Callable[..., Extraction]
LIST = "https://example.org/whats-on"
ZONES = [None, "Europe/London", "America/New_York", "Europe/Berlin"]


def listing(*whens: str) -> str:
    blocks = "".join(f"<section><h2>Show number {index}</h2>{when}</section>" for index, when in enumerate(whens))
    return f"<html lang=en-GB><main><h1>Puppet theatre programme</h1>{blocks}</main></html>"


def detail(when: str, lang: str = "en-GB") -> str:
    return f"<html lang={lang}><main><h1>Tree Detectives</h1><dl><dt>When</dt><dd>{when}</dd><dt>Age</dt><dd>6 to 10 years</dd></dl></main></html>"


def times(found: Extraction) -> list[tuple[str, str]]:
    return [(one.startDate, one.endDate) for one in found.activities]


@pytest.mark.parametrize("timezone", ZONES)
def test_a_stated_offset_holds_in_a_list_whatever_the_zone_of_times_without_one(
    read: Read, timezone: str | None
) -> None:
    page = listing(
        '<p><time datetime="2024-05-04T14:00:00+01:00">4 May 2024, 14:00</time> – 15:00</p>',
        '<p><time datetime="2024-05-05T11:00+01:00">5 May 2024</time></p>',
        '<p><time datetime="2024-05-06T14:00:00+01:00">6 May 2024, 14:00</time> – <time datetime="2024-05-06T16:00:00+01:00">16:00</time></p>',
        '<p>7 May 2024, 14:00 – <time datetime="2024-05-07T16:00:00+01:00">16:00</time></p>',
        '<p><time datetime="2024-05-08T15:00:00+02:00">8 May 2024, 14:00</time></p>',
    )

    assert times(read(page, url=LIST, timezone=timezone)) == [
        ("2024-05-04T14:00:00+01:00", "2024-05-04T15:00:00+01:00"),
        ("2024-05-05T11:00:00+01:00", ""),
        ("2024-05-06T14:00:00+01:00", "2024-05-06T16:00:00+01:00"),
        ("2024-05-07T14:00:00+01:00", "2024-05-07T16:00:00+01:00"),
        ("2024-05-08T15:00:00+02:00", ""),
    ]


@pytest.mark.parametrize("timezone", ZONES)
def test_a_stated_offset_holds_on_a_page_of_text(read: Read, timezone: str | None) -> None:
    page = detail(
        '<time datetime="2024-05-04T15:00:00+02:00">4 May 2024, 15:00</time> – <time datetime="2024-05-04T17:00:00+02:00">17:00</time>'
    )
    (activity,) = read(page, timezone=timezone).activities

    assert (activity.startDate, activity.endDate) == ("2024-05-04T15:00:00+02:00", "2024-05-04T17:00:00+02:00")
    assert activity.provenance["startDate"].method == "time"
    assert activity.provenance["startDate"].evidence == "2024-05-04T15:00:00+02:00"


@pytest.mark.parametrize(
    ("stated", "timezone", "start"),
    [
        ("2024-05-04T15:00:00Z", "Europe/Berlin", "2024-05-04T15:00:00+02:00"),
        ("2024-05-04T15:00:00+00:00", "Europe/Berlin", "2024-05-04T15:00:00+02:00"),
        ("2024-05-04T13:00:00Z", "Europe/Berlin", "2024-05-04T15:00:00+02:00"),
        ("2024-05-04T13:00:00Z", "America/New_York", "2024-05-04T15:00:00+02:00"),
        ("2024-05-04T13:00:00Z", None, "2024-05-04T15:00:00+02:00"),
        ("2024-05-04T15:00:00Z", None, "2024-05-04T15:00:00+00:00"),
        ("2024-05-04T15:00:00", "Europe/Berlin", "2024-05-04T15:00:00+02:00"),
        ("2024-05-04T15:00:00", None, "2024-05-04T15:00:00"),
        ("2024-05-04T15:00:00-04:00", "Europe/Berlin", "2024-05-04T15:00:00-04:00"),
    ],
)
def test_only_utc_that_equals_the_shown_hour_is_taken_for_local_time(
    read: Read, stated: str, timezone: str | None, start: str
) -> None:
    element = f'<time datetime="{stated}">4 May 2024, 15:00</time>'

    assert times(read(detail(element), timezone=timezone)) == [(start, "")]
    in_list = read(listing(f"<p>{element}</p>", "<p>5 May 2024, 15:00</p>"), url=LIST, timezone=timezone)
    assert in_list.activities[0].startDate == start


def test_a_midnight_that_only_fills_the_attribute_is_no_time_of_day(read: Read) -> None:
    page = listing(
        '<p><time datetime="2024-05-04T00:00:00+01:00">4 May 2024</time></p>',
        '<p><time datetime="2024-05-05T00:00:00+01:00">5 May 2024, 14:00</time></p>',
    )

    assert times(read(page, url=LIST)) == [("2024-05-04", ""), ("2024-05-05T14:00:00", "")]


def test_an_end_after_a_change_of_the_clock_has_the_offset_of_its_own_day(read: Read) -> None:
    page = detail('<time datetime="2024-10-26T10:00:00+01:00">26 October 2024, 10:00</time> – 27 October 2024, 16:00')

    assert times(read(page, timezone="Europe/London")) == [("2024-10-26T10:00:00+01:00", "2024-10-27T16:00:00+00:00")]


@pytest.mark.parametrize(
    "when",
    [
        (
            '<time datetime="2024-05-04T15:00:00+02:00">4 May 2024, 15:00</time> – <time datetime="2024-05-04T17:00:00+02:00">17:00</time><br>'
            '<time datetime="2024-05-18T15:00:00+02:00">18 May 2024, 15:00</time> – <time datetime="2024-05-18T17:00:00+02:00">17:00</time>'
        ),
        (
            '<ul><li><time datetime="2024-05-04T15:00:00+02:00">4 May 2024, 15:00</time> – 17:00</li>'
            '<li><time datetime="2024-05-18T15:00:00+02:00">18 May 2024, 15:00</time> – 17:00</li></ul>'
        ),
        (
            '<time datetime="2024-05-04T15:00:00+02:00">4 May 2024, 15:00</time> – <time datetime="2024-05-04T17:00:00+02:00">17:00</time>; '
            '<time datetime="2024-05-18T15:00:00+02:00">18 May 2024, 15:00</time> – <time datetime="2024-05-18T17:00:00+02:00">17:00</time>'
        ),
    ],
)
def test_each_labelled_occurrence_is_an_activity(read: Read, when: str) -> None:
    found = read(detail(when), timezone="Europe/London")

    assert times(found) == [
        ("2024-05-04T15:00:00+02:00", "2024-05-04T17:00:00+02:00"),
        ("2024-05-18T15:00:00+02:00", "2024-05-18T17:00:00+02:00"),
    ]
    assert {one.name for one in found.activities} == {"Tree Detectives"}
    assert all(one.ageRange is not None for one in found.activities)


def test_a_time_stated_once_holds_for_all_labelled_days(read: Read) -> None:
    page = "<html lang=en-GB><main><h1>Tree Detectives</h1><p>Dates: 4 May 2024, 18 May 2024</p><p>Time: 15:00 – 17:00</p></main></html>"

    assert times(read(page)) == [
        ("2024-05-04T15:00:00", "2024-05-04T17:00:00"),
        ("2024-05-18T15:00:00", "2024-05-18T17:00:00"),
    ]


def test_a_date_below_another_element_is_no_occurrence(read: Read) -> None:
    page = "<html lang=en-GB><main><h1>Tree Detectives</h1><h3>When</h3><p>4 May 2024, 15:00</p><div>Book until 1 May 2024, 12:00</div></main></html>"

    assert times(read(page)) == [("2024-05-04T15:00:00", "")]


@pytest.mark.parametrize(
    ("lang", "when", "day"),
    [
        ("en", 'Every Friday, 15:30–17:00, <time datetime="2024-05-03T15:30:00+02:00">3 May 2024</time>', "Friday"),
        ("de", 'Jeden Freitag, 15:30–17:00, <time datetime="2024-05-03T15:30:00+02:00">3. Mai 2024</time>', "Friday"),
    ],
)
def test_a_rule_beside_the_first_day_is_one_activity_with_a_schedule(
    read: Read, lang: str, when: str, day: str
) -> None:
    (activity,) = read(detail(when, lang)).activities
    (rule,) = activity.eventSchedule

    assert (activity.startDate, activity.endDate) == ("2024-05-03T15:30:00+02:00", "2024-05-03T17:00:00+02:00")
    assert (rule.repeatFrequency, rule.byDay, rule.startTime, rule.endTime) == ("P1W", (day,), "15:30", "17:00")


def test_the_last_day_of_a_series_ends_its_rule(read: Read) -> None:
    (activity,) = read(detail("Every Friday, 3 May 2024 to 28 June 2024, 15:30")).activities

    assert [(rule.startDate, rule.endDate, rule.byDay) for rule in activity.eventSchedule] == [
        ("2024-05-03", "2024-06-28", ("Friday",))
    ]


@pytest.mark.parametrize(
    ("sentence", "days"),
    [
        ("Every Friday, 15:30–17:00", [("Friday",)]),
        ("Jeden Freitag um 15:30 Uhr", [("Friday",)]),
        ("Every Monday at 15:30", []),
        ("Every Friday at 9:00", []),
    ],
)
def test_a_rule_shown_beside_microdata_counts_where_both_agree(
    read: Read, sentence: str, days: list[tuple[str, ...]]
) -> None:
    page = f"""<html lang=en><main><div itemscope itemtype="https://schema.org/Event"><h1 itemprop=name>The Why Club</h1><p>{sentence}</p>
    <time itemprop=startDate datetime="2024-05-03T15:30:00+02:00">3 May</time></div></main></html>"""
    (activity,) = read(page).activities

    assert [rule.byDay for rule in activity.eventSchedule] == days


def test_two_times_of_a_shown_day_are_its_start_and_end(read: Read) -> None:
    both = '<time datetime="2024-05-04T15:00:00+02:00">4 May 2024</time> <time datetime="2024-05-04T17:00:00+02:00">until late</time>'
    page = listing(f"<p>{both}</p>", "<p>5 May 2024 to 7 May 2024</p>")

    assert times(read(page, url=LIST, timezone="Europe/London")) == [
        ("2024-05-04T15:00:00+02:00", "2024-05-04T17:00:00+02:00"),
        ("2024-05-05", "2024-05-07"),
    ]


def test_a_range_of_days_stays_one_whatever_hour_its_first_attribute_states(read: Read) -> None:
    page = listing(
        '<p><time datetime="2024-05-04T09:00:00+01:00">4 May 2024</time> to <time datetime="2024-05-06T17:00:00+01:00">6 May 2024</time></p>',
        "<p>8 May 2024</p>",
    )

    assert times(read(page, url=LIST))[0] == ("2024-05-04", "2024-05-06")


def test_a_utc_time_far_from_the_shown_hour_states_nothing_about_it(read: Read) -> None:
    page = listing('<p><time datetime="2024-05-02T03:07:00Z">4 May 2024, 15:00</time></p>', "<p>5 May 2024</p>")

    assert times(read(page, url=LIST))[0] == ("2024-05-04T15:00:00", "")
