"""What a provider answers, in one form for all, and the verdict on it: which of its places the question means, if any."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tripper_assets.domain.activities import Geocoding
from tripper_assets.domain.country_shapes import PARTS, CountryShapes
from tripper_assets.domain.distances import distance_km
from tripper_assets.domain.geocoders import GeocoderTerms
from tripper_assets.domain.geocoding import GeocodeAnswer, PlaceQuery
from tripper_assets.domain.identity import fold
from tripper_assets.domain.ladder import FINENESS, house_and_road, step_of
from tripper_assets.domain.plausibility import WRONG_COUNTRY, WRONG_REGION, point_trouble
from tripper_assets.domain.regions import region_code

UNKNOWN = "unknown"
SAME_PLACE_KM = 15
"""Two towns of one name this near to each other are one."""
CLEARLY_MORE = 0.1
"""By how much the first of several places of one name must weigh more than the next."""
ELSEWHERE = "elsewhere"


@dataclass(frozen=True)
class Candidate:
    """One place of an answer; what the provider does not say is empty."""

    latitude: float
    longitude: float
    type: str = UNKNOWN
    """house, venue, street, postcode, locality, region, country, or unknown."""
    accuracy: str = UNKNOWN
    confidence: float = 0.5
    weight: float = 0.0
    """How important the place is among those of its name, 0 to 1."""
    name: str = ""
    label: str = ""
    house_number: str = ""
    localities: tuple[str, ...] = ()
    """Every town, part of a town and municipality that it lies in, by their names."""
    region: str = ""
    postal_code: str = ""
    country_code: str = ""


def judge(
    question: PlaceQuery, candidates: Sequence[Candidate], terms: GeocoderTerms, shapes: CountryShapes
) -> GeocodeAnswer:
    """Return the answer to a question: the first of the finest places that it can mean.

    A place in another country, region or town, at null island or with exchanged axes is no answer; where there is nothing else, the
    status is rejected and the problem says why. Several towns of one name without a region are ambiguous.
    """
    troubles = [_trouble(one, question, shapes) for one in candidates]
    good = [_honest(one, question) for one, trouble in zip(candidates, troubles, strict=True) if not trouble]
    good = [one for one in good if one.type != "country"]
    if not good:
        return _refusal([one for one in troubles if one], terms)
    wanted = FINENESS[step_of(question)]
    best = max(good, key=lambda one: min(FINENESS.get(one.type, wanted), wanted))
    rivals = _rivals(best, good, question)
    if rivals:
        label = f"{len(rivals) + 1} places are named {best.name or question.locality}; the address needs a region."
        return _refused("ambiguous", label, "", terms)
    return _found(best, terms)


def _trouble(candidate: Candidate, question: PlaceQuery, shapes: CountryShapes) -> str:
    country = question.countryCode
    if country and candidate.country_code and not _same_country(candidate.country_code, country):
        return WRONG_COUNTRY
    odd = point_trouble(candidate.latitude, candidate.longitude, country or candidate.country_code, shapes)
    if odd:
        return odd
    codes = [region_code(country, one) for one in (question.region, candidate.region)]
    if all(codes) and codes[0] != codes[1]:
        return WRONG_REGION
    return "" if _same_town(candidate, question) else ELSEWHERE


def _same_country(one: str, other: str) -> bool:
    # Puerto Rico is PR to some and US to others: then the polygon decides.
    return one == other or {one, other} & DEPENDENT != set()


DEPENDENT = frozenset(part for parts in PARTS.values() for part in parts.split())
"""Lands with a code of their own that addresses also write as a part of another country."""


def _same_town(candidate: Candidate, question: PlaceQuery) -> bool:
    """Return whether a house, venue or street stands in the town that is asked for, by postal code or by name.

    A town that is asked for itself may be answered by its name in another language: Munich is München.
    """
    if step_of(question) not in {"house", "venue", "street"}:
        return True
    ours, theirs = (one.replace(" ", "").upper() for one in (question.postalCode, candidate.postal_code))
    if ours and ours == theirs:
        return True
    if question.locality and candidate.localities:
        asked = _words(question.locality)
        return any(asked <= words or words <= asked for words in map(_words, candidate.localities) if words)
    return not (ours and theirs) or ours[:2] == theirs[:2]


def _words(name: str) -> frozenset[str]:
    plain = fold(name)
    for spelled, letter in (("ae", "a"), ("oe", "o"), ("ue", "u"), ("saint", "st"), ("sankt", "st")):
        plain = plain.replace(spelled, letter)
    return frozenset(plain.split())


def _honest(candidate: Candidate, question: PlaceQuery) -> Candidate:
    """Return a house with another number than the asked as what it is: a point somewhere in its street."""
    number, _ = house_and_road(question.street)
    if candidate.type != "house" or not number or not candidate.house_number:
        return candidate
    if _numbers(number) & _numbers(candidate.house_number):
        return candidate
    return replace(candidate, type="street", accuracy="street")


def _numbers(text: str) -> set[str]:
    """Return a house number and the ends of a range."""
    plain = text.lower().replace(" ", "").replace("–", "-")
    return {plain, *(part for part in plain.replace("/", "-").split("-") if part)}


def _rivals(best: Candidate, good: Sequence[Candidate], question: PlaceQuery) -> list[Candidate]:
    """Return the other places that an address without region and postal code means as well."""
    if question.region or question.postalCode or (question.locality and step_of(question) != "locality"):
        return []
    same = [one for one in good if one.type == best.type and _words(one.name) == _words(best.name)]
    return [one for one in same if distance_km(best, one) > SAME_PLACE_KM and one.weight > best.weight - CLEARLY_MORE]


def _refusal(troubles: Sequence[str], terms: GeocoderTerms) -> GeocodeAnswer:
    believed = [one for one in troubles if one != ELSEWHERE]
    if believed:
        return _refused("rejected", SENTENCES[believed[0]], believed[0], terms)
    if troubles:
        return _refused("not_found", "The provider knows such a place in other towns only.", "", terms)
    return _refused("not_found", "The provider knows no such place.", "", terms)


SENTENCES = {
    "null_island": "The provider's coordinates are 0, 0.",
    "axes_swapped": "The provider's coordinates have latitude and longitude exchanged.",
    "wrong_country": "The provider's place is in another country.",
    "wrong_region": "The provider's place is in another region.",
}


def _refused(status: str, label: str, problem: str, terms: GeocoderTerms) -> GeocodeAnswer:
    geocoding = Geocoding.model_validate({"status": status, "provider": terms.name, "label": label})
    return GeocodeAnswer(geocoding=geocoding, problem=problem)


def _found(best: Candidate, terms: GeocoderTerms) -> GeocodeAnswer:
    geocoding = Geocoding(
        status="ok",
        type=best.type,
        accuracy=best.accuracy,
        confidence=round(min(max(best.confidence, 0.0), 1.0), 2),
        rung=best.type,
        provider=terms.name,
        label=best.label,
        licence=terms.licence,
        attribution=terms.attribution,
    )
    return GeocodeAnswer(geocoding=geocoding, latitude=best.latitude, longitude=best.longitude)
