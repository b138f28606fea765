"""What a postal address in one text states: street, town, region, postal code, country, each where it can be told apart."""

import re

from tripper_assets.domain.countries import CODES as COUNTRY_NAMES
from tripper_assets.domain.identity import fold
from tripper_assets.domain.model import Model
from tripper_assets.domain.regions import region_code

SEPARATORS = re.compile(r"\s*[,\n;|·•]\s*|\s[-–—]\s")
COUNTRIES = frozenset(COUNTRY_NAMES.values())
SHORT_COUNTRIES = frozenset({"uk", "us", "usa", "u k", "u s", "u s a"})
CODES_LAST = {
    "GB": re.compile(r"(?:(?<=\s)|^)([A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2})$", re.IGNORECASE),
    "CA": re.compile(r"(?:(?<=\s)|^)([A-Z]\d[A-Z] ?\d[A-Z]\d)$", re.IGNORECASE),
    "US": re.compile(r"(?:(?<=\s)|^)(\d{5}(?:-\d{4})?)$"),
    "AU": re.compile(r"(?:(?<=\s)|^)(\d{4})$"),
}
"""Postal codes that stand behind the town, by country."""
TELLING_CODES = ("GB", "CA")
"""Countries whose postal codes no other country writes."""
GB_FIRST = re.compile(r"^([A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2})\s+([^\W\d_].*)$", re.IGNORECASE)
CODE_FIRST = re.compile(
    r"(?:(?<=\s)|^)(?:[A-Z]{1,3}-)?(\d{4} ?[A-Z]{2}\b|\d{5}|\d{2}-\d{3}|\d{4}-\d{3}|\d{3} \d{2}|\d{4})\s+([^\W\d_]\D*(?:cedex.*)?)$",
    re.IGNORECASE,
)
"""Postal code and town as the continent writes them: 75001 Paris, 1012 AB Amsterdam, 00-001 Warszawa, D-10115 Berlin."""
CODE_ALONE = re.compile(r"(?:[A-Z]{1,3}-)?(\d{5}|\d{4}|\d{2}-\d{3}|\d{4}-\d{3}|\d{3} \d{2}|\d{4} ?[A-Z]{2})")
FOUR_DIGITS = frozenset({"", "AT", "AU", "BE", "BG", "CH", "DK", "HU", "LI", "LU", "NL", "NO", "NZ", "SI"})
"""Countries whose postal codes have four digits; elsewhere four digits before a word are a house number."""
STREET = re.compile(
    r"\b(?:street|st|road|rd|avenue|ave|lane|ln|drive|dr|square|way|boulevard|blvd|court|ct|highway|hwy|floor|suite|box|room)\b\.?$"
    r"|(?:stra(?:ß|ss)e|str\.?|platz|weg|allee|gasse|ufer|laan|straat|plein|ulica|gatan|gade)$"
    r"|^(?:rue|avenue|boulevard|bd|place|quai|chemin|route|via|viale|piazza|corso|calle|plaza|avenida|ul|am|an der|im)\.?\s",
    re.IGNORECASE,
)
BEHIND_TOWN = re.compile(r"(?:\s+cedex\b.*|\s+\d{1,2}(?:er|e|ème|eme)?(?:\s+arr\w*\.?)?)$", re.IGNORECASE)
"""What stands behind a town and is no part of its name: Paris Cedex 08, Lyon 3ème, Wien 7."""
COUNTY = re.compile(
    r"(?:\w+ ?shire(?: east| west)?|(?:east|west|north|south)?\s*(?:sussex|yorkshire|midlands)|greater (?:manchester|london)"
    r"|kent|essex|surrey|norfolk|suffolk|devon|cornwall|dorset|somerset|cumbria|merseyside|co(?:unty)?\.? \w+|\w+ county|tyne and wear)",
    re.IGNORECASE,
)
ABBREVIATION = re.compile(r"(?:(?<=\s)|^)([A-Z]\.? ?[A-Z]|[A-Z]{3})\.?$")
CITY_AND_STATE = frozenset({"new york", "washington"})
MID_STREET = frozenset(
    {"street", "road", "rd", "avenue", "ave", "lane", "ln", "drive", "dr", "boulevard", "blvd", "floor"}
)
"""Words behind which a town may stand in one part; not "st", which begins towns."""
MAX_PARTS = 12
MAX_LENGTH = 500
"""Characters of an address that are read; a longer text is a description, and its end is read."""
LONGEST_COUNTRY = 4
"""Words of the longest name of a country."""


class Address(Model):
    """The parts of one address; street holds what is no other part, in its order, joined by commas."""

    street: str = ""
    locality: str = ""
    region: str = ""
    postalCode: str = ""
    countryCode: str = ""


def parse_address(text: str, country: str = "") -> Address:
    """Return the parts of ``text``; ``country`` is the alpha-2 code that holds where the text names none.

    A town is told only where its place says so, beside a postal code or before a region; else it stays in ``street``.
    """
    parts = split_address(text)
    stated, parts = _country(parts, country)
    country = stated or country
    code, owner, parts = _code_behind(parts, country)
    country = country or owner
    region, parts = _region(parts, country, with_code=bool(code))
    country = country or ("US" if region else "")
    locality = ""
    if code or region:
        county, locality, parts = _town_at_end(parts, country)
        region = region or county
    if not code:
        code, found, parts = _code_before(parts, country)
        locality = locality or found
    return Address(
        street=", ".join(parts), locality=town_name(locality), region=region, postalCode=code, countryCode=country
    )


def split_address(text: str) -> list[str]:
    """Return the last parts of an address, as commas, lines and dashes divide it, without empty ones."""
    parts = (" ".join(part.split()).strip(" .") for part in SEPARATORS.split(text[-MAX_LENGTH:]))
    return [part for part in parts if part][-MAX_PARTS:]


def town_name(text: str) -> str:
    """Return a town without what post and districts add: "Paris Cedex 08" and "75008 Paris 8e" are Paris."""
    bare = BEHIND_TOWN.sub("", text.strip())
    code = CODE_FIRST.match(bare)
    return (code[2] if code else bare).strip(" ,.")


def is_street(text: str) -> bool:
    """Return whether a part of an address is a street or a part of a house by its first or last word."""
    return STREET.search(text) is not None


def _country(parts: list[str], hint: str) -> tuple[str, list[str]]:
    """Return the country that the last part names, and the parts without it."""
    if len(parts) > 1 and (code := _country_code(parts[-1], hint)):
        return code, parts[:-1]
    words = parts[-1].split() if parts else []
    if len(words) > 1 and words[-1] == hint:
        return hint, [*parts[:-1], " ".join(words[:-1])]
    for count in range(min(LONGEST_COUNTRY, len(words) - 1), 0, -1):
        before, code = " ".join(words[:-count]), _country_code(" ".join(words[-count:]), hint)
        # "20008 United States" is a country; "Piazza Italia" and "Little Italy" are none.
        if code and re.search(r"\d{4}|\d[A-Z]{2}\b", before):
            return code, [*parts[:-1], before]
    return "", parts


def _country_code(text: str, hint: str) -> str:
    words = fold(text)
    if len(words) > 2 or words in SHORT_COUNTRIES:  # noqa: PLR2004 (alpha-2)
        return COUNTRY_NAMES.get(words, "")
    # Two letters are a state far more often ("Gary, IN", "Dover, DE").
    return text if text in COUNTRIES and (text == hint or not region_code("US", text)) else ""


def _code_behind(parts: list[str], country: str) -> tuple[str, str, list[str]]:
    """Return a postal code at the end, the country that it tells, and the parts without it."""
    if not parts:
        return "", "", parts
    for owner in (country,) if country else (*TELLING_CODES, "US"):
        found = CODES_LAST[owner].search(parts[-1]) if owner in CODES_LAST else None
        if found:
            before = parts[-1][: found.start()].strip()
            return (
                found[1].upper(),
                owner if owner in TELLING_CODES else "",
                [*parts[:-1], *([before] if before else [])],
            )
    alone = CODE_ALONE.fullmatch(parts[-1])
    return (alone[1], "", parts[:-1]) if alone and len(parts) > 1 else ("", "", parts)


def _region(parts: list[str], country: str, *, with_code: bool) -> tuple[str, list[str]]:
    """Return the state that the last part is or ends with, in North America and Australia."""
    if not parts or country not in {"", "US", "CA", "AU"}:
        return "", parts
    whole, known = fold(parts[-1]), country or "US"
    if whole in CITY_AND_STATE:
        return ("NY" if whole == "new york" else ""), parts
    if (
        (len(parts) > 1 or with_code)
        and region_code(known, parts[-1])
        and (country or with_code or parts[-1].isupper())
    ):
        return parts[-1], parts[:-1]
    found = ABBREVIATION.search(parts[-1])
    before = parts[-1][: found.start()].strip(" ,") if found else ""
    # "Pennsylvania Ave NE" is no place in Nebraska.
    if found and before and region_code(known, found[1]) and (with_code or (country and not re.search(r"\d", before))):
        return found[1], [*parts[:-1], before]
    return "", parts


def _town_at_end(parts: list[str], country: str) -> tuple[str, str, list[str]]:
    """Return a British county, the town that ends the parts, and the rest; what follows the last number of a part may be a town."""
    county = ""
    while country in {"GB", "US"} and len(parts) > 1 and (COUNTY.fullmatch(parts[-1]) or region_code("GB", parts[-1])):
        county, parts = parts[-1], parts[:-1]
    if not parts:
        return county, "", parts
    words = parts[-1].split()
    cut = max((number for number, word in enumerate(words, 1) if _is_before_town(word)), default=0)
    town = " ".join(words[cut:])
    if not town or is_street(town):
        return county, "", parts
    before = " ".join(words[:cut])
    return county, town, [*parts[:-1], *([before] if before else [])]


def _is_before_town(word: str) -> bool:
    return word.strip(".").lower() in MID_STREET or re.search(r"\d", word) is not None


def _code_before(parts: list[str], country: str) -> tuple[str, str, list[str]]:
    """Return a postal code, the town behind it, and the parts without both; the last pair counts."""
    for number in range(len(parts) - 1, -1, -1):
        part = parts[number]
        found = GB_FIRST.search(part) if country in {"", "GB"} else None
        found = found or (CODE_FIRST.search(part) if country not in CODES_LAST else None)
        if found and not is_street(found[2]) and (country in FOUR_DIGITS or not re.fullmatch(r"\d{4}", found[1])):
            before = part[: found.start()].strip(" ,-")
            return found[1].upper(), found[2], [*parts[:number], *([before] if before else []), *parts[number + 1 :]]
    return "", "", parts
