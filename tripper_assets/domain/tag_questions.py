"""What a language model is asked about an activity's tags, and the vote that its answer makes."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from tripper_assets.domain.identity import text_sha256
from tripper_assets.domain.llm import Answer, Question, Usage
from tripper_assets.domain.tags import Judged, Vote, VoteKey, judge_answer, tags_schema

MAX_TEXT = 12_000
"""Characters of an activity's text that are sent; a description that is longer says nothing new behind them."""
MAX_OUTPUT_TOKENS = 3_000
ERRORS: Mapping[str, str] = MappingProxyType(
    {"refused": "tags_refused", "truncated": "tags_truncated", "malformed": "tags_malformed"}
)
"""The problem code of a vote by how its question ended."""


def prompt_version(prompt: str) -> str:
    """Return the hash of all that is ours in a question: a vote after a word of it changed is another vote."""
    bounds = f"{MAX_TEXT} {MAX_OUTPUT_TOKENS}"
    return text_sha256("\n".join((prompt, json.dumps(tags_schema()), bounds)))[:12]


def request_id(key: tuple[object, ...]) -> str:
    """Return 32 hexadecimal digits of the key of a vote or refinement, which every provider takes as a request's own id."""
    return hashlib.sha256("\n".join(map(str, key)).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def sent_text(text: str) -> str:
    """Return what is sent of an activity's text: its beginning, as UTF-8 that can be sent."""
    return text[:MAX_TEXT].encode("utf-8", "replace").decode()


def tag_question(key: VoteKey, text: str, prompt: str) -> Question:
    """Return the question: the prompt as instructions, and the text as JSON strings, which it cannot end."""
    data = {"activity_id": key.activity_id, "text": sent_text(text).split("\n")}
    return Question(
        instructions=prompt,
        data=json.dumps(data, ensure_ascii=False),
        shape=tags_schema(),
        max_output_tokens=MAX_OUTPUT_TOKENS,
    )


def vote_of(key: VoteKey, text: str, answer: Answer, usage: Usage, at: datetime) -> Vote:
    """Return the vote of a paid answer: its tags, or the reason why it is of no use."""
    code = ERRORS.get(answer.outcome, "")
    judged = Judged(None, code, 0) if code else judge_answer(answer.said, key.activity_id, sent_text(text))
    return Vote(**key._asdict(), tags=judged.tags, error=judged.error, usage=usage, created_at=at)
