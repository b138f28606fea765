from collections.abc import Callable

from tripper_assets.domain.activities import AgeRange, Extraction, OpeningHours


def test_a_page_of_text_states_its_activity(read: Callable[..., Extraction]) -> None:
    (activity,) = read("workshop.html", timezone="America/Chicago").activities

    assert activity.name == "Clay for Small Hands"
    assert (activity.startDate, activity.endDate) == ("2024-05-04T10:30:00-05:00", "2024-05-04T12:00:00-05:00")
    assert activity.location is not None
    assert activity.location.name == "Riverside Museum"
    assert activity.location.address.model_dump() == {
        "streetAddress": "12 Mill Lane",
        "addressLocality": "Springfield",
        "addressRegion": "IL",
        "postalCode": "62701",
        "addressCountry": "",
    }
    assert activity.ageRange == AgeRange(minValue=4, maxValue=9)
    assert [(offer.name, offer.price, offer.priceCurrency) for offer in activity.offers] == [
        ("Children", "6.50", "USD"),
        ("adults", "0.00", "USD"),
    ]
    assert activity.organizer is not None
    assert activity.organizer.name == "Friends of the Museum"
    assert activity.description == "Shape a bowl of your own and take it home a week later."
    assert [image.sourceUrl for image in activity.image] == ["https://example.org/media/clay.jpg"]
    assert activity.url == "https://example.org/whats-on/clay"
    assert activity.inLanguage == "en"


def test_every_field_says_where_it_was_read(read: Callable[..., Extraction]) -> None:
    (activity,) = read("workshop.html").activities

    stated = activity.dump().keys() - {"page", "provenance"}
    assert activity.provenance.keys() == stated - ({"type"} if activity.type == "Event" else set())
    start = activity.provenance["startDate"]
    assert (start.method, start.page, len(start.page_sha256)) == ("text", activity.page, 64)
    assert start.evidence == "Saturday 4 May 2024, 10:30 am – 12 noon"
    assert activity.provenance["image"].method == "opengraph"


def test_a_german_page_is_read_with_german_labels(read: Callable[..., Extraction]) -> None:
    (activity,) = read("fuehrung.html", timezone="Europe/Berlin", url="https://example.org/programm/nachts").activities

    assert activity.name == "Nachts im Zoo"
    assert (activity.startDate, activity.endDate) == ("2024-05-03T19:00:00+02:00", "2024-05-03T21:00:00+02:00")
    assert activity.location is not None
    assert activity.location.address.postalCode == "54321"
    assert activity.location.address.addressLocality == "Musterstadt"
    assert activity.ageRange == AgeRange(minValue=6)
    assert [offer.price for offer in activity.offers] == ["4.50", "8.00"]
    assert [image.sourceUrl for image in activity.image] == ["https://example.org/bilder/eule.jpg"]


def test_without_a_zone_a_time_has_no_offset(read: Callable[..., Extraction]) -> None:
    (activity,) = read("workshop.html").activities

    assert activity.startDate == "2024-05-04T10:30:00"


def test_a_time_element_states_the_start_and_the_end(read: Callable[..., Extraction]) -> None:
    page = """<html lang=en><body><main><h1>Kite workshop</h1><p><time datetime="2024-05-04T14:00">2 pm</time> to
    <time datetime="2024-05-04T16:00">4 pm</time></p></main></body></html>"""

    (activity,) = read(page).activities

    assert (activity.startDate, activity.endDate) == ("2024-05-04T14:00:00", "2024-05-04T16:00:00")
    assert activity.provenance["startDate"].method == "time"


def test_news_contact_and_home_pages_are_no_activities(read: Callable[..., Extraction]) -> None:
    assert read("news.html", url="https://example.org/news/roof").activities == []
    assert read("contact.html", url="https://example.org/contact").activities == []
    assert read("workshop.html", url="https://example.org/").activities == []


def test_a_page_about_a_recipe_is_no_activity(read: Callable[..., Extraction]) -> None:
    page = """<html><script type="application/ld+json">{"@type":"Recipe","name":"Soup"}</script><main><h1>Soup workshop</h1>
    <p>When: May 4, 2024, 10 am</p></main></html>"""

    assert read(page).activities == []


def test_opening_hours_with_a_price_are_something_to_do(read: Callable[..., Extraction]) -> None:
    page = """<html lang=en><main><h1>Adventure Playground</h1><p>Opening hours: Mo-Fr 10:00-18:00</p><p>Admission: £3</p></main></html>"""

    (activity,) = read(page).activities

    week = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
    assert activity.openingHoursSpecification == (OpeningHours(dayOfWeek=week, opens="10:00", closes="18:00"),)
    assert activity.startDate == ""


def test_utc_that_a_site_writes_as_local_time_is_mended_by_what_it_shows(read: Callable[..., Extraction]) -> None:
    page = """<html lang=en><main><div itemscope itemtype="http://schema.org/Event"><h1 itemprop="name">Board games</h1>
    <meta itemprop="startDate" content="2024-05-04T15:00"><p>Date: May 4, 2024 10:00 AM - 11:00 AM</p></div></main></html>"""

    (activity,) = read(page, timezone="America/Chicago").activities

    assert (activity.startDate, activity.endDate) == ("2024-05-04T10:00:00-05:00", "2024-05-04T11:00:00-05:00")
    assert activity.provenance["startDate"].method == "text"


def test_the_site_name_is_no_part_of_the_title(read: Callable[..., Extraction]) -> None:
    page = """<html lang=en><head><title>Night of Lights - Town Museum</title><meta property="og:site_name" content="Town Museum"></head>
    <body><main><p>May 4, 2024, 8 pm: lanterns, music and cocoa for the whole family in the courtyard.</p></main></body></html>"""

    (activity,) = read(page).activities

    assert activity.name == "Night of Lights"


def titles(extraction: Extraction) -> list[str]:
    return [activity.name for activity in extraction.activities]


def test_generic_headings_are_passed_over(read: Callable[..., Extraction]) -> None:
    page = (
        "<html lang=en><main><h1>Event Details</h1><h1>Lantern Walk</h1><p>When: May 4, 2024 at 6 pm</p></main></html>"
    )

    assert titles(read(page)) == ["Lantern Walk"]


def test_a_page_about_one_that_lists_others_below_keeps_what_it_says_of_its_own(
    read: Callable[..., Extraction],
) -> None:
    others = "".join(
        f"<div class=e><h3>{name}</h3><p>{day} May 2024, 3pm</p></div>"
        for name, day in (("Zog", 20), ("Stick Man", 21))
    )
    page = f"""<html lang=en><body><h1>The Gruffalo</h1><p>Saturday 18 May 2024, 3pm</p><p>Admission £5. Ages 3+.</p>
      <p>A mouse took a stroll through the deep dark wood, and met three animals that wanted to eat it.</p><h2>More events</h2>{others}</body></html>"""

    found = {one.name: one for one in read(page).activities}

    assert found.keys() == {"The Gruffalo", "Zog", "Stick Man"}
    assert found["The Gruffalo"].offers[0].price == "5.00"
    assert found["The Gruffalo"].ageRange
    assert found["The Gruffalo"].description.startswith("A mouse")
    assert found["Zog"].offers == ()
