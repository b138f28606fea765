"""Votes on tags: each is kept once, and found by the text that it is about."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tripper_assets.catalog.database import Database
from tripper_assets.catalog.sources import SourceRegistry
from tripper_assets.catalog.tag_votes import LenientVotes, TagVoteTable, vote_counts
from tripper_assets.domain.errors import TransientError
from tripper_assets.domain.llm import Usage
from tripper_assets.domain.sources import make_source
from tripper_assets.domain.tags import ActivityTags, Vote
from tripper_assets_tests.outage import NOBODY

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
SITE = make_source("https://zoo.example/")
ONE, OTHER = "00000000-0000-5000-8000-000000000001", "00000000-0000-5000-8000-000000000002"


def vote(activity: str = ONE, text: str = "t", run: int = 1, **fields: Any) -> Vote:
    values: dict[str, Any] = {
        "provider": "local",
        "model": "m",
        "prompt_version": "v",
        "created_at": AT,
        "tags": ActivityTags(),
    }
    return Vote.model_validate({"activity_id": activity, "text_sha256": text, "run_number": run, **values, **fields})


@pytest.fixture
def votes(database: Database) -> TagVoteTable:
    SourceRegistry(database).add(SITE)
    return TagVoteTable(database)


def test_votes_come_back_as_they_were_cast(votes: TagVoteTable) -> None:
    cast = [
        vote(
            tags=ActivityTags(categories=("camp",), age_min_months=36, setting="indoor", free_tags=("sea",)),
            latency_seconds=0.5,
        ),
        vote(run=2, tags=None, error="tags_malformed", usage=Usage(input=10, output=2)),
        vote(OTHER),
    ]

    votes.save(SITE.key, cast)

    assert votes.load(SITE.key, [(ONE, "t")]) == cast[:2]
    assert votes.load(SITE.key, [(ONE, "t"), (OTHER, "t")]) == cast


def test_a_vote_on_another_text_is_none(votes: TagVoteTable) -> None:
    votes.save(SITE.key, [vote(text="as it was")])

    assert votes.load(SITE.key, [(ONE, "as it is")]) == []


def test_a_vote_that_is_there_stays_as_it_is(votes: TagVoteTable) -> None:
    votes.save(SITE.key, [vote(tags=ActivityTags(setting="indoor"))])

    votes.save(SITE.key, [vote(tags=ActivityTags(setting="outdoor")), vote(OTHER)])

    kept = votes.load(SITE.key, [(ONE, "t"), (OTHER, "t")])
    assert [one.tags.setting for one in kept if one.tags] == ["indoor", "unknown"]


def test_votes_errors_and_tokens_are_counted_for_each_voter(votes: TagVoteTable, database: Database) -> None:
    votes.save(
        SITE.key,
        [
            vote(),
            vote(OTHER),
            vote(run=2, tags=None, error="refused", usage=Usage(input=10, output=2), provider="openai"),
        ],
    )

    counts = {
        one.provider: (one.activities, one.votes, one.errors, one.tokens) for one in vote_counts(database, SITE.key)
    }

    assert counts == {"local": (2, 2, 0, 0), "openai": (1, 1, 1, 12)}
    assert vote_counts(database, "town-12345678") == []


def test_while_the_catalog_is_down_free_votes_are_neither_known_nor_kept() -> None:
    down = TagVoteTable(Database(NOBODY))

    with pytest.raises(TransientError):
        down.load(SITE.key, [(ONE, "t")])

    LenientVotes(down).save(SITE.key, [vote()])
    assert LenientVotes(down).load(SITE.key, [(ONE, "t")]) == []


def test_a_tag_that_the_catalog_cannot_hold_harms_no_other_vote(votes: TagVoteTable) -> None:
    votes.save(SITE.key, [vote(tags=ActivityTags(free_tags=("zo\0o",))), vote(OTHER)])

    kept = votes.load(SITE.key, [(ONE, "t"), (OTHER, "t")])
    assert [one.tags.free_tags for one in kept if one.tags] == [("zoo",), ()]
