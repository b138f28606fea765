"""Pages of towns, pools and stations that speak of hours, days and times without listing anything to do, and what is said beside activities."""

from collections.abc import Callable

import pytest

from tripper_assets.domain.activities import Extraction, RawActivity

Read = Callable[..., Extraction]
LIST = """<html lang=en><body><h1>What's on</h1><div class=e><h3>Spring fair</h3><p>12 May 2024, 10am</p>{first}</div>
<div class=e><h3>Summer fair</h3><p>16 June 2024, 11am</p>{second}</div>{after}</body></html>"""


def page(body: str, language: str = "en") -> str:
    return f"<html lang={language}><body>{body}</body></html>"


def state(text: str) -> str:
    return page(f"<script>window.__INITIAL_STATE__={text}</script>")


def named(found: Extraction) -> dict[str, RawActivity]:
    return {one.name: one for one in found.activities}


@pytest.mark.parametrize(
    "document",
    [
        page(
            "<h1>Rathaus</h1><table><tr><td>Bürgerbüro</td><td>Montags 8-12 Uhr</td></tr>"
            "<tr><td>Standesamt</td><td>Dienstags 8-12 Uhr</td></tr></table>",
            "de",
        ),
        page(
            "<h1>Rubbish</h1><ul><li><h3>Recycling</h3><p>Every Monday from 7am</p></li>"
            "<li><h3>Garden waste</h3><p>Every Tuesday from 7am</p></li></ul>"
        ),
        page("<h1>Team</h1><h3>Ben Kurz</h3><p>dienstags 9-11 Uhr</p><h3>Ada Lang</h3><p>freitags 9-11 Uhr</p>", "de"),
        page("<h1>Stations</h1><p>Trains run every Sunday 9am-6pm.</p>"),
        page("<h1>Contact</h1><p>Call us Monday to Friday, 9am to 5pm</p><p>Calls cost 10p</p>"),
        state('{"season":{"name":"Winter season","start":"2024-06-01","end":"2024-09-01"}}'),
        state('{"promo":{"headline":"Summer sale","start":"2024-06-01","end":"2024-07-01"}}'),
        state('{"jobs":[{"title":"Senior developer","startDate":"2024-06-01","location":"Berlin"}]}'),
    ],
)
def test_hours_of_counters_bins_people_trains_and_sales_are_no_activities(read: Read, document: str) -> None:
    assert read(document, url="https://town.example/services").activities == []


@pytest.mark.parametrize(
    "after",
    [
        "<h2>Visit us</h2><p>Tuesday to Sunday 10am - 5pm</p>",
        "<h2>The café</h2><p>Daily 9am - 6pm</p>",
        "<h2>Opening hours</h2><p>Every Monday 9am - 12pm</p>",
    ],
)
def test_the_hours_of_a_house_beside_its_programme_are_no_activity(read: Read, after: str) -> None:
    assert named(read(LIST.format(first="", second="", after=after))).keys() == {"Spring fair", "Summer fair"}


def test_a_pages_schedule_is_not_what_stands_below_opening_hours(read: Read) -> None:
    found = read(
        page(
            "<h1>Kinderschwimmkurs</h1><h2>Öffnungszeiten</h2><p>Mo–Fr 6–22 Uhr</p><p>Sa 8–20 Uhr</p><h2>Kurszeiten</h2>"
            "<p>Jeden Samstag 9 Uhr</p><p>Eintritt 5 €</p>",
            "de",
        )
    ).activities

    (rule,) = found[0].eventSchedule
    assert (rule.byDay, rule.startTime) == (("Saturday",), "09:00")


def test_slots_to_book_are_no_programme(read: Read) -> None:
    found = read(
        page(
            "<h1>The Gruffalo</h1><p>Saturday 18 May 2024</p><p>Adults £8</p>"
            "<p>10:00</p><p>Sold out today</p><p>11:00</p><p>12 places left</p>"
        )
    )

    assert named(found).keys() == {"The Gruffalo"}


def test_only_what_is_called_off_is_cancelled_and_its_words_are_the_evidence(read: Read) -> None:
    document = LIST.format(first="<p>Bookings can be cancelled online</p>", second="<p>CANCELLED</p>", after="")

    found = named(read(document))

    assert found["Spring fair"].eventStatus is None
    assert found["Summer fair"].eventStatus == "EventCancelled"
    assert found["Summer fair"].provenance["eventStatus"].evidence == "CANCELLED"


def test_terms_are_no_name(read: Read) -> None:
    found = read(
        page(
            "<h1>Classes</h1><h2>Baby Bounce</h2><p>Every Tuesday 10.30am. Free, ages 0-2.</p>"
            "<h2>Story time</h2><p>Every Friday 10am. £3 per child.</p><h2>Kids yoga</h2><p>Mondays at 10am until 24 June</p>"
        )
    )

    assert named(found).keys() == {"Baby Bounce", "Story time", "Kids yoga"}


def test_two_times_of_one_rule_name_what_stands_before_them(read: Read) -> None:
    found = named(
        read(
            page("<h1>Feeding times</h1><ul><li>Penguins: daily at 11am and 3pm</li><li>Seals: daily at 2pm</li></ul>")
        )
    )

    assert found.keys() == {"Penguins", "Seals"}
    assert [rule.startTime for rule in found["Penguins"].eventSchedule] == ["11:00", "15:00"]


def test_how_long_a_course_runs_is_no_age(read: Read) -> None:
    (found,) = read(page("<h1>Clay course</h1><p>18 May 2024, 10am</p><p>The course runs 6-8 weeks. £4</p>")).activities

    assert found.ageRange is None


def test_a_line_that_confirms_the_markup_ends_the_search_for_another_zone(read: Read) -> None:
    event = '{"@type":"Event","name":"Show","startDate":"2024-05-10T10:00"}'
    document = page(
        f'<script type="application/ld+json">{event}</script><h1>Show</h1><p>Starts 10 May 2024, 10:00</p><p>Ends 10 May 2024, 12:00</p>'
    )

    (found,) = read(document, timezone="Europe/Berlin").activities

    assert found.startDate.startswith("2024-05-10T10:00")


@pytest.mark.parametrize(("text", "language"), [("ore 16.00", "it"), ("alle 16.00", "it"), ("a las 16.00", "es")])
def test_times_behind_italian_and_spanish_words_are_read(read: Read, text: str, language: str) -> None:
    month = {"it": "maggio", "es": "de mayo de"}[language]

    (found,) = read(page(f"<h1>Laboratorio</h1><p>18 {month} 2024 {text}</p><p>5 €</p>", language)).activities

    assert found.startDate[:16] == "2024-05-18T16:00"


def test_what_an_activity_does_not_state_has_no_provenance(read: Read) -> None:
    document = page("<h1>Puppet show</h1><p>£4</p><h2>Dates:</h2><p>12 May 2024, 2pm - 3pm<br>19 May 2024, 2pm</p>")

    for one in read(document).activities:
        stated = {name for name in type(one).model_fields if getattr(one, name) not in ("", (), None)}
        assert set(one.provenance) <= stated
