"""Where an activity is: the normalised question, the answer, and the names of towns that a question gives to look for."""

import re
from dataclasses import dataclass

from tripper_assets.domain.activities import Activity, Geocoding, PostalAddress
from tripper_assets.domain.addresses import CODE_FIRST, Address, is_street, parse_address, split_address, town_name
from tripper_assets.domain.identity import canonical_json, fold
from tripper_assets.domain.model import Model

NOWHERE = re.compile(
    r"(?:(?:online|zoom|virtual\w*|webinar|livestream|tba|tbc|tbd|various|n/?a)\b|https?:|www\.).*",
    re.IGNORECASE | re.DOTALL,
)
"""What stands where a venue would, and is none."""
OTHERS_TOWN = re.compile(
    r"caf[eé]|h[oô]tel|restaurant|bistro|\brue\b|stra(?:ß|ss)e\b|\bplace\b|\bplatz\b|avenue|boulevard|\broad\b|street",
    re.IGNORECASE,
)
"""Venues that bear the names of towns they do not stand in: Café de Paris, Rue de Lyon."""
DISTRICTS_BY_HYPHEN = frozenset({"AT", "CH", "DE"})
"""Countries that write a district behind its town: Berlin-Mitte."""
TITLES = re.compile(
    r"^(?:(?:hanse|landeshaupt|große kreis)?stadt|gemeinde|markt(?=\s)|ville de|commune de|city of|town of|village of|comune di|città di|gmina)\s+",
    re.IGNORECASE,
)
"""What a municipality writes before its name."""
CAPITALS = re.compile(r"[a-zà-ÿ][^A-ZÀ-Þ]*\s([A-ZÀ-Þ][A-ZÀ-Þ'’-]{2,}(?:\s[A-ZÀ-Þ'’-]{2,})*)$")
"""A town in capitals behind a street, as France writes it: 77 rue de Varenne PARIS."""
LONGEST_VENUE_TOWN = 3
"""Words at the end of a venue's name that may be a town, as in "Musée de Saint Étienne"."""
TRUST = {"stated": 0.9, "address": 0.7, "venue": 0.4}
"""How sure an answer is by where its town was read."""


class PlaceQuery(Model):
    """One normalised question to a geocoder; countryCode is ISO 3166-1 alpha-2 or empty."""

    street: str = ""
    venue: str = ""
    locality: str = ""
    region: str = ""
    postalCode: str = ""
    countryCode: str = ""

    def key(self) -> str:
        """Return the text that the cache knows this question by: equal questions have equal keys."""
        return canonical_json(self.dump())


class GeocodeAnswer(Model):
    """What a provider says to one question; coordinates are WGS 84 degrees, None unless geocoding.status is ok."""

    geocoding: Geocoding
    latitude: float | None = None
    longitude: float | None = None
    problem: str = ""
    """Why what was said is not believed: wrong_country, axes_swapped, null_island, wrong_region; empty where it is."""


@dataclass(frozen=True)
class TownGuess:
    """A name that may be the town of a question, and where it was read: stated, address or venue."""

    name: str
    read_in: str


def place_query(activity: Activity, country_code: str | None) -> PlaceQuery | None:
    """Return the question that an activity's place gives, None where it states none or happens online only.

    ``country_code`` is the source's, and holds where the place names no country of its own.
    """
    place = activity.location
    if place is None or activity.eventAttendanceMode == "OnlineEventAttendanceMode":
        return None
    found = _read_address(place.address, country_code or "")
    venue = _clean(place.name)
    query = PlaceQuery(
        street=found.street,
        venue="" if NOWHERE.fullmatch(venue) else venue,
        locality=found.locality,
        region=found.region,
        postalCode=found.postalCode,
        countryCode=found.countryCode,
    )
    return query if any((query.street, query.venue, query.locality, query.postalCode)) else None


def _read_address(stated: PostalAddress, country: str) -> Address:
    """Return the stated parts, and those read from the free text where a page states them nowhere else."""
    country = stated.addressCountry or country
    free = "" if NOWHERE.fullmatch(stated.streetAddress.strip()) else stated.streetAddress
    locality = _clean(stated.addressLocality)
    if locality:
        read = parse_address(locality, country) if "," in locality else Address(locality=town_name(locality))
        code = CODE_FIRST.match(locality)
        return Address(
            street=_clean(free),
            locality=read.locality or town_name(next(iter(split_address(locality)), "")),
            region=_clean(stated.addressRegion) or read.region,
            postalCode=_clean(stated.postalCode) or read.postalCode or (code[1] if code else ""),
            countryCode=country or read.countryCode,
        )
    read = parse_address(free, country)
    return read.model_copy(
        update={
            "region": _clean(stated.addressRegion) or read.region,
            "postalCode": _clean(stated.postalCode) or read.postalCode,
            "countryCode": stated.addressCountry or read.countryCode,
        }
    )


def _clean(text: str) -> str:
    return " ".join(text.split()).strip(" ,;")


def town_guesses(query: PlaceQuery) -> list[TownGuess]:
    """Return the names that may be the town of a question, the surest first, each once."""
    guesses = [TownGuess(name, "stated") for name in _spellings(query.locality)]
    if query.countryCode in DISTRICTS_BY_HYPHEN and "-" in query.locality:
        guesses.append(TownGuess(query.locality.partition("-")[0], "address"))
    guesses += [TownGuess(name, "address") for part in _town_parts(query.street) for name in _spellings(part)]
    guesses += [TownGuess(name, "venue") for name in _venue_towns(query.venue)]
    first: dict[str, TownGuess] = {}
    for guess in guesses:
        first.setdefault(fold(guess.name), guess)
    return [guess for name, guess in first.items() if name]


def _town_parts(street: str) -> list[str]:
    """Return what of a free address may be a town, the last first: parts that are no street, and capitals at the end of one."""
    found: list[str] = []
    for part in reversed(split_address(street)):
        capitals = CAPITALS.search(part)
        if capitals:
            found.append(capitals[1])
        elif not is_street(part):
            found.append(re.sub(r"^.*\d\S*\s*", "", part))
    return [part for part in found if part]


def _spellings(town: str) -> list[str]:
    """Return the ways in which a gazetteer may write a town, as stated first."""
    bare = re.sub(r"\s*\([^)]*\)", "", town).strip()
    whole = town.replace("(", " ").replace(")", " ")
    saint = re.sub(r"\bst(e?)\.?\s(?=\w)", r"Saint\1 ", bare, flags=re.IGNORECASE)
    short = re.sub(r"\bsaint[\s-]", "St ", bare, flags=re.IGNORECASE)
    umlauts = re.sub(r"([aou])e", r"\1", bare, flags=re.IGNORECASE)
    untitled = TITLES.sub("", bare)
    first = re.split(r"\s*/\s*|\s+(?:bei|b\.)\s+", bare)[0]
    return list(
        dict.fromkeys(
            name
            for name in (town, whole, bare, town_name(bare), untitled, saint, short, first, umlauts)
            if name.strip()
        )
    )


def _venue_towns(venue: str) -> list[str]:
    """Return the last words of a venue's name that may be its town, the longest first."""
    last = split_address(venue)[-1:]
    if not last or OTHERS_TOWN.search(last[0]):
        return []
    words = last[0].split()
    endings = [words[-count:] for count in range(min(LONGEST_VENUE_TOWN, len(words)), 0, -1)]
    return [" ".join(ending) for ending in endings if ending[0][:1].isupper() and not re.search(r"\d", "".join(ending))]
