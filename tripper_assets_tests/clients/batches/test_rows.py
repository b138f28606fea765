"""Rows of results: whatever a line is, it is a body, a reason, or nobody's."""

from collections.abc import Callable

import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai import OpenAI

from tripper_assets.clients.batches import anthropic, gemini, openai
from tripper_assets.clients.openai_sdk import usage_of as openai_usage
from tripper_assets.domain.batch_requests import Result
from tripper_assets.domain.errors import TransientError

READERS = [openai.parse_row, anthropic.parse_row, gemini.parse_row]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["custom_id", "key", "result", "response", "error", "type", "message", "body", "usage", "code"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("read", READERS)
@given(said=JSON)
def test_a_row_of_any_shape_is_read_without_an_error(read: Callable[[bytes], Result], said: object) -> None:
    found = read(orjson.dumps(said))

    assert isinstance(found.custom_id, str)
    assert found.error or found.custom_id


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"\xff",
        b"null",
        b'{"custom_id": 5}',
        b'{"custom_id": ["a"], "result": {"type": "succeeded"}}',
        b'{"key": "a", "response": 5}',
    ],
)
def test_a_row_that_cannot_be_read_is_nobodys(read: Callable[[bytes], Result], line: bytes) -> None:
    assert read(line).custom_id == ""
    assert read(line).error == "batch_malformed_row"


def test_a_page_in_the_place_of_a_batch_is_an_outage() -> None:
    def page(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, html="<p>Sign in</p>")

    provider = openai.OpenAIBatches(api_key="k")
    provider._opened = OpenAI(api_key="k", max_retries=0, http_client=httpx.Client(transport=httpx.MockTransport(page)))

    with pytest.raises(TransientError, match="none of the API's"):
        list(provider.results("batch_1"))


@pytest.mark.parametrize(
    ("code", "error", "is_retryable"),
    [
        (8, "batch_request_failed", True),
        (503, "batch_request_failed", True),
        (3, "batch_request_refused", False),
        (400, "batch_request_refused", False),
    ],
)
def test_gemini_tells_of_a_request_with_codes_of_rpc_or_of_http(code: int, error: str, *, is_retryable: bool) -> None:
    found = gemini.parse_row(b'{"key": "k", "error": {"code": %d}}' % code)

    assert found == Result("k", error=error, is_retryable=is_retryable)


@pytest.mark.parametrize("stated", [-5, 10**30, "many", None, 1.5, [3]])
def test_what_is_stated_of_tokens_is_within_what_a_call_can_count(stated: object) -> None:
    usages = [
        openai_usage({"prompt_tokens": stated, "completion_tokens": 7}),
        anthropic.usage_of({"input_tokens": stated, "output_tokens": 7}),
        gemini.usage_of({"promptTokenCount": stated, "candidatesTokenCount": 7}),
    ]

    assert {one.output for one in usages} == {7}
    assert {one.input for one in usages} == {10_000_000 if stated == 10**30 else 0}
