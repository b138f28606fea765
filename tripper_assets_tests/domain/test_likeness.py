"""Two activities of two sites are compared as a reader would: by name, place, time and ages."""

from typing import Any

import pytest

from tripper_assets.domain.activities import Activity
from tripper_assets.domain.likeness import likeness, name_likeness
from tripper_assets.domain.link_facts import LinkFacts, facts_of

MILL = {"name": "Old Mill", "address": {"streetAddress": "Mill Lane 1", "addressLocality": "Leeds"}}


def facts(name: str = "Dinosaur workshop", *, site: str = "a", **stated: Any) -> LinkFacts:
    own = {"id": f"{site}-{name}", "index": 0, "source_key": site, "source_url": f"https://{site}.example/"}
    values = {"startDate": "2026-06-01T15:00:00+02:00", "location": MILL, **stated}
    return facts_of(
        Activity.model_validate({**own, "url": f"https://{site}.example/1", "type": "Event", "name": name, **values})
    )


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("Dinosaur workshop", "DINOSAUR WORKSHOP", True),
        ("Dinosaur workshop", "Dinosuar workshop", True),
        ("Dinosaur workshop", "Dinosaur Workshop at the Old Mill, Leeds", True),
        ("Dinosaur workshop", "Dinosaurworkshop", True),
        ("Easter fair", "Easter Fair 2026", True),
        ("Märchenstunde für Kinder", "MARCHENSTUNDE FUR KINDER", True),
        ("Kinderkonzert: Karneval der Tiere", "Karneval der Tiere", True),
        ("Kinderkonzert: Karneval der Tiere", "Kinderkonzert: Peter und der Wolf", False),
        ("Toddler swim", "Junior swim", False),
        ("Tuesday club", "Thursday club", False),
        ("Clay afternoon", "Play afternoon", False),
        ("Yoga for mums", "Yoga for dads", False),
    ],
)
def test_names_are_alike_for_a_slip_of_the_hand_and_not_for_another_word(one: str, other: str, alike: bool) -> None:  # noqa: FBT001 (a table)
    found = name_likeness(facts(one), facts(other, site="b"))

    assert (found >= 0.66) is alike


@pytest.mark.parametrize(
    ("other", "conflict"),
    [
        ({}, ""),
        ({"startDate": "2026-06-01T13:00:00Z"}, ""),  # the same moment
        ({"startDate": "2026-06-01T15:00:00Z"}, ""),  # the same wall clock, written with a Z
        ({"startDate": "2026-06-01T15:30:00+02:00"}, ""),
        ({"startDate": "2026-06-01"}, ""),
        ({"startDate": "2026-06-01T18:00:00+02:00"}, "time"),
        ({"startDate": "2026-06-02T15:00:00+02:00"}, "time"),
        ({"startDate": ""}, "time"),
        ({"location": {"name": "Old Mil", "address": {"addressLocality": "Leeds"}}}, ""),
        ({"location": {"name": "Mill", "address": {"addressLocality": "Leeds"}}}, ""),
        ({"location": {"name": "Town Library", "address": {"addressLocality": "Leeds"}}}, "place"),
        ({"location": {"name": "Old Mill", "address": {"addressLocality": "Otley"}}}, "place"),
        ({"location": {"name": "Old Mill", "address": {"streetAddress": "Park Road 9", "addressLocality": "Leeds"}}}, "place"),
        ({"ageRange": {"minValue": 6, "maxValue": 9}}, ""),
        ({"name": "Dinosaur workshop 2"}, "name"),
    ],
)  # fmt: skip
def test_what_cannot_be_said_of_one_activity_keeps_two_apart(other: dict[str, Any], conflict: str) -> None:
    found = likeness(facts(), facts(site="b", **other))

    assert found.conflict == conflict
    assert found.is_one is (conflict == "")


@pytest.mark.parametrize(
    ("ages", "conflict"),
    [((0, 4), "ages"), ((8, 12), "ages"), ((3, 6), ""), ((None, 5), ""), ((9, None), "ages")],
)
def test_ages_that_only_touch_are_two_groups(ages: tuple[float | None, float | None], conflict: str) -> None:
    one = facts(ageRange={"minValue": 4, "maxValue": 8})
    other = facts(site="b", ageRange={"minValue": ages[0], "maxValue": ages[1]})

    assert likeness(one, other).conflict == conflict


def test_what_is_online_is_not_what_happens_at_a_place() -> None:
    online = facts(eventAttendanceMode="OnlineEventAttendanceMode")
    there = facts(site="b", eventAttendanceMode="OfflineEventAttendanceMode")

    assert likeness(online, there).conflict == "attendance"


def test_points_count_as_far_as_they_are_sure() -> None:
    def at(longitude: float, accuracy: str, site: str) -> LinkFacts:
        place = {"geometry": {"coordinates": (longitude, 53.8)}, "geocoding": {"status": "ok", "accuracy": accuracy}}
        return facts(site=site, location=None, **place)

    assert likeness(at(-1.55, "exact", "a"), at(-1.5505, "exact", "b")).place_is == "33 m apart"
    assert likeness(at(-1.55, "exact", "a"), at(-1.60, "exact", "b")).conflict == "place"
    assert likeness(at(-1.55, "locality", "a"), at(-1.60, "locality", "b")).conflict == ""


@pytest.mark.parametrize(
    ("rule", "conflict"),
    [
        ({"byDay": ["Tuesday"], "startTime": "15:00"}, ""),
        ({"byDay": ["Tuesday"], "startTime": "15:15"}, ""),
        ({"byDay": ["Tuesday"]}, ""),
        ({"byDay": ["Tuesday"], "startTime": "17:00"}, "time"),
        ({"byDay": ["Thursday"], "startTime": "15:00"}, "time"),
        ({"byDay": ["Tuesday"], "startTime": "15:00", "repeatFrequency": "P2W"}, "time"),
    ],
)
def test_series_are_one_where_their_rules_are(rule: dict[str, Any], conflict: str) -> None:
    weekly = facts(eventSchedule=[{"repeatFrequency": "P1W", "byDay": ["Tuesday"], "startTime": "15:00"}])
    other = facts(site="b", startDate="2026-09-01", eventSchedule=[{"repeatFrequency": "P1W", **rule}])

    assert likeness(weekly, other).conflict == conflict


def test_what_is_always_open_needs_a_better_name() -> None:
    def museum(name: str, site: str) -> LinkFacts:
        return facts(name, site=site, startDate="")

    assert likeness(museum("Museum of Toys", "a"), museum("Museum of Toys", "b")).is_one
    assert not likeness(museum("Toys and trains", "a"), museum("Toys and trains for small children", "b")).is_one


def test_a_start_that_no_calendar_has_is_no_start() -> None:
    assert facts(startDate="soon").occurrences == ()
    assert facts(startDate="0001-01-01T00:00:00+14:00").occurrences[0].instant is None
