"""Questions to language models as values: what is asked, what came back, what it cost, and what may still be spent."""

from typing import Any, Literal, NamedTuple, TypeAlias

from tripper_assets.domain.errors import ConfigurationError
from tripper_assets.domain.identity import text_sha256
from tripper_assets.domain.model import Model
from tripper_assets.domain.prices import MILLION, Price, known_price

Outcome: TypeAlias = Literal["answered", "refused", "truncated", "malformed"]
"""How a paid question ended; each is kept, for asking again would cost as much and say the same."""

MOST_TOKENS = 10_000_000
"""Of one call, at any model: what a server states beyond is no bill, and would not fit into a column."""


class Usage(Model):
    """Tokens of one call; cached_input is a part of input, reasoning a part of output."""

    input: int = 0
    output: int = 0
    cached_input: int = 0
    reasoning: int = 0

    @property
    def total(self) -> int:
        """Input and output."""
        return self.input + self.output

    def plus(self, other: "Usage") -> "Usage":
        """Return the tokens of both."""
        return Usage(**{name: getattr(self, name) + getattr(other, name) for name in Usage.model_fields})


def stated_tokens(stated: object) -> int:
    """Return a stated number of tokens: 0 where it is none, and never less or more than a call can count."""
    return min(max(stated, 0), MOST_TOKENS) if isinstance(stated, int) else 0


class Question(Model):
    """What a model is asked: our words, the page's text as data, and the shape of the answer."""

    instructions: str
    data: str
    """JSON text that holds the page's; a page cannot end its own quotes."""
    shape: dict[str, Any]
    """The JSON Schema of the answer."""
    max_output_tokens: int

    @property
    def content_sha256(self) -> str:
        """The hash of the data."""
        return text_sha256(self.data)

    @property
    def prompt_sha256(self) -> str:
        """The hash of all that is ours."""
        return text_sha256(f"{self.instructions}\n{self.shape}\n{self.max_output_tokens}")

    @property
    def most_input_tokens(self) -> int:
        """A bound on what the question counts: no tokenizer makes more tokens than bytes; 100 are for what stands around messages."""
        return (
            sum(len(text.encode("utf-8", "replace")) for text in (self.instructions, self.data, str(self.shape))) + 100
        )


class Answer(Model):
    """What came back of a question."""

    outcome: Outcome
    said: dict[str, Any] = {}
    """The object that was asked for; empty unless it was answered."""
    usage: Usage = Usage()


class Spending(NamedTuple):
    """Tokens and US dollars."""

    tokens: int
    usd: float


class LlmName(NamedTuple):
    """Who is asked."""

    provider: str
    model: str


def parse_llm(text: str) -> LlmName:
    """Return provider and model of ``openai:gpt-6-luna``.

    Raises:
        ConfigurationError: it is not of that form, or of another provider.
    """
    provider, _, model = text.partition(":")
    if provider != "openai" or not model.strip():
        raise ConfigurationError(
            f"TRIPPER_LLM is {text!r}; give provider:model with the provider openai, such as openai:gpt-6-luna."
        )
    return LlmName(provider, model.strip())


def price_of(model: str, stated: str) -> Price:
    """Return the price of a model; ``stated`` is "input,output" in US dollars for a million tokens, empty for the known one.

    Raises:
        ConfigurationError: it is not known and not stated, and without it there is no budget in money.
    """
    if stated:
        price = _stated_price(stated)
        if price is None:
            raise ConfigurationError(
                "TRIPPER_LLM_PRICE is not two numbers; give US dollars for a million tokens as input,output, such as 0.4,1.6."
            )
        return price
    price = known_price("openai", model)
    if price is None:
        raise ConfigurationError(
            f"The price of {model} is not known; set TRIPPER_LLM_PRICE to input,output in US dollars for a million tokens."
        )
    return price


def _stated_price(text: str) -> Price | None:
    try:
        price = Price(*(float(part) for part in text.split(",")))
    except (TypeError, ValueError):
        return None
    return price if all(0 <= part < MILLION for part in price) else None


def cost(usage: Usage, price: Price) -> float:
    """Return the US dollars of a call; cached input is counted in full, so that it is never less than the bill."""
    return (usage.input * price.input + usage.output * price.output) / MILLION


def reserved(question: Question, price: Price) -> Spending:
    """Return the most that a question can cost."""
    most = Usage(input=question.most_input_tokens, output=question.max_output_tokens)
    return Spending(most.total, cost(most, price))


def fits(spent: Spending, more: Spending, budget: Spending) -> bool:
    """Return whether there is room for ``more``."""
    return spent.tokens + more.tokens <= budget.tokens and spent.usd + more.usd <= budget.usd
