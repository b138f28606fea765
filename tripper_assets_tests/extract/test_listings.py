from collections.abc import Callable

from tripper_assets.domain.activities import AgeRange, Extraction

LIST = "https://example.org/whats-on"


def test_each_block_of_a_list_is_an_activity(read: Callable[..., Extraction]) -> None:
    found = read("whats-on.html", url=LIST, timezone="Europe/London").activities

    assert [(one.name, one.startDate, one.url) for one in found] == [
        ("Storytime in the Park", "2024-05-04T10:00:00+01:00", "https://example.org/e/storytime"),
        ("Build a Kite", "2024-05-05T14:00:00+01:00", "https://example.org/e/kites"),
        ("Owl Walk (cancelled)", "2024-05-05T20:00:00+01:00", "https://example.org/e/owls"),
    ]
    assert found[0].endDate == "2024-05-04T11:00:00+01:00"
    assert found[0].isAccessibleForFree is True
    assert found[0].ageRange == AgeRange(minValue=2, maxValue=5)
    assert [image.sourceUrl for image in found[0].image] == ["https://example.org/i/story.jpg"]
    assert [offer.price for offer in found[1].offers] == ["4.00"]
    assert found[2].eventStatus == "EventCancelled"
    assert found[2].location is not None
    assert found[2].location.name == "Town Wood"
    assert {one.provenance["name"].method for one in found} == {"listing"}


def test_a_table_takes_titles_from_its_name_column_and_the_year_from_the_heading(
    read: Callable[..., Extraction],
) -> None:
    found = read("table.html", url="https://example.org/courses").activities

    assert [(one.name, one.startDate) for one in found] == [
        ("Swimming for beginners", "2024-07-01T09:00:00"),
        ("Circus school", "2024-07-02T13:30:00"),
        ("Robots", "2024-07-03T15:00:00"),
    ]


def test_a_time_for_all_holds_for_each_day(read: Callable[..., Extraction]) -> None:
    page = """<html lang=en><h1>Puppet theatre programme</h1><p>All shows start at 3:00 pm.</p><ul><li>May 4, 2024: The Wolf</li>
    <li>May 5, 2024: The Fox</li><li>May 6, 2024: The Hen</li></ul></html>"""

    found = read(page, url="https://example.org/programme").activities

    assert [(one.name, one.startDate) for one in found][:2] == [
        ("The Wolf", "2024-05-04T15:00:00"),
        ("The Fox", "2024-05-05T15:00:00"),
    ]


def test_days_without_titles_take_the_heading_above(read: Callable[..., Extraction]) -> None:
    page = """<html lang=en><h1>Town calendar</h1><h2>Toddler swimming</h2><ul><li>May 4, 2024</li><li>May 11, 2024</li></ul>
    <h2>Family yoga</h2><ul><li>May 5, 2024</li></ul></html>"""

    found = read(page, url="https://example.org/calendar").activities

    assert [(one.name, one.startDate) for one in found] == [
        ("Toddler swimming", "2024-05-04"),
        ("Toddler swimming", "2024-05-11"),
        ("Family yoga", "2024-05-05"),
    ]


def test_a_month_above_bare_days_gives_them_their_month(read: Callable[..., Extraction]) -> None:
    page = """<html lang=en><h1>Story club meetings</h1><h4>2024 dates</h4><table><tr><td>MAY</td><td>4</td><td>11</td></tr>
    <tr><td>JUN.</td><td>1</td><td>8</td></tr></table></html>"""

    found = read(page, url="https://example.org/club").activities

    assert [one.startDate for one in found] == ["2024-05-04", "2024-05-11", "2024-06-01", "2024-06-08"]
    assert {one.name for one in found} == {"Story club meetings"}


def test_terms_of_office_and_dated_files_are_no_activities(read: Callable[..., Extraction]) -> None:
    page = """<html lang=en><h1>Park board events</h1><table><tr><th>Name</th><th>Term Ends</th></tr><tr><td>Ann Lee</td><td>May 4, 2025</td></tr>
    <tr><td>Bo Ray</td><td>June 4, 2025</td></tr></table><ul><li>January 3, 2024 <a href="a.pdf">Yearly plan</a></li></ul></html>"""

    assert read(page, url="https://example.org/board").activities == []


def test_posts_with_dates_are_no_list_of_activities(read: Callable[..., Extraction]) -> None:
    page = """<html lang=en><h1>Our blog</h1><div class=post><h2>Roof done</h2><p>March 1, 2024</p></div>
    <div class=post><h2>Roof begun</h2><p>February 1, 2024</p></div></html>"""

    assert read(page, url="https://example.org/blog").activities == []


def test_a_long_list_leaves_out_its_archive_and_counts_it(read: Callable[..., Extraction]) -> None:
    years = "".join(f"<li>June {day}, {year}: Walk {day}</li>" for year in (2021, 2022, 2024) for day in range(1, 15))

    extraction = read(f"<html lang=en><h1>Events</h1><ul>{years}</ul></html>", url="https://example.org/events")
    found = extraction.activities

    assert {one.startDate[:4] for one in found} == {"2024"}
    assert len(found) == 14
    assert [(one.code, one.subject, one.message) for one in extraction.problems] == [
        (
            "archive_entries_left_out",
            "https://example.org/events",
            "28 entries before 2023-04-10 were left out as the archive of a long list.",
        )
    ]


def test_a_list_of_nothing_but_archive_says_so(read: Callable[..., Extraction]) -> None:
    days = "".join(f"<li>{month} {day}, 2021: Walk {day}</li>" for month in ("May", "June") for day in range(1, 25))
    extraction = read(f"<html lang=en><h1>Events</h1><ul>{days}</ul></html>", url="https://example.org/events")

    assert extraction.activities == []
    assert [one.message[:10] for one in extraction.problems] == ["48 entries"]


def test_that_a_place_is_closed_is_no_activity(read: Callable[..., Extraction]) -> None:
    page = """<html lang=en><h1>Events</h1><ul><li><h3>Kites</h3><p>May 4, 2024</p></li><li><h3>Mother's Day (museum closed)</h3><p>May 12, 2024</p></li>
    <li><h3>Boats</h3><p>May 5, 2024</p></li></ul></html>"""

    found = read(page, url="https://example.org/events").activities

    assert [one.name for one in found] == ["Kites", "Boats"]


def test_markup_that_states_only_days_is_filled_with_the_times_on_the_page(read: Callable[..., Extraction]) -> None:
    page = """<html lang=en><script type="application/ld+json">[{"@type":"Event","name":"Kites","startDate":"2024-05-04","endDate":"2024-05-04"},
    {"@type":"Event","name":"Boats","startDate":"2024-05-05"}]</script><h1>Events</h1><ul><li><h3>Kites</h3><p>May 4, 2024</p><p>2 pm - 4 pm</p></li>
    <li><h3>Boats</h3><p>May 5, 2024</p></li></ul></html>"""

    found = read(page, url="https://example.org/events").activities

    assert [(one.name, one.startDate, one.endDate) for one in found] == [
        ("Kites", "2024-05-04T14:00:00", "2024-05-04T16:00:00"),
        ("Boats", "2024-05-05", ""),
    ]
    assert found[0].provenance["startDate"].method == "listing"
    assert found[0].provenance["name"].method == "json-ld"


def test_a_block_that_only_the_page_names_is_the_rest_of_another(read: Callable[..., Extraction]) -> None:
    named = "".join(f"<li><h3>Walk {day}</h3><p>May {day}, 2024</p></li>" for day in range(1, 9))
    page = f"<html lang=en><h1>Walks and more events</h1><ul>{named}<li><p>May 20, 2024</p></li></ul></html>"

    found = read(page, url="https://example.org/events").activities

    assert [one.name for one in found] == [f"Walk {day}" for day in range(1, 9)]


def blocks(*lines: str, above: str = "", below: str = "") -> str:
    shows = "".join(
        f"<section><h2>Show number {day}</h2><p>{day} May 2024, 14:00</p>{line}<p>A large puppet, a small mouse, a storm.</p></section>"
        for day, line in enumerate(lines, start=4)
    )
    return f"<html lang=en-GB><main><h1>Puppet theatre programme</h1>{above}<div>{shows}</div>{below}</main></html>"


def places(found: Extraction) -> list[tuple[str, str, str, str] | None]:
    return [
        (
            one.location.name,
            one.location.address.streetAddress,
            one.location.address.addressLocality,
            one.location.address.postalCode,
        )
        if one.location
        else None
        for one in found.activities
    ]


LAMP = "Little Lamp Theatre, 12 Mill Street, Leeds LS9 8AP"
LAMP_PLACE = ("Little Lamp Theatre", "12 Mill Street", "Leeds", "LS9 8AP")


def test_a_block_states_its_place_by_class_element_label_or_address(read: Callable[..., Extraction]) -> None:
    page = blocks(
        f'<p class="where">{LAMP}</p>',
        "<div class='event-venue'><p>The Old Barn</p></div>",
        f"<address>{LAMP}</address>",
        f"<p>{LAMP}</p>",
        "<p><b>Where:</b> The Old Barn, Oxford</p>",
        "<p class=replacement>Tickets at the door</p>",
        "<p class=where>Online</p>",
    )

    assert places(read(page, url=LIST)) == [
        LAMP_PLACE,
        ("The Old Barn", "", "", ""),
        LAMP_PLACE,
        LAMP_PLACE,
        ("The Old Barn", "", "Oxford", ""),
        None,
        None,
    ]


def test_a_place_stated_once_for_all_holds_where_a_block_states_none(read: Callable[..., Extraction]) -> None:
    for page in (
        blocks("", "<p class=where>The Old Barn</p>", above=f"<p>{LAMP}</p>"),
        blocks("", "<p class=where>The Old Barn</p>", below=f"<p>Venue: {LAMP}</p>"),
    ):
        assert places(read(page, url=LIST)) == [LAMP_PLACE, ("The Old Barn", "", "", "")]


def test_an_address_below_the_list_or_one_of_several_is_not_the_place_of_all(read: Callable[..., Extraction]) -> None:
    below = blocks("", "", below=f"<p>{LAMP}</p>")
    several = blocks("", "", above=f"<p>{LAMP}</p><p>Town Hall, 1 High Street, Leeds LS1 2AB</p>")

    assert places(read(below, url=LIST)) == [None, None]
    assert places(read(several, url=LIST)) == [None, None]


def test_a_notice_is_named_for_what_it_announces_and_never_for_its_writer(read: Callable[..., Extraction]) -> None:
    page = """<html lang=en><main><h1>Events</h1><div><article><h2>Notice of Regular Meeting of the Friends of the Zoo</h2><p>May 4, 2024, 10 am</p></article>
    <article><p>May 5, 2024, 2 pm</p><p>Posted by <a href=/a>Ann Writer</a></p><p>Kite workshop</p></article></div></main></html>"""

    assert [one.name for one in read(page, url=LIST).activities] == ["Friends of the Zoo", "Kite workshop"]
