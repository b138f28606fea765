"""The ladder of questions: what is asked of an address, and which answer counts."""

import pytest

from tripper_assets.domain.activities import Geocoding
from tripper_assets.domain.geocoders import ALL_STEPS
from tripper_assets.domain.geocoding import GeocodeAnswer, PlaceQuery
from tripper_assets.domain.ladder import house_and_road, ladder, settle, step_of

WHOLE = PlaceQuery(
    street="12 High Street, Room 3",
    venue="Town  Hall",
    locality="Springfield",
    region="IL",
    postalCode="62701",
    countryCode="US",
)


def answer(kind: str, problem: str = "") -> GeocodeAnswer:
    if kind in {"not_found", "ambiguous", "rejected"}:
        return GeocodeAnswer(geocoding=Geocoding.model_validate({"status": kind}), problem=problem)
    return GeocodeAnswer(geocoding=Geocoding(status="ok", type=kind), latitude=1, longitude=1)


@pytest.mark.parametrize(
    ("street", "number", "road"),
    [
        ("12 High Street", "12", "high street"),
        ("12, High Street", "12", "high street"),
        ("Room 3, 12 High Street", "12", "high street"),
        ("Lange Straße 5a", "5a", "lange straße"),
        ("5th Avenue", "", "5th avenue"),
        ("350 5th Ave, Suite 200", "350", "5th ave"),
        ("30 w 26 st", "30", "w 26 st"),
        ("Musterweg 12-14, Hinterhaus", "12-14", "musterweg"),
        ("Straße des 17. Juni 135", "135", "straße des 17. juni"),
        ("1 Rue du 8 Mai 1945", "1", "rue du 8 mai 1945"),
        ("Calle Mayor, 12", "12", "calle mayor"),
        ("Town Hall, High Street", "", "high street"),
        ("Rynek Główny 1, Kraków", "1", "rynek główny"),
        ("Am Markt 3", "3", "am markt"),
        ("", "", ""),
    ],
)
def test_a_street_line_is_a_house_number_and_a_road(street: str, number: str, road: str) -> None:
    assert house_and_road(street) == (number, road)


def test_an_address_gives_one_question_for_each_step_with_only_what_the_step_needs() -> None:
    near = {"locality": "springfield", "region": "illinois", "countryCode": "US"}

    assert ladder(WHOLE, ALL_STEPS) == [
        ("house", PlaceQuery(street="12 high street", postalCode="62701", **near)),
        ("venue", PlaceQuery(venue="town hall", postalCode="62701", **near)),
        ("street", PlaceQuery(street="high street", postalCode="62701", **near)),
        ("postcode", PlaceQuery(postalCode="62701", countryCode="US")),
        ("locality", PlaceQuery(**near)),
        ("region", PlaceQuery(region="illinois", countryCode="US")),
    ]


def test_each_question_knows_its_step() -> None:
    assert [step_of(question) for _, question in ladder(WHOLE, ALL_STEPS)] == list(ALL_STEPS)


def test_a_town_that_stands_in_the_line_of_the_street_is_asked_with_it() -> None:
    query = PlaceQuery(street="Place Bellecour, Lyon", countryCode="FR")

    assert ladder(query, ALL_STEPS) == [
        ("street", PlaceQuery(street="place bellecour", locality="lyon", countryCode="FR")),
        ("locality", PlaceQuery(locality="lyon", countryCode="FR")),
    ]


def test_a_line_that_names_no_road_is_asked_as_it_stands() -> None:
    query = PlaceQuery(street="Sommerbad, Lübeck", countryCode="DE")

    assert ladder(query, ALL_STEPS) == [
        ("street", PlaceQuery(street="sommerbad, lübeck", countryCode="DE")),
        ("locality", PlaceQuery(locality="lübeck", countryCode="DE")),
    ]


def test_a_venue_without_any_town_is_no_question() -> None:
    assert ladder(PlaceQuery(venue="Town Hall", countryCode="US"), ALL_STEPS) == []
    assert settle(PlaceQuery(venue="Town Hall"), ALL_STEPS, {}).answer is not None


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (["house"], ("house", "house")),
        (["venue"], ("venue", "house")),
        (["unknown"], ("unknown", "house")),
        (["street", "venue"], ("venue", "venue")),
        (["street", "not_found"], ("street", "street")),
        (["locality", "not_found", "not_found", "not_found"], ("locality", "locality")),
        (["locality", "not_found", "street"], ("street", "street")),
        (["not_found", "not_found", "not_found", "postcode"], ("postcode", "postcode")),
        (["not_found"] * 4 + ["locality"], ("locality", "locality")),
        (["not_found"] * 5 + ["region"], ("region", "region")),
    ],
)
def test_the_finest_answer_counts_on_its_own_rung(answers: list[str], expected: tuple[str, str]) -> None:
    questions = [question for _, question in ladder(WHOLE, ALL_STEPS)]
    known = {question.key(): answer(kind) for question, kind in zip(questions, answers, strict=False)}

    found = settle(WHOLE, ALL_STEPS, known)

    assert found.answer is not None
    assert (found.answer.geocoding.type, found.answer.geocoding.rung) == expected


def test_a_coarser_answer_does_not_end_the_search_and_what_is_asked_next_is_said() -> None:
    questions = [question for _, question in ladder(WHOLE, ALL_STEPS)]

    found = settle(WHOLE, ALL_STEPS, {questions[0].key(): answer("locality")})

    assert (found.answer, found.question) == (None, questions[1])


def test_of_refusals_the_one_that_says_most_counts_and_each_problem_is_kept() -> None:
    kinds = ["not_found", "rejected", "not_found", "not_found", "ambiguous", "not_found"]
    questions = [question for _, question in ladder(WHOLE, ALL_STEPS)]
    known = {
        question.key(): answer(kind, "wrong_country" if kind == "rejected" else "")
        for question, kind in zip(questions, kinds, strict=True)
    }

    found = settle(WHOLE, ALL_STEPS, known)

    assert found.answer is not None
    assert (found.answer.geocoding.status, found.problems) == ("rejected", ("wrong_country",))
