"""Tags are refined one workflow later: nobody waits for it, nothing is paid twice, and whatever fails leaves the voters' consensus."""

from collections.abc import Generator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import delete

from tripper_assets.assets.embeddings import refined_texts
from tripper_assets.assets.tag_batches import asked_before, left_of_month
from tripper_assets.batches import workers
from tripper_assets.catalog.database import Database
from tripper_assets.catalog.tag_models import TagRefinementRow
from tripper_assets.catalog.tag_refinements import TagRefinementTable
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.errors import PermanentError, TransientError
from tripper_assets.domain.sources import SourceConfig
from tripper_assets.domain.tags import tagging_text_sha256
from tripper_assets.resources import catalog_without_database
from tripper_assets.settings import Settings
from tripper_assets_tests.batch_world import SITE, WIDE
from tripper_assets_tests.refining_world import RefiningWorld, settings, votes
from tripper_assets_tests.test_killed_voting import Deaths, Killed
from tripper_assets_tests.voting_world import VotingWorld, codes, some, voting

__all__ = ["voting"]  # a fixture
MOMENTS = 68
"""At which an undisturbed story can die: before and after each call of the ledger and of the provider."""


@pytest.fixture
def refining(voting: VotingWorld, shared_database: Database) -> Generator[RefiningWorld]:
    yield RefiningWorld(voting)
    with shared_database.connection() as connection:
        connection.execute(delete(TagRefinementRow))


def test_a_consensus_is_published_at_once_and_refined_by_the_next_workflow(refining: RefiningWorld) -> None:
    first, asking = refining.round(some(3))
    refining.later()
    second, collecting = refining.round(some(3))
    refining.later()
    third, idle = refining.round(some(3))

    assert settings(first) == ["outdoor"] * 3
    assert asking.counts["refinement"] == {
        "refined": 0, "wanted": 3, "incomplete": 0, "under_way": 3, "asked": 3, "errors": 0, "unaffordable": 0,
    }  # fmt: skip
    assert settings(second) == settings(third) == ["indoor"] * 3
    assert [one.refined for one in second] == [True] * 3
    assert (collecting.counts["refined"], collecting.counts["refinement"]["asked"]) == (3, 0)
    assert idle.counts["refinement"]["asked"] == 0
    assert set(refining.service.asked.values()) == {1}
    assert refining.voting.usd() == round(3 * 100e-6, 9)


def test_no_workflow_waits_for_a_refinement(refining: RefiningWorld) -> None:
    catalog, workflow = refining.voting.catalog, refining.voting.workflow
    refining.round(some(2))
    catalog.workflows.set_status(workflow, "waiting", "for votes", at=refining.voting.now)

    awaited = catalog.batches.awaited(10)
    refining.voting.begin()
    _, meanwhile = refining.round(some(2))
    refining.later()
    refining.round(some(2))

    assert [one for one in awaited if one.workflow_id == workflow] == []
    assert (meanwhile.counts["refinement"]["asked"], meanwhile.counts["refinement"]["under_way"]) == (0, 2)
    assert [one.status for one in catalog.batches.of_workflow(workflow)] == ["completed"]


def test_what_is_new_or_changed_is_asked_alone(refining: RefiningWorld) -> None:
    refining.round(some(2))
    refining.later()

    tagged, work = refining.round([*some(3)[:1], *some(3, "farm")[1:]])

    assert settings(tagged) == ["indoor", "outdoor", "outdoor"]
    assert work.counts["refinement"]["asked"] == 2


def test_while_a_vote_is_missing_nobody_is_asked_about_that_activity(refining: RefiningWorld) -> None:
    _, work = refining.round(some(3), votes(some(2)))

    assert (work.counts["refinement"]["asked"], work.counts["refinement"]["incomplete"]) == (2, 1)


def test_an_activity_that_was_not_found_when_its_answer_came_is_not_paid_again(refining: RefiningWorld) -> None:
    refining.round(some(3))
    refining.later()
    refining.round(some(1))
    refining.later()

    tagged, work = refining.round(some(3))

    assert settings(tagged) == ["indoor"] * 3
    assert work.counts["refinement"]["asked"] == 0


def test_a_source_that_is_crawled_once_a_month_gets_what_it_asked_for(refining: RefiningWorld) -> None:
    refining.round(some(1))
    refining.voting.later(days=40)
    refining.later()

    assert settings(refining.round(some(1))[0]) == ["indoor"]


def test_refinements_are_paid_from_the_budget_of_the_tags(refining: RefiningWorld) -> None:
    refining.voting.config = SourceConfig(tag_usd_per_month=0.02)
    source = refining.voting.stage("activity_tags").source

    _, work = refining.round(some(5))
    left = left_of_month(source, refining.voting.reach, asked_before(source, refining.voting.reach))

    asked = work.counts["refinement"]["asked"]
    assert 0 < asked < 5
    assert work.counts["refinement"]["unaffordable"] == 5 - asked
    assert codes(work) == {"tag_budget": 1}
    assert 0 <= left.usd < 0.02
    assert left.tokens < source.config.tag_tokens_per_month


def test_without_a_refiner_what_was_refined_stands_and_the_reason_is_told_once(refining: RefiningWorld) -> None:
    refining.round(some(2))
    refining.later()
    refining.round(some(2))
    refining.off = "TRIPPER_REFINER is not set; set it."

    tagged, work = refining.round(some(3))

    assert settings(tagged) == ["indoor", "indoor", "outdoor"]
    assert codes(work) == {"refiner_off": 1}


def test_while_a_voter_is_off_nobody_is_asked_and_what_was_refined_stands(refining: RefiningWorld) -> None:
    refining.round(some(2))
    refining.later()
    refining.round(some(2))
    refining.voters_off = {"groq:m": "GROQ_API_KEY is not set; set it."}

    tagged, work = refining.round(some(3), [one for one in votes(some(3)) if one.activity_id != some(1)[0].id])

    assert settings(tagged) == ["indoor", "indoor", "outdoor"]
    assert (work.counts["refinement"]["asked"], codes(work)) == (0, {"refinement_waits": 1})


@pytest.mark.parametrize("trouble", [PermanentError("The key is wrong; set another."), TransientError("It is down.")])
def test_a_refiner_that_refuses_leaves_the_consensus(refining: RefiningWorld, trouble: Exception) -> None:
    refining.service.trouble = trouble

    tagged, work = refining.round(some(2))

    assert settings(tagged) == ["outdoor"] * 2
    assert codes(work) == {"refiner_unavailable": 1}
    assert refining.voting.usd() == 0


def test_a_replay_asks_nobody(refining: RefiningWorld) -> None:
    _, work = refining.round(some(2), replays=True)

    assert refining.service.asked == {}
    assert work.counts["refinement"]["asked"] == 0


def test_the_refinement_of_a_canceled_workflow_is_canceled_at_the_refiner(refining: RefiningWorld) -> None:
    refining.round(some(1))
    (batch,) = refining.voting.catalog.batches.of_workflow(refining.voting.workflow)
    reach = refining.voting.reach
    environment = Settings(openai_api_key="k", tagger_prices="openai:m=1,1")  # pyright: ignore[reportArgumentType]

    worker = workers(environment, reach.objects, reach.catalog, reach.clock).of(batch)

    assert type(worker).__name__ == "RemoteRefiner"


def check_death(world: RefiningWorld, deaths: Deaths) -> None:
    world.around = deaths.around
    tagged = ()
    for _ in range(30):
        try:
            tagged, _ = world.round(some(3))
        except Killed:
            world.voting.later(minutes=5)
            continue
        if all(one.refined for one in tagged):
            break
        world.later()

    assert settings(tagged) == ["indoor"] * 3
    assert sorted(world.service.asked.values()) == [1] * 3
    assert world.voting.usd() == round(3 * 100e-6, 9)
    texts = [(one.id, tagging_text_sha256(one)) for one in some(3)]
    assert len(TagRefinementTable(world.voting.catalog.database).load(SITE.key, texts)) == 3


def test_a_story_without_a_death_has_as_many_moments_as_are_tried(refining: RefiningWorld) -> None:
    deaths = Deaths(frozenset())

    check_death(refining, deaths)

    assert MOMENTS - 10 < deaths.moments <= MOMENTS


@pytest.mark.parametrize("moment", range(3, MOMENTS, 17))
def test_a_death_changes_neither_tags_nor_cost(refining: RefiningWorld, moment: int) -> None:
    check_death(refining, Deaths(frozenset({moment})))


@pytest.mark.long
@pytest.mark.parametrize("moment", range(1, MOMENTS + 1))
def test_a_death_at_each_moment_changes_neither_tags_nor_cost(refining: RefiningWorld, moment: int) -> None:
    check_death(refining, Deaths(frozenset({moment})))


def test_what_a_refiner_made_of_the_present_text_is_embedded_where_the_source_wants_that(
    refining: RefiningWorld,
) -> None:
    activities = [*some(2)[:1], *some(2, "farm")[1:]]
    refining.round(some(2))
    refining.later()
    refining.round(some(2))

    found = {name: embedded(refining, activities, name) for name in ("refined", "stated")}

    assert found == {"refined": {activities[0].id: f"Refined {activities[0].name}"}, "stated": {}}


def embedded(world: RefiningWorld, activities: list[Activity], embed_text: str) -> dict[str, str]:
    world.voting.config = SourceConfig.model_validate({"embed_text": embed_text})
    free: Any = SimpleNamespace(is_free=True)
    return refined_texts(activities, world.voting.stage("embedding_batch"), world.voting.catalog, free)


def test_without_a_catalog_stated_texts_are_embedded_where_that_costs_nothing(
    refining: RefiningWorld, tmp_path: Path
) -> None:
    refining.voting.catalog = catalog_without_database(tmp_path)

    assert embedded(refining, some(2), "refined") == {}


def test_without_a_catalog_the_consensus_stands_and_nobody_is_asked(refining: RefiningWorld, tmp_path: Path) -> None:
    refining.voting.catalog = catalog_without_database(tmp_path)
    refining.off = "The refiner needs the catalog."

    tagged, work = refining.round(some(2))

    assert settings(tagged) == ["outdoor"] * 2
    assert codes(work) == {"refiner_off": 1}


def test_what_had_no_room_in_the_queue_and_ends_at_once_is_refined_too(refining: RefiningWorld) -> None:
    refining.service.limits = WIDE._replace(tokens=2_500)  # of one question
    refining.round(some(3))
    at_first = len(refining.service.taken)
    refining.later()

    tagged, _ = refining.round(some(3))

    assert (at_first, len(refining.service.taken)) == (1, 3)
    assert settings(tagged) == ["indoor"] * 3
