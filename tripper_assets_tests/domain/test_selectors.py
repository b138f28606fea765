"""Selectors that people write: every mistake is refused in one sentence that says where, and what is right is written back as it came."""

from typing import Any

import pytest

from tripper_assets.domain.errors import ConfigurationError
from tripper_assets.domain.selectors import Selector, parse_selector
from tripper_assets.domain.sources import SourceConfig, parse_config


def config(selectors: Any) -> SourceConfig:
    return parse_config({"selectors": selectors}, subject="zoo")


def refused(selectors: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        config(selectors)
    sentence = str(caught.value)
    assert sentence.startswith("The configuration of zoo is wrong: selectors.")
    assert "\n" not in sentence
    return sentence


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("li.event > h3", Selector("css", "li.event > h3", "")),
        ("a@href", Selector("css", "a", "href")),
        ("@data-id", Selector("css", "", "data-id")),
        ('a[href*="@x"]', Selector("css", 'a[href*="@x"]', "")),
        (".", Selector("css", "", "")),
        ("xpath: .//a/@href", Selector("xpath", ".//a/@href", "")),
    ],
)
def test_a_selector_is_css_an_attribute_or_an_xpath(text: str, parts: Selector) -> None:
    assert parse_selector(text) == parts


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        ({"fields": {"name": "h3["}}, "0.fields.name.select: 'h3[' is not a CSS selector"),
        ({"fields": {"name": ""}}, "0.fields.name.select: is empty"),
        ({"fields": {"name": "xpath://h3["}}, "0.fields.name.select: '//h3[' is not an XPath"),
        ({"fields": {"name": "xpath:heading()"}}, "0.fields.name.select: 'heading()' is not an XPath"),
        ({"fields": {"title": "h3"}}, "0: names 'title', which is no field; fields are name, url"),
        ({"fields": {}}, "0: names no field"),
        ({"fields": {"name": {}}}, "0.fields.name: needs either select or value"),
        ({"fields": {"name": {"select": "a", "value": "b"}}}, "0.fields.name: needs either select or value"),
        ({"fields": {"name": {"css": "a"}}}, "0.fields.name.css: Extra inputs are not permitted"),
        ({"fields": {"name": {"select": "a", "transform": "upper"}}}, "0.fields.name.transform.0: is not a transform; each is"),
        ({"fields": {"name": {"select": "a", "transform": {"regex": "("}}}}, "transform.0.regex: is not a regular expression"),
        ({"fields": {"name": {"select": "a", "transform": {"regex": ""}}}}, "is a transform that needs a value, as {regex: …}"),
        ({"fields": {"name": {"select": "a", "transform": "split"}}}, "is a transform that needs a value, as {split: ','}"),
        ({"fields": {"name": {"select": "a", "transform": {"replace": "a"}}}}, "transform.0.replace: "),
        ({"fields": {"name": {"select": "a", "transform": "date"}}}, "0: reads name as date, and it is a text"),
        ({"fields": {"startDate": {"select": "a", "transform": ["date", "strip"]}}}, "0.fields.startDate: reads a date and then goes on"),
        ({"fields": {"startDate": {"select": "a", "transform": {"date": {"format": "%d.%m."}}}}}, "lacks %d, %m or the year"),
        ({"fields": {"startDate": {"select": "a", "transform": {"date": {"format": "%d %B %Y"}}}}}, "lacks %d, %m or the year"),
        ({"fields": {"startDate": {"select": "a", "transform": {"date": {"format": "%d%m%y %a"}}}}}, "only %Y %y %m"),
        ({"fields": {"startDate": {"select": "a", "transform": {"date": {"format": "%d%m%y", "language": "de"}}}}}, "needs neither"),
        ({"fields": {"offers": {"select": "a", "transform": {"price": {"currency": "euro"}}}}}, "transform.0.price.currency: "),
        ({"fields": {"startTime": "i"}}, "0: states a time of day without a startDate"),
        ({"activity": "li@id", "fields": {"name": "a"}}, "0: has the activity 'li@id', which is an attribute"),
        ({"activity": "li", "fields": {"name": "xpath:.//a"}}, "0: finds activities by css and name by xpath"),
        ({"pages": "(", "fields": {"name": "a"}}, "0.pages: is not a regular expression"),
        ([{"fields": {"name": "a"}}, {"fields": {"nam": "a"}}], "1: names 'nam', which is no field"),
    ],
)  # fmt: skip
def test_a_mistake_is_refused_with_its_place_and_reason(rules: Any, sentence: str) -> None:
    assert sentence in refused(rules)


def test_selectors_are_written_back_as_they_were_written_and_read_the_same() -> None:
    written = {
        "activity": "li",
        "fields": {
            "name": "b",
            "isAccessibleForFree": {"value": False},
            "startDate": {"select": "i", "transform": ["strip", "date"]},
            "offers": {"select": "u", "transform": {"price": {"currency": "EUR"}}},
        },
    }

    dumped = config(written).model_dump(mode="json")

    assert dumped["selectors"] == [
        {
            "activity": "li",
            "fields": {
                "name": {"select": "b"},
                "isAccessibleForFree": {"value": False},
                "startDate": {"select": "i", "transform": [{"strip": ""}, {"date": {}}]},
                "offers": {"select": "u", "transform": [{"price": {"currency": "EUR"}}]},
            },
        }
    ]
    assert parse_config(dumped, subject="zoo") == config(written)
