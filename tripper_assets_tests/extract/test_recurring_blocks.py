"""Lists whose entries state a rule and no day, days in badges and grids, and the programme of a day."""

from collections.abc import Callable

import pytest

from tripper_assets.domain.activities import Extraction, RawActivity
from tripper_assets_tests.extract.conftest import NOW

Read = Callable[..., Extraction]
UNDER_FIVES = """<html lang=en-GB><title>Under fives | Mill Lane Library</title><body><main><h1>Under fives at Mill Lane Library</h1>
<p>All sessions are free and take place in the children's library.</p>
<div class=s><h3>Baby Bounce</h3><p>Every Tuesday, 10.30am - 11am</p><p>Songs and rhymes for babies 0-18 months with their grown-ups.</p></div>
<div class=s><h3>Story Time</h3><p>Thursdays 2pm to 2.45pm</p><p>Stories and crafts for ages 3-5.</p></div>
<div class=s><h3><a href="/chess">Chess</a></h3><p>Fridays 4pm</p></div>
<h2>Opening hours</h2><p>Every Monday 9am - 5pm</p></main></body></html>"""


def named(found: Extraction) -> dict[str, RawActivity]:
    return {one.name: one for one in found.activities}


def rules(one: RawActivity) -> list[tuple[tuple[str, ...], str, str]]:
    return [(rule.byDay, rule.startTime, rule.endTime) for rule in one.eventSchedule]


def starts(found: Extraction) -> list[tuple[str, str]]:
    return [(one.name, one.startDate[:16]) for one in found.activities]


def test_each_block_with_a_rule_is_an_activity_with_what_stands_in_it(read: Read) -> None:
    found = named(read(UNDER_FIVES, timezone="Europe/London"))

    assert found.keys() == {"Baby Bounce", "Story Time", "Chess"}
    assert rules(found["Baby Bounce"]) == [(("Tuesday",), "10:30", "11:00")]
    assert rules(found["Story Time"]) == [(("Thursday",), "14:00", "14:45")]
    assert found["Story Time"].ageRange
    assert found["Story Time"].ageRange.minValue == 3
    assert found["Chess"].url == "https://example.org/chess"
    assert all(one.startDate == "" for one in found.values())


def test_a_page_that_speaks_of_children_may_list_rules_whatever_its_address_says(read: Read) -> None:
    plain = UNDER_FIVES.replace("Under fives", "Baby and toddler time")

    assert named(read(plain, url="https://library.example/services/6")).keys() == {"Baby Bounce", "Story Time", "Chess"}


def test_a_rule_says_where_it_was_read(read: Read) -> None:
    found = named(read(UNDER_FIVES))["Baby Bounce"].provenance["eventSchedule"]

    assert (found.method, found.evidence) == ("listing", "Every Tuesday, 10.30am - 11am")


def test_two_rules_of_one_name_are_one_activity(read: Read) -> None:
    page = "<html lang=en><body><h1>Clubs</h1><ul>" + "".join(
        f"<li><h3>{name}</h3><p>{when}</p></li>"
        for name, when in (("Chess", "Mondays 4pm"), ("Chess", "Fridays 5pm"), ("Lego", "Saturdays 10am"))
    )

    found = named(read(page))

    assert rules(found["Chess"]) == [(("Monday",), "16:00", ""), (("Friday",), "17:00", "")]
    assert found.keys() == {"Chess", "Lego"}


def test_rules_stand_beside_dated_entries(read: Read) -> None:
    page = """<html lang=en><body><h1>What's on</h1>
      <div class=e><h3>Spring fair</h3><p>12 May 2024, 10am</p></div>
      <div class=e><h3>Toddler time</h3><p>Every Wednesday 9:30am</p></div>
      <div class=e><h3>Summer fair</h3><p>16 June 2024, 11am</p></div></body></html>"""

    found = named(read(page))

    assert found.keys() == {"Spring fair", "Toddler time", "Summer fair"}
    assert rules(found["Toddler time"]) == [(("Wednesday",), "09:30", "")]


def test_a_rule_within_a_dated_block_is_that_activitys_rule(read: Read) -> None:
    page = """<html lang=en><body><h1>Courses and events</h1>
      <div class=e><h3>Clay course</h3><p>14 May 2024 - 18 June 2024</p><p>Tuesdays 4pm - 5pm</p></div>
      <div class=e><h3>Family concert</h3><p>19 May 2024, 3pm</p></div></body></html>"""

    found = named(read(page))

    rule = found["Clay course"].eventSchedule[0]
    assert (rule.byDay, rule.startDate, rule.endDate) == (("Tuesday",), "2024-05-14", "2024-06-18")
    assert found["Family concert"].eventSchedule == ()


def test_opening_hours_are_no_activity(read: Read) -> None:
    page = """<html lang=en><body><h1>Mill Lane Library</h1><h2>Opening hours</h2>
      <p>Mondays 9am - 5pm</p><p>Tuesdays 10am - 5pm</p><p>Closed every Friday from 1pm</p></body></html>"""

    assert read(page).activities == []


def test_several_rules_of_a_pages_one_activity_are_its_schedule(read: Read) -> None:
    page = """<html lang=en><body><h1>Pottery for children</h1><p>Ages 6-10. £8 per child.</p>
      <ul><li>Mondays 4pm - 5pm</li><li>Wednesdays 5pm - 6pm</li></ul></body></html>"""

    found = read(page).activities

    assert [one.name for one in found] == ["Pottery for children"]
    assert rules(found[0]) == [(("Monday",), "16:00", "17:00"), (("Wednesday",), "17:00", "18:00")]
    assert found[0].offers


@pytest.mark.parametrize(
    "badge", ["<b>{day}</b><br>{month}", "{month}<br>{day}", "2024<br>{day}<br>{month}", "{day}<br>{month}<br>2024"]
)
def test_days_in_badges_are_read_whatever_stands_first(read: Read, badge: str) -> None:
    days = (("Spring fair", 31, "May"), ("Water day", 1, "June"), ("Night walk", 2, "June"))
    entries = "".join(
        f"<article><p>{badge.format(day=day, month=month)}</p><h3>{name}</h3><p>10:00 - 11:00</p></article>"
        for name, day, month in days
    )

    found = starts(read(f"<html lang=en><body><h1>Events</h1>{entries}</body></html>"))

    assert found == [
        ("Spring fair", "2024-05-31T10:00"),
        ("Water day", "2024-06-01T10:00"),
        ("Night walk", "2024-06-02T10:00"),
    ]


def test_days_that_passed_in_a_calendars_grid_are_its_archive(read: Read) -> None:
    cells = "".join(f"<td>{day}<p><a href=/e/{day}>Story hour {day}</a></p></td>" for day in (8, 9, 10, 11, 12))
    page = f"<html lang=en><body><h2>April 2024</h2><table><tr><td>Mo</td><td>Tu</td></tr><tr>{cells}</tr></table></body></html>"

    found = read(page)

    assert f"{NOW:%d}" == "10"
    assert [one.startDate for one in found.activities] == ["2024-04-10", "2024-04-11", "2024-04-12"]


def test_a_long_calendar_in_markup_leaves_out_what_passed_weeks_ago_and_says_so(read: Read) -> None:
    events = ",".join(
        f'{{"@type":"Event","name":"Event {day}","startDate":"2024-0{month}-{day:02}T10:00"}}'
        for month in (3, 4)
        for day in range(1, 29, 2)
    )

    found = read(f'<html><body><script type="application/ld+json">[{events}]</script><p>x</p></body></html>')

    assert min(one.startDate[:16] for one in found.activities) == "2024-03-27T10:00"
    assert [problem.code for problem in found.problems] == ["archive_entries_left_out"]


def test_two_of_one_name_and_hour_at_different_places_are_two(read: Read) -> None:
    entries = "".join(
        f"<div class=e><h3>Story time</h3><p>{day} May 2024, 10am</p><p>Location: {place}</p></div>"
        for place in ("Old Mill Library", "Harbour Library")
        for day in (12, 13)
    )

    found = read(f"<html lang=en><body><h1>Events</h1>{entries}</body></html>").activities

    assert len({(one.startDate, one.location.name if one.location else "") for one in found}) == 4


def test_the_parts_of_a_day_are_activities_at_their_times(read: Read) -> None:
    page = """<html lang=en><body><h1>Harbour festival</h1><p>Saturday 18 May 2024</p><p>Location: Old Harbour</p>
      <p>10:00 am</p><p>Puppet theatre on the pier</p><p>11:30 am - 12:30 pm</p><p>Sandcastle contest</p></body></html>"""

    found = starts(read(page))

    assert ("Puppet theatre on the pier", "2024-05-18T10:00") in found
    assert ("Sandcastle contest", "2024-05-18T11:30") in found
    assert found[0][0] == "Harbour festival"


def test_a_main_element_that_shows_nothing_is_not_the_page(read: Read) -> None:
    page = f"""<html lang=en><body><main><div style="display:none">{"menu " * 40}</div></main>
      <div><h1>Spring fair</h1><p>12 May 2024, 10am</p><p>Tickets £3</p></div></body></html>"""

    assert starts(read(page)) == [("Spring fair", "2024-05-12T10:00")]


def test_numbers_below_this_month_are_its_days(read: Read) -> None:
    rows = "".join(
        f"<tr><th>{day}</th><td>{name}</td></tr>"
        for day, name in (("18th", "Loose Moose Band (from Leeds)"), ("21st", "Puppet hour"))
    )

    found = starts(read(f"<html lang=en><body><h1>What's on this month</h1><table>{rows}</table></body></html>"))

    assert found == [("Loose Moose Band (from Leeds)", "2024-04-18"), ("Puppet hour", "2024-04-21")]


def test_the_month_that_a_calendar_shows_is_not_the_one_it_leads_to(read: Read) -> None:
    cells = "".join(f"<td>{day}<p><a href=/e/{day}>Story hour {day}</a></p></td>" for day in (24, 25))
    page = f"<html lang=en><body><p>March</p><h2>April 2024</h2><p>May</p><table><tr>{cells}</tr></table></body></html>"

    assert [start for _, start in starts(read(page))] == ["2024-04-24", "2024-04-25"]


def test_what_begins_every_entry_is_a_label_and_no_name(read: Read) -> None:
    entries = "".join(
        f"<li><p>{day} May 2024, {hour}:10</p><p><b>Showing in:</b> Screen {hour}</p></li>"
        for day in (12, 13)
        for hour in (14, 16)
    )

    found = read(
        f"<html lang=en><body><h1>The clay film</h1><h2>Times &amp; Tickets</h2><ul>{entries}</ul></body></html>"
    )

    assert {one.name for one in found.activities} == {"The clay film"}
    assert len(found.activities) == 4
