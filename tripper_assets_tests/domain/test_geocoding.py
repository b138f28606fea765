"""Addresses as pages write them, the question that a place gives, and the towns that a question gives to look for."""

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tripper_assets.domain.activities import Activity, Place, PostalAddress
from tripper_assets.domain.addresses import is_street, parse_address, town_name
from tripper_assets.domain.geocoding import PlaceQuery, place_query, town_guesses
from tripper_assets.domain.regions import region_code, region_of_postal_code
from tripper_assets_tests.waiting import AT_ONCE


def at(place: Place | None, **fields: object) -> Activity:
    return Activity.model_validate(
        {
            "id": "a",
            "index": 0,
            "source_key": "example-org-00000000",
            "source_url": "https://example.org/",
            "url": "https://example.org/a",
            "type": "Event",
            "name": "Puppets",
            "location": place,
        }
        | fields
    )


def query(name: str = "", country: str | None = None, **address: str) -> dict[str, str] | None:
    found = place_query(at(Place(name=name, address=PostalAddress(**address))), country)
    return found.dump() if found else None


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("12 rue de la Paix, 75001 Paris", "", ("12 rue de la Paix", "Paris", "", "75001", "")),
        ("9 Place X, 13002 Marseille Cedex 2", "FR", ("9 Place X", "Marseille", "", "13002", "FR")),
        ("Triftstrasse 67 13353 Berlin Deutschland", "", ("Triftstrasse 67", "Berlin", "", "13353", "DE")),
        ("Am Markt 1 | D-24103 Kiel", "DE", ("Am Markt 1", "Kiel", "", "24103", "DE")),
        ("Bahnhofstr. 3, CH-8001 Zürich", "", ("Bahnhofstr. 3", "Zürich", "", "8001", "")),
        ("Hauptstraße 5, 10115 Berlin DE", "DE", ("Hauptstraße 5", "Berlin", "", "10115", "DE")),
        ("Museumplein 6, 1071 DJ Amsterdam", "NL", ("Museumplein 6", "Amsterdam", "", "1071 DJ", "NL")),
        ("Stary Rynek 1\n61-772 Poznań\nPolska", "", ("Stary Rynek 1", "Poznań", "", "61-772", "PL")),
        ("Sergels torg 3, 111 57 Stockholm", "SE", ("Sergels torg 3", "Stockholm", "", "111 57", "SE")),
        ("Praça 2, 1100-148 Lisboa", "PT", ("Praça 2", "Lisboa", "", "1100-148", "PT")),
        ("Calle Mayor 1, 28013 Madrid", "ES", ("Calle Mayor 1", "Madrid", "", "28013", "ES")),
        ("Museum, 4020 Linz", "AT", ("Museum", "Linz", "", "4020", "AT")),
        # In Germany four digits before a word are a house number, and no postal code.
        ("1400 Musterhof", "DE", ("1400 Musterhof", "", "", "", "DE")),
        ("Town Hall, Springfield, IL 62701", "", ("Town Hall", "Springfield", "IL", "62701", "US")),
        ("660 Nostrand Ave, Brooklyn, N.Y., 11216", "", ("660 Nostrand Ave", "Brooklyn", "N.Y", "11216", "US")),
        ("473 Boston Rd, Wilbraham, MA", "US", ("473 Boston Rd", "Wilbraham", "MA", "", "US")),
        ("San Francisco CA", "US", ("", "San Francisco", "CA", "", "US")),
        ("44 Court St, 6th Floor, Brooklyn 11201", "US", ("44 Court St, 6th Floor", "Brooklyn", "", "11201", "US")),
        (
            "ACLU P.O. Box 11637 Washington, DC 20008 United States",
            "",
            ("ACLU P.O. Box 11637", "Washington", "DC", "20008", "US"),
        ),
        (
            "2501 N Blackwelder Ave, Oklahoma City, Oklahoma 73106",
            "",
            ("2501 N Blackwelder Ave", "Oklahoma City", "Oklahoma", "73106", "US"),
        ),
        ("4411 Stone Way, Seattle, King County, WA 98103", "US", ("4411 Stone Way", "Seattle", "WA", "98103", "US")),
        ("475 west 26th street, new york", "US", ("475 west 26th street", "new york", "NY", "", "US")),
        # A quarter of the town, and not Nebraska.
        ("1200 Atlantic Ave NE", "US", ("1200 Atlantic Ave NE", "", "", "", "US")),
        ("100 Queen St W, Toronto, ON M5H 2N2", "", ("100 Queen St W", "Toronto", "ON", "M5H 2N2", "CA")),
        ("1 Macquarie St, Sydney NSW 2000", "AU", ("1 Macquarie St", "Sydney", "NSW", "2000", "AU")),
        (
            "8 Lower Ormond St, Manchester M1 5QF, United Kingdom",
            "",
            ("8 Lower Ormond St", "Manchester", "", "M1 5QF", "GB"),
        ),
        (
            "The Rushes, Loughborough, Leicestershire LE11 5BG, UK",
            "",
            ("The Rushes", "Loughborough", "Leicestershire", "LE11 5BG", "GB"),
        ),
        (
            "1 Leonard St, London, Greater London, England, EC2A 4RH",
            "",
            ("1 Leonard St", "London", "Greater London", "EC2A 4RH", "GB"),
        ),
        ("AB1 2CD Aberdeen", "GB", ("", "Aberdeen", "", "AB1 2CD", "GB")),
        ("High Street, SW1A 1AA", "GB", ("High Street", "", "", "SW1A 1AA", "GB")),
        ("Rynek Główny 1, Kraków", "PL", ("Rynek Główny 1, Kraków", "", "", "", "PL")),
        ("Paris, FR", "", ("Paris", "", "", "", "FR")),
        ("Dover, DE", "", ("", "Dover", "DE", "", "US")),
        ("Piazza Italia", "", ("Piazza Italia", "", "", "", "")),
        ("Germany", "", ("Germany", "", "", "", "")),
        ("IL 62701", "US", ("", "", "IL", "62701", "US")),
        ("62701", "US", ("", "", "", "62701", "US")),
        ("  , ;\n", "FR", ("", "", "", "", "FR")),
        ("", "", ("", "", "", "", "")),
    ],
)
def test_what_an_address_states_is_told_apart(text: str, country: str, expected: tuple[str, ...]) -> None:
    found = parse_address(text, country)

    assert (found.street, found.locality, found.region, found.postalCode, found.countryCode) == expected


@given(st.text(max_size=80), st.sampled_from(["", "DE", "FR", "GB", "US", "CA", "AU", "AT"]))
@example(".", "")  # a town of punctuation alone failed every place of its source
def test_no_text_is_too_strange_for_an_address(text: str, country: str) -> None:
    place = Place(name=text, address=PostalAddress(streetAddress=text, addressLocality=text[:20]))

    found = place_query(at(place), country)

    assert parse_address(text, country).countryCode or not country
    assert found is None or all(guess.name.strip() for guess in town_guesses(found))


@pytest.mark.parametrize(
    "text", ["A" * 50_000, "a A" * 20_000, "12 " * 20_000, "rue PARIS " * 9_000 + "!", ", ".join("x" * 9_000)]
)
def test_an_endless_address_is_read_at_once(text: str) -> None:
    started = time.process_time()

    found = place_query(at(Place(name=text, address=PostalAddress(streetAddress=text))), "FR")

    assert found is not None
    town_guesses(found)
    assert time.process_time() - started < AT_ONCE


def test_stated_parts_are_taken_as_they_are() -> None:
    stated = query(
        "City  Museum",
        streetAddress=" 1 High Street ",
        addressLocality="Bath",
        addressRegion="Somerset",
        postalCode="BA1 1AA",
        addressCountry="GB",
    )

    assert stated == {
        "venue": "City Museum",
        "street": "1 High Street",
        "locality": "Bath",
        "region": "Somerset",
        "postalCode": "BA1 1AA",
        "countryCode": "GB",
    }


@pytest.mark.parametrize(
    ("locality", "expected"),
    [
        ("75008 Paris", {"locality": "Paris", "postalCode": "75008"}),
        ("Paris Cedex 08", {"locality": "Paris"}),
        ("Lyon 3ème", {"locality": "Lyon"}),
        ("Lyon, France", {"locality": "Lyon", "countryCode": "FR"}),
        ("Springfield, IL", {"locality": "Springfield", "region": "IL", "countryCode": "US"}),
        ("Kreuzberg, Berlin", {"locality": "Kreuzberg"}),
    ],
)
def test_a_locality_that_holds_more_than_a_town_is_taken_apart(locality: str, expected: dict[str, str]) -> None:
    assert query(addressLocality=locality) == expected


def test_the_country_of_the_source_holds_where_the_place_names_none() -> None:
    assert query(addressLocality="Lyon", country="FR") == {"locality": "Lyon", "countryCode": "FR"}
    assert query(addressLocality="Genf", addressCountry="CH", country="DE") == {"locality": "Genf", "countryCode": "CH"}
    assert query(streetAddress="Rynek 1, 61-772 Poznań, Polska", country="DE") == {
        "street": "Rynek 1",
        "locality": "Poznań",
        "postalCode": "61-772",
        "countryCode": "PL",
    }


@pytest.mark.parametrize("name", ["", "Online", "Zoom meeting", "https://example.org/live", "TBA", "various"])
def test_a_place_that_is_nowhere_gives_no_question(name: str) -> None:
    assert query(name, country="FR") is None
    assert query(name, streetAddress=name, country="FR") is None


def test_an_online_activity_and_one_without_a_place_give_no_question() -> None:
    place = Place(address=PostalAddress(addressLocality="Lyon"))

    assert place_query(at(None), "FR") is None
    assert place_query(at(place, eventAttendanceMode="OnlineEventAttendanceMode"), "FR") is None
    assert place_query(at(place, eventAttendanceMode="MixedEventAttendanceMode"), "FR") is not None


def test_equal_questions_have_equal_keys() -> None:
    keys = {PlaceQuery(locality="Lyon", countryCode="FR").key(), PlaceQuery(countryCode="FR", locality="Lyon").key()}

    assert keys == {'{"countryCode":"FR","locality":"Lyon"}'}


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        (PlaceQuery(locality="Halle (Saale)"), ["Halle (Saale)", "Halle"]),
        (PlaceQuery(locality="St. Gallen"), ["St. Gallen", "Saint Gallen"]),
        (PlaceQuery(locality="Ste Catherine"), ["Ste Catherine", "Sainte Catherine"]),
        (PlaceQuery(locality="Saint-Ives"), ["Saint-Ives", "St Ives"]),
        (PlaceQuery(locality="Muenchen"), ["Muenchen", "Munchen"]),
        (PlaceQuery(locality="Stadt Wien"), ["Stadt Wien", "Wien"]),
        (PlaceQuery(locality="Lahr/Schwarzwald"), ["Lahr/Schwarzwald", "Lahr"]),
        (PlaceQuery(locality="Berlin-Mitte", countryCode="DE"), ["Berlin-Mitte", "Berlin"]),
        (PlaceQuery(locality="Saint-Malo", countryCode="FR"), ["Saint-Malo", "St Malo"]),
        (PlaceQuery(street="1 High Street, Bath, Park 3 Oxford"), ["Oxford", "Bath"]),
        (PlaceQuery(street="77 rue de Varenne PARIS"), ["PARIS"]),
        (PlaceQuery(street="rue de Lyon"), []),
        (PlaceQuery(venue="Museum of Bath"), ["Museum of Bath", "Bath"]),
        (PlaceQuery(venue="Studio 12"), []),
        (PlaceQuery(venue="Café de Paris"), []),
        (PlaceQuery(locality="Bath", venue="Bath"), ["Bath"]),
        (PlaceQuery(postalCode="75001"), []),
    ],
)
def test_a_question_gives_the_names_of_towns_the_surest_first(question: PlaceQuery, expected: list[str]) -> None:
    assert [guess.name for guess in town_guesses(question)] == expected


@pytest.mark.parametrize(
    ("country", "text", "code"),
    [
        ("US", "TX", "TX"),
        ("US", "N.Y.", "NY"),
        ("US", "north carolina", "NC"),
        ("DE", "Bayern", "02"),
        ("CA", "ON", "08"),
        ("CH", "be", "BE"),
        ("CH", "Bern", ""),
        ("GB", "Scotland", "SCT"),
        ("FR", "Nowhere", ""),
        ("JP", "Tokyo", ""),
    ],
)
def test_regions_are_known_by_name_and_abbreviation(country: str, text: str, code: str) -> None:
    assert region_code(country, text) == code


@pytest.mark.parametrize(
    ("country", "postal_code", "code"),
    [
        ("US", "62701", "IL"),
        ("US", "02115-1234", "MA"),
        ("US", "6270", ""),
        ("FR", "59000", "32"),
        ("FR", "20000", "94"),
        ("ES", "41001", "51"),
        ("DE", "10115", ""),
        ("US", "", ""),
    ],
)
def test_the_first_digits_of_a_postal_code_tell_the_region(country: str, postal_code: str, code: str) -> None:
    assert region_of_postal_code(country, postal_code) == code


def test_streets_are_told_from_towns() -> None:
    streets = ["High Street", "Hauptstraße", "rue de Lyon", "Prinsengracht laan", "6th Floor", "Via Roma"]

    assert [text for text in [*streets, "Bath", "Paris", "St. Gallen"] if is_street(text)] == streets
    assert town_name("75008 Paris 8e") == "Paris"
