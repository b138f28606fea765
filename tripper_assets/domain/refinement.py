"""Refinement: what a strong model makes of an activity's text and of its voters' consensus, and which of its answers stand."""

import json
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from tripper_assets.domain.consensus import TaggedActivity
from tripper_assets.domain.identity import text_sha256
from tripper_assets.domain.llm import Answer, Question, Usage
from tripper_assets.domain.model import ActivityId, Model
from tripper_assets.domain.tag_questions import MAX_OUTPUT_TOKENS, MAX_TEXT, sent_text
from tripper_assets.domain.tag_runs import Voter, missing_votes
from tripper_assets.domain.tags import ActivityTags, Evidence, Vote, VoteKey, judge_answer, tags_schema

MAX_EMBED_TEXT = 600
"""Characters; the local embedder reads 256 tokens."""
NUMBER = re.compile(r"\d{1,18}")
LINK = re.compile(r"https?:|www\.|://", re.IGNORECASE)
ERRORS: Mapping[str, str] = MappingProxyType(
    {"refused": "refinement_refused", "truncated": "refinement_truncated", "malformed": "tags_malformed"}
)
"""The problem code of a refinement by how its question ended."""


class RefinementKey(NamedTuple):
    """What makes a refinement the only one of its kind: the same text with the same votes is paid for once."""

    activity_id: ActivityId
    text_sha256: str
    votes_sha256: str
    provider: str
    model: str
    prompt_version: str


class Refinement(Model):
    """A strong model's answer about one activity, or the reason why there is none."""

    activity_id: ActivityId
    text_sha256: str
    """Of the text that was tagged."""
    votes_sha256: str
    """Of the activity's votes, which the voters' consensus was made of."""
    provider: str
    model: str
    prompt_version: str
    tags: ActivityTags | None = None
    """Without evidence; None where error says why."""
    embed_text: str = ""
    """What may be embedded in place of the activity's own text; empty where error says why."""
    error: str = ""
    """A problem code; an answer that was paid and is of no use is not asked for again."""
    usage: Usage = Usage()
    created_at: datetime

    @property
    def key(self) -> RefinementKey:
        """What makes it the only one of its kind."""
        return RefinementKey(
            self.activity_id, self.text_sha256, self.votes_sha256, self.provider, self.model, self.prompt_version
        )

    @property
    def refiner(self) -> Voter:
        """Who was asked, and which question."""
        return Voter(self.provider, self.model, self.prompt_version)


class Refinable(NamedTuple):
    """One question to a refiner."""

    key: RefinementKey
    text: str
    """What the voters read."""
    tags: ActivityTags
    """What they agreed on."""


class RefinementProgress(Model):
    """How far the refinement of a source is, as its last count of votes found it."""

    refined: int
    """Activities whose refined tags stand in place of the consensus."""
    wanted: int
    """Activities that have a consensus."""
    incomplete: int = 0
    """Those of which a vote is still missing."""
    under_way: int = 0
    asked: int = 0
    errors: int = 0
    """Paid answers on the present text that are of no use."""
    unaffordable: int = 0


def votes_sha256(votes: Iterable[Vote]) -> dict[ActivityId, str]:
    """Return the hash of each activity's votes, by which its refinement is known.

    The consensus itself changes also with votes on other activities, for those say how much a voter counts.
    """
    by_activity: dict[ActivityId, list[list[Any]]] = {}
    for one in sorted(votes, key=lambda vote: vote.key):
        tags = one.tags.model_dump(mode="json", exclude={"evidence"}) if one.tags else None
        by_activity.setdefault(one.activity_id, []).append([*one.key, tags])
    return {activity: text_sha256(json.dumps(said, sort_keys=True)) for activity, said in by_activity.items()}


def refinement_schema() -> dict[str, Any]:
    """Return the JSON Schema of an answer: the tags' without evidence, and the text to embed."""
    shape = tags_schema()
    embed_text = {"type": "string", "description": f"1 to 3 sentences, at most {MAX_EMBED_TEXT} characters"}
    properties = {**shape["properties"], "embed_text": embed_text}
    del properties["evidence"]
    return {**shape, "properties": properties, "required": list(properties)}


def refinement_version(prompt: str) -> str:
    """Return the hash of all that is ours in a question: a refinement after a word of it changed is another one."""
    bounds = f"{MAX_TEXT} {MAX_OUTPUT_TOKENS} {MAX_EMBED_TEXT}"
    return text_sha256("\n".join((prompt, json.dumps(refinement_schema()), bounds)))[:12]


def refinement_question(asked: Refinable, prompt: str) -> Question:
    """Return the question: the prompt as instructions, text and consensus as JSON strings, which they cannot end."""
    data = {
        "activity_id": asked.key.activity_id,
        "text": sent_text(asked.text).split("\n"),
        "tags": asked.tags.model_dump(mode="json", exclude={"evidence"}),
    }
    return Question(
        instructions=prompt,
        data=json.dumps(data, ensure_ascii=False).encode("utf-8", "replace").decode(),
        shape=refinement_schema(),
        max_output_tokens=MAX_OUTPUT_TOKENS,
    )


def refinement_of(key: RefinementKey, text: str, answer: Answer, usage: Usage, at: datetime) -> Refinement:
    """Return the refinement of a paid answer on ``text``: its tags and its text to embed, or the reason why it is of no use."""
    told: dict[str, Any] = {**key._asdict(), "usage": usage, "created_at": at}
    if answer.outcome in ERRORS:
        return Refinement(**told, error=ERRORS[answer.outcome])
    said = dict(answer.said)
    embed_text = said.pop("embed_text", None)
    judged = judge_answer({**said, "evidence": []}, key.activity_id, "")
    error = judged.error or embed_text_problem(embed_text, sent_text(text))
    if error:
        return Refinement(**told, error=error)
    return Refinement(**told, tags=judged.tags, embed_text=_in_one_line(str(embed_text)))


def embed_text_problem(said: object, text: str) -> str:
    """Return the problem code of a text to embed, or empty text for a good one.

    It is one where it says something, is short, links to nothing, and has no number that does not stand in ``text``: of all that a model may
    invent, a number is what can be told.
    """
    found = _in_one_line(said) if isinstance(said, str) else ""
    if not found or len(found) > MAX_EMBED_TEXT or LINK.search(found) or _is_unstorable(found):
        return "embed_text_malformed"
    return "" if _numbers(found) <= _numbers(text) else "embed_text_unfounded"


def _is_unstorable(text: str) -> bool:
    return any(unicodedata.category(one) in ("Cc", "Cs") for one in text)


def _in_one_line(text: str) -> str:
    return " ".join(text.split())


def _numbers(text: str) -> set[int]:
    return {int(one) for one in NUMBER.findall(text)}


def with_all_votes(
    texts: Mapping[ActivityId, str], runs: Mapping[Voter, int], votes: Collection[VoteKey]
) -> set[ActivityId]:
    """Return the activities of which every voter has voted in each of its ``runs``; ``texts`` are the hashes of what is tagged now."""
    missing = {key.activity_id for one, count in runs.items() for key in missing_votes(texts, [one], count, votes)}
    return set(texts) - missing


def refinables(
    agreed: Iterable[TaggedActivity],
    votes: Mapping[ActivityId, str],
    texts: Mapping[ActivityId, str],
    refiner: Voter,
    known: Collection[RefinementKey],
) -> list[Refinable]:
    """Return the questions to a refiner that have no answer among the ``known`` ones, good or bad.

    ``votes`` are hashes, and ``texts`` are of those activities that may be asked about.
    """
    found = [
        Refinable(_key(one, votes[one.activity_id], refiner), texts[one.activity_id], one.tags)
        for one in agreed
        if one.activity_id in texts
    ]
    return [one for one in found if one.key not in known and text_sha256(one.text) == one.key.text_sha256]


def _key(tagged: TaggedActivity, votes: str, refiner: Voter) -> RefinementKey:
    return RefinementKey(tagged.activity_id, tagged.text_sha256, votes, *refiner)


def refine(
    agreed: Iterable[TaggedActivity],
    votes: Mapping[ActivityId, str] | None,
    refinements: Iterable[Refinement],
    refiner: Voter | None,
) -> tuple[TaggedActivity, ...]:
    """Return the consensus, with the refined tags where there are some of exactly this text and these votes, which ``votes`` has hashes of.

    Where that is None, for somebody who votes is off and his votes are not counted now, those of the text stand, of whichever votes.
    Those of ``refiner`` come first, then the newest. Agreement and review stay, for they tell of the votes.
    """
    good = [
        one
        for one in refinements
        if one.tags is not None and (votes is None or votes.get(one.activity_id) == one.votes_sha256)
    ]
    by_text = {
        one.key[:2]: one for one in sorted(good, key=lambda one: (one.refiner == refiner, one.created_at, one.key))
    }
    return tuple(_refined(one, by_text) for one in agreed)


def _refined(tagged: TaggedActivity, by_text: Mapping[tuple[str, str], Refinement]) -> TaggedActivity:
    found = by_text.get((tagged.activity_id, tagged.text_sha256))
    if found is None or found.tags is None:
        return tagged
    tags = found.tags.model_copy(update={"evidence": _still_founded(tagged.tags, found.tags)})
    return tagged.model_copy(update={"tags": tags, "refined": True})


def _still_founded(agreed: ActivityTags, refined: ActivityTags) -> tuple[Evidence, ...]:
    """Return the quotes of the fields that stayed as they were."""
    same = {name for name in ActivityTags.model_fields if getattr(agreed, name) == getattr(refined, name)}
    return tuple(one for one in agreed.evidence if one.field in same)


def newest_embed_texts(refinements: Sequence[Refinement]) -> dict[ActivityId, str]:
    """Return by activity the newest text to embed; the refinements are of one text of each activity."""
    good = sorted((one for one in refinements if one.embed_text), key=lambda one: (one.created_at, one.key))
    return {one.activity_id: one.embed_text for one in good}
