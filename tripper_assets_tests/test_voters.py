"""Who votes: the local voter without a key, and a remote one with its key, its price and the catalog."""

import sys
from pathlib import Path
from typing import Any

import pytest

from tripper_assets.clients.objects import Objects
from tripper_assets.domain.errors import ConfigurationError
from tripper_assets.resources import catalog_without_database, utc_now
from tripper_assets.settings import Settings
from tripper_assets.voters import Reach, Taggers, refiner_name, taggers_off

KEY = "s3cret-canary"


def settings(**values: Any) -> Settings:
    return Settings.model_validate(
        {"taggers": "local,openai:gpt-4.1-mini", "database_url": "postgresql+psycopg://nobody/x", **values}
    )


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({}, "OPENAI_API_KEY is not set"),
        ({"openai_api_key": KEY, "database_url": "none"}, "TRIPPER_DATABASE_URL is none"),
        ({"openai_api_key": KEY, "taggers": "openai:unheard-of"}, "price of openai:unheard-of is not known"),
        ({"openai_api_key": KEY, "tagger_prices": "nonsense"}, "TRIPPER_TAGGER_PRICES"),
        ({"taggers": "gemini"}, "GEMINI_API_KEY or GOOGLE_API_KEY is not set"),
    ],
)
def test_a_remote_tagger_that_lacks_something_is_off_and_says_what(values: dict[str, Any], why: str) -> None:
    (told,) = taggers_off(settings(**values)).values()

    assert why in told
    assert KEY not in told


def test_a_remote_tagger_whose_sdk_is_not_installed_is_off_and_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "anthropic", None)

    (told,) = taggers_off(settings(taggers="anthropic", anthropic_api_key=KEY)).values()

    assert "install tripper-assets[llm]" in told


def test_with_a_key_and_a_price_nobody_is_off() -> None:
    assert taggers_off(settings(openai_api_key=KEY)) == {}
    assert taggers_off(settings(taggers="gemini", google_api_key=KEY, tagger_prices="gemini=0.1,0.4")) == {}
    assert taggers_off(settings(taggers="groq:new", groq_api_key=KEY, tagger_prices="groq:new=0.1,0.2")) == {}
    assert taggers_off(settings()).keys() == {"openai:gpt-4.1-mini"}
    assert taggers_off(settings(), ["local"]) == {}


def test_without_a_key_the_local_voter_votes_alone_and_the_panel_says_why(tmp_path: Path) -> None:
    reach = Reach(catalog_without_database(tmp_path), Objects("memory://"), utc_now)

    panel = Taggers(settings()).panel((), reach)
    without = Taggers(settings()).panel(["openai"], reach)

    assert [one.provider for one in panel.voters] == ["local"]
    assert panel.off.keys() == {"openai:gpt-4.1-mini"}
    assert (without.local, without.remote) == (None, ())


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"refiner": "anthropic:claude-sonnet-5-5"}, "anthropic:claude-sonnet-5-5"),
        ({"refiner": "groq", "llm": "openai:gpt-4.1"}, "groq:openai/gpt-oss-120b"),
        ({"llm": "openai:gpt-4.1"}, "openai:gpt-4.1"),
    ],
)
def test_tags_are_refined_by_whom_the_settings_name_else_by_whom_gaps_are_put_to(
    values: dict[str, str], name: str
) -> None:
    assert str(refiner_name(settings(**values))) == name


@pytest.mark.parametrize("refiner", ["local", "mistral:large", "nobody"])
def test_who_cannot_refine_is_refused_when_the_settings_are_read(refiner: str) -> None:
    with pytest.raises(ValueError, match="is not known; give one of openai, anthropic, gemini, groq"):
        settings(refiner=refiner)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({}, "TRIPPER_REFINER is not set"),
        ({"llm": "mistral:large"}, "TRIPPER_REFINER is not set"),
        ({"refiner": "openai:gpt-4.1"}, "The refiner openai:gpt-4.1 is off, for OPENAI_API_KEY is not set"),
        ({"refiner": "openai:unheard-of", "openai_api_key": KEY}, "price of openai:unheard-of is not known"),
        ({"refiner": "openai:gpt-4.1", "openai_api_key": KEY, "database_url": "none"}, "TRIPPER_DATABASE_URL is none"),
    ],
)
def test_a_refiner_that_lacks_something_is_off_and_says_what(tmp_path: Path, values: dict[str, Any], why: str) -> None:
    reach = Reach(catalog_without_database(tmp_path), Objects("memory://"), utc_now)

    with pytest.raises(ConfigurationError, match=why) as told:
        Taggers(settings(**values)).refiner(reach)

    assert KEY not in str(told.value)
    assert Taggers(settings()).refiner_named("openai", "gpt-4.1", reach) is None
