import unicodedata
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tripper_assets.domain.identity import (
    NAMESPACE,
    activity_id,
    canonical_json,
    content_sha256,
    fold,
    ids_sha256,
    text_sha256,
)
from tripper_assets.domain.quality import ID_FORM

# SHA-256 of nothing and of two lines, as `printf 'a\nb\n' | sha256sum` prints them.
OF_NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
OF_A_B = "911169ddaaf146aff539f58c26c489af3b892dff0fe283c1c264c65ae5aa59a2"


@pytest.mark.parametrize(
    ("stated", "folded"),
    [
        ("Kindertheater: Der Räuber!", "kindertheater der rauber"),
        ("  KINDER-THEATER  ", "kinder theater"),
        ("Straßenfest", "strassenfest"),
        ("Café «L'Été»", "cafe l ete"),
        ("ﬁnger painting", "finger painting"),
        ("𝐊𝐢𝐝𝐬 𝗗𝗮𝘆", "kids day"),
        ("Ⅷ. Fest", "viii fest"),
        ("Ярмарка для детей", "ярмарка для детеи"),
        ("東京こどもまつり", "東京こともまつり"),
        ("🎪🎪", ""),
        ("", ""),
    ],
)
def test_names_that_people_take_for_one_fold_to_one(stated: str, folded: str) -> None:
    assert fold(stated) == folded


@given(st.text())
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text())
def test_folding_sees_no_case_and_no_way_of_composing(text: str) -> None:
    assert fold(text.casefold()) == fold(text)
    assert fold(unicodedata.normalize("NFD", text)) == fold(unicodedata.normalize("NFC", text))


def test_an_id_is_a_uuid_of_version_five_within_its_source() -> None:
    one = activity_id("example-org-01234567", "url:https://example.org/a")

    assert one == str(uuid.uuid5(NAMESPACE, "example-org-01234567\nurl:https://example.org/a"))
    assert ID_FORM.fullmatch(one)
    assert one != activity_id("example-org-76543210", "url:https://example.org/a")


def test_the_ids_of_today_are_the_ids_of_tomorrow() -> None:
    # A change here renames every activity that was ever imported.
    assert activity_id("example-org-01234567", "id:42") == "70e10809-39dd-503c-9e0a-52fbc6e9ee56"


def test_the_hash_of_an_id_list_is_that_of_its_lines() -> None:
    assert ids_sha256([]) == OF_NOTHING
    assert ids_sha256(["a", "b"]) == OF_A_B
    assert ids_sha256(["b", "a"]) != OF_A_B
    assert ids_sha256(["ab"]) != OF_A_B


def test_equal_values_have_one_canonical_text() -> None:
    assert canonical_json({"b": [1, None], "a": "ä"}) == '{"a":"ä","b":[1,null]}'
    with pytest.raises(ValueError, match="JSON compliant"):
        canonical_json(float("nan"))


def test_position_and_provenance_are_no_content() -> None:
    record = {"id": "1", "name": "Zoo", "index": 3, "provenance": {"name": 1}, "content_sha256": "x"}

    assert content_sha256(record) == content_sha256({"name": "Zoo", "id": "1", "index": 4})
    assert content_sha256(record) != content_sha256(record | {"name": "Zoo!"})


def test_a_lone_surrogate_has_a_hash() -> None:
    assert text_sha256("\ud800") != text_sha256("\ud801")
    assert text_sha256("") == OF_NOTHING
