import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tripper_assets.domain.activities import Activity, Offer, RawActivity
from tripper_assets.domain.model import Model, Problem, count_by_code, without_empty

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


def test_a_model_is_frozen_and_refuses_unknown_fields() -> None:
    offer = Offer(price="4.50")

    with pytest.raises(ValidationError, match="frozen"):
        offer.price = "0"  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(ValidationError, match="Extra inputs"):
        Offer.model_validate({"prize": "4.50"})


def test_the_json_form_leaves_out_what_is_empty_and_keeps_no_and_zero() -> None:
    raw = RawActivity(page="https://e.org/", name="Zoo", isAccessibleForFree=False, offers=(Offer(price="0"),))

    assert raw.dump() == {
        "page": "https://e.org/",
        "name": "Zoo",
        "type": "Event",
        "isAccessibleForFree": False,
        "offers": [{"price": "0"}],
    }


def test_an_object_that_only_holds_empty_fields_is_empty_itself() -> None:
    assert without_empty({"a": {"b": {"c": ""}}, "d": [], "e": 0, "f": False, "g": [{"h": None, "i": 1}]}) == {
        "e": 0,
        "f": False,
        "g": [{"i": 1}],
    }


@given(st.dictionaries(st.text(max_size=3), JSON, max_size=4))
def test_leaving_out_twice_changes_nothing_more(value: dict[str, object]) -> None:
    once = without_empty(value)

    assert without_empty(once) == once


def test_problems_are_counted_by_code_the_most_frequent_first() -> None:
    codes = ["robots", "too_large", "broken", "too_large"]

    counts = count_by_code([Problem(code=code, subject="x") for code in codes])

    assert list(counts.items()) == [("too_large", 2), ("broken", 1), ("robots", 1)]


def test_each_field_of_a_record_tells_what_it_means_where_its_name_does_not() -> None:
    class Measured(Model):
        bytes_received: int
        """Decompressed."""

    assert Measured.model_fields["bytes_received"].description == "Decompressed."
    assert "ordered by id" in (Activity.model_fields["index"].description or "")
