"""Refinements of tags: each is kept once, and found by the text that it is about."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tripper_assets.catalog.database import Database
from tripper_assets.catalog.sources import SourceRegistry
from tripper_assets.catalog.tag_refinements import TagRefinementTable
from tripper_assets.domain.errors import TransientError
from tripper_assets.domain.llm import Usage
from tripper_assets.domain.refinement import Refinement
from tripper_assets.domain.sources import make_source
from tripper_assets.domain.tags import ActivityTags
from tripper_assets_tests.outage import NOBODY

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
SITE = make_source("https://zoo.example/")
ONE, OTHER = "00000000-0000-5000-8000-000000000001", "00000000-0000-5000-8000-000000000002"


def refinement(activity: str = ONE, text: str = "t", votes: str = "c", **fields: Any) -> Refinement:
    values: dict[str, Any] = {
        "provider": "anthropic", "model": "m", "prompt_version": "v", "created_at": AT, "tags": ActivityTags(), "embed_text": "Ein Zoo.",
    }  # fmt: skip
    return Refinement.model_validate(
        {"activity_id": activity, "text_sha256": text, "votes_sha256": votes, **values, **fields}
    )


@pytest.fixture
def refinements(database: Database) -> TagRefinementTable:
    SourceRegistry(database).add(SITE)
    return TagRefinementTable(database)


def test_refinements_come_back_as_they_were_and_by_the_text_that_they_are_about(
    refinements: TagRefinementTable,
) -> None:
    kept = [
        refinement(tags=ActivityTags(categories=("camp",), age_min_months=36, free_tags=("sea",))),
        refinement(votes="d", tags=None, embed_text="", error="tags_malformed", usage=Usage(input=10, output=2)),
        refinement(OTHER),
    ]

    refinements.save(SITE.key, [*kept, refinement(text="as it was")])

    assert refinements.load(SITE.key, [(ONE, "t")]) == kept[:2]
    assert refinements.load(SITE.key, [(ONE, "t"), (OTHER, "t")]) == kept
    assert refinements.load("town-12345678", [(ONE, "t")]) == []


def test_a_refinement_that_is_there_stays_as_it_is(refinements: TagRefinementTable) -> None:
    refinements.save(SITE.key, [refinement()])

    refinements.save(SITE.key, [refinement(embed_text="Something else."), refinement(OTHER)])

    found = refinements.load(SITE.key, [(ONE, "t"), (OTHER, "t")])
    assert [one.embed_text for one in found] == ["Ein Zoo.", "Ein Zoo."]


def test_a_tag_that_the_catalog_cannot_hold_harms_no_other(refinements: TagRefinementTable) -> None:
    refinements.save(SITE.key, [refinement(tags=ActivityTags(free_tags=("zo\0o", "\ud800"))), refinement(OTHER)])

    found = refinements.load(SITE.key, [(ONE, "t"), (OTHER, "t")])
    assert [one.tags.free_tags for one in found if one.tags] == [("zoo", "\ufffd"), ()]


def test_while_the_catalog_is_down_nothing_is_taken_for_not_refined() -> None:
    with pytest.raises(TransientError):
        TagRefinementTable(Database(NOBODY)).load(SITE.key, [(ONE, "t")])
