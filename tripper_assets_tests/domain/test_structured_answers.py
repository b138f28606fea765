"""How the four APIs are asked for an answer of a shape, and what of their answers is one; checked with the SDKs' own types."""

from typing import Any

import pytest
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
from google.genai import types
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming

from tripper_assets.domain.llm import Question
from tripper_assets.domain.model_facts import DEFAULT_MODELS, TOKEN_MARGINS, capability
from tripper_assets.domain.structured_answers import read_answer, request_body
from tripper_assets.domain.tags import tags_schema

QUESTION = Question(instructions="Tag it.", data='{"text": ["Hi"]}', shape=tags_schema(), max_output_tokens=100)


@pytest.mark.parametrize(
    ("provider", "form"),
    [
        ("openai", CompletionCreateParamsNonStreaming),
        ("groq", CompletionCreateParamsNonStreaming),
        ("anthropic", MessageCreateParamsNonStreaming),
    ],
)
def test_a_request_holds_nothing_that_the_providers_own_types_do_not_know(provider: str, form: Any) -> None:
    body = request_body(provider, DEFAULT_MODELS[provider], QUESTION)

    assert form.__required_keys__ - {"stream"} <= set(body) <= form.__required_keys__ | form.__optional_keys__


def test_a_request_to_gemini_is_of_its_own_types() -> None:
    body = request_body("gemini", DEFAULT_MODELS["gemini"], QUESTION)

    config = types.GenerationConfig.model_validate(body["generationConfig"])

    assert config.response_json_schema == tags_schema()
    assert [types.Content.model_validate(one).role for one in body["contents"]] == ["user"]
    assert set(body) == {"systemInstruction", "contents", "generationConfig"}


@pytest.mark.parametrize(
    ("provider", "model", "temperature"),
    [
        ("openai", "gpt-6-luna", None),
        ("openai", "gpt-5-mini", None),
        ("openai", "gpt-4.1-mini", 1.0),
        ("openai", "one-that-nobody-knows", None),
        ("anthropic", "claude-haiku-5-5", None),
        ("groq", "openai/gpt-oss-120b", 1.0),
        ("gemini", "gemini-3.5-flash-lite", 1.0),
    ],
)
def test_a_temperature_is_sent_to_models_alone_that_take_one(
    provider: str, model: str, temperature: float | None
) -> None:
    body = request_body(provider, model, QUESTION)

    sent = body.get("generationConfig", body)
    assert sent.get("temperature") == temperature
    assert ("temperature" in sent) == (temperature is not None)


def test_of_two_families_the_longer_name_tells_what_a_model_takes() -> None:
    assert capability("openai", "gpt-5.6-luna").effort == "none"
    assert capability("openai", "gpt-5-nano").effort == "low"


def test_each_provider_has_a_default_model_and_a_margin() -> None:
    assert set(DEFAULT_MODELS) == set(TOKEN_MARGINS)


def chat(content: object, reason: str = "stop", **message: object) -> dict[str, Any]:
    return {"choices": [{"finish_reason": reason, "message": {"content": content, **message}}]}


def message(text: str, reason: str = "end_turn") -> dict[str, Any]:
    blocks = [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": text}]
    return {"stop_reason": reason, "content": blocks}


def content(text: str, reason: str = "STOP") -> dict[str, Any]:
    parts = [{"text": "Hm.", "thought": True}, {"text": text}]
    return {"candidates": [{"finishReason": reason, "content": {"parts": parts}}]}


@pytest.mark.parametrize(
    ("provider", "body", "outcome"),
    [
        ("openai", chat('{"a": 1}'), "answered"),
        ("openai", chat(None, refusal="No."), "refused"),
        ("openai", chat(None, "content_filter"), "refused"),
        ("openai", chat('{"a"', "length"), "truncated"),
        ("openai", chat('{"a"'), "malformed"),
        ("openai", chat("[1]"), "malformed"),
        ("openai", chat(None), "malformed"),
        ("openai", chat("[" * 100_000), "malformed"),
        ("groq", {"choices": []}, "malformed"),
        ("groq", ["what"], "malformed"),
        ("anthropic", message('{"a": 1}'), "answered"),
        ("anthropic", message("No.", "refusal"), "refused"),
        ("anthropic", message('{"a"', "max_tokens"), "truncated"),
        ("anthropic", message("Here it is"), "malformed"),
        ("anthropic", {"content": None}, "malformed"),
        ("gemini", content('{"a": 1}'), "answered"),
        ("gemini", content("", "SAFETY"), "refused"),
        ("gemini", {"promptFeedback": {"blockReason": "OTHER"}}, "refused"),
        ("gemini", content('{"a"', "MAX_TOKENS"), "truncated"),
        ("gemini", {"candidates": [{"finishReason": "STOP", "content": {}}]}, "malformed"),
    ],
)
def test_how_a_question_ended_is_read_out_of_what_came_back(provider: str, body: object, outcome: str) -> None:
    answer = read_answer(provider, body)

    assert answer.outcome == outcome
    assert answer.said == ({"a": 1} if outcome == "answered" else {})


def test_a_provider_that_nobody_knows_is_an_error_and_not_an_empty_answer() -> None:
    with pytest.raises(KeyError):
        read_answer("mistral", {})
    with pytest.raises(KeyError):
        request_body("mistral", "m", QUESTION)
