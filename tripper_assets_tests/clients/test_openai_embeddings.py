"""OpenAI's embeddings on a loopback server: what is asked, what it costs, and what becomes of each thing that goes wrong."""

import pytest
import toktok
from sqlalchemy import select

from tripper_assets.catalog.database import Database
from tripper_assets.catalog.llm_models import LlmUsageRow
from tripper_assets.catalog.usage import usage_by
from tripper_assets.clients.objects import Objects
from tripper_assets.clients.openai_embeddings import cut
from tripper_assets.domain.batch_requests import Limits
from tripper_assets.domain.embeddings import MAX_TOKENS
from tripper_assets.domain.errors import ConfigurationError, PermanentError, TransientError
from tripper_assets.domain.model import count_by_code
from tripper_assets.resources import embedding_provider, query_embedder, utc_now
from tripper_assets.settings import Settings
from tripper_assets_tests.batch_world import (
    MODEL,
    NOW,
    PER_TOKEN,
    BatchWorld,
    activity,
    answer_is_lost,
    shared_client,
    some,
    statuses,
    world,
)
from tripper_assets_tests.clients.openai_server import KEY, Faults, vector_for
from tripper_assets_tests.outage import NOBODY

__all__ = ["world"]  # a fixture
ALWAYS = 1.0


def test_an_unchanged_source_has_nothing_embedded_again_and_one_changed_text_is_one(world: BatchWorld) -> None:
    world.to_the_end(some(5))

    unchanged = world.submit(some(5))
    changed = world.submit([*some(4), activity(4, "a day at the zoo 4, now with penguins")])

    assert (unchanged.requested, unchanged.reused, unchanged.batch_id) == (0, 5, "")
    assert (changed.requested, changed.reused) == (1, 4)
    assert len(world.server.accepted) == 2


def test_a_batch_costs_half_and_what_it_cost_is_written_down(world: BatchWorld) -> None:
    batch = world.submit(some(3))
    reserved = [(row.status, row.requests, row.usd) for row in world.usage()]
    while not world.tick():
        pass
    world.collect(batch)

    (row,) = world.usage()
    words = sum(len(one.name.split()) for one in some(3))
    assert reserved == [("reserved", 3, pytest.approx(row.requests * 7 * PER_TOKEN, rel=0.5))]
    assert (row.status, row.input_tokens, row.total_tokens) == ("paid", words, words)
    assert row.usd == pytest.approx(words * PER_TOKEN)
    (by_provider,) = usage_by(world.catalog.database, "provider")
    assert (by_provider.group, by_provider.requests, by_provider.open_usd) == (f"openai:{MODEL.label}", 3, 0)
    assert [one.group for one in usage_by(world.catalog.database, "source")] == ["zoo-example-" + row.source_key[-8:]]
    assert [one.group for one in usage_by(world.catalog.database, "day")] == [NOW.date().isoformat()]


@pytest.mark.parametrize("late", [0.0, ALWAYS])
def test_a_submission_that_was_accepted_without_an_answer_is_found_and_not_made_again(
    world: BatchWorld, late: float
) -> None:
    world.server.faults = Faults(late_list=late)
    world.server.before = lambda call: answer_is_lost(world, call)
    batch = world.submit(some(3))
    states = [one.state for one in world.ledger.of_batch(batch.batch_id)]
    for _ in range(20):
        world.tick(0.5)

    (found,) = world.ledger.of_batch(batch.batch_id)
    assert states == ["submitting"]
    assert (found.state, found.provider_id) == ("completed" if found.ended_at else "pending", "batch_000000")
    assert list(world.server.accepted.values()) == [1]


def test_a_submission_that_never_arrived_is_made_again_after_the_provider_would_list_it(world: BatchWorld) -> None:
    world.server.before = lambda call: setattr(world.server, "faults", Faults(broken=float(call == "POST batches")))
    batch = world.submit(some(3))
    waited = [world.tick(minutes) for minutes in (1, 1)]
    world.server.before = lambda _: None
    world.server.faults = Faults()
    settled = world.tick(2)

    collected = world.collect(batch)

    assert (waited, settled, collected) == ([False, False], True, None)
    assert [one.state for one in world.ledger.of_batch(batch.batch_id)] == ["pending"]
    assert len(world.server.files) == 1  # what was uploaded the first time serves again


def test_a_file_that_nobody_learned_of_is_deleted_by_the_next_upload(world: BatchWorld) -> None:
    world.server.faults = Faults(accepted_500=ALWAYS)
    with pytest.raises(TransientError):
        world.submit(some(3))
    left = list(world.server.files)
    world.server.faults = Faults()

    batch = world.submit(some(3))

    (found,) = world.ledger.of_batch(batch.batch_id)
    assert len(left) == 1
    assert list(world.server.files) == [found.upload_id] != left


def test_only_what_expired_is_submitted_again_and_the_workflow_waits_for_it(world: BatchWorld) -> None:
    world.server.faults = Faults(expired=ALWAYS)
    batch = world.submit(some(10))
    while not world.tick(60):
        pass
    world.server.faults = Faults()

    between = world.collect(batch)
    waits = [one.status for one in world.catalog.batches.of_workflow(world.workflow)]
    while not world.tick(60):
        pass
    found = world.collect(batch)

    assert (between, waits) == (None, ["pending"])
    assert found is not None
    assert (len(found[0].ids), found[1]) == (10, [])
    assert [(one.round, one.requests) for one in world.ledger.of_batch(batch.batch_id)] == [(1, 10), (2, 5)]


def test_a_request_is_made_three_times_at_most(world: BatchWorld) -> None:
    world.server.faults = Faults(row_busy=ALWAYS)

    found, problems = world.to_the_end(some(4))

    assert len(found.ids) == 0
    assert count_by_code(problems) == {"batch_request_failed": 4}
    assert set(world.server.asked.values()) == {3}


def test_what_the_provider_refuses_is_not_asked_for_again(world: BatchWorld) -> None:
    world.server.faults = Faults(row_refused=ALWAYS)

    found, problems = world.to_the_end(some(4))

    assert (len(found.ids), count_by_code(problems)) == (0, {"batch_request_refused": 4})
    assert set(world.server.asked.values()) == {1}


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("nan", "embedding_not_finite"),
        ("wrong_length", "embedding_wrong_dimensions"),
        ("other_model", "embedding_of_another_model"),
    ],
)
def test_a_vector_that_cannot_be_believed_is_a_counted_problem_and_is_not_kept(
    world: BatchWorld, fault: str, code: str
) -> None:
    world.server.faults = Faults(**{fault: ALWAYS})

    found, problems = world.to_the_end(some(4))

    assert (len(found.ids), count_by_code(problems)) == (0, {code: 4})
    assert world.submit(some(4)).reused == 0


def test_a_full_queue_is_tried_again_and_another_failure_of_the_whole_is_not(world: BatchWorld) -> None:
    world.server.faults = Faults(queue_full=ALWAYS)
    batch = world.submit(some(2))
    while not world.tick():
        pass
    again = world.collect(batch)
    world.server.faults = Faults(failed=ALWAYS)
    while not world.tick():
        pass
    found = world.collect(batch)

    while found is None:
        world.tick()
        found = world.collect(batch)

    assert again is None
    assert count_by_code(found[1]) == {"batch_failed": 3}  # two texts, and the batch itself
    assert KEY not in str(found[1])
    assert statuses(world) == {"free": len(world.usage())}


def test_parts_that_the_queue_has_no_room_for_wait_for_those_before(world: BatchWorld) -> None:
    world.limits = Limits(requests=4, bytes=10_000, tokens=30)
    activities = some(9)

    found, problems = world.to_the_end(activities)

    assert (len(found.ids), problems) == (9, [])
    assert len(world.server.accepted) > 2
    assert world.ledger.tokens_in_flight("openai", NOW) == 0


def test_few_texts_are_embedded_at_once_where_the_operator_wants_that(world: BatchWorld) -> None:
    world.direct_texts = 3
    few, many = some(3), some(4, "farm")

    found = world.collect(world.submit(few))
    batch = world.submit(many)

    assert found is not None
    assert found[1] == []
    assert found[0].vectors[0].tolist() == vector_for(few[0].name, 8).tolist()
    assert sorted(world.server.embedded) == sorted(one.name for one in few)
    assert len(world.server.accepted) == 1
    assert (batch.requested, world.submit(few).requested) == (4, 0)
    direct = world.usage()[0]
    assert (direct.status, direct.usd) == ("paid", pytest.approx(direct.input_tokens * 2 * PER_TOKEN))


def test_a_direct_call_whose_answer_was_lost_keeps_its_reservation_and_a_refused_one_costs_nothing(
    world: BatchWorld,
) -> None:
    world.direct_texts = 9
    for faults in (Faults(truncated=ALWAYS), Faults(busy=ALWAYS)):
        world.server.faults = faults
        with pytest.raises(TransientError):
            world.submit(some(2))

    assert [row.status for row in world.usage()] == ["reserved", "free"]


def test_without_the_catalog_nothing_is_asked(world: BatchWorld) -> None:
    provider = world.provider()
    provider._machine._ledger = type(world.ledger)(Database(NOBODY))  # type: ignore[assignment]

    with pytest.raises(TransientError, match="does not answer"):
        provider.submit({"a" * 64: "text"}, world.origin)

    assert world.server.calls.total() == 0


def test_a_refused_key_is_said_without_the_key_and_the_batch_goes_on_with_a_good_one(world: BatchWorld) -> None:
    world.api._opened = shared_client().with_options(base_url=world.server.url, api_key="sk-wrong-canary")
    with pytest.raises(PermanentError, match="status 401") as refused:
        world.submit(some(2))
    world.api._opened = shared_client().with_options(base_url=world.server.url)

    found, problems = world.to_the_end(some(2))

    assert "canary" not in str(refused.value)
    assert (len(found.ids), problems) == (2, [])
    assert len(world.server.accepted) == 1


@pytest.mark.parametrize("whole", ["word " * 20_000, "動物園" * 9_000, "🧸" * 9_000, "Zoo \ud800"])
def test_long_texts_are_cut_at_tokens_and_at_whole_characters(whole: str) -> None:
    kept, tokens = cut(whole)

    assert toktok.batch_count([kept])[0] <= tokens <= MAX_TOKENS
    assert whole.replace("\ud800", "?").startswith(kept)
    assert tokens >= MAX_TOKENS - 4 or len(kept) == len(whole)


def test_the_same_model_embeds_what_is_searched(world: BatchWorld) -> None:
    settings = Settings(embedder="openai", embedding_dimensions=8, openai_api_key=KEY, openai_base_url=world.server.url)  # type: ignore[arg-type]

    vector = query_embedder(settings, world.catalog, utc_now).embed(["penguins"])[0]

    assert vector.tolist() == vector_for("penguins", 8).tolist()
    assert [one.group for one in usage_by(world.catalog.database, "source")] == ["(none)"]


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({"embedder": "openai"}, "OPENAI_API_KEY"),
        ({"embedder": "openai", "openai_api_key": "k", "embedding_model": "new"}, "TRIPPER_EMBEDDING_DIMENSIONS"),
        (
            {"embedder": "openai", "openai_api_key": "k", "embedding_model": "new", "embedding_dimensions": 9},
            "TRIPPER_EMBEDDING_PRICE",
        ),
        ({"embedder": "openai", "openai_api_key": "k", "embedding_dimensions": 1537}, "has 1536"),
        ({"embedder": "openai", "openai_api_key": "k", "embedding_price": "cheap"}, "TRIPPER_EMBEDDING_PRICE"),
        ({"embedder": "local", "embedding_model": "new"}, "TRIPPER_EMBEDDER=openai"),
    ],
)
def test_what_is_missing_is_named_before_anything_is_asked(
    world: BatchWorld, settings: dict[str, object], names: str
) -> None:
    with pytest.raises(ConfigurationError, match=names):
        embedding_provider(Settings.model_validate(settings), Objects("memory://"), world.catalog, utc_now)


def test_the_known_price_is_asked_in_full_at_once_and_half_of_it_in_a_batch(world: BatchWorld) -> None:
    settings = Settings(openai_api_key=KEY, openai_base_url=world.server.url, embedder="openai")  # type: ignore[arg-type]
    world.server.dimensions = 1536

    embedding_provider(settings, world.objects, world.catalog, world.clock).submit({"a" * 64: "a day"}, world.origin)
    query_embedder(settings, world.catalog, world.clock).embed(["a day"])

    with world.catalog.database.session() as session:
        batched, direct = session.scalars(select(LlmUsageRow).order_by(LlmUsageRow.id))
        assert (batched.status, batched.total_tokens, batched.usd) == ("reserved", 2, pytest.approx(2 * 0.01e-6))
        assert (direct.status, direct.total_tokens, direct.usd) == ("paid", 2, pytest.approx(2 * 0.02e-6))


def test_a_shortened_model_is_another_model() -> None:
    assert (MODEL.label, MODEL._replace(is_shortened=False).label) == (
        "text-embedding-3-small/8",
        "text-embedding-3-small",
    )
