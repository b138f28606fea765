"""Who may vote on tags, by name: local, or a provider with a model of its own, and the prices that an operator states for them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, NamedTuple, TypeAlias

from pydantic import AfterValidator

from tripper_assets.domain.errors import ConfigurationError
from tripper_assets.domain.model_facts import DEFAULT_MODELS

LOCAL = "local"


class TaggerName(NamedTuple):
    """Who votes."""

    provider: str
    model: str
    """Empty for the local one, which has no other."""

    def __str__(self) -> str:
        """Return the name as settings and people write it."""
        return f"{self.provider}:{self.model}" if self.model else self.provider


def parse_tagger(text: str) -> TaggerName:
    """Return who ``openai:gpt-6-luna`` is; a provider alone has its default model.

    Raises:
        ConfigurationError: the provider is not known, or local is given a model.
    """
    provider, _, model = (part.strip() for part in text.partition(":"))
    if provider == LOCAL and not model:
        return TaggerName(LOCAL, "")
    if provider not in DEFAULT_MODELS:
        known = ", ".join((LOCAL, *DEFAULT_MODELS))
        raise ConfigurationError(
            f"The tagger {text[:80]!r} is not known; give one of {known}, or one of the others with a model, such as openai:gpt-6-luna."
        )
    return TaggerName(provider, model or DEFAULT_MODELS[provider])


def parse_taggers(texts: Iterable[str]) -> tuple[TaggerName, ...]:
    """Return who is named, each once and in order.

    Raises:
        ConfigurationError: as ``parse_tagger``.
    """
    return tuple(dict.fromkeys(parse_tagger(text) for text in texts))


def narrowed(names: Sequence[str], wanted: Sequence[str]) -> tuple[str, ...]:
    """Return those of the taggers that are wanted, by provider or by whole name; all where none is.

    Raises:
        ConfigurationError: one that is wanted is not among them, and its votes would not count.
    """
    voters = [str(one) for one in parse_taggers(names)]
    strange = [one for one in wanted if one not in voters and all(one != name.partition(":")[0] for name in voters)]
    if strange:
        raise ConfigurationError(
            f"The tagger {strange[0][:80]!r} does not vote on this source, of which the taggers are {', '.join(voters)}; "
            "name it in TRIPPER_TAGGERS or in the source's taggers first."
        )
    return tuple(one for one in voters if not wanted or one in wanted or one.partition(":")[0] in wanted)


def _tagger(text: str) -> str:
    try:
        parse_tagger(text)
    except ConfigurationError as error:
        raise ValueError(str(error)) from error
    return text


TaggerText: TypeAlias = Annotated[str, AfterValidator(_tagger)]
"""The name of a tagger as somebody wrote it."""


def parse_refiner(text: str) -> TaggerName:
    """Return who ``anthropic:claude-sonnet-5-5`` is; a provider alone has its default model.

    Raises:
        ConfigurationError: the provider is not known, or is the local one, which writes nothing.
    """
    provider = text.partition(":")[0].strip()
    if provider not in DEFAULT_MODELS:
        raise ConfigurationError(
            f"The refiner {text[:80]!r} is not known; give one of {', '.join(DEFAULT_MODELS)} with a model, such as anthropic:claude-sonnet-5-5."
        )
    return parse_tagger(text)


def _refiner(text: str) -> str:
    try:
        return str(parse_refiner(text)) if text else ""
    except ConfigurationError as error:
        raise ValueError(str(error)) from error


RefinerText: TypeAlias = Annotated[str, AfterValidator(_refiner)]
"""The full name of a refiner; empty for nobody."""


def stated_prices(text: str) -> Mapping[str, str]:
    """Return the prices of ``openai:gpt-6-luna=0.4,1.6; groq=0.1,0.5`` by full name, each as input,output of a million tokens.

    Raises:
        ConfigurationError: a part is not of that form.
    """
    found: dict[str, str] = {}
    for part in filter(None, (one.strip() for one in text.split(";"))):
        name, _, price = part.rpartition("=")
        if not name or len(price.split(",")) != 2:  # noqa: PLR2004 (input and output)
            raise ConfigurationError(
                f"TRIPPER_TAGGER_PRICES has {part[:80]!r}; give provider:model=input,output in US dollars for a million tokens, with ; between."
            )
        found[str(parse_tagger(name))] = price.strip()
    return found
