"""Sites that list the same activities, each in its own words: made from a seed, with the truth of which are one."""

import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import combinations
from typing import Any

from tripper_assets.domain.activities import Activity
from tripper_assets.domain.identity import activity_id
from tripper_assets.domain.links import LinkGroup, Pair, pair_of

SITES = {"council-00000001": 0.7, "paper-00000002": 0.6, "parents-00000003": 0.5}
"""Each site's key, and the share of all activities that it lists."""
TOWNS = {
    "Leeds": (53.80, -1.55), "Freiburg im Breisgau": (47.995, 7.85), "Saint-Étienne": (45.44, 4.39), "York": (53.96, -1.08), "Emmendingen": (48.12, 7.85),
    "Lyon": (45.76, 4.84), "Bradford": (53.79, -1.75), "Waldkirch": (48.09, 7.96), "Otley": (53.90, -1.69), "Vienne": (45.52, 4.87),
}  # fmt: skip
VENUES = (
    "Town Library",
    "Old Mill",
    "Botanical Garden",
    "Museum of Nature",
    "Lido",
    "Youth Club West",
    "St Mary's Church Hall",
    "Puppet Theatre",
)
STREETS = (
    "Mill Lane",
    "High Street",
    "Gerberau",
    "Rue de la Paix",
    "Park Road",
    "Bismarckallee",
    "Station Square",
    "Kirchweg",
)
KINDS = (
    "workshop", "story time", "walk", "concert", "swim", "craft afternoon", "theatre", "puppet show", "dance class", "treasure hunt", "film club",
    "science lab", "Bastelnachmittag", "Führung", "atelier", "conte musical",
)  # fmt: skip
SUBJECTS = (
    "Dinosaur", "Robot", "Pottery", "Pirate", "Toddler", "Junior", "Forest", "Butterfly", "Percussion", "Lego", "Circus", "Moon", "Märchen", "Fledermaus",
    "Petit Prince", "Marionnettes", "Volcano", "Bubbles", "Chocolate", "Garden", "Space", "Knights", "Hedgehog", "River",
)  # fmt: skip
ENDINGS = (
    "",
    "",
    "",
    " for beginners",
    " for families",
    " with grandparents",
    " by candlelight",
    " in the dark",
    " outdoors",
    " and friends",
)
FIRST_DAY = date(2026, 6, 1)
DAYS_OF_WEEK = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True)
class Truth:
    """One real activity, before sites write about it; minutes since midnight."""

    number: int
    name: str
    town: str
    venue: str
    street: str
    point: tuple[float, float]
    day: date
    start: int
    ages: tuple[int, int]
    weekly: bool = False
    undated: bool = False


def truths(count: int, seed: int) -> list[Truth]:
    """Return activities of which about a fifth are near doubles of others: in all the ways in which two are alike and not one."""
    chance = random.Random(seed)
    made: list[Truth] = []
    while len(made) < count:
        one = _truth(len(made), chance)
        made.append(one)
        if chance.random() < 1 / 4 and len(made) < count:
            made.append(replace(_double(one, chance), number=len(made)))
    return made


def _truth(number: int, chance: random.Random) -> Truth:
    town = chance.choice(sorted(TOWNS))
    name = f"{chance.choice(SUBJECTS)} {chance.choice(KINDS)}{chance.choice(ENDINGS)}"
    low = chance.choice((0, 3, 4, 6, 8))
    kind = chance.random()
    return Truth(
        number, name, town, *_venue(town, chance.randrange(len(VENUES))), FIRST_DAY + timedelta(days=chance.randrange(60)),
        chance.randrange(18, 38) * 30, (low, low + chance.choice((3, 4, 6))), weekly=kind < 0.15, undated=kind > 0.93,  # noqa: PLR2004 (shares)
    )  # fmt: skip


def _venue(town: str, number: int) -> tuple[str, str, tuple[float, float]]:
    """Return a venue's name, street and point; venues of one name stand in every town."""
    latitude, longitude = TOWNS[town]
    offset = 0.004 * (number - len(VENUES) / 2)
    street = f"{STREETS[(number + len(town)) % len(STREETS)]} {number * 7 + 1}"
    return VENUES[number], street, (round(latitude + offset, 5), round(longitude - offset * 1.5, 5))


def _double(one: Truth, chance: random.Random) -> Truth:
    town = chance.choice([other for other in sorted(TOWNS) if other != one.town])
    here, there = chance.randrange(len(VENUES)), VENUES.index(one.venue)
    moved = [
        lambda: replace(one, venue=(at := _venue(one.town, here if here != there else here - 1))[0], street=at[1], point=at[2]),
        lambda: replace(one, town=town, street=(at := _venue(town, there))[1], point=at[2]),
        lambda: replace(one, day=one.day + timedelta(days=chance.choice((1, 7, 14)))),
        lambda: replace(one, start=one.start + chance.choice((90, 180, 240))),
        lambda: replace(one, name=f"{one.name} {chance.choice((2, 3))}"),
        lambda: replace(one, name=f"{chance.choice([w for w in SUBJECTS if w not in one.name])} {' '.join(one.name.split()[1:])}"),
        lambda: replace(one, ages=(one.ages[1] + 1, one.ages[1] + 5)),
    ]  # fmt: skip
    if one.undated:
        moved = [*moved[:2], *moved[4:]]
    return chance.choice(moved)()


def listings(known: Iterable[Truth], seed: int) -> tuple[list[Activity], set[Pair]]:
    """Return what the sites list, and the pairs that are one activity."""
    chance = random.Random(seed + 1)
    found: list[Activity] = []
    same: set[Pair] = set()
    for one in known:
        told = [_told(one, site, chance) for site, share in SITES.items() if chance.random() < share]
        found += told
        same |= {pair_of(a.id, b.id) for a, b in combinations(told, 2)}
    return found, same


def _told(one: Truth, site: str, chance: random.Random) -> Activity:
    address, geo = _address(one, chance), chance.random()
    stated: dict[str, Any] = {"location": {"name": _venue_name(one, chance), "address": address}, **_when(one, chance)}
    if geo < 0.5:  # noqa: PLR2004 (shares)
        near = [round(part + chance.uniform(-0.0005, 0.0005), 5) for part in (one.point[1], one.point[0])]
        stated |= {"geometry": {"coordinates": near}, "geocoding": {"status": "ok", "accuracy": "exact"}}
    elif geo < 0.8:  # noqa: PLR2004 (shares)
        stated |= {"geometry": {"coordinates": TOWNS[one.town][::-1]}, "geocoding": {"status": "ok", "accuracy": "locality"}}  # fmt: skip
    if chance.random() < 0.7:  # noqa: PLR2004 (shares)
        stated |= {"ageRange": {"minValue": one.ages[0], "maxValue": one.ages[1]}}
    url = f"https://{site}.example/{one.number}"
    own = {"id": activity_id(site, f"url:{url}"), "index": one.number, "source_key": site, "source_url": f"https://{site}.example/", "url": url}  # fmt: skip
    quality = {"quality": {"score": round(chance.random(), 2)}}
    return Activity.model_validate({**own, "type": "Event", "name": _name(one, chance), **stated, **quality})


def _name(one: Truth, chance: random.Random) -> str:
    name = one.name
    for share in (0.25, 0.08):
        name = _mistyped(name, chance) if chance.random() < share else name
    said = [
        (0.70, name), (0.80, name.upper()), (0.86, f"{name} at {one.venue}"), (0.91, f"{name}, {one.town}"), (0.95, f"{name} - free family fun"),
        (0.97, f"Holiday special: {name}"), (0.99, f"{name} 2026"), (1.01, f"Come along to our {name}"),
    ]  # fmt: skip
    die = chance.random()
    return next(text for share, text in said if die < share)


def _mistyped(text: str, chance: random.Random) -> str:
    place = chance.randrange(1, len(text) - 1)
    swapped = text[: place - 1] + text[place] + text[place - 1] + text[place + 1 :]
    return chance.choice((text[:place] + text[place + 1 :], text[:place] + text[place] + text[place:], swapped))


def _venue_name(one: Truth, chance: random.Random) -> str:
    die = chance.random()
    said = [(0.65, one.venue), (0.80, ""), (0.88, f"{one.venue} {one.town}"), (0.94, one.venue.split()[-1]), (1.01, _mistyped(one.venue, chance))]  # fmt: skip
    return next(text for share, text in said if die < share)


def _address(one: Truth, chance: random.Random) -> dict[str, str]:
    street = "" if chance.random() < 0.3 else one.street  # noqa: PLR2004 (shares)
    town = one.town.split()[0] if chance.random() < 0.2 else one.town  # noqa: PLR2004 (shares)
    return {"streetAddress": street, "addressLocality": town}


def _when(one: Truth, chance: random.Random) -> dict[str, Any]:
    if one.undated:
        return {}
    die = chance.random()
    start = one.start + (chance.choice((-30, -15, 15, 30)) if die < 0.15 else 120 if die < 0.17 else 0)  # noqa: PLR2004 (shares)
    clock = f"{start // 60:02d}:{start % 60:02d}"
    if one.weekly:
        rule = {"repeatFrequency": "P1W", "byDay": [DAYS_OF_WEEK[one.day.weekday()]], "startTime": clock}
        return {"startDate": f"{one.day}T{clock}:00+02:00", "eventSchedule": [{**rule, "startDate": str(one.day)}]}
    if die > 0.9:  # noqa: PLR2004 (shares)
        return {"startDate": str(one.day)}
    zone = "Z" if die > 0.85 else "+02:00"  # noqa: PLR2004 (shares)
    return {"startDate": f"{one.day}T{clock}:00{zone}"}


def linked_pairs(groups: Iterable[LinkGroup]) -> set[Pair]:
    """Return the pairs that groups say are one."""
    return {pair_of(a, b) for one in groups for a, b in combinations(one.members, 2)}


def judged(found: set[Pair], same: set[Pair]) -> tuple[float, float]:
    """Return precision and recall over pairs."""
    right = len(found & same)
    return right / max(len(found), 1), right / max(len(same), 1)


def by_source(records: Iterable[Activity]) -> dict[str, list[Activity]]:
    """Return the records of each source."""
    found: dict[str, list[Activity]] = defaultdict(list)
    for one in records:
        found[one.source_key].append(one)
    return found
