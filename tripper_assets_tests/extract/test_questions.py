from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tripper_assets.domain.search import Spot
from tripper_assets.extract.questions import read_question

NOW = datetime(2026, 5, 1, 12)  # noqa: DTZ001 (a Friday, in the zone of whoever asks)
PEOPLE = {
    "lyon": 500_000,
    "freiburg": 230_000,
    "leeds": 450_000,
    "bad krozingen": 18_000,
    "hall": 14_000,
    "reading": 200_000,
    "märchen": 600,
}


def locate(name: str, least: int) -> Spot | None:
    """Know a few towns by their people."""
    people = PEOPLE.get(name.casefold(), 0)
    return Spot(latitude=1, longitude=2, radius_km=1, label=name.title()) if people >= max(least, 1) else None


def read(text: str) -> tuple[str, dict[str, Any]]:
    found = read_question(text, now=NOW, locate=locate)
    values = {name: getattr(found.filters, name) for name in found.filters.model_fields_set}
    near = values.pop("near", None)
    return found.text, values | ({"town": near.label, "km": near.radius_km} if near else {})


def on(*days: int, month: int = 5) -> dict[str, date]:
    return {"since": date(2026, month, days[0]), "until": date(2026, month, days[-1])}


@pytest.mark.parametrize(
    ("text", "left", "filters"),
    [
        (
            "free things for toddlers on Sunday near Lyon",
            "",
            {"free": True, "min_age": 1, "max_age": 3, **on(3), "town": "Lyon", "km": 25},
        ),
        (
            "kostenlos für 3-Jährige am Wochenende in Freiburg",
            "",
            {"free": True, "min_age": 3, "max_age": 3, **on(2, 3), "town": "Freiburg", "km": 10},
        ),
        (
            "gratuit pour les tout-petits dimanche à Lyon",
            "",
            {"free": True, "min_age": 1, "max_age": 3, **on(3), "town": "Lyon", "km": 10},
        ),
        ("swimming this weekend under 10 euros", "swimming", {"max_price": 10, **on(2, 3)}),
        ("Basteln bis 5 € am Samstag", "Basteln", {"max_price": 5, **on(2)}),
        ("poterie ce week-end pour enfants de 6 ans", "poterie", {"min_age": 6, "max_age": 6, **on(2, 3)}),
        ("natación para niños de 4 años este fin de semana", "natación", {"min_age": 4, "max_age": 4, **on(2, 3)}),
        ("nuoto domani", "nuoto", on(2)),
        ("zwemmen dit weekend", "zwemmen", on(2, 3)),
        ("owls in July", "owls", on(1, 31, month=7)),
        ("Zoo im Juli", "Zoo", on(1, 31, month=7)),
        ("next weekend puppets", "puppets", on(9, 10)),
        ("robots on Saturday and Sunday", "robots", on(2, 3)),
        ("farm 2026-05-09", "farm", on(9)),
        ("within 30 km of Leeds climbing for ages 6-10", "climbing", {"min_age": 6, "max_age": 10, "town": "Leeds", "km": 30}),
        ("im Umkreis von 20 km um Freiburg klettern", "klettern", {"town": "Freiburg", "km": 20}),
        ("zoo near Bad Krozingen", "zoo", {"town": "Bad Krozingen", "km": 25}),
        ("story time in English", "story time", {"language": "en"}),
        ("18 month old swimming", "swimming", {"min_age": 1.5, "max_age": 1.5}),
        ("baby swimming", "swimming", {"min_age": 0, "max_age": 1}),
        ("pottery under 5s", "pottery", {"min_age": None, "max_age": 4}),
        # no filters
        ("dinosaurs and fossils", "dinosaurs and fossils", {}),
        ("march of the penguins", "march of the penguins", {}),
        ("in the museum", "in the museum", {}),
        ("swimming in hall", "swimming in hall", {}),  # a small town, and no name as it is written
        ("vorlesen in Märchen", "vorlesen in Märchen", {}),
        ("gluten-free baking", "gluten-free baking", {}),
        ('"free willy"', '"free willy"', {}),
        ("opens 2500-01-01", "opens 2500-01-01", {}),
        ("activities", "activities", {}),
        ("", "", {}),
    ],
)  # fmt: skip
def test_filters_are_read_and_the_other_words_are_left(text: str, left: str, filters: dict[str, Any]) -> None:
    assert read(text) == (left, filters)


def test_chips_say_what_was_read_in_which_words() -> None:
    found = read_question("owls for toddlers on Sunday near Lyon", now=NOW, locate=locate)

    assert [(chip.kind, chip.label, chip.words) for chip in found.chips] == [
        ("age", "ages 1 to 3", "toddlers"),
        ("date", "2026-05-03", "Sunday"),
        ("place", "Lyon, 25 km around", "near Lyon"),
    ]
    assert found.text == "owls"
    assert found.meaning == "owls for toddlers"


def test_a_weekend_that_has_begun_begins_today() -> None:
    found = read_question("this weekend", now=datetime(2026, 5, 3, 9), locate=locate)  # noqa: DTZ001 (as NOW)

    assert (found.filters.since, found.filters.until) == (date(2026, 5, 3), date(2026, 5, 3))


WORDS = st.sampled_from(
    [
        "free",
        "for",
        "toddlers",
        "on",
        "Sunday",
        "near",
        "Lyon",
        "in",
        "Leeds",
        "under",
        "10",
        "€",
        "3-Jährige",
        "ages",
        "3-5",
        "week-end",
        "within",
        "30",
        "km",
        "of",
        "2026-05-09",
        "next",
        "weekend",
        '"',
        "'",
        "-x",
        "gratis",
        "99",
        "ans",
        "à",
    ]
)


@given(st.lists(WORDS | st.text(max_size=12), max_size=40).map(" ".join))
def test_any_question_is_read(text: str) -> None:
    found = read_question(text, now=NOW, locate=locate)

    assert len(found.text) <= len(text)
    assert bool(found.chips) == bool(found.filters.model_fields_set)
