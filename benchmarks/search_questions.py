"""A hundred questions to the made-up catalog, and how good each activity is as an answer: known, because the activities were made so."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from math import log2
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks.search_topics import LANGUAGES, TOPICS, Topic
from benchmarks.search_world import DAY_NAMES, NOW, TODAY, TOWNS, WITH, Made, Meanings, Town, happens_on
from tripper_assets.catalog.activity_times import times_of
from tripper_assets.domain.distances import Degrees, distance_km
from tripper_assets.domain.search import SearchFilters, Spot
from tripper_assets.extract.questions import read_question

Vector = npt.NDArray[np.float32]
GERMAN_DAYS = ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag")
FRENCH_DAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
DAYS = (DAY_NAMES, GERMAN_DAYS, FRENCH_DAYS)
FREE = ("free ", "kostenlos ", "gratuit ")
FOR = ("for {}-year-olds", "für {}-Jährige", "pour enfants de {} ans")
ON = ("on {}", "am {}", "{}")
NEAR = ("near {}", "in der Nähe von {}", "près de {}")
COUNTS = {"named": 16, "misspelt": 16, "words": 20, "paraphrase": 20, "filtered": 30}


class Asked(NamedTuple):
    """One question as it is understood, its vector, and what each activity that answers it is worth."""

    kind: str
    text: str
    """As a person types it."""
    words: str
    """What is left to look for by words."""
    filters: SearchFilters
    vector: Vector
    gains: Mapping[str, float]
    """By id; what is not there answers nothing."""


def questions(made: Sequence[Made], meanings: Meanings, *, seed: int) -> list[Asked]:
    """Return the questions, in an order that is the same for a seed."""
    shown = [one for one in made if _is_shown(one)]
    chance = random.Random(seed)
    return [question for kind, count in COUNTS.items() for question in _of_kind(kind, count, shown, meanings, chance)]


def ndcg(ranking: Sequence[str], gains: Mapping[str, float], *, at: int = 10) -> float:
    """Return the normalised discounted cumulative gain of the first ``at``: 1 for the best order that there could be."""
    best = _dcg(sorted(gains.values(), reverse=True)[:at])
    return _dcg([gains.get(one, 0.0) for one in ranking[:at]]) / best


def _dcg(gains: Sequence[float]) -> float:
    return sum(gain / log2(place + 2) for place, gain in enumerate(gains))


def _is_shown(one: Made) -> bool:
    over = times_of(one.record).over_at
    return over is None or over > NOW


def _of_kind(
    kind: str, count: int, shown: Sequence[Made], meanings: Meanings, chance: random.Random
) -> Iterator[Asked]:
    made = 0
    while made < count:
        question = _KINDS[kind](kind, shown, meanings, chance)
        if question.gains:
            made += 1
            yield question


def _named(kind: str, shown: Sequence[Made], meanings: Meanings, chance: random.Random) -> Asked:
    one = chance.choice(shown)
    person = _misspelt(one.person, chance) if kind == "misspelt" else one.person
    text = f"{one.topic.names[one.language]} {WITH[one.language]} {person}"
    gains = {other.record.id: 3.0 for other in shown if (other.topic, other.person) == (one.topic, one.person)}
    return Asked(kind, text, text, SearchFilters(), _vector(meanings, one.topic, one.language, chance), gains)


def _misspelt(name: str, chance: random.Random) -> str:
    """Return a name with two neighbouring letters of the surname swapped and one more left out."""
    first, surname = name.split()
    at = chance.randrange(1, len(surname) - 3)
    swapped = surname[:at] + surname[at + 1] + surname[at] + surname[at + 2 :]
    out = chance.randrange(at + 2, len(surname))
    return f"{first} {swapped[:out]}{swapped[out + 1 :]}"


def _about(kind: str, shown: Sequence[Made], meanings: Meanings, chance: random.Random) -> Asked:
    topic, language = chance.choice(TOPICS), chance.randrange(len(LANGUAGES))
    said = topic.words[language].split(", ")
    text = " ".join(chance.sample(said, 2)) if kind == "words" else topic.paraphrases[language]
    gains = _topic_gains(shown, topic, language, lambda _: True)
    return Asked(kind, text, text, SearchFilters(), _vector(meanings, topic, language, chance), gains)


def _filtered(kind: str, shown: Sequence[Made], meanings: Meanings, chance: random.Random) -> Asked:
    """Return a question with filters in words, as it is read; that they were read rightly is part of what is measured."""
    topic, language, town = chance.choice(TOPICS), chance.randrange(len(LANGUAGES)), chance.choice(TOWNS)
    day = TODAY + timedelta(days=chance.randrange(1, 7))
    age = chance.choice((3, 4, 6, 8))
    is_free, is_aged, is_dated, is_near = (chance.random() < share for share in (0.4, 0.4, 0.6, 0.6))
    subject = chance.choice((topic.names[language], topic.paraphrases[language]))
    parts = [
        FREE[language] * is_free + subject,
        FOR[language].format(age) * is_aged,
        ON[language].format(DAYS[language][day.weekday()]) * is_dated,
        NEAR[language].format(town.name) * is_near,
    ]
    text = " ".join(part for part in parts if part)

    def passes(one: Made) -> bool:
        return (
            (not is_free or bool(one.record.isAccessibleForFree))
            and (not is_aged or _welcomes(one, age))
            and (not is_dated or happens_on(one.record, day))
            and (not is_near or _distance_km(one, town) <= 25)  # noqa: PLR2004 (what near means)
        )

    read = read_question(text, now=datetime.combine(TODAY, NOW.time()), locate=_locate)
    gains = _topic_gains(shown, topic, language, passes)
    return Asked(kind, text, read.text, read.filters, _vector(meanings, topic, language, chance), gains)


_KINDS: dict[str, Callable[[str, Sequence[Made], Meanings, random.Random], Asked]] = {
    "named": _named,
    "misspelt": _named,
    "words": _about,
    "paraphrase": _about,
    "filtered": _filtered,
}


def _topic_gains(
    shown: Sequence[Made], topic: Topic, language: int, passes: Callable[[Made], bool]
) -> dict[str, float]:
    """Return 2 for the topic in the language of the question, and 1 in another."""
    return {
        one.record.id: 2.0 if one.language == language else 1.0 for one in shown if one.topic is topic and passes(one)
    }


def _vector(meanings: Meanings, topic: Topic, language: int, chance: random.Random) -> Vector:
    like = chance.choice([one for one in TOPICS if one is not topic])
    return meanings.of_question(topic, like, language)


def _welcomes(one: Made, age: float) -> bool:
    ages = one.record.ageRange
    return ages is None or (ages.minValue or 0) <= age <= (ages.maxValue if ages.maxValue is not None else 1000)


def _distance_km(one: Made, town: Town) -> float:
    assert one.record.geometry is not None  # noqa: S101 (each is made with one)
    longitude, latitude = one.record.geometry.coordinates
    return distance_km(Degrees(latitude, longitude), town)


def _locate(name: str, _people: int) -> Spot | None:
    """Find the made-up catalog's own towns: what the gazetteer knows is another test's matter."""
    town = next((one for one in TOWNS if one.name.casefold() == name.casefold()), None)
    return Spot(latitude=town.latitude, longitude=town.longitude, radius_km=1, label=town.name) if town else None
