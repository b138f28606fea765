"""Where the activities of a list page take place: labelled, hinted or address-looking lines of a block, else the one place of the page."""

import re

from tripper_assets.domain.activities import Place
from tripper_assets.domain.identity import fold
from tripper_assets.extract.addresses import is_address, place_from_text
from tripper_assets.extract.blocks import Line, ancestors
from tripper_assets.extract.clock import Clock
from tripper_assets.extract.dates import find_dates
from tripper_assets.extract.facts import is_label, labelled_facts
from tripper_assets.extract.listing_titles import first_time

SHORTEST, LONGEST = 3, 160
# Whole words of class, id and itemprop: a class "placeholder" or "report" says nothing of a place.
_HINT = re.compile(
    r"(?:^|[\s_-])(?:where|venue|location|address|adr|place|ort|veranstaltungsort|adresse|lieu|lugar|direccion|luogo|indirizzo|sede|locatie|adres)"
    r"(?:[\s_-](?:name|text|info|line|title|address|label|value))?(?:$|\s)",
    re.IGNORECASE,
)
_HINT_HEIGHT = 2
_MAYBE_POSTCODE = re.compile(r"\d{4}|\d[A-Z]{2}\b")

Found = tuple[Place, str]


def block_place(inside: list[Line], name: str, clock: Clock) -> Found | None:
    """Return the place that a block states and the text that states it; None where it states none."""
    labelled = _labelled(inside, clock)
    if labelled:
        return labelled[0]
    folded_name = fold(name)
    others = [line for line in inside if _may_be_place(line, folded_name)]
    hinted = [(_is_hinted(line), line) for line in others]
    for is_hinted, line in sorted(hinted, key=lambda one: not one[0]):
        place = place_from_text(line.text) if is_hinted or _MAYBE_POSTCODE.search(line.text) else None
        if place is not None and (is_hinted or is_address(place)) and not _is_dated(line.text, clock):
            return place, line.text
    return None


def page_place(outside: list[Line], first: int, clock: Clock) -> Found | None:
    """Return the one place of the lines that belong to no block: labelled, or an address before line ``first``; None for several."""
    labelled = _labelled(outside, clock)
    stated = labelled or [found for line in outside[:first] if (found := block_place([line], "", clock)) is not None]
    return stated[0] if stated and len({fold(text) for _, text in stated}) == 1 else None


def _labelled(lines: list[Line], clock: Clock) -> list[Found]:
    texts = [text for text in labelled_facts(lines).get("where", []) if not _is_dated(text, clock)]
    return [(place, text) for text in texts if (place := place_from_text(text)) is not None]


def _may_be_place(line: Line, folded_name: str) -> bool:
    if line.heading or is_label(line) or not SHORTEST <= len(line.text) <= LONGEST:
        return False
    return fold(line.text) != folded_name


def _is_hinted(line: Line) -> bool:
    for node in ancestors(line.node, _HINT_HEIGHT):
        attributes = node.attributes
        words = f"{attributes.get('class') or ''} {attributes.get('id') or ''} {attributes.get('itemprop') or ''}"
        if node.tag == "address" or _HINT.search(words[:300]):
            return True
    return False


def _is_dated(text: str, clock: Clock) -> bool:
    return bool(find_dates(text, now=clock.now, language=clock.language)) or first_time(text) is not None
