"""How each provider's API is asked for an answer of a given shape, and how the answer is read out of what came back."""

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from tripper_assets.domain.llm import Answer, Outcome, Question
from tripper_assets.domain.model_facts import Capability, capability

NAME = "answer"
"""Of the shape, where an API wants one."""
Body = dict[str, Any]


def request_body(provider: str, model: str, question: Question) -> Body:
    """Return a request as the provider's endpoint takes it; page text is the user's message, ours the system's.

    Raises:
        KeyError: there is no such provider.
    """
    return _BODIES[provider](model, question, capability(provider, model))


def _chat_body(model: str, question: Question, known: Capability) -> Body:
    shape = {"name": NAME, "strict": True, "schema": question.shape}
    return {
        "model": model,
        "messages": [
            {"role": "system", "content": question.instructions},
            {"role": "user", "content": question.data},
        ],
        "response_format": {"type": "json_schema", "json_schema": shape},
        "max_completion_tokens": question.max_output_tokens,
        **_stated(temperature=known.temperature, reasoning_effort=known.effort),
    }


def _message_body(model: str, question: Question, known: Capability) -> Body:
    shape = {"type": "json_schema", "schema": question.shape}
    return {
        "model": model,
        "max_tokens": question.max_output_tokens,
        "system": question.instructions,
        "messages": [{"role": "user", "content": question.data}],
        "output_config": {"format": shape, **_stated(effort=known.effort)},
    }


def _content_body(model: str, question: Question, known: Capability) -> Body:
    del model  # it stands in the address
    return {
        "systemInstruction": {"parts": [{"text": question.instructions}]},
        "contents": [{"role": "user", "parts": [{"text": question.data}]}],
        "generationConfig": {
            "responseMimeType": "application/json",
            "responseJsonSchema": question.shape,
            "maxOutputTokens": question.max_output_tokens,
            **_stated(temperature=known.temperature),
        },
    }


_BODIES: Mapping[str, Callable[[str, Question, Capability], Body]] = MappingProxyType(
    {"openai": _chat_body, "groq": _chat_body, "anthropic": _message_body, "gemini": _content_body}
)


def _stated(**settings: object) -> Body:
    return {name: value for name, value in settings.items() if value is not None}


def read_answer(provider: str, body: object) -> Answer:
    """Return what an answer says, without its usage; whatever it is, it was paid.

    Raises:
        KeyError: there is no such provider.
    """
    read = _READERS[provider]
    try:
        outcome, text = read(body)
        said = json.loads(text) if outcome == "answered" else {}
    except (KeyError, IndexError, TypeError, AttributeError, ValueError, RecursionError):
        return Answer(outcome="malformed")
    return Answer(outcome=outcome, said=said) if isinstance(said, dict) else Answer(outcome="malformed")


def _read_chat(body: Any) -> tuple[Outcome, str]:  # noqa: ANN401 (whatever a provider sent)
    choice = body["choices"][0]
    reason, message = choice.get("finish_reason"), choice["message"]
    if message.get("refusal") or reason == "content_filter":
        return "refused", ""
    return ("truncated", "") if reason == "length" else ("answered", message["content"])


def _read_message(body: Any) -> tuple[Outcome, str]:  # noqa: ANN401 (as above)
    reason = body.get("stop_reason")
    if reason == "refusal":
        return "refused", ""
    if reason in ("max_tokens", "model_context_window_exceeded"):
        return "truncated", ""
    return "answered", "".join(block["text"] for block in body["content"] if block["type"] == "text")


def _read_content(body: Any) -> tuple[Outcome, str]:  # noqa: ANN401 (as above)
    if (body.get("promptFeedback") or {}).get("blockReason"):
        return "refused", ""
    candidate = body["candidates"][0]
    reason = candidate.get("finishReason")
    if reason == "MAX_TOKENS":
        return "truncated", ""
    if reason not in ("STOP", None):
        return "refused", ""
    parts = candidate["content"]["parts"]
    return "answered", "".join(part.get("text", "") for part in parts if not part.get("thought"))


_READERS: Mapping[str, Callable[[Any], tuple[Outcome, str]]] = MappingProxyType(
    {"openai": _read_chat, "groq": _read_chat, "anthropic": _read_message, "gemini": _read_content}
)
