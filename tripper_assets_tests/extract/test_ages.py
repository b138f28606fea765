import pytest
from hypothesis import given
from hypothesis import strategies as st

from tripper_assets.extract.ages import find_ages


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("ages 3-7", 3, 7),
        ("Ages 3 to 7", 3, 7),
        ("for children aged 4–10", 4, 10),
        ("3-7 years", 3, 7),
        ("3 to 5 year olds", 3, 5),
        ("ages 5+", 5, None),
        ("6+ years", 6, None),
        ("8 years and over", 8, None),
        ("5 and up", 5, None),
        ("from 4 years", 4, None),
        ("up to 12 years", None, 12),
        ("under 5s", None, 4),
        ("6 months to 3 years", 0.5, 3),
        ("6 months to 2 years", 0.5, 2),
        ("0.5 to 2 years", 0.5, 2),
        ("ages 0.5-2", 0.5, 2),
        ("ab 6 Monaten bis 2 Jahre", 0.5, 2),
        ("2,5 bis 4 Jahre", 2.5, 4),
        ("0-18 months", 0, 1.5),
        ("all ages", 0, None),
        ("ab 4 Jahren", 4, None),
        ("von 3 bis 7 Jahren", 3, 7),
        ("Alter: 6-12", 6, 12),
        ("bis 12 Jahre", None, 12),
        ("dès 4 ans", 4, None),
        ("de 3 à 7 ans", 3, 7),
        ("jusqu'à 12 ans", None, 12),
        ("de 3 a 7 años", 3, 7),
        ("a partir de 6 años", 6, None),
        ("dai 3 ai 7 anni", 3, 7),
        ("da 4 anni", 4, None),
        ("vanaf 4 jaar", 4, None),
        ("3-7 jaar", 3, 7),
    ],
)
def test_ages_are_years(text: str, low: float | None, high: float | None) -> None:
    assert [(one.minimum, one.maximum) for one in find_ages(text)] == [(low, high)]


@pytest.mark.parametrize(
    "text",
    [
        "under 5s free",
        "over 20 years of experience",
        "10-12 May",
        "from 10:30",
        "room 3-7",
        "7-3 years",
        "celebrating 25 years",
        "",
    ],
)
def test_other_numbers_are_no_ages(text: str) -> None:
    assert find_ages(text) == []


@given(st.text(max_size=200))
def test_any_text_is_read_without_raising(text: str) -> None:
    for span in find_ages(text):
        assert span.maximum is None or span.minimum is None or span.minimum <= span.maximum
