"""What a tagging model costs: half of a dated price in batches, stated by the operator where it is not known."""

from datetime import date

import pytest

from tripper_assets.domain.errors import ConfigurationError
from tripper_assets.domain.model_facts import DEFAULT_MODELS
from tripper_assets.domain.prices import Price, known_entry, tagging_price


@pytest.mark.parametrize(("provider", "model"), DEFAULT_MODELS.items())
def test_the_price_of_each_default_model_is_known_and_halved_in_batches(provider: str, model: str) -> None:
    entry = known_entry(provider, model)

    assert entry is not None
    assert tagging_price(provider, model, "") == Price(entry.price.input / 2, entry.price.output / 2)


def test_a_stated_price_is_the_full_one_of_any_model() -> None:
    assert tagging_price("openai", "anything", "0.2, 1") == Price(0.1, 0.5)


def test_on_a_day_before_the_first_known_price_that_one_holds() -> None:
    assert tagging_price("openai", "gpt-6-luna", "", date(2020, 1, 1)) == Price(0.05, 0.25)


@pytest.mark.parametrize("stated", ["0.2", "a,b", "-1,2", "1,2,3", "nan,1", "1,2000000"])
def test_what_is_no_pair_of_prices_is_refused(stated: str) -> None:
    with pytest.raises(ConfigurationError, match="TRIPPER_TAGGER_PRICES holds what is no price"):
        tagging_price("openai", "gpt-6-luna", stated)


def test_without_a_price_there_is_no_budget_and_the_setting_is_named() -> None:
    with pytest.raises(ConfigurationError, match="add groq:new=input,output to TRIPPER_TAGGER_PRICES"):
        tagging_price("groq", "new", "")
