"""The words by which publishers say in a name that an activity is cancelled, postponed or moved online."""

import re

from tripper_assets.domain.activities import EventStatus
from tripper_assets.extract.texts import holds_one

_WORDS: dict[EventStatus, str] = {
    "EventCancelled": r"cancell?ed|cancellation|abgesagt|entfällt|fällt aus|annulée?|cancelad[oa]|annullat[oa]|geannuleerd|afgelast",
    "EventPostponed": r"postponed|verschoben|reportée?|aplazad[oa]|pospuest[oa]|rinviat[oa]|uitgesteld",
    "EventRescheduled": r"rescheduled|new date|neuer termin|nouvelle date|nueva fecha|nuova data|nieuwe datum",
    "EventMovedOnline": r"moved online|now online|jetzt online",
}
# At the beginning, set off by a mark or in capitals, or at the end in brackets or after a mark: "A cancelled cheque" is a title.
_SAID: dict[EventStatus, re.Pattern[str]] = {
    status: re.compile(
        rf"^\W{{0,4}}(?:{words})\W{{0,4}}$|^\W{{0,4}}(?:{words})\s?(?:[:!\-–—|\])*]|\.\s)|[\[(*\-–—:|]\s?(?:{words})\W{{0,4}}$",
        re.IGNORECASE,
    )
    for status, words in _WORDS.items()
}
_CUES = (
    "cancel", "abgesagt", "entfällt", "fällt aus", "annul", "postponed", "verschoben", "report", "aplazad", "pospuest", "rinviat", "uitgesteld",
    "rescheduled", "new date", "neuer termin", "nouvelle date", "nueva fecha", "nuova data", "nieuwe datum", "online", "afgelast",
)  # fmt: skip
_LONGEST = 300


def may_state_status(text: str) -> bool:
    """Return whether a text of any length holds one of the words, without which none of its lines states a status."""
    return holds_one(text.lower(), _CUES)


def status_in(name: str) -> EventStatus | None:
    """Return the status that a name states at its beginning or end, None where it states none."""
    text = name[:_LONGEST]
    if not holds_one(text.lower(), _CUES):
        return None
    return next((status for status, said in _SAID.items() if said.search(text)), None)
