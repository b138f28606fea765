"""A refiner behind a batch API: what it was asked is judged by whoever collects it, and paid once whatever dies meanwhile."""

import json
from collections.abc import Sequence
from datetime import timedelta

import pytest

from tripper_assets.clients.refining import bring, is_overdue
from tripper_assets.clients.remote_refiner import RemoteRefiner
from tripper_assets.domain.batches import Origin
from tripper_assets.domain.model_facts import DEFAULT_MODELS
from tripper_assets.domain.refinement import Refinable, Refinement, RefinementKey
from tripper_assets.domain.tags import ActivityTags
from tripper_assets_tests.clients.batches.provider_server import INPUT, OUTPUT, Answered, Row, tags_for
from tripper_assets_tests.clients.batches.tag_world import PROVIDERS, Doors, TagWorld, cost, questions, submissions

ORIGIN = Origin("w", "source", "activity_tags", "refinement")
AGREED = ActivityTags(setting="outdoor", free_tags=("zoo",))
every_provider = pytest.mark.parametrize("provider", PROVIDERS)


def refiner(world: TagWorld) -> RemoteRefiner:
    model = DEFAULT_MODELS[world.provider]
    return RemoteRefiner(world.api, model, ledger=world.ledger, objects=world.objects, cost=cost, clock=world.clock)


def refinables(world: TagWorld, count: int) -> list[Refinable]:
    asked = questions(count, refiner(world).refiner)
    keys = [RefinementKey(one.key.activity_id, one.key.text_sha256, "v", *one.key[3:]) for one in asked]
    return [Refinable(key, one.text, AGREED) for key, one in zip(keys, asked, strict=True)]


def refined(row: Row) -> Answered:
    """Return an answer that tells of its own text alone; the one about zoo 1 has a number that does not stand there."""
    said = tags_for(row.activity_id, row.text)
    del said["evidence"]
    name = row.text.split("\n")[0]
    return Answered(json.dumps(said | {"embed_text": "For 99 children." if name.endswith(" 1") else name}))


def opened(doors: Doors, provider: str, monkeypatch: pytest.MonkeyPatch) -> TagWorld:
    world = doors.world(provider)
    monkeypatch.setattr(world.server, "_said", refined)
    return world


def killed(_: Sequence[Refinement]) -> None:
    raise KeyboardInterrupt


@every_provider
def test_a_process_that_knows_nothing_collects_what_another_asked_and_a_kill_changes_nothing(
    doors: Doors, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, kept = opened(doors, provider, monkeypatch), list[Refinement]()
    asked = refinables(world, 3)
    batches = {refiner(world).submit(one, ORIGIN) for one in (asked, asked[::-1])}
    (batch,) = batches
    most = refiner(world).most_usd(asked)
    pending = bring(refiner(world), batch, kept.extend, at=world.now, overdue=False)
    world.now += timedelta(hours=25)

    with pytest.raises(KeyboardInterrupt):
        bring(refiner(world), batch, killed, at=world.now, overdue=False)
    status, codes = bring(refiner(world), batch, kept.extend, at=world.now, overdue=False)

    assert pending == ("pending", {})
    assert (status, codes) == ("completed", {})
    found = {one.key: (one.embed_text, one.error, one.usage.input) for one in kept}
    assert found == {
        asked[0].key: ("A day at the zoo 0", "", INPUT),
        asked[1].key: ("", "embed_text_unfounded", INPUT),
        asked[2].key: ("A day at the zoo 2", "", INPUT),
    }
    assert set(world.server.asked.values()) == {1}
    assert sum(world.ledger.paid.values()) == pytest.approx(3 * (INPUT + 4 * OUTPUT) * 1e-6)
    assert sum(world.ledger.paid.values()) < most
    assert sum(one.usd for one in submissions(world)) == pytest.approx(most)


def test_a_batch_that_nobody_ended_for_a_day_is_given_up(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    world = opened(doors, "openai", monkeypatch)
    monkeypatch.setattr(world.server, "faults", world.server.faults.__class__(stuck=1.0))
    batch = refiner(world).submit(refinables(world, 1), ORIGIN)
    early = is_overdue(submissions(world), world.now + timedelta(hours=25))
    world.now += timedelta(hours=27)

    status, codes = bring(
        refiner(world), batch, killed, at=world.now, overdue=is_overdue(submissions(world), world.now)
    )

    assert not early
    assert (status, codes) == ("canceled", {})
    assert not any(one.is_open for one in submissions(world))
