"""A text as the kinds of its words, numbers and signs, for the grammars of opening hours and of rules of recurrence."""

import re
from dataclasses import dataclass, field

from tripper_assets.extract.date_words import LANGUAGES, Word, plain
from tripper_assets.extract.week_words import ALL_DAYS, SUNDAY, WEEKEND, WORKDAYS, phrases, words

AM, PM, EXACT = 1, 2, 4
"""What a time of day says of itself: its half of the day, or that it is told on a clock of 24 hours."""
_HALF = r"a\.?\s?m\b\.?|p\.?\s?m\b\.?|de la (?:mañana|tarde|noche)\b|du (?:matin|soir)\b|de l['’]après-midi\b"
_UNIT = r"(?:uhr|uur|hrs?|heures?|horas?|o['’]clock|h|u)\b\.?"
_TOKEN = re.compile(
    r"(?P<date>\d{4}-\d{1,2}-\d{1,2}|\d{1,2}\.\d{1,2}\.\d{2,4}(?!\d)|\d{1,2}/\d{1,2}/\d{2,4}(?!\d)|\d{1,2}\.\s?(?:0?[1-9]|1[0-2])\.(?!\d))"
    r"|(?P<money>[£€$]\s?\d[\d.,]{0,9}|\d[\d.,]{0,9}\s?(?:[£€$]|euros?\b|eur\b|chf\b))"
    r"|(?P<daily>(?:7\s?(?:j|jours|d)?\s?/\s?7)(?!\d))"
    r"|(?P<fortnight>\b14-?\s?t(?:ä|ae|a)g(?:ig|lich)\w{0,3}|\bbi-weekly\b)"
    r"|(?P<weekend>\bweek-?ends?\b)|(?P<work>\bM\s?[-–]\s?F\b)|(?P<sunday>\b(?:sonn-?\s?(?:und|u\.|&)\s?feiertag\w{0,2}|zon-?\s?(?:en|&)\s?feestdag\w{0,2}))"
    r"|(?P<through>\bt/m\b)|(?P<both>\bu\.(?=\s))|(?P<the>\bv/d\b)|(?P<part>après-?\s?midis?)"
    rf"|(?P<clock>\b(?P<h>\d{{1,2}})(?:\s?h\s?|[:.hu]|(?:(?<=ore\s\d)|(?<=ore\s\d\d)|(?<=lle\s\d)|(?<=lle\s\d\d)),)(?P<m>[0-5]\d)(?:[:.]00)?(?![\d])(?:\s?(?P<half1>{_HALF})|\s?(?P<unit1>{_UNIT}))?)"
    rf"|(?P<hour>\b(?P<h2>\d{{1,2}})\s?(?:(?P<half2>{_HALF})|(?P<unit2>{_UNIT}))(?!\s?\d))"
    r"|(?P<noon>\b12\s?(?:noon|midday)\b)"
    r"|(?P<ordinal>\b\d{1,2}(?:st|nd|rd|th|[eè]re?s?|ers|es?|[eè]mes?|ste|de|\.er|\s?\.?[ºª°])(?!\w))"
    r"|(?P<number>\d+)|(?P<word>[^\W\d_]+)|(?P<skip>['’´`]|\s+)|(?P<sign>.)",
    re.IGNORECASE | re.DOTALL,
)
_SIGNS = {
    **dict.fromkeys("-–—‐‑−~", "-"), **dict.fromkeys("&+", "a"), **dict.fromkeys(";|·•\n", ";"), **dict.fromkeys("(["), "(": "(", "[": "(",
    ")": ")", "]": ")", ",": ",", "/": "/", ":": ":", ".": ".",
}  # fmt: skip
_OF_LANGUAGE = {
    "uhr": "de",
    "uur": "nl",
    "u": "nl",
    "heure": "fr",
    "heures": "fr",
    "hora": "es",
    "horas": "es",
    "h": "fr",
}
_NEAR_AFTER = re.compile(r"\.?[-t,a/]{1,2}[pfl]{0,2}[sDd]")
_NEAR_BEFORE = re.compile(r"[sDd]\.?[-t,a/]{1,2}[pfl]{0,2}$")
_TIME_AFTER = re.compile(r"[.,:]{0,2}[pfqtla]{0,2}[Tn]")
_CLOCK_AFTER = re.compile(r"[.,:]{0,2}[pfqtla]{0,2}(?:n[-t])?T")


@dataclass(slots=True)
class WeekTokens:
    """One letter for each token (week_words.py says which), with its value and where in the text it stands."""

    kinds: str = ""
    values: list[int] = field(default_factory=list)
    flags: list[int] = field(default_factory=list)
    begins: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    language: str = ""
    """The language that most of its words are of, empty where none tells."""


@dataclass(slots=True)
class _Piece:
    text: str
    begin: int
    end: int
    kind: str = ""
    value: int = 0
    flag: int = 0


def week_tokens(text: str, language: str = "") -> WeekTokens:
    """Return the tokens of a text; ``language`` is what its page says, and only breaks a tie among words of several languages."""
    pieces, votes = _pieces(text, language)
    spoken = max(LANGUAGES, key=lambda one: votes[one])
    found: list[_Piece] = []
    index = 0
    while index < len(pieces):
        step, piece = _named(pieces, index, spoken)
        found.append(piece)
        index += step
    kinds = _without_chance_days([piece.kind for piece in found], found, spoken)
    return WeekTokens(
        "".join(kinds),
        [piece.value for piece in found],
        [piece.flag for piece in found],
        [piece.begin for piece in found],
        [piece.end for piece in found],
        spoken if votes[spoken] else "",
    )


def _pieces(text: str, language: str) -> tuple[list[_Piece], dict[str, float]]:
    votes = dict.fromkeys(LANGUAGES, 0.0)
    if language[:2] in votes:
        votes[language[:2]] += 0.5
    pieces: list[_Piece] = []
    known = words()
    for match in _TOKEN.finditer(text):
        group = match.lastgroup or ""
        if group == "skip":
            if "\n" in match[0]:
                pieces.append(_Piece("", *match.span(), ";"))
            continue
        piece = _Piece("", *match.span())
        if group == "word":
            piece.text, piece.flag = plain(match[0]), int(match[0][0].isupper())
            _vote(known.get(piece.text), votes)
        else:
            _read(piece, match, group, votes)
        pieces.append(piece)
    return pieces, votes


def _vote(meanings: dict[str, Word] | None, votes: dict[str, float]) -> None:
    """A word that all its languages share tells nothing; the fewer know it, the more it tells."""
    if meanings:
        for one in meanings:
            votes[one] += 1 / len(meanings) ** 2


def _read(piece: _Piece, match: re.Match[str], group: str, votes: dict[str, float]) -> None:
    """Give a piece that is no plain word its kind, from the group of the expression that found it."""
    piece.text = match[0]
    kind, value = _READERS[group]
    piece.kind, piece.value = kind, value
    if group in {"clock", "hour"}:
        _read_clock(piece, match, votes)
    elif group in {"ordinal", "number"}:
        piece.value = int((re.match(r"\d{1,6}", match[0]) or match)[0])
    elif group == "sign":
        piece.kind = _SIGNS.get(match[0]) or "W"
    elif group in {"the", "through"}:
        votes["nl"] += 1


_READERS: dict[str, Word] = {
    "date": ("X", 0), "money": ("P", 0), "daily": ("A", ALL_DAYS), "fortnight": ("F", 2), "weekend": ("S", WEEKEND), "work": ("S", WORKDAYS), "sunday": ("S", SUNDAY),
    "through": ("t", 1), "both": ("a", 0), "the": ("p", 0), "part": ("e", 0), "clock": ("T", 0), "hour": ("T", 0), "noon": ("T", 720), "ordinal": ("N", 0),
    "number": ("n", 0), "sign": ("W", 0),
}  # fmt: skip


def _read_clock(piece: _Piece, match: re.Match[str], votes: dict[str, float]) -> None:
    hour, minute = int(match["h"] or match["h2"]), int(match["m"] or 0)
    half = plain(match["half1"] or match["half2"] or "").replace(".", "").replace(" ", "")
    unit = (match["unit1"] or match["unit2"] or "").casefold().rstrip(".")
    if unit in _OF_LANGUAGE:
        votes[_OF_LANGUAGE[unit]] += 0.3 if unit == "h" else 1
    piece.flag = (AM if half in {"am", "delamanana", "dumatin"} else PM) if half else 0
    if unit and not piece.flag:
        piece.flag = EXACT
    if hour > 24 or (hour == 24 and minute):  # noqa: PLR2004 (a clock)
        piece.kind = "n"
    if match[0][0] == "0" or hour > 12 or (match["m"] and "h" in match[0].casefold()):  # noqa: PLR2004 (a clock)
        piece.flag = piece.flag or EXACT
    if piece.flag in {AM, PM} and hour <= 12:  # noqa: PLR2004 (a clock)
        hour = hour % 12 + (12 if piece.flag == PM else 0)
    piece.value = hour * 60 + minute


def _named(pieces: list[_Piece], index: int, spoken: str) -> tuple[int, _Piece]:
    """Return how many pieces make the next token, and that token: a phrase of several words, or a word in the language of the text."""
    piece = pieces[index]
    for parts, _, (kind, value) in phrases().get(piece.text, ()):
        last = index + len(parts)
        if last <= len(pieces) and all(pieces[index + offset].text == part for offset, part in enumerate(parts)):
            return len(parts), _Piece(" ".join(parts), piece.begin, pieces[last - 1].end, kind, value)
    if piece.kind:
        return 1, piece
    meanings = words().get(piece.text)
    if meanings is None:
        piece.kind = "W"
    else:
        piece.kind, piece.value = meanings.get(spoken) or next(iter(meanings.values()))
    return 1, piece


def _without_chance_days(kinds: list[str], pieces: list[_Piece], spoken: str) -> list[str]:
    """Short weekdays are words too (so, do, di, me, sun): they count beside another day or a time, the shortest only in capitals."""
    joined = "".join(kinds)
    for index, piece in enumerate(pieces):
        if piece.kind == "s":
            before, after = joined[max(0, index - 5) : index], joined[index + 1 : index + 8]
            if not _is_day(piece, before, after, spoken):
                kinds[index] = "W"
            if piece.text == "mar" and (
                spoken == "en" or re.search(r"M\.?[-t]$", before) or re.match(r"\.?[-t]M", after)
            ):
                kinds[index], piece.value = "M", 3
    return kinds


def _is_day(piece: _Piece, before: str, after: str, spoken: str) -> bool:
    near = bool(_NEAR_AFTER.match(after) or _NEAR_BEFORE.search(before))
    length, capital = piece.end - piece.begin, piece.flag == 1
    if length == 1:
        return capital and (near or (spoken == "es" and bool(_CLOCK_AFTER.match(after))))
    if length == 2:  # noqa: PLR2004 (Mo, Di, Lu)
        return near or bool((_TIME_AFTER if capital else _CLOCK_AFTER).match(after))
    return True
