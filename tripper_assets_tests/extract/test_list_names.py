"""What is about nothing by its own title is named by the sentence that introduces it, or by its site."""

from collections.abc import Callable

import pytest

from tripper_assets.domain.activities import Extraction
from tripper_assets.extract.list_names import introduced_name, says_nothing, site_name
from tripper_assets.extract.page import parse_page

Read = Callable[..., Extraction]
DATES = "<ul><li>12 May 2024, 10am</li><li>9 June 2024, 10am</li></ul>"


@pytest.mark.parametrize(
    "title",
    ["Board Meeting Schedule 2021", "Upcoming events", "Veranstaltungskalender", "Nos ateliers", "What's on", "", "Home", "Alle Termine", "Próximos eventos",
     "Open Session Board Meetings and Schedule", "Resources", "Programma"],
)  # fmt: skip
def test_words_of_every_list_name_nothing(title: str) -> None:
    assert says_nothing(title)


@pytest.mark.parametrize(
    "title",
    ["Story time", "Community Development Commission", "Kinderchor", "Fête du lac", "Lego club", "Events for toddlers"],
)
def test_a_name_is_none_of_them(title: str) -> None:
    assert not says_nothing(title)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("The Chess Circle meets every Monday at 7 pm in the old mill.", "Chess Circle"),
        ("Our Toddler Group is held on Tuesdays.", "Toddler Group"),
        ("Town Library Board meetings are held each quarter.", "Town Library Board meetings"),
        ("The next meeting of the Youth Council is scheduled for Thursday, May 9.", "Youth Council"),
        ("Regular meetings of the Harbour Trust will be held in the town hall.", "Harbour Trust"),
        ("Die Spielgruppe Zwergenland trifft sich jeden Montag.", "Spielgruppe Zwergenland"),
        ("Das Eltern-Kind-Café findet mittwochs statt.", "Eltern-Kind-Café"),
        ("L'atelier a lieu tous les mercredis.", "L'atelier"),
        ("El Taller de Cerámica se celebra los sábados.", "Taller de Cerámica"),
        ("Il Laboratorio del Legno si svolge ogni sabato.", "Laboratorio del Legno"),
        ("De Peutergroep vindt plaats op dinsdag.", "Peutergroep"),
    ],
)
def test_a_sentence_says_what_meets(text: str, name: str) -> None:
    assert introduced_name(text) == name


@pytest.mark.parametrize(
    "text",
    ["The committee meets at 9:00 am.", "It takes place on Mondays.", "All meetings are held at noon.", "If Monday is a holiday the board meets on Tuesday.",
     "We are open daily.", "Nothing of the kind.", "This workshop takes place outside."],
)  # fmt: skip
def test_a_sentence_about_it_or_the_committee_names_nothing(text: str) -> None:
    assert introduced_name(text) == ""


def test_a_list_without_a_title_of_its_own_is_named_by_its_introduction(read: Read) -> None:
    page = (
        f"<html lang=en><body><h1>Upcoming dates</h1><p>The Junior Explorers meet in the park.</p>{DATES}</body></html>"
    )

    assert {one.name for one in read(page).activities} == {"Junior Explorers"}


def test_else_by_the_site(read: Read) -> None:
    page = f"<html lang=en><head><title>Upcoming dates | Mill Lane Museum</title></head><body><h1>Workshop dates</h1>{DATES}</body></html>"

    assert {one.name for one in read(page).activities} == {"Mill Lane Museum: Workshop dates"}


@pytest.mark.parametrize(
    "head",
    [
        "<meta property=og:site_name content='Mill Lane Museum'>",
        "<title>Events | Mill Lane Museum</title>",
        "<title>Events</title></head><body><img class=logo alt='Mill Lane Museum logo'>",
        "<title>Events</title></head><body><a href='/index.html'>Mill Lane Museum</a>",
    ],
)
def test_a_site_says_its_name_in_several_places(head: str) -> None:
    page, _ = parse_page(f"<html><head>{head}<p>x".encode(), "https://example.org/events", "text/html")

    assert site_name(page, "Events") == "Mill Lane Museum"


def test_a_site_without_a_name_has_none() -> None:
    page, _ = parse_page(b"<html><title>Events</title><p>x", "https://example.org/events", "text/html")

    assert site_name(page, "Events") == ""


def test_a_column_of_places_names_no_meeting(read: Read) -> None:
    rows = "".join(
        f"<tr><td>{day} May 2024</td><td>10:00</td><td>{place}</td></tr>"
        for day, place in ((12, "Springfield"), (19, "Chester"))
    )
    page = f"<html lang=en><body><h1>Youth Council</h1><table><tr><th>Date</th><th>Time</th><th>Main location</th></tr>{rows}</table></body></html>"

    assert {one.name for one in read(page).activities} == {"Youth Council"}
