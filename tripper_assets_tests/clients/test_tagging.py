"""Votes of the tagger that needs no key: what it reads off a record, what it compares, and whom it asks again."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tripper_assets.clients.local_embedder import LocalEmbedder
from tripper_assets.clients.local_tagger import PROTOTYPE_VECTORS, LocalTagger, write_prototypes
from tripper_assets.clients.tagging import collect_votes
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.local_tags import prototype_texts
from tripper_assets.domain.model import ActivityId, SourceKey
from tripper_assets.domain.tags import ActivityTags, Vote

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
KEY = "town-12345678"
TOLD = {
    "Story Time": "Picture books and nursery rhymes for toddlers and their parents at the library.",
    "Family Swim": "Splash about in the leisure pool with water slides and a paddling pool.",
    "Farm Morning": "Feed the lambs, meet the goats and ponies and collect eggs from the hens.",
    "Clay Workshop": "Paint, glaze and make your own pottery bowl to take home.",
}


class Cache:
    """Vectors and votes in memory."""

    def __init__(self) -> None:
        self.vectors: dict[str, npt.NDArray[np.float32]] = {}
        self.votes: dict[Any, Vote] = {}

    def known(self, model: str, text_sha256s: Collection[str]) -> set[str]:
        del model
        return set(self.vectors) & set(text_sha256s)

    def load(self, model: str, text_sha256s: Sequence[str]) -> dict[str, npt.NDArray[np.float32]]:
        del model
        return {one: self.vectors[one] for one in text_sha256s if one in self.vectors}

    def save(self, model: str, vectors: Mapping[str, npt.NDArray[np.float32]]) -> None:
        del model
        self.vectors.update(vectors)


class Remembered:
    """The role of who remembers votes, in memory."""

    def __init__(self) -> None:
        self.held: dict[Any, Vote] = {}

    def load(self, source_key: SourceKey, texts: Collection[tuple[ActivityId, str]]) -> list[Vote]:
        del source_key
        return [vote for vote in self.held.values() if (vote.activity_id, vote.text_sha256) in set(texts)]

    def save(self, source_key: SourceKey, votes: Sequence[Vote]) -> None:
        del source_key
        for vote in votes:
            self.held.setdefault(vote.key, vote)


def activity(number: int, name: str, description: str = "", **fields: Any) -> Activity:
    values: dict[str, Any] = {
        "source_key": KEY,
        "source_url": "https://town.example/",
        "url": "https://town.example/x",
        "type": "Event",
    }
    return Activity.model_validate(
        {
            "id": f"00000000-0000-5000-8000-{number:012}",
            "index": number,
            "name": name,
            "description": description,
            **values,
            **fields,
        }
    )


@pytest.fixture(scope="module")
def tagger() -> LocalTagger:
    return LocalTagger(LocalEmbedder(), Cache())


def tags_of(tagger: LocalTagger, *activities: Activity) -> list[ActivityTags]:
    return [vote.tags for vote in tagger.votes(activities, at=AT) if vote.tags]


def test_plain_descriptions_have_their_category(tagger: LocalTagger) -> None:
    found = tags_of(tagger, *(activity(number, name, text) for number, (name, text) in enumerate(TOLD.items())))

    assert [one.categories[0] for one in found] == [
        "library_story",
        "water_play_beach",
        "zoo_aquarium_farm",
        "arts_crafts",
    ]


def test_a_text_that_is_like_nothing_has_no_category_and_nothing_is_guessed(tagger: LocalTagger) -> None:
    [found] = tags_of(tagger, activity(1, "Zzyzx 4711", "qwertz asdf"))

    assert (found.categories, found.setting, found.energy_level, found.price_tier) == (
        (),
        "unknown",
        "unknown",
        "unknown",
    )


def test_stated_facts_are_told_in_the_words_of_the_vocabulary(tagger: LocalTagger) -> None:
    [found] = tags_of(
        tagger,
        activity(
            1, "Story Time", isAccessibleForFree=True, ageRange={"minValue": 1.5, "maxValue": 5}, keywords=["Picture Books"],
            startDate="2026-07-04T10:00:00+01:00", endDate="2026-07-04T10:45:00+01:00",
        ),
    )  # fmt: skip

    assert (found.price_tier, found.age_min_months, found.age_max_months) == ("free", 18, 60)
    assert (found.seasons, found.duration_min_minutes, found.free_tags) == (("summer",), 45, ("picture books",))


@pytest.mark.parametrize(
    ("prices", "currency", "tier"),
    [(["0"], "EUR", "free"), (["4.50", "9.90"], "EUR", "low"), (["12"], "GBP", "medium"), (["40"], "USD", "high"), (["40"], "JPY", "unknown"), ([""], "EUR", "unknown")],
)  # fmt: skip
def test_the_dearest_price_makes_the_tier(tagger: LocalTagger, prices: list[str], currency: str, tier: str) -> None:
    offers = [{"price": price, "priceCurrency": currency} for price in prices]

    assert tags_of(tagger, activity(1, "x", offers=offers))[0].price_tier == tier


def test_the_stored_vectors_are_those_of_the_sentences(tmp_path: Any) -> None:
    write_prototypes(LocalEmbedder(), tmp_path / "made.npz")

    with np.load(PROTOTYPE_VECTORS) as stored, np.load(tmp_path / "made.npz") as made:
        assert list(stored["texts"]) == prototype_texts()
        assert np.allclose(stored["vectors"], made["vectors"], atol=5e-3)


def test_an_unchanged_activity_is_never_tagged_again_and_a_changed_one_is(tagger: LocalTagger) -> None:
    known = Remembered()
    first = [activity(1, "Story Time", "At the library"), activity(2, "Family Swim", "In the pool")]
    collect_votes(first, tagger=tagger, known=known, source_key=KEY, at=AT)

    same = collect_votes(first[::-1], tagger=tagger, known=known, source_key=KEY, at=AT)
    changed = collect_votes(
        [first[0], activity(2, "Family Swim", "In the lake")], tagger=tagger, known=known, source_key=KEY, at=AT
    )

    assert (same.fetched, len(same.votes)) == (0, 2)
    assert (changed.fetched, len(changed.votes)) == (1, 2)
    assert len(known.held) == 3


@pytest.mark.parametrize(
    "fields",
    [
        {"offers": [{"price": "12", "priceCurrency": "EUR"}]},
        {"isAccessibleForFree": True},
        {"endDate": "2026-07-04T11:00:00+01:00"},
        {"eventSchedule": [{"startDate": "2026-07-04T10:00:00+01:00"}]},
    ],
)
def test_an_activity_whose_price_or_times_alone_changed_is_tagged_again(
    tagger: LocalTagger, fields: dict[str, Any]
) -> None:
    known, start = Remembered(), "2026-07-04T10:00:00+01:00"
    collect_votes([activity(1, "Fair", startDate=start)], tagger=tagger, known=known, source_key=KEY, at=AT)

    changed = collect_votes(
        [activity(1, "Fair", startDate=start, **fields)], tagger=tagger, known=known, source_key=KEY, at=AT
    )

    assert changed.fetched == 1


def test_the_same_activity_a_year_later_is_not_tagged_again(tagger: LocalTagger) -> None:
    known = Remembered()
    times = [(f"{year}-07-04T10:00:00+01:00", f"{year}-07-04T11:00:00+01:00") for year in (2026, 2027)]
    first, later = (activity(1, "Fair", startDate=start, endDate=end) for start, end in times)
    collect_votes([first], tagger=tagger, known=known, source_key=KEY, at=AT)

    assert collect_votes([later], tagger=tagger, known=known, source_key=KEY, at=AT).fetched == 0


def test_what_was_said_to_an_older_question_or_by_another_voter_is_kept_and_not_counted(tagger: LocalTagger) -> None:
    known, asked = Remembered(), activity(1, "Story Time", "At the library")
    (vote,) = tagger.votes([asked], at=AT)
    older = vote.model_copy(update={"prompt_version": "older", "tags": ActivityTags(setting="outdoor")})
    others = vote.model_copy(update={"model": "another", "tags": ActivityTags(setting="outdoor")})
    known.save(KEY, [older, others])

    found = collect_votes([asked], tagger=tagger, known=known, source_key=KEY, at=AT)

    assert (found.votes, found.fetched) == ((vote,), 1)
    assert len(known.held) == 3


def test_activities_without_one_are_no_question(tagger: LocalTagger) -> None:
    assert collect_votes([], tagger=tagger, known=Remembered(), source_key=KEY, at=AT).votes == ()
