"""Places as one text states them: "Town Library, 12 High Street, 12345 Springfield"."""

import re

from tripper_assets.domain.activities import Place, PostalAddress
from tripper_assets.extract.texts import MAX_NAME, clipped

_UK = r"[A-Z]{1,2}\d[A-Z\d]?\s?\d[A-Z]{2}"
_POSTCODE_FIRST = re.compile(r"^(?:[A-Z]{1,2}-)?(\d{4,5}(?:\s?[A-Z]{2})?|\d{3}\s\d{2})\s+([^\W\d_][\w .'’/()-]{1,60})$")
_US = re.compile(r"^(?:([^\W\d_][\w .'-]{1,60}),?\s+)?([A-Z]{2})\s+(\d{5}(?:-\d{4})?)$")
_UK_LAST = re.compile(rf"^(?:([^\W\d_][\w .'-]{{1,60}}?)\s+)?({_UK})$")
_STREET = re.compile(
    r"\d|\b(?:street|st|road|rd|avenue|ave|lane|drive)\b\.?$|(?:stra(?:ß|ss)e|str\.|platz|weg|allee|gasse|ufer|laan|straat|plein)\b"
    r"|^(?:rue|avenue|boulevard|place|via|viale|piazza|corso|calle|plaza|avenida|am|an der|im)\s",
    re.IGNORECASE,
)
_WITHIN = re.compile(
    r"(?:room|floor|suite|unit|level|raum|saal|etage|salle|sala|zaal|\d+\. (?:og|stock|etage))\b", re.IGNORECASE
)
_HOUSE_FIRST = re.compile(r"\d{1,5}[a-z]?\s+[^\W\d_]", re.IGNORECASE)
_HOUSE = re.compile(r"^\d{1,5}[a-z]?\s+[^\W\d_]|[^\W\d_]\.?\s\d{1,4}\s?[a-z]?(?:-\d{1,4})?$", re.IGNORECASE)
_NOT_A_PLACE = re.compile(
    r"^(?:(?:online|zoom|virtual|webinar|tba|tbc|tbd|various|n/?a)\b|https?:|www\.|-$)", re.IGNORECASE
)
_PHONE = re.compile(
    r"[\s,|·]{1,3}(?:(?:tel|phone|ph|call)\.?:?\s?)?(?:\+1[\s.-])?\(?\d{3}\)?[\s.-]\d{3}[.-]\d{4}$", re.IGNORECASE
)
_PARTS = re.compile(r"\s*(?:,|·|\||;|\s[-–—]\s)\s*")


def place_from_text(text: str) -> Place | None:
    """Return the place with what of its address can be told apart; None for a virtual or unstated one."""
    parts = [part for part in _PARTS.split(_PHONE.sub("", text.strip(" .,")[:MAX_NAME])) if part]
    if not parts or _NOT_A_PLACE.match(parts[0]):
        return None
    address: dict[str, str] = {}
    rest: list[str] = []
    # A house number before "Springfield" looks like a continental postcode; one at the end tells what it is.
    last = any(_US.match(part) or _UK_LAST.match(part) for part in parts)
    for index, part in enumerate(parts):
        found = _postal(part, first=not last) if "postalCode" not in address else {}
        address |= found
        if not found:
            rest.append(part)
        if "postalCode" in found and not address.get("addressLocality") and index and len(rest) > 1:
            address["addressLocality"] = rest.pop()
    name = rest.pop(0) if rest and (not _STREET.search(rest[0]) or _is_name(rest)) else ""
    street = [part for part in rest if _STREET.search(part)]
    others = [part for part in rest if part not in street]
    if street:
        address["streetAddress"] = ", ".join(street)
    if others and "addressLocality" not in address and (street or len(parts) > 1):
        address["addressLocality"] = others[0]
    return Place(name=clipped(name, MAX_NAME), address=PostalAddress(**address)) if name or address else None


def _is_name(rest: list[str]) -> bool:
    """A first part that sounds like a street, as "Library at Mill Square", names the place where a house number stands in a later one."""
    if rest[0][0].isdecimal() or _WITHIN.match(rest[0]):
        return False
    later = [part for part in rest[1:] if not _WITHIN.match(part)]
    if any(char.isdecimal() for char in rest[0]):
        return any(_HOUSE_FIRST.match(part) for part in later)
    return any(_HOUSE.search(part) for part in later)


def is_address(place: Place) -> bool:
    """Return whether the place states enough of an address to be one without a label."""
    address = place.address
    return bool(address.postalCode and (address.streetAddress or (place.name and address.addressLocality)))


def _postal(part: str, *, first: bool) -> dict[str, str]:
    continental = _POSTCODE_FIRST.match(part) if first else None
    if continental and not re.search(r"\b(?:street|st|road|rd|avenue|ave|lane|drive)\b\.?$", part, re.IGNORECASE):
        return {"postalCode": continental[1], "addressLocality": continental[2].strip()}
    american = _US.match(part)
    if american:
        return {
            key: value
            for key, value in (
                ("addressLocality", american[1]),
                ("addressRegion", american[2]),
                ("postalCode", american[3]),
            )
            if value
        }
    british = _UK_LAST.match(part)
    if british:
        return {key: value for key, value in (("addressLocality", british[1]), ("postalCode", british[2])) if value}
    return {}
