import pytest
from hypothesis import given
from hypothesis import strategies as st

from tripper_assets.extract.prices import find_prices, is_free


@pytest.mark.parametrize(
    ("text", "price", "currency"),
    [
        ("£5", "5.00", "GBP"),
        ("$12.50 per child", "12.50", "USD"),
        ("Eintritt: 4,50 €", "4.50", "EUR"),
        ("5,- €", "5.00", "EUR"),
        ("EUR 7", "7.00", "EUR"),
        ("CHF 15.–", "15.00", "CHF"),
        ("1.234,50 €", "1234.50", "EUR"),
        ("$1,200", "1200.00", "USD"),
        ("10 euros", "10.00", "EUR"),
        ("Fr. 20", "20.00", "CHF"),
        ("120 Kč", "120.00", "CZK"),
    ],
)
def test_an_amount_has_its_currency(text: str, price: str, currency: str) -> None:
    assert [(one.price, one.currency) for one in find_prices(text)] == [(price, currency)]


def test_each_price_says_for_whom_it_is() -> None:
    found = find_prices("Adults £8, children £4.50, family £20")

    assert [(one.name, one.price) for one in found] == [("Adults", "8.00"), ("children", "4.50"), ("family", "20.00")]


def test_an_audience_may_stand_behind_the_price() -> None:
    assert [(one.name, one.price) for one in find_prices("3 € pro Kind")] == [("Kind", "3.00")]


@pytest.mark.parametrize("text", ["10:30", "2024", "call 555 1234", "3-7 years", "no money"])
def test_other_numbers_are_no_prices(text: str) -> None:
    assert find_prices(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "Free admission",
        "Admission is free",
        "free",
        "Der Eintritt ist frei.",
        "kostenlos",
        "gratuit",
        "Entrada libre",
        "Ingresso gratuito",
        "toegang gratis",
        "Free for all",
    ],
)
def test_what_costs_nothing_is_free(text: str) -> None:
    assert is_free(text)


@pytest.mark.parametrize(
    "text",
    [
        "free parking",
        "gluten-free",
        "nicht kostenlos",
        "Free admission for members",
        "feel free to ask",
        "under 5s free",
    ],
)
def test_what_is_free_for_some_or_of_something_is_not(text: str) -> None:
    assert not is_free(text)


@given(st.text(max_size=200))
def test_any_text_is_read_without_raising(text: str) -> None:
    is_free(text)
    for span in find_prices(text):
        assert float(span.price) >= 0
        assert 0 <= span.begin < span.stop <= len(text)
