"""Each word of an address under its label, by rules for the ways in which streets, towns and regions are written."""

import re
from collections.abc import Sequence

from tripper_assets.domain.addresses import (
    ABBREVIATION,
    CODE_FIRST,
    CODES_LAST,
    COUNTY,
    GB_FIRST,
    MAX_LENGTH,
    SEPARATORS,
)
from tripper_assets.domain.countries import CODES as COUNTRY_NAMES
from tripper_assets.domain.identity import fold
from tripper_assets.domain.regions import region_code

Labels = list[tuple[str, str]]
"""Label and text in the order of the address; labels are OpenStreetMap's: house, house_number, road, unit, level, po_box, suburb,
city_district, city, state_district, state, postcode, country, world_region."""
SUFFIXES = frozenset(
    [
        "street",
        "st",
        "avenue",
        "ave",
        "road",
        "rd",
        "boulevard",
        "blvd",
        "parkway",
        "pkwy",
        "drive",
        "dr",
        "lane",
        "ln",
        "way",
        "court",
        "ct",
        "place",
        "pl",
        "circle",
        "cir",
        "highway",
        "hwy",
        "square",
        "sq",
        "terrace",
        "drove",
        "gate",
        "walk",
        "row",
        "crescent",
        "cres",
        "close",
        "grove",
        "mews",
        "hill",
        "rise",
        "alley",
        "expressway",
        "turnpike",
    ]
)
"""Last words of streets in English."""
DIRECTIONS = frozenset("n s e w ne nw se sw north south east west northeast northwest southeast southwest".split())  # noqa: SIM905 (as above)
GERMANIC = re.compile(
    r"(?:stra(?:ß|ss)e|str\.?|gasse|platz|weg|allee|ufer|damm|laan|straat|gracht|plein|kade|gade|gata|gatan|vej|väg)$",
    re.IGNORECASE,
)
"""Endings of street names in German, Dutch and the Nordic languages, as a word or at the end of one; the number stands behind."""
GERMANIC_WORDS = frozenset({"gate", "gade", "vei", "utca", "ro"})
BEFORE = frozenset(
    "rue avenue boulevard bd place quai chemin route allée via viale piazza corso calle plaza avenida paseo jalan ulica ul rua cra carrera".split()  # noqa: SIM905 (as above)
)
"""First words of streets in the Romance languages and some others."""
VENUES = frozenset(
    "centre center park mall house hall library museum university school college theatre theater church hotel club studio".split()  # noqa: SIM905 (as above)
)
UNIT = re.compile(r"(?:(?:flat|suite|ste|unit|apt|apartment|room|raum|tür|top)\.? \w+|#\s?\w+)", re.IGNORECASE)
LEVEL = re.compile(
    r"(?:(?:\d+(?:st|nd|rd|th)|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|ground|top) (?:floor|fl)\.?|level \w+"
    r"|\d+\. ?(?:og|stock|etage)|\d+º)",
    re.IGNORECASE,
)
PO_BOX = re.compile(r"p\.? ?o\.? ?box \w+", re.IGNORECASE)
NUMBER = r"-?\d{1,5}(?: ?[½¼¾]| \d/\d)?(?:-?[a-z])?(?:[-–/]\d{1,5}[a-z]?)?"
NUMBER_FIRST = re.compile(rf"(?:^|(?<=\s))({NUMBER})\s+(?=\S)", re.IGNORECASE)
NUMBER_LAST = re.compile(rf"\s({NUMBER})$", re.IGNORECASE)
ONLY_NUMBER = re.compile(NUMBER, re.IGNORECASE)
ORDINAL = re.compile(r"\d+(?:st|nd|rd|th)", re.IGNORECASE)
BOROUGHS = frozenset({"brooklyn", "queens", "bronx", "the bronx", "staten island", "manhattan"})
"""Parts of New York that stand where a town would."""
NEW_YORK_CODES = re.compile(r"1(?:0[0-4]|1[0-6])\d\d")
WORLD = re.compile(r"^(?:west indies|w\.? ?i\.?)$", re.IGNORECASE)
ARRONDISSEMENT = re.compile(r"^(\S+ arrondissement)(?: de)? (.+)$", re.IGNORECASE)
DISTRICT_CODE = re.compile(r"^(\D+?) (\d{1,2})$")
"""Dublin 4, Kingston 6."""
CODE_LATE = re.compile(r"^\d{3}-\d{4}$|^\d{5,6}$")
SHORT_CODE_FIRST = re.compile(r"^(\d{3}) ([^\W\d_]\D*)$")
LONGEST_REGION = 3
MOST_SECTORS = 24
"""Numbers behind a town's name up to this are its parts: Paris 20, Dublin 24."""
LONGEST_STREET = 2
"""Words before the number that are one street: Nieuwe Binnenweg; with more, what is before the last names a house."""


def label_address(text: str, country: str = "") -> Labels:
    """Return the parts of ``text`` under their labels, in its order; ``country`` is the alpha-2 code that holds where none is named."""
    parts = [" ".join(part.split()) for part in SEPARATORS.split(text[-MAX_LENGTH:])]
    parts = [part for part in parts if part.strip(" .")]
    tail: Labels = []
    parts = _world(parts, tail)
    parts = _late_code(parts, tail)
    parts, country = _country(parts, tail, country)
    parts = _code_behind(parts, tail, country)
    parts = _regions(parts, tail, country)
    head = _front(parts, tail)
    return [*head, *reversed(tail)]


def _last(parts: list[str], rest: str) -> list[str]:
    return [*parts[:-1], rest] if rest else parts[:-1]


def _world(parts: list[str], tail: Labels) -> list[str]:
    if parts and WORLD.match(parts[-1]):
        tail.append(("world_region", parts[-1]))
        return parts[:-1]
    found = re.search(r"^(.+) (W\.I\.?)$", parts[-1]) if parts else None
    if found:
        tail.append(("world_region", found[2]))
        return _last(parts, found[1])
    return parts


def _late_code(parts: list[str], tail: Labels) -> list[str]:
    """Take a postal code that stands behind the country."""
    if len(parts) > 1 and CODE_LATE.match(parts[-1]) and fold(parts[-2]) in COUNTRY_NAMES:
        tail.append(("postcode", parts[-1]))
        return parts[:-1]
    return parts


def _country(parts: list[str], tail: Labels, hint: str) -> tuple[list[str], str]:
    words = parts[-1].split() if parts else []
    for count in range(min(4, len(words)), 0, -1):
        name, rest = " ".join(words[-count:]), " ".join(words[:-count])
        code = COUNTRY_NAMES.get(fold(name), "") if len(fold(name)) > 2 or fold(name) == "uk" else ""  # noqa: PLR2004 (two letters are a code)
        if not code and _is_code(name, parts, rest):
            code = name
        if code and (rest or len(parts) > 1):
            tail.append(("country", name))
            return _last(parts, rest), code
    return parts, hint


def _is_code(name: str, parts: list[str], rest: str) -> bool:
    """Return whether two capitals are a country: where they are no state, or where the town stands behind a code as it does in Europe."""
    if name not in COUNTRY_NAMES.values():
        return False
    return not region_code("US", name) or (CODE_FIRST.search(rest) is not None and not parts[1:])


def _code_behind(parts: list[str], tail: Labels, country: str) -> list[str]:
    owners = [country] if country in CODES_LAST else ["GB", "CA", *([] if country else ["US"])]
    for owner in owners:
        found = CODES_LAST[owner].search(parts[-1]) if parts else None
        if found:
            tail.append(("postcode", found[1]))
            return _last(parts, parts[-1][: found.start()].strip())
    return parts


def _regions(parts: list[str], tail: Labels, country: str) -> list[str]:
    """Take states, counties and lands from the end, as long as there are any."""
    while parts:
        label, name, rest = _region(parts, country, coded=_has(tail, "postcode"), again=_has(tail, "state"))
        if not name or not (rest or parts[:-1]):
            return parts
        tail.append((label, name))
        parts = _last(parts, rest)
    return parts


def _region(parts: list[str], country: str, *, coded: bool, again: bool) -> tuple[str, str, str]:
    text = parts[-1]
    if (
        country in {"", "GB", "US", "CA", "AU"}
        and len(parts) > 1
        and (COUNTY.fullmatch(text) or region_code("GB", text))
    ):
        return ("state" if region_code("GB", text) else "state_district"), text, ""
    for owner in [country] if country else ["US", "CA"]:
        if owner not in {"US", "CA", "AU"} or again:
            continue
        if len(parts) > 1 and region_code(owner, text) and (coded or len(text.strip(".")) <= LONGEST_REGION or country):
            return "state", text, ""
        found = ABBREVIATION.search(text)
        if found and text[: found.start()].strip() and region_code(owner, found[0]):
            return "state", text[found.start() :].strip(), text[: found.start()].strip()
    return "", "", ""


def _front(parts: list[str], tail: Labels) -> Labels:
    """Return the labels of what is left of country, code and region: the house, the street and the town."""
    found: Labels = []
    for part in parts:
        found += _lone(part, found, more=len(parts) > 1) or _part(part, first=not found)
    return _named(found, tail)


def _lone(part: str, before: Labels, *, more: bool) -> Labels:
    """Return the label of a number that is a part by itself: a house's behind its road or before it, else a postal code."""
    if not more or not re.fullmatch(r"\d.*", part):
        return []
    if CODE_LATE.match(part) and not _has(before, "postcode"):
        return [("postcode", part)]
    is_houses = not _has(before, "house_number") and (not before or before[-1][0] in {"road", "unit", "level"})
    return [("house_number", part)] if is_houses and ONLY_NUMBER.fullmatch(part) else []


def _has(labels: Labels, label: str) -> bool:
    return any(one == label for one, _ in labels)


def _part(part: str, *, first: bool) -> Labels:
    """Return the labels of one part; what only its neighbours tell is labelled "?"."""
    for label, pattern in (("unit", UNIT), ("level", LEVEL), ("po_box", PO_BOX)):
        if pattern.fullmatch(part):
            return [(label, part)]
    district = ARRONDISSEMENT.match(part)
    if district:
        return [("city_district", district[1]), ("city", district[2])]
    boxed = PO_BOX.search(part)
    if boxed:
        return [*_rest(part[: boxed.start()]), ("po_box", boxed[0]), *_rest(part[boxed.end() :])]
    coded = GB_FIRST.search(part) or CODE_FIRST.search(part) or (None if first else SHORT_CODE_FIRST.search(part))
    # Behind a number stands a street as often as a town stands behind a code.
    if coded and _english(["", *coded[2].split()]) is None:
        before = part[: coded.start()].strip()
        return [*_street(before, first=first), ("postcode", coded[1]), ("city", coded[2])]
    return _street(part, first=first)


def _rest(text: str) -> Labels:
    return [("?", text.strip())] if text.strip() else []


def _street(part: str, *, first: bool) -> Labels:
    """Return house, number and road of a part, and what stands around them."""
    if not part:
        return []
    read = _germanic(part) or _romance(part) or _numbered(part) or _unnumbered(part)
    return read or (_continental(part) if first else []) or [("?", part)]


def _continental(part: str) -> Labels:
    """Read "Rynek Główny 1" and "Straße des 17. Juni 135"; "Paris 12" is no street."""
    number = NUMBER_LAST.search(part)
    if number is None:
        return []
    road, digits = part[: number.start()], re.match(r"\d+", number[1])
    is_house = " " in road or (digits is not None and int(digits[0]) > MOST_SECTORS)
    return [("road", road), ("house_number", number[1])] if is_house and road[0].isalpha() else []


def _numbered(part: str) -> Labels:
    """Read "Planned Parenthood 44 Court St # 4 Brooklyn": a number, a road up to its last word, and what follows."""
    for found in NUMBER_FIRST.finditer(part):
        if ORDINAL.match(part[found.start() :]):
            continue
        words = part[found.end() :].split()
        end = _english(words)
        if end is None and found.start():
            continue
        before = _rest(part[: found.start()])
        house: Labels = [("house", before[0][1])] if before else []
        road, behind = (words, []) if end is None else (words[:end], words[end:])
        return [*house, ("house_number", found[1]), *_within(" ".join(road), "road"), *_within(" ".join(behind), "?")]
    return []


def _unnumbered(part: str) -> Labels:
    """Read "Castle Court Shopping Centre Castle Street Caerphilly": a venue, a road and a town without a number."""
    words = part.split()
    start = next((at for at, word in enumerate(words[:-2], 1) if fold(word) in VENUES and at > 1), 0)
    end = _english(words[start:])
    if end is None or end < 2:  # noqa: PLR2004 (a street has a name besides its last word)
        return []
    road, behind = words[start : start + end], words[start + end :]
    house: Labels = [("house", " ".join(words[:start]))] if start else []
    return [*house, ("road", " ".join(road)), *_within(" ".join(behind), "?")]


def _english(words: Sequence[str]) -> int | None:
    """Return how many words a street has that begins here, by the word that English streets end with; None without one."""
    plain = [word.strip(".").lower() for word in words]
    for at in range(1, len(plain)):
        if plain[at] not in SUFFIXES:
            continue
        end = at + 1
        if end < len(plain) and plain[end] in SUFFIXES:
            continue
        return end + (1 if end < len(plain) and plain[end] in DIRECTIONS else 0)
    return None


def _within(text: str, label: str) -> Labels:
    """Return the text under ``label``, rooms and floors at its ends by themselves."""
    if not text:
        return []
    for name, pattern in (("level", LEVEL), ("unit", UNIT)):
        first = pattern.match(text)
        if first and first.end() < len(text) and label == "?":
            return [(name, first[0]), *_within(text[first.end() :].strip(), label)]
        last = re.search(rf"(?:^|(?<=\s)){pattern.pattern}$", text, re.IGNORECASE)
        if last:
            return [*_within(text[: last.start()].strip(), label), (name, last[0])]
    return [(label, text)]


def _germanic(part: str) -> Labels:
    """Read "Brauerei Triftstraße 67": the number stands behind, and the street is the word with the ending."""
    number = NUMBER_LAST.search(part)
    words = (part[: number.start()] if number else part).split()
    if not words:
        return []
    is_word = fold(words[-1]) in GERMANIC_WORDS
    found = GERMANIC.search(words[-1])
    if not (is_word or found) or not (number or len(words) <= LONGEST_STREET):
        return []
    is_compound = found is not None and found.start() > 0
    start = len(words) - 1 if is_compound and len(words) > LONGEST_STREET else 0
    house: Labels = [("house", " ".join(words[:start]))] if start else []
    behind: Labels = [("house_number", number[1])] if number else []
    return [*house, ("road", " ".join(words[start:])), *behind]


def _romance(part: str) -> Labels:
    """Read "Tour Nord rue de Lyon 5": the street begins with its kind."""
    words = part.split()
    start = next((at for at, word in enumerate(words) if word.strip(".").lower() in BEFORE), None)
    if start is None or start == len(words) - 1 or _english(words) is not None:
        return []
    before, road = " ".join(words[:start]), " ".join(words[start:])
    if ONLY_NUMBER.fullmatch(before):
        return [("house_number", before), ("road", road)]
    number = NUMBER_LAST.search(road)
    behind: Labels = [("house_number", number[1])] if number else []
    house: Labels = [("house", before)] if before else []
    return [*house, ("road", road[: number.start()] if number else road), *behind]


def _named(found: Labels, tail: Labels) -> Labels:
    """Return the labels with a name for each "?": the town is the last, what is before the street is a house, between them are suburbs."""
    found = _houses(found)
    open_at = [at for at, (label, _) in enumerate(found) if label == "?"]
    names: dict[int, Labels] = {}
    if open_at and not _has(found, "city") and (open_at[-1] == len(found) - 1):
        last = open_at.pop()
        names[last] = _town(found[last][1], tail)
    streets = [at for at, (label, _) in enumerate(found) if label in {"road", "house_number", "po_box"}]
    for number, at in enumerate(open_at):
        text = found[at][1]
        if streets:
            is_road = found[at - 1][0] == "house_number" and not _has(found, "road") and at > 0
            label = "road" if is_road else "house" if at < streets[0] else "suburb"
        elif number == len(open_at) - 1 and not _is_venue(text):
            label = "road" if _has(tail, "postcode") else "suburb"
        else:
            label = "house"
        names[at] = [(label, text)]
    return [one for at, label in enumerate(found) for one in names.get(at, [label])]


def _houses(found: Labels) -> Labels:
    """Return the labels, a road without a number before another road as what it is: Idas Court, 4-6 Princes Road."""
    roads = [at for at, (label, _) in enumerate(found) if label == "road"]
    if len(roads) < 2 or _has(found[: roads[0] + 1], "house_number"):  # noqa: PLR2004 (one and another)
        return found
    return [("house", text) if at == roads[0] else (label, text) for at, (label, text) in enumerate(found)]


def _is_venue(text: str) -> bool:
    return any(fold(word) in VENUES for word in text.split())


def _town(text: str, tail: Labels) -> Labels:
    """Return the labels of the last part: a town, with its sector or the part of New York that stands for one."""
    words = text.split()
    for count in (1, 2):
        name, before = " ".join(words[-count:]), " ".join(words[:-count])
        if fold(name) in BOROUGHS and _is_new_york(tail):
            return [*([("suburb", before)] if before else []), ("city_district", name)]
    sector = DISTRICT_CODE.match(text)
    if sector and not _has(tail, "postcode"):
        return [("city", sector[1]), ("postcode", sector[2])]
    return [("city", text)]


def _is_new_york(tail: Labels) -> bool:
    stated = dict(tail)
    if "state" in stated:
        return region_code("US", stated["state"]) == "NY"
    return NEW_YORK_CODES.match(stated.get("postcode", "")) is not None
