"""What of an activity is embedded, and which vectors are believed."""

import numpy as np
import pytest

from tripper_assets.domain.activities import Activity, AgeRange, Place, PostalAddress
from tripper_assets.domain.embeddings import embedding_text, embedding_text_sha256, vector_problem

WALK = Activity(
    id="00000000-0000-5000-8000-000000000001",
    index=0,
    source_key="town-12345678",
    source_url="https://town.example/",
    url="https://town.example/walk",
    type="Event",
    name="Bat Walk",
    description="We listen to bats.",
    category=("nature",),
    keywords=("nature", "evening"),
    startDate="2026-07-04T20:00:00+02:00",
    ageRange=AgeRange(minValue=6, maxValue=12),
    location=Place(name="Lake", address=PostalAddress(addressLocality="Freiburg", addressRegion="Baden")),
)


def test_the_text_holds_title_category_place_ages_season_and_description_a_line_each() -> None:
    assert embedding_text(WALK).splitlines() == [
        "Bat Walk",
        "nature, evening",
        "Lake, Freiburg, Baden",
        "ages 6-12",
        "summer",
        "We listen to bats.",
    ]


def test_what_is_not_stated_leaves_no_empty_line() -> None:
    bare = Activity.model_validate(
        WALK.model_dump(include={"id", "index", "source_key", "source_url", "url", "type", "name"})
    )

    assert embedding_text(bare) == "Bat Walk"


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(6.0, None, "ages 6+"), (None, 3.0, "up to age 3"), (0.5, 2.0, "ages 0.5-2"), (None, None, "up to age ")],
)
def test_ages_are_said_as_people_say_them(low: float | None, high: float | None, said: str) -> None:
    text = embedding_text(WALK.model_copy(update={"ageRange": AgeRange(minValue=low, maxValue=high)}))

    assert said.strip() in text


@pytest.mark.parametrize(
    ("start", "season"), [("2026-01-05", "winter"), ("2026-04-01", "spring"), ("2026-10-31", "autumn")]
)
def test_the_season_and_not_the_date_is_part_of_the_text(start: str, season: str) -> None:
    this_year = WALK.model_copy(update={"startDate": start})
    next_year = WALK.model_copy(update={"startDate": start.replace("2026", "2027")})

    assert season in embedding_text(this_year).splitlines()
    assert embedding_text_sha256(this_year) == embedding_text_sha256(next_year)


@pytest.mark.parametrize(
    ("vector", "problem"),
    [
        ([0.6, 0.8], ""),
        ([0.6, 0.8, 0.0], "embedding_wrong_dimensions"),
        ([float("nan"), 1.0], "embedding_not_finite"),
        ([float("inf"), 0.0], "embedding_not_finite"),
        ([0.0, 0.0], "embedding_not_unit_length"),
        ([3.0, 4.0], "embedding_not_unit_length"),
    ],
)
def test_a_vector_is_believed_only_if_it_is_one_of_the_models(vector: list[float], problem: str) -> None:
    assert vector_problem(np.array(vector, dtype=np.float32), 2) == problem
