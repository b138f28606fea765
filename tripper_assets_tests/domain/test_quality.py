import pytest

from tripper_assets.clients.country_shapes import country_shapes
from tripper_assets.domain.activities import (
    Activity,
    AgeRange,
    Embedding,
    Geocoding,
    GeoCoordinates,
    ImageObject,
    Offer,
    OpeningHours,
    Place,
    Point,
    PostalAddress,
    Provenance,
    Quality,
    Schedule,
)
from tripper_assets.domain.identity import activity_id, ids_sha256
from tripper_assets.domain.quality import (
    CHECKS,
    CheckResult,
    Expectations,
    LastImport,
    blocking,
    check_bundle,
    needed_fields,
    score,
)
from tripper_assets.domain.sources import Region

GERMANY = Place(address=PostalAddress(addressCountry="DE"))
RHINELAND = Region(min_latitude=50, min_longitude=6, max_latitude=52, max_longitude=8)
HOME = "https://town.example/events"
GOOD: dict[str, object] = {
    "description": "A play for children from four years on.  ",
    "startDate": "2026-05-02T10:00:00+02:00",
    "location": Place(name="Park"),
    "geometry": Point(coordinates=(6.9, 50.9)),
    "geocoding": Geocoding(status="ok", provider="publisher", accuracy="exact"),
    "image": (ImageObject(sourceUrl="https://town.example/a.jpg"),),
    "isAccessibleForFree": True,
    "ageRange": AgeRange(minValue=4),
}


def activity(number: int = 0, **fields: object) -> Activity:
    return Activity.model_validate(
        {
            "id": activity_id("town-example-01234567", f"id:{number}"),
            "index": number,
            "source_key": "town-example-01234567",
            "source_url": HOME,
            "url": f"{HOME}/{number}",
            "type": "Event",
            "name": "Theatre",
            **GOOD,
            **fields,
        }
    )


def check(
    name: str,
    *activities: Activity,
    last: LastImport | None = None,
    maps: dict[str, str | None] | None = None,
    allowed_removals: float = 0.3,
) -> CheckResult:
    results = check_bundle(
        activities,
        Expectations(
            source_url=HOME,
            maps=maps or {},
            last=last,
            allowed_removals=allowed_removals,
            shapes=country_shapes(),
            region=RHINELAND,
        ),
    )
    return next(one for one in results if one.name == name)


def many(count: int, **fields: object) -> list[Activity]:
    return [activity(number, **fields) for number in range(count)]


# The score


def test_a_full_activity_scores_one_and_a_bare_one_its_share() -> None:
    bare = {name: Activity.model_fields[name].get_default(call_default_factory=True) for name in GOOD}

    assert score(activity()) == 1.0
    assert score(activity(**bare)) == round(1 / 7, 2)  # its own page is all it has


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"description": "A play."}, "description"),
        ({"startDate": ""}, "when"),
        ({"location": None}, "where"),
        ({"location": Place(address=PostalAddress(addressCountry="DE"))}, "where"),
        ({"image": ()}, "image"),
        ({"isAccessibleForFree": None}, "price"),
        ({"ageRange": None}, "ages"),
        (
            {
                "url": "https://town.example/",
                "provenance": {"name": Provenance(method="text", page="https://town.example/")},
            },
            "own_page",
        ),
    ],
)
def test_what_a_guide_misses(fields: dict[str, object], name: str) -> None:
    assert [one for one, there in needed_fields(activity(**fields)).items() if not there] == [name]


@pytest.mark.parametrize(
    "fields",
    [
        {"startDate": "", "eventSchedule": (Schedule(byDay=("Monday",)),)},
        {"startDate": "", "openingHoursSpecification": (OpeningHours(opens="10:00"),)},
        {"location": None, "eventAttendanceMode": "OnlineEventAttendanceMode"},
        {"location": Place(geo=GeoCoordinates(latitude=50.9, longitude=6.9))},
        {"location": Place(address=PostalAddress(addressLocality="Köln"))},
        {"isAccessibleForFree": None, "offers": (Offer(price="4"),)},
        {"isAccessibleForFree": False},
    ],
)
def test_what_a_guide_can_do_with(fields: dict[str, object]) -> None:
    assert score(activity(**fields)) == 1.0


# The checks of a bundle


def test_a_good_bundle_passes_every_check_that_there_is() -> None:
    good = many(3)
    maps = {"images_map": ids_sha256(one.id for one in good), "geocoded_map": None}

    results = check_bundle(good, Expectations(source_url=HOME, maps=maps, last=None, allowed_removals=0.3))

    assert tuple(one.name for one in results) == CHECKS
    assert [one.name for one in results if not one.passed] == []
    assert len(set(CHECKS)) == len(CHECKS)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("ids_unique", {"id": "42"}),
        ("ids_unique", {"id": activity_id("x", "y") + "\n"}),
        ("names_usable", {"name": "ab"}),
        ("names_usable", {"name": "x" * 151}),
        ("urls_in_source", {"url": "https://elsewhere.example/1"}),
        ("urls_in_source", {"url": "town.example/1"}),
        ("dates_in_order", {"startDate": "2026-05-02", "endDate": "2026-05-01"}),
        ("dates_in_order", {"endDate": "2026-05-02T09:59:59+02:00"}),
        ("times_have_zone", {"startDate": "2026-05-02T10:00:00"}),
        ("times_have_zone", {"endDate": "2026-05-02T12:00:00"}),
        ("prices_valid", {"offers": (Offer(price="-1"),)}),
        ("prices_valid", {"offers": (Offer(price="4"),), "isAccessibleForFree": True}),
        ("ages_valid", {"ageRange": AgeRange(minValue=9, maxValue=6)}),
        ("places_sane", {"geometry": Point(coordinates=(0, 0))}),
        ("attributed", {"geocoding": Geocoding(status="ok", provider="geonames", attribution="GeoNames, CC BY 4.0")}),
        ("attributed", {"geocoding": Geocoding(status="ok", provider="geonames")}),
        (
            "attributed",
            {"geocoding": Geocoding(status="ok", provider="x", attribution="GeoNames"), "attribution": ("GeoNames",)},
        ),
        ("places_sane", {"geometry": Point(coordinates=(48.137, 11.575)), "location": GERMANY}),
        ("places_in_country", {"geometry": Point(coordinates=(4.84, 45.76)), "location": GERMANY}),
    ],
)
def test_an_error_names_the_activity_that_holds_the_bundle(name: str, fields: dict[str, object]) -> None:
    wrong = activity(1, **fields)

    found = check(name, activity(0), wrong)

    assert not found.passed
    assert found.severity == "ERROR"
    assert found.failing == (wrong.id,)
    assert found.sentence.startswith("1 of 2 activities pass (50%, wanted ")


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("urls_in_source", {"url": "https://www.town.example/1"}),
        ("dates_in_order", {"endDate": ""}),
        ("dates_in_order", {"startDate": "2026-05-02T10:00:00+02:00", "endDate": "2026-05-02"}),
        # In order as moments, though the calendar day of the end reads earlier: the check once compared only the days.
        ("dates_in_order", {"startDate": "2026-05-03T00:30:00+02:00", "endDate": "2026-05-02T23:30:00+00:00"}),
        ("times_have_zone", {"startDate": "2026-05-02T10:00:00Z"}),
        ("times_have_zone", {"startDate": "2026-05-02"}),
        ("prices_valid", {"offers": (Offer(price="0"), Offer(price="4")), "isAccessibleForFree": True}),
        ("prices_valid", {"offers": (Offer(name="Tickets"),)}),
        ("ages_valid", {"ageRange": AgeRange(maxValue=6)}),
        ("places_sane", {"geometry": None}),
        ("places_in_country", {"geometry": Point(coordinates=(11.575, 48.137)), "location": GERMANY}),
        ("places_in_country", {"geometry": Point(coordinates=(4.84, 45.76))}),
        # The source's country is a guess; a place across the border corrects it.
        (
            "places_in_country",
            {
                "geometry": Point(coordinates=(4.84, 45.76)),
                "location": GERMANY,
                "quality": Quality(score=1, problems=("country_from_config",)),
            },
        ),
        ("places_sane", {"geometry": Point(coordinates=(0, 51.5))}),
        ("attributed", {"geocoding": None}),
        ("attributed", {"geocoding": Geocoding(status="not_found", provider="geonames")}),
        (
            "attributed",
            {
                "geocoding": Geocoding(status="ok", provider="geonames", attribution="GeoNames", licence="CC BY 4.0"),
                "attribution": ("A photographer", "GeoNames"),
            },
        ),
    ],
)
def test_what_is_right_passes(name: str, fields: dict[str, object]) -> None:
    assert check(name, activity(0, **fields)).passed


def test_an_id_that_two_activities_have_is_no_id() -> None:
    found = check("ids_unique", activity(0), activity(0), activity(1))

    assert not found.passed
    assert found.failing == (activity(0).id, activity(0).id)


@pytest.mark.parametrize(
    ("name", "fields", "wanted"),
    [
        ("urls_in_source", {"url": "https://elsewhere.example/1"}, 99),
        ("descriptions_usable", {"description": "A play."}, 90),
        ("dates_stated", {"startDate": ""}, 90),
        ("places_stated", {"location": Place(address=PostalAddress(addressCountry="DE"))}, 90),
        ("places_found", {"geometry": None}, 80),
        ("images_stored", {"image": ()}, 80),
        ("places_precise", {"geocoding": Geocoding(status="ok", provider="publisher", accuracy="locality")}, 70),
        ("places_in_region", {"geometry": Point(coordinates=(2.3, 48.9))}, 98),
        ("coordinates_apart", {"quality": Quality(score=1, problems=("place_coordinate_shared",))}, 95),
    ],
)
def test_a_share_passes_at_its_bound_and_not_below(name: str, fields: dict[str, object], wanted: int) -> None:
    wrong = [activity(1000 + number, **fields) for number in range(101 - wanted)]

    assert check(name, *many(wanted), *wrong[1:]).passed
    below = check(name, *many(wanted - 1), *wrong)
    assert not below.passed
    assert below.figure == (wanted - 1) / 100


def test_an_online_activity_needs_no_point() -> None:
    assert check("places_found", activity(geometry=None, eventAttendanceMode="OnlineEventAttendanceMode")).passed


def test_only_the_first_failing_ids_are_shown() -> None:
    assert len(check("descriptions_usable", *many(50, description="")).failing) == 20


def test_a_map_of_another_list_fails_and_an_absent_one_is_named() -> None:
    found = check("maps_aligned", activity(0), maps={"images_map": ids_sha256(["other"]), "geocoded_map": None})

    assert not found.passed
    assert "1 were made from another id list ['images_map'], 1 are absent ['geocoded_map']" in found.sentence
    assert check("maps_aligned", activity(0), maps={"images_map": None}).passed


# The guards against the last import


def last_of(*activities: Activity) -> LastImport:
    return LastImport(frozenset(one.id for one in activities))


def test_a_source_that_yields_nothing_never_empties_the_catalog() -> None:
    found = check("not_empty", last=last_of(*many(7)))

    assert not found.passed
    assert found.sentence == "The source yields 0 activities; the last import left 7."
    assert not check("not_empty").passed


@pytest.mark.parametrize(("now", "passed"), [(4, False), (5, True), (10, True), (20, True), (21, False)])
def test_the_count_may_halve_and_double(now: int, *, passed: bool) -> None:
    assert check("count_against_last_import", *many(now), last=last_of(*many(10))).passed is passed


@pytest.mark.parametrize(
    ("gone", "allowed", "passed"), [(0, 0, True), (3, 0.3, True), (4, 0.3, False), (10, 1, True), (1, 0, False)]
)
def test_the_share_that_may_be_missing_is_the_sources_own(gone: int, allowed: float, *, passed: bool) -> None:
    before = many(10)

    found = check(
        "removals_against_last_import", *before[gone:], activity(99), last=last_of(*before), allowed_removals=allowed
    )

    assert found.passed is passed
    assert found.failing == tuple(sorted(one.id for one in before[:gone]))


@pytest.mark.parametrize("last", [None, LastImport(frozenset())])
def test_before_the_first_import_there_is_nothing_to_compare_with(last: LastImport | None) -> None:
    for name in ("count_against_last_import", "removals_against_last_import"):
        assert check(name, activity(0), last=last).passed


def embedded(number: int, model: str = "small", dimensions: int = 2) -> Activity:
    return activity(number, embedding=Embedding(model=model, dimensions=dimensions, text_sha256="a" * 64))


@pytest.mark.parametrize(
    ("activities", "before", "passed"),
    [
        ([embedded(1), embedded(2)], {"small"}, True),
        ([embedded(1), activity(2)], {"small"}, True),  # one that is missing holds no source
        ([embedded(1), embedded(2)], {"other"}, True),  # a changed model, and all of it
        ([embedded(1), activity(2)], {"other"}, False),
        ([activity(1), activity(2)], {"other"}, False),
        ([activity(1)], set(), True),
        ([], {"other"}, True),
        ([embedded(1), embedded(2, "other")], set(), False),
        ([embedded(1), embedded(2, dimensions=3)], set(), False),
    ],
)
def test_a_source_has_vectors_of_one_model_and_a_changed_one_has_all_of_them(
    activities: list[Activity], before: set[str], *, passed: bool
) -> None:
    last = LastImport(frozenset(), frozenset(before))

    result = check("embeddings_of_one_model", *activities, last=last)

    assert result.passed is passed


def test_only_errors_block_and_only_named_ones_are_overridden() -> None:
    error, warning = CheckResult("a", False, "ERROR", ""), CheckResult("b", False, "WARN", "")
    passed = CheckResult("c", True, "ERROR", "")

    assert blocking([error, warning, passed]) == [error]
    assert blocking([error, warning, passed], ["b"]) == [error]
    assert blocking([error, warning, passed], ["a"]) == []
