"""What names a block of a list: titles told apart from dates, buttons, addresses and the words that every list has."""

import re
from datetime import time

from selectolax.lexbor import LexborNode

from tripper_assets.domain.identity import fold
from tripper_assets.extract.blocks import ancestors
from tripper_assets.extract.clock import Clock
from tripper_assets.extract.date_tokens import minutes
from tripper_assets.extract.date_words import plain, vocabulary
from tripper_assets.extract.dates import find_dates

MAX_TITLE = 200
# A rest that begins so says where, not what; a person's term of office is no activity.
PLACE_REST = re.compile(
    r"(?:at|in|@|(?:(?:meeting|event|hearing|class)\s)?(?:location|venue)|from|to|um|im|bei|à|en|in|presso|te|suite|room|floor|\d{1,5}\s+(?:[NSEW]\.?\s)?[^\W\d_]+.{0,30}\b(?:st|street|ave|avenue|rd|road|blvd|drive|dr|lane|ln|way|suite|plaza)\b|[^,]{2,40},\s[A-Z]{2}\s\d{5})\b",
    re.IGNORECASE,
)
# Links and buttons that say what to do and not what it is.
_NOT_A_TITLE = re.compile(
    r"^(?:(?:read|learn|find out|view|see|show|load) (?:more|all|details?)|more(?: info\w*)?|details?|book(?: now| tickets?| here)?|buy(?: tickets?)?|tickets?|register(?: now)?|"
    r"(?:view|download|see|read|watch|click|open|get|join)\b.{0,30}\b(?:agendas?|minutes|here|details?|more|pdf|recording|packet|notice|info\w*|directions|all)|"
    r"sign up|rsvp|add to calendar|export|share|download|agenda|minutes|presentations?|resources?|materials?|recordings?|documents?|slides|today|tomorrow|tonight|this week(?:end)?|heute|morgen|heute abend|aujourd.hui|demain|ce soir|hoy|mañana|oggi|domani|stasera|vandaag|vanavond|video|audio|pdf|map|mehr(?: infos?| erfahren)?|weiterlesen|weiter|anmelden|karten|jetzt buchen|"
    r"en savoir plus|lire la suite|réserver|leer más|más información|reservar|leggi (?:tutto|di più)|prenota|lees meer|meer info\w*|reserveer|"
    r"(?:next|previous|prev|back|home|top|date|time|location|meeting|event|am|pm|when|where|all day|tbd|tba|cancell?ed|postponed|approved|draft|meeting details|not available|notice|ics|zoom|online|virtual meeting|virtual|in[- ]person|hybrid|webinar).{0,3}|(?:board |committee )?meeting (?:agenda|minutes|notice|packet|materials)s?|(?:draft|approved|final) (?:agenda|minutes).{0,10})$",
    re.IGNORECASE,
)
TERM = re.compile(
    r"\bterms?\b.{0,30}\b(?:expir\w+|ends?|began|office)|\bexpir(?:es|ation|ing)\b|\breappointed\b|\bappointed (?:by|on)\b",
    re.IGNORECASE,
)
DOCUMENT = re.compile(r"\.(?:pdf|docx?|ics|xlsx?|pptx?|zip|mp[34])(?:$|\?)", re.IGNORECASE)
GENERIC = re.compile(
    r"(?:(?:20\d\d|the|our|all|upcoming|past|previous|recent|future|current|next|meetings?|schedules?|agendas?|minutes|dates?|calendar|"
    r"events?|archives?|year|information|documents?|and|of|list|programme?|kommende|nachste|vergangene|alle|termine|veranstaltungen|prochains?|evenements|"
    r"agenda|proximos|eventos|prossimi|eventi|komende|evenementen)\s?)+"
)
_TIME = re.compile(
    r"(?<![\d:.])(\d{1,2}(?:[:.]\d{2})?\s?[ap](?:\.\s?m\.?|m\b)|\d{1,2}:\d{2}(?!\d)|\d{1,2}(?:\.\d{2})?\s?uhr\b|\d{1,2}h\d{0,2}\b|\bnoon\b)(?:\s?(?:-|–|—|to|until|bis|à)\s?(\d{1,2}(?:[:.]\d{2})?\s?[ap](?:\.\s?m\.?|m\b)|\d{1,2}:\d{2}(?!\d)|\d{1,2}(?:\.\d{2})?\s?uhr\b|\d{1,2}h\d{0,2}\b|\bnoon\b))?",
    re.IGNORECASE,
)


def first_time(text: str) -> tuple[time, time | None] | None:
    """Return the first time of day in a text, with the end where it is a span of time."""
    match = _TIME.search(text)
    if match is None:
        return None
    start = minutes(match[1])[0]
    end = minutes(match[2])[0] if match[2] else -1
    return (time(start // 60, start % 60), time(end // 60, end % 60) if end >= 0 else None) if start >= 0 else None


# That a place is closed is a notice and nothing to do.
CLOSED = re.compile(
    r"\b(?:closed|closure|geschlossen|fermée?|cerrado|chiuso|gesloten)\b(?! (?:book|circuit|session))", re.IGNORECASE
)
_STREET = re.compile(
    r"\b\d{2,5}\s(?:[NSEW]\.?\s)?[^\W\d_]+\s(?:(?:[^\W\d_]+\s)?(?:st|street|ave|avenue|rd|road|blvd|boulevard|drive|dr|lane|ln|parkway|court|plaza|terrace))\b",
    re.IGNORECASE,
)
_ORDINAL = re.compile(r"\d{1,2}(?:st|nd|rd|th|er|e|º|ª|°)\.?")
_STOPS = ".!…»› "
# A notice of a meeting names the board that meets; the rest is how it is announced.
_ANNOUNCED = re.compile(
    r"^(?:(?:public )?notice|order of business|agenda|minutes)\s(?:of|for)\s(?:(?:the|a|an)\s)?(?:(?:regular|special|annual|public)\s){0,2}(?:(?:meeting|hearing|session)\s(?:of|by)\s(?:the\s)?)?(?=[^\W\d_])",
    re.IGNORECASE,
)
_EDGES = " \t,;:|·•-–—()[]/@*\"'"


def parts_without_dates(text: str, clock: Clock) -> list[str]:
    """Return what stands between the dates and times of a text."""
    for span in reversed(find_dates(text, now=clock.now, language=clock.language)):
        text = (
            f"{text[: span.begin]} | {text[span.stop :]}"
            if span.kind in {"day", "weak"} or span.kind == "month"
            else text
        )
    text = _TIME.sub(" | ", text)
    return [part for piece in re.split(r"\s\|(?=\s|$)|^\|\s", f" {text} ") if (part := _without_edges(piece))]


def _without_dates(text: str, clock: Clock) -> str:
    """Return the longest part of the text between its dates and times."""
    return max(parts_without_dates(text, clock), key=len, default="")


def clean_title(text: str, clock: Clock) -> str:
    """Return the text as a title, empty where it is a date, a button, a weekday, a sentence or a number."""
    stripped = _ANNOUNCED.sub("", _without_edges(text))
    bare = _without_dates(stripped, clock)
    words = re.findall(r"[^\W\d_]{2,}", bare)
    bare = re.sub(r"\s(?:on|at|from|am|um|vom|le|du|el|il|op|for)$", "", bare)
    if PLACE_REST.match(bare) or _STREET.search(bare) or GENERIC.fullmatch(fold(bare)):
        return ""
    if (
        not words
        or len(bare) > MAX_TITLE
        or _NOT_A_TITLE.match(bare.rstrip(_STOPS))
        or _NOT_A_TITLE.match(stripped.rstrip(_STOPS))
    ):
        return ""
    if all(_is_date_word(word) for word in words) or _ORDINAL.fullmatch(bare):
        return ""
    return (
        stripped
        if len(bare) > len(stripped) * 0.5
        and not re.search(r"\s(?:on|at)$", stripped)
        and bare in stripped[: len(bare) + 3]
        else bare
    )


def _without_edges(text: str) -> str:
    """Return the text without the signs around it; a bracket that closes one within stays."""
    stripped = text.strip(_EDGES)
    for opening, closing in ("()", "[]"):
        if stripped.count(opening) > stripped.count(closing) and text.rstrip(" .").endswith(closing):
            stripped += closing
        if stripped.count(closing) > stripped.count(opening) and text.lstrip().startswith(opening):
            stripped = opening + stripped
    return stripped


def _is_date_word(word: str) -> bool:
    return vocabulary("").get(plain(word), ("", 0))[0] in {"M", "W"} or word.casefold() in {
        "at",
        "the",
        "from",
        "to",
        "of",
        "until",
        "till",
        "bis",
        "jusqu",
        "hasta",
        "fino",
        "tot",
        "um",
        "uhr",
        "am",
        "pm",
    }


def column_header(node: LexborNode) -> str:
    """Return the text that heads a table cell's column, empty for what stands in no table with headings."""
    cell = next((one for one in ancestors(node, 4) if one.tag == "td"), None)
    table = next((one for one in ancestors(cell, 5) if one.tag == "table"), None) if cell is not None else None
    if cell is None or table is None or cell.parent is None:
        return ""
    cells = [one.mem_id for one in cell.parent.iter(include_text=False)]
    header = table.css_first("tr")
    headings = (
        [one.text(deep=True).strip() for one in header.iter(include_text=False) if one.tag == "th"] if header else []
    )
    index = cells.index(cell.mem_id)
    return headings[index][:100] if index < len(headings) else ""
