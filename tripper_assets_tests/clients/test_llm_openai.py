"""One question to a server that speaks OpenAI's API: every way in which it can answer, and what is asked again."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Generator
from typing import Any

import pytest

from tripper_assets.clients.llm import LostAnswerError
from tripper_assets.clients.llm_openai import OpenAIExtractor
from tripper_assets.domain.errors import PermanentError, TransientError
from tripper_assets.domain.llm import Answer, Price, Question, Usage
from tripper_assets.extract.llm import SHAPE
from tripper_assets_tests.clients.llm_server import KEY, LlmServer, Reply, completion, said, serve_llm, trouble

QUESTION = Question(instructions="Copy.", data='{"page_text": []}', shape=SHAPE, max_output_tokens=500)


@pytest.fixture
def server() -> Generator[LlmServer]:
    with serve_llm() as server:
        yield server


class Asking:
    """One extractor, and how long it waited between its attempts."""

    def __init__(self, server: LlmServer, model: str = "gpt-4.1-mini", **options: Any) -> None:
        self.waits: list[float] = []
        self.extractor = OpenAIExtractor(
            model, Price(0.4, 1.6), api_key=KEY, base_url=server.url, sleep=self.sleep, **options
        )

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    def __call__(self) -> Answer:
        return asyncio.run(self._ask())

    async def _ask(self) -> Answer:
        try:
            return await self.extractor.ask(QUESTION)
        finally:
            await self.extractor.close()


@pytest.fixture
def ask(server: LlmServer) -> Asking:
    return Asking(server)


def test_the_answer_comes_in_the_shape_that_was_asked_for_with_its_tokens(server: LlmServer, ask: Asking) -> None:
    server.in_turn(said(name="Fair"))

    answer = ask()

    assert (answer.outcome, answer.said["name"], answer.said["when"]) == ("answered", "Fair", None)
    assert answer.usage == Usage(input=900, output=100, cached_input=300, reasoning=40)
    assert answer.usage.total == 1_000
    (request,) = server.requests
    assert server.paths == ["/v1/chat/completions"]
    assert [message["role"] for message in request["messages"]] == ["system", "user"]
    assert request["response_format"]["json_schema"] == {"name": "page", "schema": SHAPE, "strict": True}
    assert request["max_completion_tokens"] == 500
    assert request.keys().isdisjoint({"temperature", "reasoning_effort"})


def test_a_model_that_reasons_is_asked_not_to_for_that_is_paid_as_output(server: LlmServer) -> None:
    server.in_turn(said(name="Fair"))

    Asking(server, "gpt-6-luna")()

    assert server.requests[0]["reasoning_effort"] == "none"


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (completion(None, refusal="I cannot."), "refused"),
        (completion("", finish_reason="content_filter"), "refused"),
        (completion('{"is_activity": tr', finish_reason="length"), "truncated"),
        (completion('{"is_activity": tr'), "malformed"),
        (completion("null"), "malformed"),
        (completion('{"title": "Fair"}'), "malformed"),
        (completion(json.dumps({**json.loads("{}"), "is_activity": True})), "malformed"),
        (completion(None), "malformed"),
        (Reply(body=b'{"model": "m"}'), "malformed"),
        (Reply(body=b'{"id": "c", "object": "chat.completion", "created": 0, "model": "m", "choices": []}'), "malformed"),
    ],
)  # fmt: skip
def test_an_answer_that_is_of_no_use_is_an_answer_and_is_asked_for_once(
    server: LlmServer, ask: Asking, reply: Reply, outcome: str
) -> None:
    server.in_turn(reply)

    answer = ask()

    assert (answer.outcome, answer.said) == (outcome, {})
    assert len(server.requests) == 1


def test_a_busy_server_is_asked_again_when_it_said(server: LlmServer, ask: Asking) -> None:
    server.in_turn(trouble(429, **{"Retry-After": "7"}), trouble(500), said(name="Fair"))

    assert ask().said["name"] == "Fair"
    assert ask.waits == [7.0, 2.0]


@pytest.mark.parametrize(("status", "times"), [(429, 3), (500, 3), (503, 3), (408, 3)])
def test_a_server_that_stays_down_is_given_up_after_three_attempts(
    server: LlmServer, ask: Asking, status: int, times: int
) -> None:
    server.in_turn(trouble(status))

    with pytest.raises(TransientError, match=f"Asking gpt-4.1-mini failed with status {status}") as caught:
        ask()

    assert not isinstance(caught.value, LostAnswerError)
    assert len(server.requests) == times


def test_nobody_waits_an_hour(server: LlmServer, ask: Asking) -> None:
    server.in_turn(trouble(429, **{"Retry-After": "3600"}))

    with pytest.raises(TransientError) as caught:
        ask()

    assert (caught.value.retry_after_seconds, len(server.requests), ask.waits) == (3600, 1, [])


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        (trouble(401), "failed with status 401"),
        (trouble(403), "failed with status 403"),
        (trouble(404), "failed with status 404"),
        (trouble(400), "failed with status 400"),
        (trouble(429, "insufficient_quota"), "the account's quota is spent"),
    ],
)
def test_a_refusal_is_permanent_asked_once_and_never_shows_the_key(
    server: LlmServer, ask: Asking, reply: Reply, sentence: str
) -> None:
    server.in_turn(reply)

    with pytest.raises(PermanentError, match=sentence) as caught:
        ask()

    assert KEY not in str(caught.value)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "reply",
    [
        Reply(cut=True),
        Reply(body=b"<html>a proxy</html>"),
        Reply(body=b"<html>a proxy</html>", headers={"Content-Type": "text/html"}),
        Reply(body=b"[1]"),
    ],
)
def test_an_answer_that_is_lost_may_have_been_paid_and_is_not_asked_for_again(
    server: LlmServer, ask: Asking, reply: Reply
) -> None:
    server.in_turn(reply)

    with pytest.raises(LostAnswerError):
        ask()

    assert len(server.requests) == 1


def test_a_slow_answer_is_given_up(server: LlmServer) -> None:
    server.in_turn(Reply(delay_seconds=5))

    with pytest.raises(LostAnswerError, match="APITimeoutError"):
        Asking(server, timeout_seconds=0.2)()


def test_the_sdk_is_not_loaded_until_somebody_is_asked() -> None:
    code = "import sys, tripper_assets.definitions; print('openai' in sys.modules)"

    said_so = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert said_so.strip() == "False"
