"""What is known of language models beside their price: the ones asked by default, and which settings each takes. Data that ages, dated."""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import NamedTuple

DEFAULT_MODELS: Mapping[str, str] = MappingProxyType(
    {
        "openai": "gpt-6-luna",
        "anthropic": "claude-haiku-5-5",
        "gemini": "gemini-3.5-flash-lite",
        "groq": "openai/gpt-oss-120b",
    }
)
"""The cheapest of each provider that takes batches and answers in a given shape, as its own pages said in October 2026."""
TOKEN_MARGINS: Mapping[str, float] = MappingProxyType({"openai": 1.2, "anthropic": 2.0, "gemini": 1.5, "groq": 1.2})
"""By how much a provider may count more tokens than o200k_base does, which is what a question is measured with."""


class Capability(NamedTuple):
    """Which settings a family of models takes; one that is None is left out of a request, for a model that does not know it refuses."""

    provider: str
    family: str
    """How the names of its models begin."""
    read_on: date
    """When the provider's pages said so."""
    temperature: float | None = None
    """What is asked for, as voters are to differ from run to run; None where the model has none."""
    effort: str | None = None
    """How little it may reason: what is asked is no riddle, and reasoning is paid as output."""


_READ_ON = date(2026, 10, 8)
CAPABILITIES: tuple[Capability, ...] = (
    Capability("openai", "gpt-6", _READ_ON, effort="none"),
    Capability("openai", "gpt-5.6", _READ_ON, effort="none"),
    Capability("openai", "gpt-5", _READ_ON, effort="low"),
    Capability("openai", "gpt-4.1", _READ_ON, temperature=1.0),
    Capability("openai", "gpt-4o", _READ_ON, temperature=1.0),
    Capability("anthropic", "claude-haiku-5-5", _READ_ON, effort="low"),
    Capability("anthropic", "claude-sonnet-5-5", _READ_ON, effort="low"),
    Capability("anthropic", "claude-opus-5-5", _READ_ON, effort="low"),
    Capability("gemini", "gemini-", _READ_ON, temperature=1.0),
    Capability("groq", "openai/gpt-oss", _READ_ON, temperature=1.0, effort="low"),
)


def capability(provider: str, model: str) -> Capability:
    """Return what is known of a model by the longest name that it begins with; of an unknown one, that it takes no settings."""
    known = [one for one in CAPABILITIES if one.provider == provider and model.startswith(one.family)]
    return max(known, key=lambda one: len(one.family), default=Capability(provider, model, date.min))
