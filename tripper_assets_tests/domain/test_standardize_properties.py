import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tripper_assets.domain.activities import (
    Offer,
    RawActivity,
    Schedule,
)
from tripper_assets.domain.quality import Expectations, check_bundle
from tripper_assets_tests.domain.statements import SOURCE, ids, standard, stated
from tripper_assets_tests.waiting import AT_ONCE

# Properties over made-up sites on which everything collides

PAGES = ["/", "/events", "/a", "/b", "/feed.ics"]
NAMES = ["Theatre", "theatre!", "Zoo", "Führung", "x"]


def statements(prefix: str = "", pages: Sequence[str] = PAGES) -> st.SearchStrategy[RawActivity]:
    """Statements that collide in id, URL, page, name, place, language and date; ``prefix`` keeps two sites apart."""
    own_urls = ["", *(f"{prefix}/{one}" for one in ("a", "b", "c"))]
    days = st.sampled_from(
        [
            "",
            "2026-05-02",
            "2026-05-02T10:00",
            "2026-05-02T10:00+02:00",
            "2026-05-02T08:00Z",
            "2026-05-09",
            "1999-01-01",
        ]
    )
    return st.builds(
        stated,
        name=st.sampled_from([f"{name}{prefix}" for name in NAMES]),
        page=st.sampled_from([f"{prefix}{page}" for page in pages]),
        method=st.sampled_from(["json-ld", "microdata", "ics", "listing", "text"]),
        place=st.sampled_from(["", "Köln", "50667 Köln", "50999 Köln", "50667"]),
        url=st.sampled_from([*own_urls, "https://tickets.example/1"]),
        identifier=st.sampled_from(["", "", f"1{prefix}", f"2{prefix}"]),
        inLanguage=st.sampled_from(["", "de", "en"]),
        startDate=days,
        endDate=days,
        eventStatus=st.sampled_from([None, None, "EventScheduled", "EventCancelled"]),
        eventSchedule=st.sampled_from(
            [(), (), (Schedule(startDate="2026-05-02", startTime="10:00", repeatFrequency="P1W"),)]
        ),
        isAccessibleForFree=st.sampled_from([None, True, False]),
        offers=st.sampled_from([(), (Offer(price="4", priceCurrency="EUR"),), (Offer(price="0"),)]),
        description=st.sampled_from(["", "A play", "Ein Stück"]),
    )


@given(st.lists(statements(), max_size=12), st.randoms(use_true_random=False))
def test_the_order_in_which_pages_arrive_changes_nothing(raw: list[RawActivity], dice: random.Random) -> None:
    shuffled = list(raw)
    dice.shuffle(shuffled)

    assert standard(*shuffled) == standard(*raw)


@given(st.lists(statements(), max_size=8), st.lists(statements("/other", pages=PAGES[1:]), max_size=8))
def test_unrelated_activities_change_no_record(raw: list[RawActivity], unrelated: list[RawActivity]) -> None:
    alone = {one.id: one.model_copy(update={"index": 0}) for one in standard(*raw).activities}
    together = {one.id: one.model_copy(update={"index": 0}) for one in standard(*raw, *unrelated).activities}

    assert alone.items() <= together.items()


@given(st.lists(statements(), max_size=12))
def test_every_statement_becomes_part_of_a_record_or_a_rejection(raw: list[RawActivity]) -> None:
    found = standard(*raw)

    assert len(set(ids(found))) == len(found.activities)
    assert len(found.activities) + len(found.rejections) <= len(raw)
    assert bool(found.activities or found.rejections) == bool(raw)


@given(st.lists(statements(), max_size=12))
def test_saying_everything_twice_changes_no_record(raw: list[RawActivity]) -> None:
    assert standard(*raw, *raw).activities == standard(*raw).activities


@given(st.lists(statements(), max_size=12))
def test_no_record_that_was_let_through_holds_the_source(raw: list[RawActivity]) -> None:
    found = standard(*raw).activities

    failed = [
        one
        for one in check_bundle(found, Expectations(source_url=SOURCE.url, maps={}, last=None, allowed_removals=0.3))
        if not one.passed
    ]

    assert [one.name for one in failed if one.severity == "ERROR" and one.name != "not_empty"] == []


def test_two_thousand_statements_are_read_in_seconds() -> None:
    raw = [
        stated(f"Theatre {number}", f"/{number}", startDate="2026-05-02T10:00+02:00", place="50667 Köln")
        for number in range(2_000)
    ]
    began = datetime.now(UTC)

    found = standard(*raw)

    assert len(found.activities) == 2_000
    assert datetime.now(UTC) - began < timedelta(seconds=AT_ONCE)
