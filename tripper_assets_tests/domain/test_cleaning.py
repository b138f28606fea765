import unicodedata
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tripper_assets.domain.activities import (
    AgeRange,
    GeoCoordinates,
    Offer,
    OpeningHours,
    Organizer,
    Place,
    PostalAddress,
    Provenance,
    Schedule,
)
from tripper_assets.domain.cleaning import MAX_DESCRIPTION, clean_text, free_of_charge, language
from tripper_assets_tests.domain.one_statement import GERMAN, PAGE, cleaned, raw, rejected

UNSEEN = frozenset({"Cc", "Cs"})


# Texts


@pytest.mark.parametrize(
    ("stated", "shown"),
    [
        ("  Kinder \t\n theater\u00a0am  Park ", "Kinder theater am Park"),
        ("Kinder\u00adtheater", "Kindertheater"),
        ("Kinder\u200btheater\ufeff", "Kindertheater"),
        ("\u202eretaehtredniK", "retaehtredniK"),
        ("Kinder\x00theater\x07\x1b[31m", "Kindertheater[31m"),
        ("Kinder\x0ctheater", "Kinder theater"),
        ("Kinder\x85theater\x90", "Kinder theater"),
        ("Cafe\u0301", "Café"),
        ("Cafe\u200b\u0301", "Café"),
        ("\ud83dKinder", "Kinder"),
        ("Zoo\U000e0041\U000e0042", "Zoo"),
        ("نص عربي", "نص عربي"),
        ("<b>Kinder</b>", "<b>Kinder</b>"),
    ],
)
def test_text_loses_what_nobody_sees_and_nothing_else(stated: str, shown: str) -> None:
    assert clean_text(stated) == shown


@given(st.text(alphabet=st.characters()))
def test_clean_text_has_no_control_characters_and_one_form(text: str) -> None:
    shown = clean_text(text)

    assert not any(unicodedata.category(char) in UNSEEN for char in shown)
    assert unicodedata.is_normalized("NFC", shown)
    assert clean_text(shown) == shown
    assert "  " not in shown
    assert shown == shown.strip()


HOSTILE = st.text(alphabet=st.characters(), max_size=8).map("\x00\ud800{}\x9f".format)


def texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from texts(item)


@given(HOSTILE)
def test_no_field_of_a_cleaned_activity_holds_a_control_character(hostile: str) -> None:
    stated = raw(
        name=f"Theatre{hostile}",
        identifier=hostile,
        type=hostile,
        description=hostile,
        category=(hostile,),
        keywords=(hostile,),
        eventSchedule=(Schedule(startDate="2026-05-02", scheduleTimezone=hostile, byDay=(hostile,)),),
        openingHoursSpecification=(OpeningHours(opens=hostile, dayOfWeek=(hostile,)),),
        location=Place(name=hostile, address=PostalAddress(streetAddress=hostile, postalCode=hostile)),
        offers=(Offer(name=hostile, url=f"https://{hostile}"),),
        organizer=Organizer(name=hostile, url=f"https://{hostile}"),
        provenance={"name": Provenance(method="json-ld", page=PAGE, evidence=hostile)},
    )

    found = cleaned(stated).raw

    assert not [one for one in texts(found.model_dump()) if any(unicodedata.category(char) in UNSEEN for char in one)]
    found.model_dump_json()  # a lone surrogate would not encode


# Names and descriptions


@pytest.mark.parametrize("name", ["", "   ", "ab", "\u200b\u200b\u200b\u200b", "a\x00b"])
def test_a_name_of_less_than_three_characters_is_no_activity(name: str) -> None:
    found = rejected(raw(name=name))

    assert found.reason == "name_missing"
    assert found.subject == PAGE


@pytest.mark.parametrize("name", ["Zoo", "動物園", "x" * 150])
def test_a_name_at_the_bounds_stays_as_it_is(name: str) -> None:
    found = cleaned(raw(name=name))

    assert found.raw.name == name
    assert not found.problems


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("x" * 151, "x" * 149 + "…"),
        ("A " + "x" * 200, "A " + "x" * 147 + "…"),
        ("Kinder " * 22, "Kinder " * 20 + "Kinder…"),
    ],
)
def test_a_long_name_is_cut_at_a_word_where_enough_is_left(name: str, shown: str) -> None:
    found = cleaned(raw(name=name))

    assert found.raw.name == shown
    assert len(found.raw.name) <= 150
    assert found.problems == {"name_truncated"}


def test_a_long_description_is_cut_and_counted() -> None:
    found = cleaned(raw(description="word " * 3000))

    assert len(found.raw.description) <= MAX_DESCRIPTION
    assert found.raw.description.endswith("word…")
    assert found.problems == {"description_truncated"}


def test_words_are_stated_once_and_blank_ones_not_at_all() -> None:
    found = cleaned(raw(category=("Theater", " Theater ", "", "\u200b"), keywords=("a", "b", "a")))

    assert found.raw.category == ("Theater",)
    assert found.raw.keywords == ("a", "b")


def test_an_activity_without_a_type_is_an_event() -> None:
    assert cleaned(raw(type="")).raw.type == "Event"
    assert cleaned(raw(type="ChildrensEvent")).raw.type == "ChildrensEvent"


@pytest.mark.parametrize(
    ("tag", "primary"),
    [
        ("de", "de"),
        ("de-AT", "de"),
        ("de_DE", "de"),
        ("DEU", "deu"),
        ("zh-Hans", "zh"),
        ("German", ""),
        ("d", ""),
        ("", ""),
    ],
)
def test_a_language_is_the_primary_subtag(tag: str, primary: str) -> None:
    assert language(tag) == primary


def test_the_language_of_the_configuration_stands_in_for_one_that_no_page_states() -> None:
    assert cleaned(raw(), GERMAN).raw.inLanguage == "de"
    assert cleaned(raw(inLanguage="German"), GERMAN).raw.inLanguage == "de"
    assert cleaned(raw(inLanguage="en-GB"), GERMAN).raw.inLanguage == "en"
    assert cleaned(raw()).raw.inLanguage == ""


# Addresses of pages


@pytest.mark.parametrize(
    ("url", "shown", "problems"),
    [
        ("", PAGE, set()),
        ("https://TOWN.example/events/42/?utm_source=x#top", "https://town.example/events/42", set()),
        ("https://www.town.example/events/42", "https://www.town.example/events/42", set()),
        ("https://tickets.example/42", PAGE, {"url_off_site"}),
    ],
)
def test_an_activity_has_its_own_page_or_the_page_that_states_it(url: str, shown: str, problems: set[str]) -> None:
    found = cleaned(raw(url=url))

    assert found.url == shown
    assert found.page == PAGE
    assert found.problems == problems


@pytest.mark.parametrize("url", ["javascript:alert(1)", "mailto:a@town.example", "/events/42", "https://"])
def test_what_is_no_web_address_is_rejected_with_its_page(url: str) -> None:
    found = rejected(raw(url=url))

    assert found.reason == "url_invalid"
    assert found.subject == PAGE
    assert url in found.message


def test_a_script_in_a_link_reaches_no_record() -> None:
    offers = (Offer(price="4", priceCurrency="EUR", url="javascript:alert(1)"),)

    found = cleaned(raw(offers=offers, organizer=Organizer(name="Town", url="data:text/html,x")))

    assert found.raw.offers == (Offer(price="4", priceCurrency="EUR"),)
    assert found.raw.organizer == Organizer(name="Town")
    assert found.problems == {"link_invalid"}


def test_an_organizer_of_whom_nothing_is_left_is_none() -> None:
    assert cleaned(raw(organizer=Organizer(name=" ", url="mailto:x"))).raw.organizer is None
    assert cleaned(raw(organizer=Organizer(url="https://club.example/"))).raw.organizer is not None


# Ages


@pytest.mark.parametrize(
    "ages",
    [
        AgeRange(minValue=0, maxValue=120),
        AgeRange(minValue=4),
        AgeRange(maxValue=0.5),
        AgeRange(minValue=6, maxValue=6),
    ],
)
def test_ages_that_can_be_stay_as_they_are(ages: AgeRange) -> None:
    found = cleaned(raw(ageRange=ages))

    assert found.raw.ageRange == ages
    assert not found.problems


@pytest.mark.parametrize(
    "ages",
    [
        AgeRange(minValue=-1),
        AgeRange(maxValue=121),
        AgeRange(minValue=12, maxValue=6),
        AgeRange(minValue=2014, maxValue=2016),
        AgeRange(minValue=float("nan")),
        AgeRange(maxValue=float("inf")),
    ],
)
def test_ages_that_cannot_be_are_dropped_and_counted(ages: AgeRange) -> None:
    found = cleaned(raw(ageRange=ages))

    assert found.raw.ageRange is None
    assert found.problems == {"age_invalid"}


def test_an_open_age_range_says_nothing() -> None:
    found = cleaned(raw(ageRange=AgeRange()))

    assert found.raw.ageRange is None
    assert not found.problems


# Prices


@pytest.mark.parametrize(
    ("offer", "kept", "problems"),
    [
        (Offer(price=" 4.50 ", priceCurrency="EUR"), Offer(price="4.50", priceCurrency="EUR"), set()),
        (Offer(price="4", priceCurrency="eur"), Offer(price="4", priceCurrency="EUR"), set()),
        (Offer(price="0"), Offer(price="0"), set()),
        (Offer(price="4"), Offer(price="4"), {"currency_missing"}),
        (Offer(price="4,50", priceCurrency="EUR"), None, {"price_invalid"}),
        (Offer(price="-4", priceCurrency="EUR"), None, {"price_invalid"}),
        (Offer(price="4 EUR"), None, {"price_invalid"}),
        (Offer(price="٤", priceCurrency="EUR"), None, {"price_invalid"}),
        (Offer(price="1e9", priceCurrency="EUR"), None, {"price_invalid"}),
        (Offer(price="nan", priceCurrency="EUR"), None, {"price_invalid"}),
        (Offer(price="12345678", priceCurrency="EUR"), None, {"price_invalid"}),
        (Offer(price="4", priceCurrency="€"), None, {"price_invalid"}),
        (Offer(price="4", priceCurrency="EURO"), None, {"price_invalid"}),
        (Offer(name="Tickets", priceCurrency="€"), Offer(name="Tickets"), {"price_invalid"}),
        (Offer(url="https://tickets.example/1"), Offer(url="https://tickets.example/1"), set()),
        (Offer(priceCurrency="EUR"), None, set()),
        (Offer(), None, set()),
    ],
)
def test_prices_are_decimals_with_a_currency(offer: Offer, kept: Offer | None, problems: set[str]) -> None:
    found = cleaned(raw(offers=(offer,)))

    assert found.raw.offers == (() if kept is None else (kept,))
    assert found.problems == problems


def test_an_offer_is_stated_once() -> None:
    offers = (Offer(price="4", priceCurrency="EUR"), Offer(price="4", priceCurrency="eur"))

    assert len(cleaned(raw(offers=offers)).raw.offers) == 1


@pytest.mark.parametrize(
    ("stated", "prices", "free"),
    [
        (None, [], None),
        (True, [], True),
        (False, [], False),
        (None, ["0"], True),
        (None, ["5"], False),
        (None, ["0", "5"], False),
        (True, ["0", "5"], True),  # free for children, as many a page says
        (True, ["5"], False),
        (False, ["0.00"], True),
        (False, ["0", "5"], False),
    ],
)
def test_prices_outweigh_what_a_page_says_of_being_free(
    *, stated: bool | None, prices: list[str], free: bool | None
) -> None:
    offers = tuple(Offer(price=price, priceCurrency="EUR") for price in prices)

    found = cleaned(raw(isAccessibleForFree=stated, offers=offers))

    assert found.raw.isAccessibleForFree is free
    assert free_of_charge(stated, offers) is free
    assert found.problems == ({"free_contradicted"} if stated is not None and free != stated else set())


# Places


def test_a_country_has_its_code() -> None:
    found = cleaned(raw(location=Place(name=" Park ", address=PostalAddress(addressCountry="Deutschland"))))

    assert found.raw.location == Place(name="Park", address=PostalAddress(addressCountry="DE"))
    assert not found.problems


def test_the_country_of_the_configuration_stands_in_and_is_counted() -> None:
    found = cleaned(raw(location=Place(name="Park", address=PostalAddress(addressCountry="Neverland"))), GERMAN)

    assert found.raw.location == Place(name="Park", address=PostalAddress(addressCountry="DE"))
    assert found.problems == {"country_from_config"}


def test_a_place_of_which_nothing_is_stated_is_no_place_in_the_configured_country() -> None:
    for empty in (Place(), Place(name=" "), Place(address=PostalAddress(addressCountry="Neverland"))):
        found = cleaned(raw(location=empty), GERMAN)

        assert found.raw.location is None
        assert not found.problems


def test_a_point_in_the_gulf_of_guinea_is_no_place() -> None:
    found = cleaned(raw(location=Place(name="Park", geo=GeoCoordinates(latitude=0, longitude=0))))

    assert found.raw.location == Place(name="Park")
    assert found.problems == {"null_island"}


def test_the_equator_is_a_place() -> None:
    nairobi = GeoCoordinates(latitude=0, longitude=37.5)

    found = cleaned(raw(location=Place(geo=nairobi)))

    assert found.raw.location == Place(geo=nairobi)
    assert not found.problems
