"""What people decide on single activities holds for what the publisher says, and for nothing else."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tripper_assets.domain.activities import Activity, Geocoding, Point
from tripper_assets.domain.corrections import (
    CORRECTABLE,
    Correction,
    Refusal,
    corrected,
    decided,
    stated_sha256,
    uncorrected,
)
from tripper_assets.domain.errors import ConfigurationError
from tripper_assets.domain.identity import content_sha256

AT = datetime(2026, 5, 1, tzinfo=UTC)
ONE, TWO = "00000000-0000-5000-8000-000000000001", "00000000-0000-5000-8000-000000000002"


def activity(identifier: str = ONE, **fields: Any) -> Activity:
    values = {
        "id": identifier,
        "index": 0,
        "source_key": "s",
        "source_url": "https://example.org/",
        "url": "https://example.org/a",
    }
    made = Activity.model_validate({**values, "type": "Event", "name": "Puppets", **fields})
    return made.model_copy(update={"content_sha256": content_sha256(made.dump())})


def correction(field: str, value: Any, identifier: str = ONE) -> Correction:
    return Correction(activity_id=identifier, field=field, value=value, by="ann", at=AT, reason="the poster says so")


def refusal(of: Activity) -> Refusal:
    return Refusal(activity_id=of.id, stated_sha256=stated_sha256(of), by="ann", at=AT)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "Shadow puppets"),
        ("ageRange", {"minValue": 4}),
        ("offers", [{"name": "child", "price": "4.00", "priceCurrency": "GBP"}]),
        ("isAccessibleForFree", True),
        ("startDate", "2026-07-01T10:00:00+01:00"),
        ("keywords", ["puppets"]),
    ],
)
def test_a_correction_is_the_value_and_says_that_a_person_stated_it(field: str, value: Any) -> None:
    better = corrected(activity(), field, value, reason="the poster says so")

    assert better.dump()[field] == value
    assert better.provenance[field].method == "person"
    assert better.provenance[field].evidence == "the poster says so"
    assert better.content_sha256 == content_sha256(better.dump()) != activity().content_sha256


def test_null_takes_a_value_away() -> None:
    assert "description" not in corrected(activity(description="Wrong."), "description", None).dump()


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("geometry", None, "The field geometry of an activity cannot be corrected"),
        ("name", None, "An activity needs a name"),
        ("name", "", "An activity needs a name"),
        ("ageRange", {"from": 3}, "Correcting ageRange of 'Puppets' failed"),
        ("offers", "free", "Correcting offers of 'Puppets' failed"),
    ],
)
def test_what_is_no_value_for_a_field_is_refused(field: str, value: Any, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        corrected(activity(), field, value)


def test_a_corrected_place_does_not_keep_the_coordinates_of_the_former_one() -> None:
    there = activity(geometry=Point(coordinates=(1.0, 2.0)), geocoding=Geocoding(status="ok"))

    named = corrected(there, "location", {"name": "Town hall"})
    placed = corrected(there, "location", {"name": "Town hall", "geo": {"latitude": 53.8, "longitude": -1.5}})

    assert (named.geometry, named.geocoding) == (None, None)
    assert placed.geometry == Point(coordinates=(-1.5, 53.8))


def test_a_refused_activity_stays_out_until_its_publisher_says_something_else() -> None:
    first, changed = activity(), activity(description="Now with hand puppets.")
    refusals = {ONE: refusal(first)}

    same = decided([first, activity(TWO)], {}, refusals)
    other = decided([changed, activity(TWO)], {}, refusals)

    assert [one.id for one in same.records] == [TWO]
    assert (same.refused, same.problems) == ((ONE,), ())
    assert [one.id for one in other.records] == [ONE, TWO]
    assert other.refused == ()
    assert [(one.code, one.subject) for one in other.problems] == [("rejected_before", ONE)]


def test_pictures_and_coordinates_that_were_found_bring_no_refused_activity_back() -> None:
    unplaced = activity(location={"name": "Town hall"})
    found = activity(
        location={"name": "Town hall", "geo": {"latitude": 2.0, "longitude": 1.0}},
        geometry=Point(coordinates=(1.0, 2.0)),
        geocoding=Geocoding(status="ok", rung="locality"),
        attribution=("GeoNames",),
    )
    moved = activity(location={"name": "Town hall", "geo": {"latitude": 2.0, "longitude": 1.0}})

    assert decided([found], {}, {ONE: refusal(unplaced)}).records == ()
    assert decided([moved], {}, {ONE: refusal(unplaced)}).records == (moved,)


def test_a_correction_that_no_longer_fits_is_named_and_stops_nobody() -> None:
    wrong = Correction(activity_id=ONE, field="geometry", value=None, by="ann", at=AT)

    found = decided([activity(), activity(TWO)], {ONE: [wrong, correction("name", "Better")]}, {})

    assert [one.name for one in found.records] == ["Better", "Puppets"]
    assert [(one.code, one.subject) for one in found.problems] == [("correction_unfitting", ONE)]
    assert found.stated == {ONE: {"geometry": None, "name": "Puppets"}}


def test_a_refusal_does_not_depend_on_what_a_person_corrected() -> None:
    found = decided([activity()], {ONE: [correction("name", "Better")]}, {ONE: refusal(activity())})

    assert found.refused == (ONE,)


@pytest.mark.parametrize(
    ("field", "value"), [("name", "Better"), ("description", "Said."), ("location", {"name": "Elsewhere"})]
)
def test_without_its_correction_a_record_is_what_the_publisher_stated(field: str, value: Any) -> None:
    place = {"name": "Town hall", "geo": {"latitude": 2.0, "longitude": 1.0}}
    said = activity(location=place, geometry=Point(coordinates=(1.0, 2.0)))

    back = uncorrected(corrected(said, field, value).dump(), {field: said.dump().get(field)})

    assert back == said


def test_every_field_that_can_be_corrected_is_one_of_an_activity() -> None:
    assert set(CORRECTABLE) <= set(Activity.model_fields)


def test_a_record_with_two_corrected_fields_is_read_again_and_keeps_both() -> None:
    one = corrected(corrected(activity(), "name", "Better"), "description", "Fish")

    assert (one.name, one.description) == ("Better", "Fish")
    assert Activity.model_validate(one.dump()).provenance["name"].method == "person"
