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
_NOT_A_PLACE = re.compile(
    r"^(?:(?:online|zoom|virtual|webinar|tba|tbc|tbd|various|n/?a)\b|https?:|www\.|-$)", re.IGNORECASE
)
_PARTS = re.compile(r"\s*(?:,|·|\||;|\s[-–—]\s)\s*")


def place_from_text(text: str) -> Place | None:
    """Return the place with what of its address can be told apart; None for a virtual or unstated one."""
    parts = [part for part in _PARTS.split(text.strip(" .,")[:MAX_NAME]) if part]
    if not parts or _NOT_A_PLACE.match(parts[0]):
        return None
    address: dict[str, str] = {}
    rest: list[str] = []
    for index, part in enumerate(parts):
        found = _postal(part) if "postalCode" not in address else {}
        address |= found
        if not found:
            rest.append(part)
        if "postalCode" in found and not address.get("addressLocality") and index and len(rest) > 1:
            address["addressLocality"] = rest.pop()
    name = rest.pop(0) if rest and not _STREET.search(rest[0]) else ""
    street = [part for part in rest if _STREET.search(part)]
    others = [part for part in rest if part not in street]
    if street:
        address["streetAddress"] = ", ".join(street)
    if others and "addressLocality" not in address and (street or len(parts) > 1):
        address["addressLocality"] = others[0]
    return Place(name=clipped(name, MAX_NAME), address=PostalAddress(**address)) if name or address else None


def _postal(part: str) -> dict[str, str]:
    first = _POSTCODE_FIRST.match(part)
    if first and not re.search(r"\b(?:street|st|road|rd|avenue|ave|lane|drive)\b\.?$", part, re.IGNORECASE):
        return {"postalCode": first[1], "addressLocality": first[2].strip()}
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
