import pytest

from tripper_assets.domain.graph import MADE_FROM
from tripper_assets.domain.stories import STORIES, story


def test_every_asset_has_a_story() -> None:
    assert STORIES.keys() == MADE_FROM.keys()


@pytest.mark.parametrize("asset", STORIES)
def test_a_story_is_one_sentence_whatever_was_counted(asset: str) -> None:
    told = story(asset, {})

    assert told.endswith(".")
    assert "{" not in told


def test_a_story_says_what_was_done_anew_and_what_was_reused() -> None:
    told = story("images_map", {"stored": 51, "fetched": 3, "reused": 48, "rejected": 2, "failed": 1})

    assert told == "51 pictures: 3 fetched, 48 reused, 2 rejected, 1 without an answer."


def test_what_is_no_asset_of_ours_has_no_story() -> None:
    assert story("somebody_elses", {"rows": 1}) == ""
