import math

import pytest

from tripper_assets.catalog.storable import is_storable, storable, storable_text


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", ""),
        ("Märchenwald 🎠", "Märchenwald 🎠"),
        ("a\0b", "ab"),
        ("half \ud83c of a pair", "half \ufffd of a pair"),
        ("two halves \ud83c\udfa0", "two halves 🎠"),
        ("\0\udc80", "\ufffd"),
    ],
)
def test_a_text_keeps_what_can_be_stored(text: str, kept: str) -> None:
    assert storable_text(text) == kept
    assert is_storable(kept)


def test_every_text_and_number_of_a_json_value_is_made_storable() -> None:
    value = {"na\0me": ["x\0", {"deep": ("\ud800", 1, 1.5, True, None)}], "score": math.nan, "far": -math.inf}

    assert storable(value) == {"name": ["x", {"deep": ["\ufffd", 1, 1.5, True, None]}], "score": None, "far": None}
