"""Every filter at its edges, beside what Python and dateutil say of the same activities."""

import contextlib
from collections.abc import Callable, Generator
from datetime import UTC, date, datetime, timedelta
from math import asin, cos, radians, sin, sqrt
from typing import Any

import numpy as np
import pytest
from dateutil import rrule
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from tripper_assets.catalog.database import Database
from tripper_assets.catalog.search import search
from tripper_assets.catalog.sources import SourceRegistry
from tripper_assets.domain.activities import Activity, AgeRange, Offer, OpeningHours, Point, Schedule
from tripper_assets.domain.errors import QuestionRefusedError
from tripper_assets.domain.search import MOST_HITS, SearchFilters, search_filters
from tripper_assets.domain.sources import make_source
from tripper_assets_tests.catalog.conftest import Site
from tripper_assets_tests.conftest import FreshDatabases

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
FREQUENCIES = {"D": rrule.DAILY, "W": rrule.WEEKLY, "M": rrule.MONTHLY, "Y": rrule.YEARLY}
SCHEDULES = (
    Schedule(startDate="2026-05-04", repeatFrequency="P1W", byDay=("Monday",)),
    Schedule(startDate="2026-05-04", repeatFrequency="P1W"),
    Schedule(startDate="2026-05-04", endDate="2026-06-30", repeatFrequency="P1W", byDay=("Saturday", "Sunday")),
    Schedule(startDate="2026-05-06", endDate="2026-09-30", repeatFrequency="P2W", byDay=("Wednesday",)),
    Schedule(
        startDate="2026-05-06", repeatFrequency="P1W", byDay=("Wednesday",), exceptDate=("2026-05-13", "2026-05-20")
    ),
    Schedule(startDate="2026-05-01", repeatFrequency="P1M", byMonthDay=(15, 31)),
    Schedule(startDate="2026-05-01", repeatFrequency="P1M", byDay=("Sunday",), byMonthWeek=(1, 3)),
    Schedule(startDate="2026-05-01", repeatFrequency="P1M", byDay=("Friday",), byMonthWeek=(-1,)),
    Schedule(startDate="2026-05-31", repeatFrequency="P1M"),
    Schedule(startDate="2026-05-05", repeatFrequency="P3D"),
    Schedule(startDate="2026-05-05", endDate="2026-05-20", repeatFrequency="P1D"),
    Schedule(startDate="2026-05-05", repeatFrequency="P1W", byDay=("Tuesday",), repeatCount=3),
    Schedule(startDate="2024-02-29", repeatFrequency="P1Y"),
)
TOWNS = ((48.0, 7.85), (53.8, -1.55), (-16.9, 179.95), (-17.0, -179.9), (89.99, 10.0), (0.0, 0.0))
Window = tuple[date, date]


def _rule_days(one: Schedule, window: Window) -> bool:
    count, unit = int(one.repeatFrequency[1:-1]), one.repeatFrequency[-1]
    weekdays = [rrule.weekdays[DAYS.index(day)] for day in one.byDay]
    if one.byMonthWeek:
        weekdays = [day(week) for day in weekdays for week in one.byMonthWeek]
    begins = datetime.fromisoformat(one.startDate)
    rule = rrule.rrule(
        FREQUENCIES[unit],
        interval=count,
        dtstart=begins,
        byweekday=weekdays or None,
        bymonthday=list(one.byMonthDay) or None,
        count=one.repeatCount,
        until=datetime.fromisoformat(one.endDate) if one.endDate else None,
    )
    first, last = (datetime.combine(day, begins.time()) for day in window)
    return any(str(day.date()) not in one.exceptDate for day in rule.between(first, last, inc=True))


def happens(one: Activity, window: Window) -> bool:
    """Say what the filter of days should: rules by dateutil, opening hours and single days by hand."""
    days = [window[0] + timedelta(days=number) for number in range((window[1] - window[0]).days + 1)]
    if one.eventSchedule:
        return any(_rule_days(rule, window) for rule in one.eventSchedule)
    if one.openingHoursSpecification:
        return any(
            DAYS[day.weekday()] in (hours.dayOfWeek or DAYS)
            and (hours.validFrom or "0") <= str(day) <= (hours.validThrough or "9")
            for hours in one.openingHoursSpecification
            for day in days
        )
    start, end = one.startDate[:10], one.endDate[:10]
    return any((start or end) <= str(day) <= (end or start) for day in days) if start or end else False


def _distance(one: Activity, latitude: float, longitude: float) -> float:
    assert one.geometry is not None
    east, north = one.geometry.coordinates
    half = sin(radians(latitude - north) / 2) ** 2
    half += cos(radians(north)) * cos(radians(latitude)) * sin(radians(longitude - east) / 2) ** 2
    return 2 * 6371.0 * asin(min(1.0, sqrt(half)))


def _activities(site: Site) -> list[Activity]:
    when: list[dict[str, Any]] = [{"eventSchedule": (rule,), "startDate": rule.startDate} for rule in SCHEDULES]
    when += [
        {"eventSchedule": (SCHEDULES[2], SCHEDULES[5])},
        {"startDate": "2026-05-09"},
        {"startDate": "2026-05-09T10:00:00+02:00", "endDate": "2026-05-12T10:00:00+02:00"},
        {"startDate": "2026-05-09", "endDate": "2026-08-31"},
        {"endDate": "2026-05-20"},
        {"openingHoursSpecification": (OpeningHours(dayOfWeek=("Saturday",), opens="10:00", closes="17:00"),)},
        {
            "openingHoursSpecification": (
                OpeningHours(dayOfWeek=("Monday",), validFrom="2026-05-01", validThrough="2026-06-30"),
                OpeningHours(dayOfWeek=("Friday",), validFrom="2026-07-01"),
            )
        },
        {"openingHoursSpecification": (OpeningHours(opens="09:00", closes="18:00"),)},
        {},
    ]
    ages = (None, AgeRange(minValue=4, maxValue=10), AgeRange(minValue=6), AgeRange(maxValue=3))
    offers = ((), (Offer(price="0.00"),), (Offer(price="4.50"), Offer(price="9.00")), (Offer(price="free?"),))
    return [
        site.activity(
            f"thing {number}",
            index=number,
            ageRange=ages[number % 4],
            offers=offers[number % 4],
            isAccessibleForFree=(None, True, False)[number % 3],
            category=(("Märchen", "Art"), ("art",), ())[number % 3],
            inLanguage=("de", "en-GB", "FR", "")[number % 4],
            geometry=Point(coordinates=TOWNS[number % len(TOWNS)][::-1]),
            **stated,
        )
        for number, stated in enumerate(when)
    ]


@pytest.fixture(scope="module")
def things(fresh_databases: FreshDatabases) -> Generator[tuple[Database, dict[str, Activity]]]:
    with fresh_databases() as url:
        database = Database(url)
        site = Site(database, SourceRegistry(database).add(make_source("https://things.example/")))
        made = _activities(site)
        site.load(made, site.vectors(made))
        yield database, {one.id: one for one in made}
        database.dispose()


Things = tuple[Database, dict[str, Activity]]


def found(things: Things, **filters: Any) -> set[str]:
    page = search(things[0], filters=search_filters(past=True, **filters), limit=MOST_HITS, now=NOW)
    return {hit.name for hit in page.hits}


def expected(things: Things, passes: Callable[[Activity], bool]) -> set[str]:
    return {one.name for one in things[1].values() if passes(one)}


def _check_days(things: Things, first: int, length: int) -> None:
    window = (date(2026, 4, 25) + timedelta(days=first), date(2026, 4, 25) + timedelta(days=first + length))

    assert found(things, since=window[0], until=window[1]) == expected(things, lambda one: happens(one, window))


@given(first=st.integers(0, 200), length=st.integers(0, 20))
@settings(max_examples=40, deadline=None)
def test_what_happens_on_a_day_is_what_the_rules_say(things: Things, first: int, length: int) -> None:
    _check_days(things, first, length)


@pytest.mark.long
@given(first=st.integers(0, 1500), length=st.integers(0, 60))
@settings(max_examples=1500, deadline=None)
def test_what_happens_on_a_day_is_what_the_rules_say_in_years(things: Things, first: int, length: int) -> None:
    _check_days(things, first, length)


@pytest.mark.parametrize("low", [0, 3, 3.5, 4, 10, 11, 120])
@pytest.mark.parametrize("more", [0, 2, None])
def test_an_age_is_welcome_where_nothing_is_said_against_it(things: Things, low: float, more: float | None) -> None:
    high = None if more is None else min(low + more, 120)

    def passes(one: Activity) -> bool:
        ages = one.ageRange or AgeRange()
        least, most = ages.minValue or 0, ages.maxValue if ages.maxValue is not None else 999
        return least <= (999 if high is None else high) and most >= low

    assert found(things, min_age=low, max_age=high) == expected(things, passes)


@given(
    place=st.sampled_from(TOWNS),
    off=st.tuples(st.floats(-0.3, 0.3), st.floats(-0.3, 0.3)),
    radius=st.sampled_from([0.001, 1, 25, 100, 500, 5_000, 20_037]),
)
@settings(max_examples=40, deadline=None)
def test_what_is_near_is_so_across_the_antimeridian_and_at_the_poles(
    things: Things, place: tuple[float, float], off: tuple[float, float], radius: float
) -> None:
    latitude, longitude = min(place[0] + off[0], 90.0), (place[1] + off[1] + 180) % 360 - 180

    got = found(things, near={"latitude": latitude, "longitude": longitude, "radius_km": radius})

    assert got == expected(things, lambda one: _distance(one, latitude, longitude) <= radius)


def test_prices_tags_and_languages_filter_without_regard_to_case_and_accents(things: Things) -> None:
    def cheap(one: Activity) -> bool:
        prices = [float(offer.price) for offer in one.offers if offer.price[0].isdigit()]
        return bool(one.isAccessibleForFree) or (bool(prices) and min(prices) <= 4.5)

    assert found(things, free=True) == expected(things, lambda one: bool(one.isAccessibleForFree))
    assert found(things, max_price=4.5) == expected(things, cheap)
    assert found(things, tags=("MARCHEN", "art")) == expected(things, lambda one: len(one.category) == 2)
    assert found(things, tags=("art",)) == expected(things, lambda one: bool(one.category))
    assert found(things, language="en") == expected(things, lambda one: one.inLanguage == "en-GB")
    assert found(things, language="fr") == expected(things, lambda one: one.inLanguage == "FR")


WRONG: list[dict[str, Any]] = [
    {"since": date(2026, 5, 2), "until": date(2026, 5, 1)},
    {"since": date(1, 1, 1)},
    {"until": date(9999, 12, 31)},
    {"min_age": -1},
    {"max_age": float("nan")},
    {"min_age": 5, "max_age": 4},
    {"max_price": float("inf")},
    {"tags": ("",)},
    {"tags": ("x",) * 21},
    {"language": "DE; DROP"},
    {"near": {"latitude": 91, "longitude": 0, "radius_km": 1}},
    {"near": {"latitude": 0, "longitude": 0, "radius_km": 0}},
    {"near": {"latitude": float("nan"), "longitude": 0, "radius_km": 1}},
    {"unknown": 1},
]


@pytest.mark.parametrize("wrong", WRONG)
def test_a_filter_that_no_activity_can_pass_is_refused_in_one_sentence(wrong: dict[str, Any]) -> None:
    with pytest.raises(QuestionRefusedError, match=r"^A filter of the search is wrong \(.+\); change it\.$"):
        search_filters(**wrong)


FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "since": st.dates(),
        "until": st.dates(),
        "near": st.fixed_dictionaries({name: st.floats() for name in ("latitude", "longitude", "radius_km")}),
        "min_age": st.floats() | st.integers(-5, 200),
        "max_age": st.floats() | st.integers(-5, 200),
        "free": st.booleans(),
        "max_price": st.floats(),
        "tags": st.lists(st.text(max_size=30), max_size=4).map(tuple),
        "language": st.text(max_size=4) | st.sampled_from(["de", "en", "zz"]),
        "source_key": st.text(max_size=20),
        "past": st.booleans(),
    },
)
NASTY = st.sampled_from(
    ["'", '"', "\\", ":*", "&", "|", "!", "(", ")", "<->", "<%", "%", "%%", "%s", ":text", "--", ";", "\0", "\ud83d", "$1", "{", "}", "{conditions}", " "]
)  # fmt: skip
TEXTS = (
    st.text(max_size=60)
    | st.lists(NASTY | st.sampled_from(["thing", "Märchen", "-art", '"thing 1"']), max_size=12).map("".join)
    | st.text(min_size=1, max_size=8).map(lambda text: (text * 10_000)[:10_000])
)


def _ask(things: Things, text: str, filters: dict[str, Any], vector: bool, limit: int, after: str | None) -> None:  # noqa: FBT001 (drawn)
    asked = np.array([1, 0, 0], dtype=np.float32) if vector else None
    with contextlib.suppress(QuestionRefusedError):
        page = search(
            things[0],
            text=text,
            filters=search_filters(**filters),
            vector=asked,
            model="tiny",
            limit=limit,
            after=after,
            now=NOW,
        )
        assert {hit.id for hit in page.hits} <= things[1].keys()
        assert len(page.hits) <= limit


ASKED = {
    "text": TEXTS,
    "filters": FILTERS,
    "vector": st.booleans(),
    "limit": st.integers(-1, 300),
    "after": st.none() | st.text(max_size=40),
}
UNHURRIED = [HealthCheck.too_slow, HealthCheck.data_too_large]


@given(**ASKED)
@settings(max_examples=120, deadline=None, suppress_health_check=UNHURRIED)
def test_whatever_is_asked_there_are_rows_or_a_refusal(things: Things, **asked: Any) -> None:
    _ask(things, **asked)


@pytest.mark.long
@given(**ASKED)
@settings(max_examples=4_000, deadline=None, suppress_health_check=UNHURRIED)
def test_whatever_is_asked_there_are_rows_or_a_refusal_many_times(things: Things, **asked: Any) -> None:
    _ask(things, **asked)


@pytest.mark.parametrize("text", ["", "thing"])
@pytest.mark.parametrize("near", [None, {"latitude": 48.0, "longitude": 7.85, "radius_km": 20_000}])
def test_pages_show_each_hit_once_and_in_the_order_of_one_page(things: Things, text: str, near: Any) -> None:
    filters = SearchFilters.model_validate({"past": True, "min_age": 0, "near": near})
    whole = search(things[0], text=text, filters=filters, limit=MOST_HITS, now=NOW)

    seen: list[str] = []
    after: str | None = None
    while True:
        page = search(things[0], text=text, filters=filters, limit=4, after=after, now=NOW + timedelta(days=len(seen)))
        seen += [hit.id for hit in page.hits]
        after = page.next
        if after is None:
            break

    assert seen == [hit.id for hit in whole.hits]
    assert len(seen) == len(things[1])
    assert whole.next is None


def test_a_cursor_is_of_its_own_question(things: Things) -> None:
    page = search(things[0], text="thing", limit=2, now=NOW)
    assert page.next is not None

    for asked, after in (
        ("other", page.next),
        ("thing", page.next[:-4]),
        ("thing", "no cursor"),
        ("thing", "x" * 5_000),
    ):
        with pytest.raises(QuestionRefusedError, match="cursor"):
            search(things[0], text=asked, limit=2, after=after, now=NOW)


def test_days_without_an_end_are_open_and_can_be_read(things: Things) -> None:
    with things[0].connection() as connection:
        days = {row.name: row.days for row in connection.execute(text("SELECT name, days FROM tripper.activities"))}

    weekly, always, unsaid = days["thing 0"], days["thing 20"], days["thing 21"]
    assert (weekly.lower, weekly.upper) == (date(2026, 5, 4), None)
    assert (always.lower, always.upper, always.isempty) == (None, None, False)
    assert unsaid is None
