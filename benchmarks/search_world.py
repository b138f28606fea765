"""A made-up catalog to search in, the same for the same seed: activities of 24 towns in three languages, with what each is about.

The vectors stand in for a model's: an activity's is made of its topic, a second topic that it is like, its language and its town, and of
chance; 100,000 texts would keep the local model busy for half an hour.
"""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks.search_topics import LANGUAGES, TOPICS, Topic
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.identity import activity_id, content_sha256, ids_sha256, text_sha256
from tripper_assets.domain.maps import EmbeddingsMap
from tripper_assets.domain.sources import Source

MODEL, DIMENSIONS = "stand-in", 384
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
TODAY = NOW.date()
DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
FIRST_NAMES = [
    "Ada",
    "Alma",
    "Anton",
    "Bela",
    "Carla",
    "Cleo",
    "Dario",
    "Edda",
    "Elio",
    "Enno",
    "Fenja",
    "Finn",
    "Greta",
    "Hanna",
    "Hugo",
    "Ida",
    "Ilse",
    "Ivo",
    "Jana",
    "Jules",
    "Kaja",
    "Karl",
    "Lena",
    "Levi",
    "Lio",
    "Lotte",
    "Luca",
    "Maja",
    "Malo",
    "Marta",
    "Mila",
    "Nils",
    "Noor",
    "Oda",
    "Otto",
    "Pia",
    "Quinn",
    "Romy",
    "Rosa",
    "Runa",
    "Sami",
    "Silas",
    "Tara",
    "Theo",
    "Tove",
    "Uma",
    "Vera",
    "Wanda",
    "Yara",
    "Zoe",
]
SYLLABLES = (
    "bra",
    "den",
    "fel",
    "gor",
    "hal",
    "kem",
    "lun",
    "mor",
    "nis",
    "ost",
    "pel",
    "rin",
    "sol",
    "tam",
    "ver",
    "wik",
)
TEXTS = (
    "A {name} with {person} in {town}: {words}. For families and children, please bring shoes you can walk in.",
    "{name} mit {person} in {town}: {words}. Für Familien und Kinder, bitte feste Schuhe mitbringen.",
    "{name} avec {person} à {town} : {words}. Pour les familles et les enfants, prévoir de bonnes chaussures.",
)
WITH = ("with", "mit", "avec")


class Town(NamedTuple):
    """A real town, so that the gazetteer knows it."""

    name: str
    country: str
    latitude: float
    longitude: float


TOWNS = (
    Town("Leeds", "GB", 53.796, -1.548), Town("Bristol", "GB", 51.455, -2.597), Town("Cardiff", "GB", 51.480, -3.180),
    Town("Glasgow", "GB", 55.865, -4.257), Town("Norwich", "GB", 52.628, 1.293), Town("Dublin", "IE", 53.333, -6.249),
    Town("Cork", "IE", 51.898, -8.471), Town("Galway", "IE", 53.271, -9.049), Town("Freiburg", "DE", 47.996, 7.850),
    Town("Dresden", "DE", 51.051, 13.738), Town("Bremen", "DE", 53.076, 8.807), Town("Nuremberg", "DE", 49.454, 11.077),
    Town("Kassel", "DE", 51.317, 9.500), Town("Graz", "AT", 47.067, 15.450), Town("Linz", "AT", 48.306, 14.286),
    Town("Bern", "CH", 46.948, 7.447), Town("Lyon", "FR", 45.748, 4.847), Town("Nantes", "FR", 47.217, -1.553),
    Town("Lille", "FR", 50.633, 3.059), Town("Toulouse", "FR", 43.604, 1.444), Town("Dijon", "FR", 47.317, 5.017),
    Town("Brest", "FR", 48.390, -4.486), Town("Namur", "BE", 50.467, 4.867), Town("Geneva", "CH", 46.202, 6.146),
)  # fmt: skip
LANGUAGE_OF = {"GB": 0, "IE": 0, "DE": 1, "AT": 1, "CH": 1, "FR": 2, "BE": 2}


class Made(NamedTuple):
    """An activity, and what is known of it because it was made so."""

    record: Activity
    topic: Topic
    second: Topic
    town: Town
    language: int
    person: str


def make(source: Source, count: int, *, seed: int, first: int = 0) -> list[Made]:
    """Return activities of a source; ``first`` counts on where several sources share a seed."""
    return [_made(source, number, random.Random(f"{seed} {number}")) for number in range(first, first + count)]


def _made(source: Source, number: int, chance: random.Random) -> Made:
    topic, town = chance.choice(TOPICS), chance.choice(TOWNS)
    second = chance.choice([one for one in TOPICS if one.family == topic.family and one is not topic] or [topic])
    language = LANGUAGE_OF[town.country] if chance.random() < 0.9 else chance.randrange(3)  # noqa: PLR2004 (most speak the country's)
    person = f"{chance.choice(FIRST_NAMES)} {''.join(chance.choices(SYLLABLES, k=3)).title()}"
    url = f"{source.url}{number}"
    values = {
        "id": activity_id(source.key, f"url:{url}"),
        "index": number,
        "source_key": source.key,
        "source_url": source.url,
        "url": url,
    }
    record = Activity.model_validate(values | _stated(topic, town, language, person, chance) | _when(chance))
    record = record.model_copy(update={"content_sha256": content_sha256(record.dump())})
    return Made(record, topic, second, town, language, person)


def _stated(topic: Topic, town: Town, language: int, person: str, chance: random.Random) -> dict[str, Any]:
    said = topic.words[language].split(", ")
    words = ", ".join(chance.sample(said, 2))
    name = f"{topic.names[language]} {WITH[language]} {person}"
    price = chance.choice(("0.00", "0.00", "4.50", "8.00", "12.50", "25.00"))
    low = chance.choice((None, 0, 1, 3, 4, 6, 8, 12))
    return {
        "type": "ChildrensEvent",
        "name": name,
        "description": TEXTS[language].format(name=topic.names[language], person=person, town=town.name, words=words),
        "inLanguage": LANGUAGES[language],
        "category": (topic.family,),
        "location": {"name": f"{chance.choice(SYLLABLES).title()}haus", "address": {"addressLocality": town.name, "addressCountry": town.country}},
        "geometry": {"coordinates": (town.longitude + chance.uniform(-0.05, 0.05), town.latitude + chance.uniform(-0.05, 0.05))},
        "offers": ({"price": price, "priceCurrency": "EUR"},),
        "isAccessibleForFree": price == "0.00",
        "ageRange": None if low is None else {"minValue": low, "maxValue": low + chance.choice((2, 4, 8))},
    }  # fmt: skip


def _when(chance: random.Random) -> dict[str, Any]:
    kind, day = chance.random(), TODAY + timedelta(days=chance.randrange(-20, 160))
    if kind < 0.6:  # noqa: PLR2004 (most happen once)
        return {"startDate": f"{day}T15:00:00+02:00", "endDate": f"{day}T16:30:00+02:00"}
    if kind < 0.8:  # noqa: PLR2004 (some every week)
        rule = {
            "startDate": str(day),
            "repeatFrequency": "P1W",
            "byDay": (DAY_NAMES[day.weekday()],),
            "startTime": "10:00",
        }
        return {"startDate": str(day), "eventSchedule": (rule,)}
    if kind < 0.95:  # noqa: PLR2004 (some are open on some days)
        return {
            "openingHoursSpecification": (
                {"dayOfWeek": tuple(chance.sample(DAY_NAMES, 4)), "opens": "10:00", "closes": "17:00"},
            )
        }
    return {}


def happens_on(record: Activity, day: date) -> bool:
    """Return whether a made activity happens on a day: the three ways in which one is made, read from the record."""
    name = DAY_NAMES[day.weekday()]
    if record.openingHoursSpecification:
        return name in record.openingHoursSpecification[0].dayOfWeek
    if record.eventSchedule:
        return name in record.eventSchedule[0].byDay and record.startDate <= str(day)
    return record.startDate[:10] == str(day)


class Meanings:
    """The directions that stand for topics, families, languages and towns, and the vectors made of them."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        families = sorted({one.family for one in TOPICS})
        self._family = {name: self._direction() for name in families}
        self._topic = {one.key: _unit(0.7 * self._family[one.family] + 0.7 * self._direction()) for one in TOPICS}
        self._language = [self._direction() for _ in LANGUAGES]
        self._town = {one.name: self._direction() for one in TOWNS}

    def of(self, made: Sequence[Made]) -> npt.NDArray[np.float32]:
        """Return a unit vector for each activity, in order."""
        topics = np.array([self._topic[one.topic.key] for one in made])
        seconds = np.array([self._topic[one.second.key] for one in made])
        languages = np.array([self._language[one.language] for one in made])
        towns = np.array([self._town[one.town.name] for one in made])
        strange = self._random.standard_normal((len(made), DIMENSIONS)) / np.sqrt(DIMENSIONS)
        share = self._random.uniform(0, 0.8, (len(made), 1))
        return _units(topics + share * seconds + 0.3 * languages + 0.3 * towns + 0.9 * strange)

    def of_question(self, topic: Topic, like: Topic, language: int, town: str = "") -> npt.NDArray[np.float32]:
        """Return the unit vector of a question about a topic that sounds a little like another."""
        town_part = 0.3 * self._town[town] if town else 0
        strange = self._random.standard_normal(DIMENSIONS) / np.sqrt(DIMENSIONS)
        mixed = self._topic[topic.key] + 0.45 * self._topic[like.key] + 0.3 * self._language[language]
        return _unit(mixed + town_part + 0.9 * strange).astype(np.float32)

    def _direction(self) -> npt.NDArray[np.float64]:
        return _unit(self._random.standard_normal(DIMENSIONS))


def vectors_of(made: Sequence[Made], vectors: npt.NDArray[np.float32]) -> EmbeddingsMap:
    """Return the vectors as the import takes them."""
    ids = tuple(one.record.id for one in made)
    return EmbeddingsMap(ids_sha256(ids), MODEL, ids, tuple(map(text_sha256, ids)), vectors)


def in_parts(count: int, size: int) -> Iterator[tuple[int, int]]:
    """Return the first number and the length of each part of ``count``."""
    for first in range(0, count, size):
        yield first, min(size, count - first)


def _unit(vector: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return vector / np.linalg.norm(vector)


def _units(vectors: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
