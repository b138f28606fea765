"""Names of taggers, and the prices that an operator states."""

import pytest

from tripper_assets.domain.errors import ConfigurationError
from tripper_assets.domain.model_facts import DEFAULT_MODELS
from tripper_assets.domain.sources import parse_config
from tripper_assets.domain.taggers import TaggerName, narrowed, parse_tagger, parse_taggers, stated_prices


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("local", ("local", "")),
        ("openai", ("openai", DEFAULT_MODELS["openai"])),
        (" groq : openai/gpt-oss-20b ", ("groq", "openai/gpt-oss-20b")),
        ("openai:ft:mini:me", ("openai", "ft:mini:me")),
    ],
)
def test_a_tagger_is_a_provider_with_its_model_or_the_default_one(text: str, name: tuple[str, str]) -> None:
    assert parse_tagger(text) == name
    assert parse_tagger(str(parse_tagger(text))) == name


@pytest.mark.parametrize("text", ["", "somebody", "local:model", ":gpt", "Openai"])
def test_who_is_not_known_is_refused_with_those_who_are(text: str) -> None:
    with pytest.raises(ConfigurationError, match="give one of local, openai"):
        parse_tagger(text)
    with pytest.raises(ConfigurationError, match="taggers"):
        parse_config({"taggers": [text]}, subject="a source")


def test_who_is_named_twice_votes_once() -> None:
    twice = parse_taggers(["openai", "local", f"openai:{DEFAULT_MODELS['openai']}"])

    assert twice == (TaggerName("openai", DEFAULT_MODELS["openai"]), TaggerName("local", ""))


def test_a_run_may_ask_some_of_the_taggers_and_no_other() -> None:
    taggers = ("local", "openai:a", "openai:b", "groq:c")

    assert narrowed(taggers, ()) == taggers
    assert narrowed(taggers, ["openai"]) == ("openai:a", "openai:b")
    assert narrowed(taggers, ["groq:c", "openai:b"]) == ("openai:b", "groq:c")
    with pytest.raises(ConfigurationError, match="'gemini' does not vote"):
        narrowed(taggers, ["gemini"])


def test_prices_are_stated_by_name() -> None:
    assert stated_prices("") == {}
    assert stated_prices(" openai:a=0.4,1.6 ; groq=0.1,0.5;") == {
        "openai:a": "0.4,1.6",
        f"groq:{DEFAULT_MODELS['groq']}": "0.1,0.5",
    }


@pytest.mark.parametrize("text", ["0.4,1.6", "openai:a=0.4", "openai:a", "nobody=1,2"])
def test_a_price_of_nobody_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError):
        stated_prices(text)
