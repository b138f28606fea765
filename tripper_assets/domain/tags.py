"""Tags of an activity: the vocabulary of each field, one model's vote with its key, and what of an answer may be believed."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pydantic import ValidationError

from tripper_assets.domain.activities import Activity
from tripper_assets.domain.embeddings import embedding_text
from tripper_assets.domain.identity import text_sha256
from tripper_assets.domain.llm import Usage
from tripper_assets.domain.model import ActivityId, Model

UNKNOWN = "unknown"
CHOICES: Mapping[str, tuple[str, ...]] = {
    "setting": ("indoor", "outdoor", "both", UNKNOWN),
    "price_tier": ("free", "low", "medium", "high", UNKNOWN),
    "rain_ok": ("yes", "limited", "no", UNKNOWN),
    "energy_level": ("calm", "moderate", "active", UNKNOWN),
    "stroller_access": ("yes", "limited", "no", UNKNOWN),
    "wheelchair_access": ("yes", "limited", "no", "designated", UNKNOWN),
    "booking": ("drop_in", "recommended", "required", UNKNOWN),
    "adult_presence": ("required", "optional_drop_off", "adults_only_area", UNKNOWN),
}
"""Fields with one value of a list."""
LABELS: Mapping[str, tuple[str, ...]] = {
    "categories": (
        "playground_park", "hiking_nature", "water_play_beach", "zoo_aquarium_farm", "museum_science", "arts_crafts", "library_story",
        "music_theater_show", "sports_active", "indoor_play", "amusement_attraction", "festival_event", "class_workshop", "camp",
        "food_market", "tour_sightseeing", "community_holiday", "other",
    ),
    "seasons": ("spring", "summer", "autumn", "winter"),
    "accessibility_support": ("visual", "hearing", "physical", "learning", "mental_health", "social_behavioural"),
    "amenities": (
        "toilets", "changing_table", "parking", "food_on_site", "picnic_area", "shade", "nursing_room", "stroller_rental",
        "public_transport",
    ),
}  # fmt: skip
"""Fields with any number of values of a list."""
NUMBERS: Mapping[str, int] = {
    "age_min_months": 1_200,
    "age_max_months": 1_200,
    "duration_min_minutes": 20_160,
    "duration_max_minutes": 20_160,
}
"""Fields with a whole number or nothing, and the most that anybody means: a hundred years, two weeks."""
FIELDS: tuple[str, ...] = ("categories", *NUMBERS, *CHOICES, *(name for name in LABELS if name != "categories"))
RANGES = (("age_min_months", "age_max_months"), ("duration_min_minutes", "duration_max_minutes"))
MAX_FREE_TAGS = 10
MAX_FREE_TAG_WORDS = 3
MAX_QUOTES = 40
LONGEST_VISIT = timedelta(hours=12)
"""What lasts longer is a series from its first time to its last, or a festival; nobody stays for all of it."""
_ORDER = (
    "activity_id", "categories", "age_min_months", "age_max_months", "setting", "price_tier", "duration_min_minutes",
    "duration_max_minutes", "seasons", "rain_ok", "energy_level", "stroller_access", "wheelchair_access", "accessibility_support",
    "amenities", "booking", "adult_presence", "free_tags", "evidence",
)  # fmt: skip


class Evidence(Model):
    """The words of the text that a field's value is read from."""

    field: str
    quote: str


class ActivityTags(Model):
    """What one voter says of one activity; values are of CHOICES, LABELS and NUMBERS, and each set is in the vocabulary's order."""

    categories: tuple[str, ...] = ()
    age_min_months: int | None = None
    age_max_months: int | None = None
    setting: str = UNKNOWN
    price_tier: str = UNKNOWN
    duration_min_minutes: int | None = None
    duration_max_minutes: int | None = None
    seasons: tuple[str, ...] = ()
    rain_ok: str = UNKNOWN
    energy_level: str = UNKNOWN
    stroller_access: str = UNKNOWN
    wheelchair_access: str = UNKNOWN
    accessibility_support: tuple[str, ...] = ()
    amenities: tuple[str, ...] = ()
    booking: str = UNKNOWN
    adult_presence: str = UNKNOWN
    free_tags: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()


class VoteKey(NamedTuple):
    """What makes a vote the only one of its kind."""

    activity_id: ActivityId
    text_sha256: str
    """Of the text that was tagged: a changed activity is tagged again, an unchanged one never."""
    run_number: int
    """1 and up."""
    provider: str
    model: str
    prompt_version: str


class Vote(Model):
    """One voter's answer about one activity, or the reason why there is none."""

    activity_id: ActivityId
    text_sha256: str
    run_number: int
    provider: str
    model: str
    prompt_version: str
    tags: ActivityTags | None = None
    """None where error says why."""
    error: str = ""
    """A problem code; an answer that was paid and is of no use is not asked for again."""
    usage: Usage = Usage()
    latency_seconds: float | None = None
    """None where the provider does not tell: a batch has no time of a single request."""
    created_at: datetime

    @property
    def key(self) -> VoteKey:
        """What makes it the only one of its kind."""
        return VoteKey(
            self.activity_id, self.text_sha256, self.run_number, self.provider, self.model, self.prompt_version
        )


class Judged(NamedTuple):
    """What an answer is worth."""

    tags: ActivityTags | None
    error: str
    """tags_malformed or tags_of_another_activity where tags is None."""
    unfounded: int
    """Quotes that do not stand in the text, and were left out."""


def tagging_text(activity: Activity) -> str:
    """Return what voters read: the text that is embedded, and what is stated of price and times, by which a tag may change alone.

    Dates stay out here, too: the same festival next year is not tagged again.
    """
    lasts = stated_duration(activity)
    facts = (
        "" if activity.isAccessibleForFree is None else "free" if activity.isAccessibleForFree else "not free",
        ", ".join(dict.fromkeys(f"{one.price} {one.priceCurrency}".strip() for one in activity.offers if one.price)),
        f"lasts {lasts.total_seconds() / 60:g} minutes" if lasts else "",
        "at regular times" if has_regular_times(activity) else "",
    )
    return "\n".join([embedding_text(activity), *(fact for fact in facts if fact)])


def stated_duration(activity: Activity) -> timedelta | None:
    """Return the time from start to end, None where one of them is no time of day, or where they are those of a whole series or festival."""
    start, end = activity.startDate, activity.endDate
    try:
        lasts = datetime.fromisoformat(end) - datetime.fromisoformat(start) if "T" in start and "T" in end else None
    except (ValueError, TypeError):
        return None
    return lasts if lasts and timedelta(0) < lasts <= LONGEST_VISIT else None


def has_regular_times(activity: Activity) -> bool:
    """Return whether an activity takes place more than once, so that its start tells no season."""
    return bool(activity.eventSchedule or activity.openingHoursSpecification)


def tagging_text_sha256(activity: Activity) -> str:
    """Return the hash that votes are bound to."""
    return text_sha256(tagging_text(activity))


def tags_schema() -> dict[str, Any]:
    """Return the JSON Schema of an answer, in the subset that every provider's structured output takes: all required, nothing beside."""
    texts = {"type": "array", "items": {"type": "string"}, "description": "3 to 10 lower-case tags, 1-3 words each"}
    quote = {"field": {"type": "string"}, "quote": {"type": "string"}}
    found: dict[str, Any] = {
        "activity_id": {"type": "string", "description": "Echo the key given in the prompt, unchanged."},
        "free_tags": texts,
        "evidence": {"type": "array", "items": _object(quote)},
    }
    found |= {name: {"type": "string", "enum": list(values)} for name, values in CHOICES.items()}
    found |= {
        name: {"type": "array", "items": {"type": "string", "enum": list(values)}} for name, values in LABELS.items()
    }
    found |= {name: {"type": ["integer", "null"]} for name in NUMBERS}
    return _object({name: found[name] for name in _ORDER})


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": dict(properties),
        "required": list(properties),
    }


def judge_answer(said: Mapping[str, Any], activity_id: ActivityId, text: str) -> Judged:
    """Return the tags of an answer, or why it is none: every value is of the vocabulary, and it echoes the activity's id.

    A quote that does not stand in the text is left out and counted; so are free tags that are none, uncounted.
    """
    if said.get("activity_id") != activity_id:
        return Judged(None, "tags_of_another_activity", 0)
    if set(said) != set(_ORDER) or not _is_of_vocabulary(said):
        return Judged(None, "tags_malformed", 0)
    try:
        evidence = tuple(Evidence(**one) for one in said["evidence"][:MAX_QUOTES])
    except (TypeError, ValidationError):
        return Judged(None, "tags_malformed", 0)
    founded = tuple(one for one in evidence if _stands_in(one.quote, text))
    values = {name: said[name] for name in (*CHOICES, *NUMBERS)}
    values |= {name: in_order(name, said[name]) for name in LABELS}
    tags = ActivityTags(**values, free_tags=free_tags(said["free_tags"]), evidence=founded)
    return Judged(tags, "", len(evidence) - len(founded))


def _is_of_vocabulary(said: Mapping[str, Any]) -> bool:
    chosen = all(isinstance(said[name], str) and said[name] in values for name, values in CHOICES.items())
    labelled = all(
        isinstance(said[name], list) and all(isinstance(one, str) and one in values for one in said[name])
        for name, values in LABELS.items()
    )
    lists = all(isinstance(said[name], list) for name in ("free_tags", "evidence"))
    return chosen and labelled and lists and all(_is_number(said[name], most) for name, most in NUMBERS.items()) and (
        all(said[low] is None or said[high] is None or said[low] <= said[high] for low, high in RANGES)
    )  # fmt: skip


def _is_number(value: object, most: int) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most)


def in_order(name: str, labels: Iterable[str]) -> tuple[str, ...]:
    """Return labels of a field in the vocabulary's order, each once."""
    wanted = set(labels)
    return tuple(label for label in LABELS[name] if label in wanted)


def free_tags(said: Iterable[object]) -> tuple[str, ...]:
    """Return free tags in lower case, each once: of one to three words, ten at most."""
    texts = [" ".join(one.lower().split()) for one in said if isinstance(one, str)]
    good = [one for one in texts if one and len(one) <= 60 and len(one.split()) <= MAX_FREE_TAG_WORDS]  # noqa: PLR2004 (characters)
    return tuple(dict.fromkeys(good))[:MAX_FREE_TAGS]


def _stands_in(quote: str, text: str) -> bool:
    wanted = _folded(quote)
    return bool(wanted) and wanted in _folded(text)


def _folded(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip().casefold()
