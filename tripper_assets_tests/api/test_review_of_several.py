"""Several activities are decided on at once: the ticked, the others, or all that a list shows."""

import re

import pytest

from tripper_assets.catalog.activities import current_activities
from tripper_assets.clients.objects import Objects
from tripper_assets.domain.sources import Source
from tripper_assets_tests.api.conftest import World
from tripper_assets_tests.api.review_world import an_activity, bundle, imported
from tripper_assets_tests.api.test_review_page import FAILED, decision, names

NAMES = ("Beach day", "Puppet theatre", "Zoo night")


@pytest.fixture
def source(world: World) -> Source:
    return world.source()


def refused(world: World, source: Source) -> set[str]:
    return set(world.context.catalog.corrections.refusals(source.key))


def test_ticked_activities_are_rejected_together_and_allowed_again(world: World, source: Source) -> None:
    records = [an_activity(source, name) for name in ("Beach day", "Puppet theatre", "Zoo night")]
    workflow, sha256 = bundle(world, source, records)
    ticked = {"bundle": sha256, "activity": [records[0].id, records[2].id], "reason": "for adults"}

    world.client.post(f"/review/{workflow}/refusals", data=ticked | {"action": "reject"})
    refused = set(world.context.catalog.corrections.refusals(source.key))
    page = world.client.get(f"/review/{workflow}?only=rejected").text
    world.client.post(f"/review/{workflow}/refusals", data=ticked | {"action": "allow"})

    assert refused == {records[0].id, records[2].id}
    assert names(page) == ["Beach day", "Zoo night"]
    assert "Approve the other 1" in page
    assert world.context.catalog.corrections.refusals(source.key) == {}


def test_however_many_are_rejected_at_once_the_bundle_is_read_once_for_it(
    world: World, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [an_activity(source, f"Puppets {number}") for number in range(20)]
    workflow, sha256 = bundle(world, source, records)
    world.client.get(f"/review/{workflow}")
    asked: list[str] = []
    get = Objects.get

    def counted(store: Objects, uri: str, *, sha256: str = "") -> bytes:
        asked.append(uri)
        return get(store, uri, sha256=sha256)

    monkeypatch.setattr(Objects, "get", counted)
    form = {"bundle": sha256, "activity": [one.id for one in records], "action": "reject", "reason": "for adults"}
    world.client.post(f"/review/{workflow}/refusals", data=form)

    assert len(world.context.catalog.corrections.refusals(source.key)) == 20
    assert len(asked) == 1


def test_to_approve_the_ticked_alone_rejects_all_others_and_takes_them_out_of_the_catalog(
    world: World, source: Source
) -> None:
    records = [an_activity(source, name) for name in NAMES]
    imported(world, source, records)
    workflow, sha256 = bundle(world, source, records, before=records)
    form = {"bundle": sha256, "activity": records[1].id, "action": "approve", "by": "Ada"}

    without = world.client.post(f"/review/{workflow}/refusals", data=form)
    before = (decision(world, sha256, source), refused(world, source))
    done = world.client.post(f"/review/{workflow}/refusals", data=form | {"reason": "for adults"})

    assert (without.status_code, before) == (422, (None, set()))
    assert done.status_code == 303
    assert decision(world, sha256, source) == "approved"
    assert refused(world, source) == {records[0].id, records[2].id}
    assert [one["name"] for one in current_activities(world.database, source.key)] == ["Puppet theatre"]


def test_what_was_rejected_before_is_published_where_it_is_ticked_alone(world: World, source: Source) -> None:
    records = [an_activity(source, name) for name in NAMES]
    workflow, sha256 = bundle(world, source, records)
    there, form = f"/review/{workflow}/refusals", {"bundle": sha256, "activity": records[0].id, "reason": "x"}
    world.client.post(there, data=form | {"action": "reject"})

    world.client.post(there, data=form | {"action": "approve"})

    assert refused(world, source) == {records[1].id, records[2].id}


@pytest.mark.parametrize(
    ("which", "out"), [("others", {"Puppet theatre", "Zoo night"}), ("listed", {"Beach day", "Puppet theatre"})]
)
def test_all_but_the_ticked_or_all_of_the_list_are_rejected(
    world: World, source: Source, which: str, out: set[str]
) -> None:
    records = {name: an_activity(source, name) for name in NAMES}
    workflow, sha256 = bundle(world, source, list(records.values()))
    form = {
        "bundle": sha256,
        "activity": records["Beach day"].id,
        "which": which,
        "q": "ea",
        "total": 2,
        "sure": 2,
        "action": "reject",
    }

    world.client.post(f"/review/{workflow}/refusals", data=form | {"reason": "for adults"})

    assert refused(world, source) == {records[name].id for name in out}


def test_all_of_a_list_is_what_the_page_counted_and_nothing_where_the_list_is_another_by_now(
    world: World, source: Source
) -> None:
    records = [an_activity(source, name) for name in NAMES]
    workflow, sha256 = bundle(world, source, records[:2], before=records)
    there, form = f"/review/{workflow}/refusals", {"bundle": sha256, "action": "reject", "reason": "for adults"}
    page = world.client.get(f"/review/{workflow}").text
    world.client.post(there, data=form | {"activity": records[0].id})

    late = world.client.post(there, data=form | {"which": "listed", "only": "rejected", "total": 2, "action": "allow"})

    assert "3 activities" in page
    assert '<input type="hidden" name="total" value="2">' in page
    assert ">all 2 of this list<" in page
    assert late.status_code == 409
    assert "another number of activities" in late.text
    assert f'href="/review/{workflow}?only=rejected"' in late.text
    assert refused(world, source) == {records[0].id}


@pytest.mark.parametrize(
    ("asked", "title"),
    [
        ({"which": "others", "action": "reject"}, "Reject 2 activities?"),
        ({"which": "ticked", "action": "approve"}, "Approve 1 activity, and reject the other 2?"),
    ],
)
def test_what_takes_more_than_its_list_shows_asks_again_and_says_how_many(
    world: World, source: Source, asked: dict[str, str], title: str
) -> None:
    records = [an_activity(source, name) for name in NAMES]
    workflow, sha256 = bundle(world, source, records)
    there = f"/review/{workflow}/refusals"
    form = {"bundle": sha256, "activity": records[0].id, "q": "beach", "total": 1, "reason": "for adults", **asked}

    listed = world.client.get(f"/review/{workflow}?q=beach").text
    page = world.client.post(there, data=form).text
    before = refused(world, source)
    sent = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page)
    world.client.post(there, data=dict(sent) | {"action": asked["action"]})

    assert ">all 3 of the bundle but the ticked<" in listed
    assert (title in page, before) == (True, set())
    assert refused(world, source) == {records[1].id, records[2].id}


def test_a_check_that_holds_the_bundle_lets_nothing_be_approved_beside_it(world: World, source: Source) -> None:
    records = [an_activity(source, name) for name in NAMES]
    workflow, sha256 = bundle(world, source, records, failed=FAILED)
    form = {"bundle": sha256, "activity": records[0].id, "action": "approve", "reason": "x"}

    done = world.client.post(f"/review/{workflow}/refusals", data=form)

    assert done.status_code == 422
    assert "A check holds the bundle" in done.text
    assert (decision(world, sha256, source), refused(world, source)) == (None, set())


def test_a_program_publishes_some_alone_and_nothing_of_another_bundle(world: World, source: Source) -> None:
    records = [an_activity(source, name) for name in NAMES]
    workflow, sha256 = bundle(world, source, records)
    there = f"/v1/workflows/{workflow}/decision"
    wanted = {"decision": "approved", "bundle_sha256": sha256, "only": [records[2].id], "reason": "the others are old"}

    stale = world.client.post(there, json=wanted | {"bundle_sha256": "0" * 64})
    foreign = world.client.post(there, json=wanted | {"only": ["00000000-0000-5000-8000-000000000000"]})
    whole = world.client.post(there, json=wanted | {"decision": "rejected"})
    before = refused(world, source)
    done = world.client.post(there, json=wanted)

    assert [one.status_code for one in (stale, foreign, whole, done)] == [409, 422, 422, 200]
    assert before == set()
    assert done.json()["decision"] == "approved"
    assert refused(world, source) == {records[0].id, records[1].id}
