import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tripper_assets.domain.activities import Extraction
from tripper_assets.extract.jsonld import normal_nodes
from tripper_assets.extract.loose_json import parse

EVENT = '"@context":"https://schema.org","@type":"Event","name":"Kite day","startDate":"2024-05-04"'


@pytest.mark.parametrize(
    "block",
    [
        "{%s}",
        "<!-- {%s} -->",
        "//<![CDATA[\n{%s}\n//]]>",
        "/*<![CDATA[*/{%s}/*]]>*/",
        "{%s,}",
        "[{%s},]",
        "/* an event */ {%s // today\n}",
        "{%s};",
        '{%s,"description":"two\nlines\tand a tab"}',
        '{%s,"description":"https://example.org // not a comment"}',
        '{%s,"price":NaN,"n":-Infinity}',
        '{%s,"n":' + "9" * 5000 + "}",
        '{%s,"n":1e9999}',
        '{%s,"description":"\\ud800 lone"}',
        '{%s,"description":"bad \\x escape"}',
        '{%s,"a":1,"a":2}',
        '{"@graph":[{%s}]}',
        "[[{%s}]]",
        '{"@type":"ItemList","itemListElement":[{"@type":"ListItem","position":1,"item":{%s}}]}',
        '{"@type":"WebPage","mainEntity":{%s}}',
        '{"@type":"Organization","name":"Club","event":[{%s}]}',
        "\ufeff{%s}",
    ],
)
def test_a_block_is_read_as_its_author_meant_it(jsonld: Callable[..., Extraction], block: str) -> None:
    extraction = jsonld(block.replace("%s", EVENT))

    assert [(one.name, one.startDate) for one in extraction.activities] == [("Kite day", "2024-05-04")]
    assert extraction.problems == []


def test_entities_for_quotes_are_read(jsonld: Callable[..., Extraction]) -> None:
    extraction = jsonld("{" + EVENT.replace('"', "&quot;") + "}")

    assert [one.name for one in extraction.activities] == ["Kite day"]


@pytest.mark.parametrize(
    "broken", ['{"@type":"Event","name":"cut', "{]", "[" * 5000 + "]" * 5000, "", "null", '{"a":' * 5000]
)
def test_a_broken_block_never_loses_the_others(read: Callable[..., Extraction], broken: str) -> None:
    page = (
        f'<script type="application/ld+json">{broken}</script><script type="application/ld+json">{{{EVENT}}}</script>'
    )

    extraction = read(page, content_type="text/html")

    assert [one.name for one in extraction.activities] == ["Kite day"]
    assert {problem.code for problem in extraction.problems} <= {"jsonld_broken"}


def test_a_broken_block_is_a_problem_of_its_page(jsonld: Callable[..., Extraction]) -> None:
    (problem,) = jsonld('{"@type":').problems

    assert (problem.code, problem.subject) == ("jsonld_broken", "https://example.org/whats-on/clay")


def test_references_and_parts_by_id_are_joined(jsonld: Callable[..., Extraction]) -> None:
    block = """{"@graph":[{"@id":"#e","@type":"Event","name":"Fair","startDate":"2024-05-04","location":{"@id":"#p"}},
    {"@id":"#p","@type":"Place","name":"Town Hall"},{"@id":"#e","description":"With a carousel."}]}"""

    (activity,) = jsonld(block).activities

    assert activity.location is not None
    assert activity.location.name == "Town Hall"
    assert activity.description == "With a carousel."


def test_a_cycle_ends(jsonld: Callable[..., Extraction]) -> None:
    block = """{"@graph":[{"@id":"a","@type":"Event","name":"One","startDate":"2024-05-04","subEvent":{"@id":"b"},"location":{"@id":"a"}},
    {"@id":"b","@type":"Event","name":"Two","startDate":"2024-05-05","subEvent":{"@id":"a"}}]}"""

    assert [one.name for one in jsonld(block).activities] == ["One", "Two"]


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["@type", "@id", "@graph", "@value", "@list", "name", "startDate", "x"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_any_json_value_becomes_nodes(value: object) -> None:
    assert all(isinstance(node["@type"], list) for node in normal_nodes(value) if node)


@given(JSON)
def test_sound_json_is_read_as_it_is(value: object) -> None:
    assert parse(json.dumps(value)) == value


@given(st.text(alphabet='{}[]",:\\/*-eE.0123456789ntfu \n<!>&;', max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse(text)
    except ValueError:
        return
