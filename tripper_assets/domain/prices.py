"""What providers ask for a million tokens, and since when: data that ages, so that each price stands with the day it was published."""

from datetime import date
from typing import NamedTuple

from tripper_assets.domain.errors import ConfigurationError

MILLION = 1_000_000


class Price(NamedTuple):
    """US dollars for a million tokens."""

    input: float
    output: float


class PriceEntry(NamedTuple):
    """One published price."""

    provider: str
    model: str
    since: date
    price: Price
    batch_share: float = 0.5
    """What of it a request costs in a batch."""


def _openai(since: date, model: str, into: float, out: float = 0.0) -> PriceEntry:
    return PriceEntry("openai", model, since, Price(into, out))


_AUGUST_2025 = date(2025, 8, 7)
PRICES: tuple[PriceEntry, ...] = (
    _openai(_AUGUST_2025, "gpt-4.1", 2.0, 8.0),
    _openai(_AUGUST_2025, "gpt-4.1-mini", 0.4, 1.6),
    _openai(_AUGUST_2025, "gpt-4.1-nano", 0.1, 0.4),
    _openai(_AUGUST_2025, "gpt-4o", 2.5, 10.0),
    _openai(_AUGUST_2025, "gpt-4o-mini", 0.15, 0.6),
    _openai(_AUGUST_2025, "gpt-5", 1.25, 10.0),
    _openai(_AUGUST_2025, "gpt-5-mini", 0.25, 2.0),
    _openai(_AUGUST_2025, "gpt-5-nano", 0.05, 0.4),
    _openai(date(2024, 1, 25), "text-embedding-3-small", 0.02),
    _openai(date(2024, 1, 25), "text-embedding-3-large", 0.13),
    _openai(date(2024, 1, 25), "text-embedding-ada-002", 0.1),
)
"""Settings state others: TRIPPER_LLM_PRICE and TRIPPER_EMBEDDING_PRICE."""


def known_entry(provider: str, model: str, day: date | None = None) -> PriceEntry | None:
    """Return the newest price that held on a day, or of all where none is given; None where none is known."""
    held = [
        one for one in PRICES if (one.provider, one.model) == (provider, model) and (day is None or one.since <= day)
    ]
    return max(held, key=lambda one: one.since, default=None)


def known_price(provider: str, model: str) -> Price | None:
    """Return the newest price of a model, None where it is not known."""
    entry = known_entry(provider, model)
    return entry.price if entry else None


def embedding_price(provider: str, model: str, stated: str, day: date | None = None) -> PriceEntry:
    """Return the price of an embedding model on a day; ``stated`` is US dollars for a million tokens, empty for the known one.

    Raises:
        ConfigurationError: it is not known and not stated, or is no price.
    """
    if stated:
        return PriceEntry(provider, model, date.min, Price(_stated(stated), 0.0))
    found = known_entry(provider, model, day) or known_entry(provider, model)
    if found is None:
        raise ConfigurationError(
            f"The price of {model} is not known; set TRIPPER_EMBEDDING_PRICE to US dollars for a million tokens."
        )
    return found


def _stated(text: str) -> float:
    try:
        price = float(text)
    except ValueError:
        price = -1.0
    if not 0 <= price < MILLION:
        raise ConfigurationError(
            "TRIPPER_EMBEDDING_PRICE is no price; give US dollars for a million tokens, such as 0.02."
        )
    return price
