"""The ladder of questions about one place, the finest first: what is asked next, and which answer counts."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tripper_assets.domain.activities import Geocoding
from tripper_assets.domain.address_labels import label_address
from tripper_assets.domain.geocoders import ALL_STEPS
from tripper_assets.domain.geocoding import GeocodeAnswer, PlaceQuery, town_guesses
from tripper_assets.domain.regions import region_code, region_name, region_of_postal_code

FINENESS = {"house": 6, "venue": 6, "street": 5, "postcode": 4, "locality": 3, "region": 2, "country": 1}
"""Of steps and of what an answer is: a step is answered by what is as fine as it, and anything else is a fallback."""
WITHIN = frozenset({"unit", "level", "po_box"})
"""Parts of a house, which geocoders do not know."""


@dataclass(frozen=True)
class Settled:
    """What the ladder came to, or the question that it needs answered next; ``problems`` are codes of answers that were not believed."""

    answer: GeocodeAnswer | None = None
    question: PlaceQuery | None = None
    problems: tuple[str, ...] = ()


def settle(query: PlaceQuery, steps: Sequence[str], answers: Mapping[str, GeocodeAnswer]) -> Settled:
    """Return the finest answer that was given, or what to ask next; ``answers`` holds all that is known by the questions' keys.

    Without ``steps`` the query itself is the only question.
    """
    if not steps:
        found = answers.get(query.key())
        return Settled(found) if found else Settled(question=query)
    fallback: GeocodeAnswer | None = None
    refusals: list[GeocodeAnswer] = []
    for step, question in ladder(query, steps):
        if fallback and fineness(fallback) >= FINENESS[step]:
            break
        answer = answers.get(question.key())
        if answer is None:
            return Settled(question=question)
        if answer.geocoding.status != "ok":
            refusals.append(answer)
        elif fineness(answer) >= FINENESS[step]:
            return Settled(_on(step, answer), problems=_problems(refusals))
        elif fallback is None or fineness(answer) > fineness(fallback):
            fallback = answer
    if fallback:
        return Settled(_on(fallback.geocoding.type, fallback), problems=_problems(refusals))
    return Settled(_refusal(refusals), problems=_problems(refusals))


def fineness(answer: GeocodeAnswer) -> int:
    """Return how fine an answer is; one that does not say what it is counts as what was asked for, for nothing coarser is better."""
    return FINENESS.get(answer.geocoding.type, max(FINENESS.values()))


def _on(step: str, answer: GeocodeAnswer) -> GeocodeAnswer:
    return answer.model_copy(update={"geocoding": answer.geocoding.model_copy(update={"rung": step})})


def _problems(refusals: Sequence[GeocodeAnswer]) -> tuple[str, ...]:
    return tuple(sorted({one.problem for one in refusals if one.problem}))


def _refusal(refusals: Sequence[GeocodeAnswer]) -> GeocodeAnswer:
    """Return the refusal that says most; that nothing could be asked is one as well."""
    for status in ("rejected", "ambiguous", "not_found"):
        for one in refusals:
            if one.geocoding.status == status:
                return one
    label = "The address states too little for a question."
    return GeocodeAnswer(geocoding=Geocoding(status="not_found", label=label))


def ladder(query: PlaceQuery, steps: Sequence[str]) -> list[tuple[str, PlaceQuery]]:
    """Return the questions that a query gives, the finest first, each with its step and with nothing in it that its step does not need."""
    number, road = house_and_road(query.street)
    somewhere = bool(query.locality or query.postalCode)
    region, locality = _region(query), query.locality if somewhere else _guessed_town(query)
    town = {"locality": _plain(locality), "region": region, "countryCode": query.countryCode}
    near = town | {"postalCode": query.postalCode.upper()}
    if not somewhere and not (road and _town_in(query.street)):
        # The town stands somewhere in the line: the provider reads it as a whole.
        near, road, number = {"region": region, "countryCode": query.countryCode}, _plain(query.street), ""
    found = {
        "house": {"street": f"{number} {road}", **near} if number and road else {},
        "venue": {"venue": _plain(query.venue), **near} if query.venue and somewhere else {},
        "street": {"street": road, **near} if road else {},
        "postcode": {"postalCode": near["postalCode"], "countryCode": query.countryCode}
        if query.postalCode and query.countryCode
        else {},
        "locality": town if locality else {},
        "region": {"region": region, "countryCode": query.countryCode} if region and query.countryCode else {},
    }
    return [(step, PlaceQuery(**found[step])) for step in ALL_STEPS if step in steps and found[step]]


def step_of(question: PlaceQuery) -> str:
    """Return the step of the ladder that a question stands on."""
    if question.venue:
        return "venue"
    if question.street:
        return "house" if house_and_road(question.street)[0] else "street"
    if question.locality:
        return "locality"
    return "postcode" if question.postalCode else "region"


def house_and_road(street: str) -> tuple[str, str]:
    """Return the house number and the road of a street line, in lower case; what else it states, such as a floor, is left out."""
    labels = label_address(street)
    named = dict(reversed(labels))
    road = named.get("road") or ", ".join(text for label, text in labels if label not in {*WITHIN, "house_number"})
    number = re.sub(r"\s", "", named.get("house_number", "")) if "road" in named else ""
    return number.lower(), _plain(road)


def _region(query: PlaceQuery) -> str:
    known = region_code(query.countryCode, query.region)
    if not query.region and query.countryCode == "US":
        known = region_of_postal_code("US", query.postalCode)
    return (region_name(query.countryCode, known) or query.region).strip().lower()


def _guessed_town(query: PlaceQuery) -> str:
    """Return the name in the line of the street that may be its town; a venue's name tells no provider's town."""
    found = (guess.name for guess in town_guesses(query) if guess.read_in == "address")
    return _town_in(query.street) or next(found, "")


def _town_in(street: str) -> str:
    """Return the town that a line states behind its road, empty where it names no road."""
    named = dict(label_address(street))
    return named.get("city") or named.get("city_district") or "" if "road" in named else ""


def _plain(text: str) -> str:
    """Return ``text`` in the form that questions are compared in: letters' case and white space tell no places apart."""
    return " ".join(text.split()).strip(" ,;.").lower()
