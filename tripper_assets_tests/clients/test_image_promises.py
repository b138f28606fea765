"""A body is asked for at most once for each picture, whatever is run again, reordered or killed, and no picture changes its activity."""

import asyncio
from collections import Counter
from collections.abc import Generator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tripper_assets.clients.imaging import NoPicture, ProcessedImage
from tripper_assets.domain.activities import Activity
from tripper_assets_tests.clients.loopback import LoopbackSite, serve
from tripper_assets_tests.clients.picture_town import PictureTown, Sketches

MANY = 200
FEW = 14


@pytest.fixture(scope="module")
def shared_site() -> Generator[LoopbackSite]:
    with serve() as site:
        yield site


def names(records: dict[str, Activity]) -> dict[str, list[str]]:
    return {
        one.name: [image.sourceUrl.rpartition(":")[2].partition("/")[2] for image in one.image]
        for one in records.values()
    }


@pytest.mark.parametrize("tagged", [True, pytest.param(False, marks=pytest.mark.long)])
def test_a_rerun_of_200_unchanged_activities_receives_no_body_and_one_more_in_front_only_its_own(
    site: LoopbackSite,
    tagged: bool,  # noqa: FBT001 (a parameter of the test)
) -> None:
    town = PictureTown(site, tagged=tagged)
    pages = [town.page(number) for number in range(1, MANY + 1)]
    first = town.records(town.read(pages))
    asked_first = Counter(town.bodies)

    again = town.records(town.read(pages))
    asked_again = list(town.bodies)
    more = town.records(town.read([town.page(0), *pages]))
    asked_for_one_more = sorted(town.bodies)

    assert names(first) == {f"Walk {n}": [f"{n}/hero.jpg", f"{n}/own.jpg"] for n in range(1, MANY + 1)}
    assert (len(asked_first), set(asked_first.values())) == (2 * MANY, {1})
    assert (again, asked_again) == (first, [])
    assert asked_for_one_more == ["/0/hero.jpg", "/0/own.jpg"]
    assert set(more) - set(first) == {one for one, record in more.items() if record.name == "Walk 0"}
    assert {one: record.model_copy(update={"index": 0}) for one, record in more.items() if one in first} == {
        one: record.model_copy(update={"index": 0}) for one, record in first.items()
    }


def check_order(site: LoopbackSite, order: list[int], reading: list[int]) -> None:
    town = PictureTown(site)
    numbers = range(1, FEW)
    pages = [*(town.page(number) for number in numbers), town.list_page(numbers)]
    wanted = town.records(town.read(pages))

    other = PictureTown(site)
    activities = other.read([pages[place] for place in order])
    assert other.records([activities[place] for place in reading]) == wanted
    assert names(wanted)["Walk 3"] == ["3/hero.jpg", "3/own.jpg"]


@settings(max_examples=4, deadline=None)
@given(order=st.permutations(range(FEW)), reading=st.permutations(range(FEW - 1)))
def test_any_order_of_pages_and_activities_gives_the_same_records(
    shared_site: LoopbackSite, order: list[int], reading: list[int]
) -> None:
    check_order(shared_site, order, reading)


@pytest.mark.long
@settings(max_examples=150, deadline=None)
@given(order=st.permutations(range(FEW)), reading=st.permutations(range(FEW - 1)))
def test_any_order_of_pages_and_activities_gives_the_same_records_in_many_orders(
    shared_site: LoopbackSite, order: list[int], reading: list[int]
) -> None:
    check_order(shared_site, order, reading)


class Killed(Exception):  # noqa: N818 (what happens to the run)
    """The run ends here."""


class EndsAfter(Sketches):
    """Ends the run with the body of a number, as a kill would: nothing is cleaned up that a process could."""

    def __init__(self, bodies: int) -> None:
        self.left = bodies

    async def process(self, body: bytes) -> ProcessedImage | NoPicture:
        self.left -= 1
        if self.left < 0:
            raise Killed
        return await super().process(body)


@pytest.mark.parametrize(
    "after", [pytest.param(0, marks=pytest.mark.long), pytest.param(1, marks=pytest.mark.long), 9, 30]
)
def test_a_run_that_is_killed_costs_the_next_only_the_bodies_that_were_on_their_way(
    site: LoopbackSite, after: int
) -> None:
    town = PictureTown(site)
    activities = town.read([town.page(number) for number in range(1, 25)])
    wanted = PictureTown(site).records(activities)
    site.fallback = town.respond

    with pytest.raises(Killed):
        asyncio.run(town.collect_with(activities, EndsAfter(after)))
    sent, saved = list(town.bodies), set(town.known.images)
    records = town.records(activities)

    assert records == wanted
    assert after - 8 <= len(saved) <= after
    twice = set(sent) & set(town.bodies)
    assert len(twice) <= 8
    assert not {site.url(path) for path in twice} & saved
    assert max(Counter(sent).values(), default=0) <= 1
    assert max(Counter(town.bodies).values()) == 1
