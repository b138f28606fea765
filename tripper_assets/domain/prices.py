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
    _openai(date(2026, 9, 22), "gpt-6-luna", 0.1, 0.5),
    _openai(date(2026, 7, 30), "gpt-5.6-luna", 0.2, 1.2),
    PriceEntry("anthropic", "claude-haiku-5-5", date(2026, 10, 7), Price(0.1, 0.5)),
    PriceEntry("anthropic", "claude-sonnet-5-5", date(2026, 10, 7), Price(2.0, 10.0)),
    PriceEntry("anthropic", "claude-opus-5-5", date(2026, 10, 7), Price(4.0, 20.0)),
    PriceEntry("gemini", "gemini-3.5-flash-lite", date(2026, 10, 7), Price(0.3, 2.5)),
    PriceEntry("gemini", "gemini-3.1-flash-lite", date(2026, 3, 3), Price(0.25, 1.5)),
    PriceEntry("groq", "openai/gpt-oss-120b", date(2026, 7, 9), Price(0.15, 0.6)),
)
"""Settings state others: TRIPPER_LLM_PRICE, TRIPPER_EMBEDDING_PRICE and TRIPPER_TAGGER_PRICES.

Of short questions: from 100,000 to 272,000 tokens on, some providers ask for more. Half of it in batches, at every one of them: Groq's
share was a quarter less in 2025.
"""


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


def tagging_price(provider: str, model: str, stated: str, day: date | None = None) -> Price:
    """Return what a batch of a tagging model costs on a day; ``stated`` is "input,output" at the full price, empty for the known one.

    Raises:
        ConfigurationError: it is not known and not stated, or is no price; without one there is no budget in money.
    """
    if stated:
        return _in_batches(PriceEntry(provider, model, date.min, _stated_pair(stated)))
    found = known_entry(provider, model, day) or known_entry(provider, model)
    if found is None:
        raise ConfigurationError(
            f"The price of {provider}:{model} is not known; add {provider}:{model}=input,output to TRIPPER_TAGGER_PRICES,"
            " in US dollars for a million tokens."
        )
    return _in_batches(found)


def _in_batches(entry: PriceEntry) -> Price:
    return Price(entry.price.input * entry.batch_share, entry.price.output * entry.batch_share)


def _stated_pair(text: str) -> Price:
    try:
        price = Price(*(float(part) for part in text.split(",")))
    except (TypeError, ValueError):
        price = Price(-1.0, -1.0)
    if not all(0 <= part < MILLION for part in price):
        raise ConfigurationError(
            "TRIPPER_TAGGER_PRICES holds what is no price; give US dollars for a million tokens as input,output, such as 0.1,0.5."
        )
    return price


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
