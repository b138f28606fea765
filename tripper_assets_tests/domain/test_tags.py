"""Answers of voters: what is believed of them, and the schema that they are asked to keep."""

import json
from pathlib import Path
from typing import Any

import pytest

from tripper_assets.domain.activities import Activity
from tripper_assets.domain.tags import CHOICES, LABELS, NUMBERS, free_tags, judge_answer, tagging_text, tags_schema

TEXT = "Story time\nBring a blanket. Free entry, ages 2 to 5.\nOutdoors in the park"
SCHEMA = Path(__file__).resolve().parents[3] / "shared" / "design" / "activity_tags.schema.json"


def answer(**changes: Any) -> dict[str, Any]:
    said: dict[str, Any] = dict.fromkeys(CHOICES, "unknown") | {name: [] for name in LABELS} | dict.fromkeys(NUMBERS)
    return said | {"activity_id": "a", "free_tags": [], "evidence": []} | changes


def test_an_answer_of_the_vocabulary_is_believed() -> None:
    judged = judge_answer(
        answer(
            categories=["library_story", "playground_park"], price_tier="free", age_min_months=24, age_max_months=60
        ),
        "a",
        TEXT,
    )

    assert judged.tags is not None
    assert judged.tags.categories == ("playground_park", "library_story")
    assert (judged.tags.price_tier, judged.tags.age_min_months, judged.tags.setting) == ("free", 24, "unknown")


def test_an_answer_about_another_activity_is_not_believed() -> None:
    assert judge_answer(answer(activity_id="b"), "a", TEXT).error == "tags_of_another_activity"


@pytest.mark.parametrize(
    "change",
    [
        {"setting": "underwater"}, {"setting": None}, {"categories": ["museum"]}, {"categories": "museum_science"}, {"seasons": [1]},
        {"age_min_months": -1}, {"age_min_months": 24.5}, {"age_min_months": True}, {"age_max_months": 100_000},
        {"age_min_months": 60, "age_max_months": 24}, {"free_tags": "park"}, {"evidence": [{"field": "setting"}]}, {"evidence": ["x"]},
        {"evidence": None}, {"mood": "good"},
    ],
)  # fmt: skip
def test_an_answer_beside_the_vocabulary_is_malformed(change: dict[str, Any]) -> None:
    assert judge_answer(answer(**change), "a", TEXT).error == "tags_malformed"


def test_an_answer_that_lacks_a_field_is_malformed() -> None:
    said = answer()
    del said["booking"]

    assert judge_answer(said, "a", TEXT).error == "tags_malformed"


def test_a_quote_that_does_not_stand_in_the_text_is_left_out_and_counted() -> None:
    quotes = [
        {"field": "price_tier", "quote": "FREE  entry"},
        {"field": "setting", "quote": "by the sea"},
        {"field": "x", "quote": " "},
    ]

    judged = judge_answer(answer(evidence=quotes), "a", TEXT)

    assert judged.tags is not None
    assert [one.field for one in judged.tags.evidence] == ["price_tier"]
    assert judged.unfounded == 2


def test_free_tags_are_short_lower_case_and_few() -> None:
    said = ["Story  Time", "story time", "a tag of many words", "", 3, *(f"tag {number}" for number in range(20))]

    assert free_tags(said)[:2] == ("story time", "tag 0")
    assert len(free_tags(said)) == 10


def test_the_schema_asks_for_every_field_and_nothing_beside() -> None:
    schema = tags_schema()

    assert set(schema["required"]) == set(schema["properties"]) == set(answer())
    assert schema["additionalProperties"] is False


@pytest.mark.skipif(not SCHEMA.exists(), reason="the shared schema of tags is not beside the checkout")
def test_the_schema_is_the_shared_one() -> None:
    shared = json.loads(SCHEMA.read_text())

    assert tags_schema() == {name: shared[name] for name in ("type", "additionalProperties", "properties", "required")}


@pytest.mark.parametrize(
    ("end", "said"),
    [
        ("2026-05-02T11:30:00", "lasts 90 minutes"),
        ("2026-05-02T10:00:00", ""),
        ("2026-07-04T11:30:00", ""),
        ("2026-05-03", ""),
    ],
)
def test_a_voter_reads_how_long_a_visit_lasts_and_not_how_long_a_series_goes_on(end: str, said: str) -> None:
    stated = {"startDate": "2026-05-02T10:00:00", "endDate": end}
    own = {"id": "a", "index": 0, "source_key": "s", "source_url": "https://s.example/", "url": "https://s.example/a"}
    stated |= own | {"type": "Event", "name": "Robot lab"}

    lines = tagging_text(Activity.model_validate(stated)).splitlines()

    assert [line for line in lines if line.startswith("lasts")] == ([said] if said else [])
