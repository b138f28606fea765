"""The search page: questions in words, chips, cards, more of them, files of the same search, and whatever anybody types."""

import csv
import io
import json
from collections.abc import Generator
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from icalendar import Calendar
from selectolax.lexbor import LexborHTMLParser

from tripper_assets.catalog.database import Database
from tripper_assets_tests.api.searched_town import HARM, Town, searched_town

FIELDS = ("q", "since", "until", "near", "radius_km", "age", "max_price", "free", "tag", "language", "source", "past", "literally", "after", "place")  # fmt: skip


@pytest.fixture(scope="module")
def town(shared_database: Database, tmp_path_factory: pytest.TempPathFactory, gazetteer: Path) -> Generator[Town]:
    with searched_town(shared_database, tmp_path_factory.mktemp("home"), gazetteer) as town:
        yield town


def chips_of(page: LexborHTMLParser) -> list[str]:
    return [one.text(strip=True).removesuffix("×").strip() for one in page.css(".chip.filter")]


def test_a_question_in_words_is_shown_as_chips_and_its_hits_as_cards(town: Town) -> None:
    page = town.page("/search?q=free+owls+on+Saturday+near+Freiburg+for+a+6-year-old")

    chips = chips_of(page)
    (card,) = page.css(".hit")
    assert chips == ["Age 6", "Free", "Sat 2 May 2026", "Within 25 km of Freiburg, DE"]
    assert card.css_first("h3").text() == "Owls at night"
    assert card.css_first(".hit-when").text() == "Sat 2 May 2026, 19:00 to 21:00"
    assert [one.text() for one in card.css(".hit-facts span")] == ["Free", "4 to 10 years", "English"]
    assert card.css_first(".hit-text mark").text() == "Owls"
    assert "matches Owls." in card.css_first(".hit-from").text()
    assert card.css_first(".hit-from a").attributes["href"] == f"/activities/{town.fair.activity('Owls by night').id}"
    assert card.css_first("img").attributes["src"] == f"/media/{'ab' * 32}"
    assert card.css_first("h3").attributes["lang"] == "en"


def test_a_chip_asks_without_itself(town: Town) -> None:
    chips = town.page("/search?q=pottery+for+free&tag=animals").css(".chip.filter")

    (free,) = (one for one in chips if "Free" in one.text())
    (tag,) = (one for one in chips if "animals" in one.text())
    assert free.attributes["href"] == "/search?tag=animals&q=pottery"
    assert tag.attributes["href"] == "/search?q=pottery+for+free"


def test_what_is_filled_in_counts_before_what_is_written(town: Town) -> None:
    page = town.page("/search?q=swimming+for+a+9-year-old&age=1")

    assert chips_of(page) == ["Age 1"]
    assert [one.text() for one in page.css(".hit h3")] == ["Baby swimming"]


def test_without_a_question_it_shows_what_is_on_in_the_next_days(town: Town) -> None:
    page = town.page("/search")

    names = {one.text() for one in page.css(".hit h3")}
    assert {"Owls at night", "Weekly pottery"} <= names
    assert "Over and done" not in names
    assert "something free for toddlers near Freiburg" in [one.text() for one in page.css(".chip")]


def test_where_nothing_fits_it_tells_what_would(town: Town) -> None:
    page = town.page("/search?q=free+pottery+near+Leeds")

    found = {one.text(): one.attributes["href"] for one in page.css(".empty .chip")}
    assert not page.css(".hit")
    assert "Only “pottery”" in found
    for url in found.values():
        assert town.names(str(url))


def test_more_goes_on_where_the_page_ended_with_and_without_scripts(town: Town) -> None:
    seen = town.names("/search?q=puppets")
    url = town.page("/search?q=puppets").css_first("#more a").attributes["href"]
    part = town.client.get(str(url), headers={"HX-Request": "true"}).text
    following = town.names(str(url))

    assert part.lstrip().startswith("<li")
    assert "<html" not in part
    assert len(following) == len(seen) == 12
    assert not set(seen) & set(following)
    assert all(name in part for name in following)


def test_empty_fields_are_left_out_of_the_address(town: Town) -> None:
    found = town.client.get("/search?q=owls&since=&until=&age=+&free=1")

    assert (found.status_code, found.headers["location"]) == (303, "/search?q=owls&free=1")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("age=abc", "age is 'abc', which is no number"),
        ("age=300", "wrong"),
        ("age=nan", "wrong"),
        ("max_price=-1", "wrong"),
        ("since=yesterday", "since is 'yesterday', which is no date"),
        ("since=2026-05-02&until=2026-05-01", "before since"),
        ("since=0001-01-01", "not in the years"),
        ("near=Freiburg", "no LATITUDE,LONGITUDE"),
        ("near=91,0", "wrong"),
        ("near=inf,nan", "wrong"),
        ("near=48,7.8&radius_km=0", "wrong"),
        ("near=48,7.8&radius_km=1e9", "wrong"),
        ("language=klingon", "wrong"),
        ("q=owls&after=nonsense", "cursor"),
        ("q=owls&" + "&".join(f"tag=t{number}" for number in range(30)), "wrong"),
    ],
)
def test_what_cannot_be_asked_is_said_in_the_page_with_the_form(town: Town, query: str, said: str) -> None:
    page = town.page(f"/search?{query}", status=422)

    assert said in page.css_first("[role=alert]").text()
    assert page.css_first("input[name=q]")


TYPED = [
    "'; DROP TABLE tripper.activities; --", r"\z' & | ! ( ) :* <-> <% %s {{ 7*7 }} ${x}", "nul\0", "%00%ff", "*" * 10_000, "(" * 10_000, '"' * 999,
    "owl " * 2_500, "-" * 500, "near " * 400, "🦉" * 2_000, "a\u202eb", "\u0000\ufffe", "free under 0 euros for a 0-year-old in 0 km of 0", HARM,
]  # fmt: skip


@pytest.mark.parametrize("typed", TYPED, ids=range(len(TYPED)))
def test_whatever_is_typed_has_an_answer(town: Town, typed: str) -> None:
    asked = [("/search", field) for field in ("q", "tag", "near", "after")] + [("/search/export.csv", "q")]

    for path, field in asked:
        found = town.client.get(f"{path}?{urlencode({field: typed, 'free': '1'})}", headers={"Accept": "text/html"})
        assert found.status_code in (200, 303, 422), (field, found.text[:300])


anything = st.dictionaries(st.sampled_from(FIELDS), st.text(max_size=60) | st.floats().map(str), max_size=5)


def check_anything(town: Town, asked: dict[str, str]) -> None:
    whole = {name: value.encode("utf-8", "replace").decode() for name, value in asked.items()}
    for headers in ({}, {"HX-Request": "true"}):
        found = town.client.get(f"/search?{urlencode(whole)}", headers={"Accept": "text/html", **headers})
        assert found.status_code in (200, 303, 422), found.text[:300]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(anything)
def test_no_address_of_the_page_is_a_mistake_of_ours(town: Town, asked: dict[str, str]) -> None:
    check_anything(town, asked)


@pytest.mark.long
@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(anything)
def test_no_address_of_the_page_is_a_mistake_of_ours_at_length(town: Town, asked: dict[str, str]) -> None:
    check_anything(town, asked)


@pytest.mark.parametrize("path", ["/search?q=badgers", "/search?q=badgers&tag=" + quote(HARM), "/search?q=" + quote(HARM), "/activities/{id}"])  # fmt: skip
def test_what_a_publisher_or_an_address_writes_never_becomes_markup(town: Town, path: str) -> None:
    page = town.page(path.replace("{id}", town.id(HARM)))

    scripts = [one for one in page.css("script") if one.attributes.get("type") != "application/ld+json"]
    elements = page.css("*")
    assert all((one.attributes.get("src") or "").startswith("/static/") for one in scripts)
    assert not [name for one in elements for name in one.attributes if name.startswith("on") or name == "style"]
    assert not [
        one for one in elements if (one.attributes.get("href") or "").strip().lower().startswith(("javascript", "data"))
    ]
    assert all((one.attributes.get("src") or "").startswith(("/static/", "/media/")) for one in page.css("img"))
    assert HARM in page.body.text() or "badgers" not in path


def test_a_page_states_itself_as_data_that_ends_no_script(town: Town) -> None:
    (data,) = town.page(f"/activities/{town.id(HARM)}").css("script[type='application/ld+json']")

    stated = json.loads(data.text())
    assert stated["name"] == HARM
    assert "<" not in data.text()


def test_the_same_search_comes_as_files(town: Town) -> None:
    links = {one.text(): str(one.attributes["href"]) for one in town.page("/search?q=watch+owls+in+Freiburg").css(".exports a[download]")}  # fmt: skip

    table, places, calendar = (town.client.get(links[name]) for name in ("CSV", "GeoJSON", "Calendar"))

    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert [row["name"] for row in rows] == town.names("/search?q=watch+owls+in+Freiburg")
    assert [one["id"] for one in places.json()["features"]] == [row["id"] for row in rows]
    assert {str(one["SUMMARY"]) for one in Calendar.from_ical(calendar.text).walk("VEVENT")} <= {
        row["name"] for row in rows
    }
    assert table.headers["content-disposition"] == 'attachment; filename="activities.csv"'


def test_filters_alone_export_all_that_passes_and_nothing_exports_nothing(town: Town) -> None:
    whole = town.client.get("/search/export.csv?since=2026-06-01&until=2026-06-01")

    assert len(list(csv.DictReader(io.StringIO(whole.text)))) == 30
    assert town.client.get("/search/export.csv").status_code == 422
    assert town.client.get("/search/export.exe?q=owls").status_code == 422


@pytest.mark.parametrize("path", ["/search?q=owls", "/search/export.csv?q=owls", "/activities/x", "/maps/3/4/2"])
def test_a_stranger_signs_in_first(town: Town, path: str) -> None:
    found = town.stranger.get(path, headers={"Accept": "text/html"})

    assert found.status_code == 303
    assert found.headers["location"].startswith("/sign-in?next=")


def test_with_public_search_anybody_may_look_and_still_nobody_may_decide(
    database: Database, tmp_path: Path, gazetteer: Path
) -> None:
    with searched_town(database, tmp_path, gazetteer, public=True) as town:
        answers = {
            path: town.stranger.get(path, headers={"Accept": "text/html"}).status_code
            for path in ("/search?q=owls", "/search/export.ics?q=owls", f"/activities/{town.id('Owls at night')}", "/maps/3/4/2", "/review/x")
        }  # fmt: skip

    assert list(answers.values()) == [200, 200, 200, 200, 303]
