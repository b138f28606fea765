"""Ages that a text states, in years: ages 3-7, ab 4 Jahren, dès 18 mois, under 5s, 8+."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from tripper_assets.domain.activities import AgeRange
from tripper_assets.extract.age_words import number_words
from tripper_assets.extract.texts import folded, holds_one

MAX_TEXT = 20_000
OLDEST = 99
OLDEST_FROM = 21
"""An activity from a higher age on is none for children: "da 30 anni" is since thirty years."""
OLDEST_PLUS = 21
_WORDS = number_words()
_DIGITS = r"\d{1,3}(?:[.,](?:5|25|75)|\s?½)?"
_ANY = rf"(?:{_DIGITS}|(?:{'|'.join(sorted(_WORDS, key=len, reverse=True))}))"
_BIRTH = r"birth|newborns?|geburt|(?:la )?naissance|(?:el )?nacimiento|nascita|(?:de )?geboorte"
_UNIT = (
    r"(?:months?|mths?|monate?n?|mois|mes(?:es|i|e)|maand(?:en)?|weeks?|wks?|wochen?|semaines|semanas|settimane|weken"
    r"|years?|yrs?|jahren?|jährigen?|j\.|ans|años|anni|jaar|jarigen?|y/?o)(?!\w)"
)
_OLD = r"(?:[\s-]olds?\b)?"
_HALF = r"(?:\s(?:et demi|y medio|e mezzo|einhalb|and a half))?"
_TO = r"\s?-?\s?(?:-|–|—|/|to|bis|à|al?|ai|agli|tot en met|tot|t/m|and|und|et|y|e|en)\s?(?:los\s|les\s|i\s|zu\s|age\s|de\s)?"
_CONTEXT = (
    r"(?:ages?d?|alter|altersempfehlung|âges?|edad(?:es)?|età|leeftijd(?:en)?|altersgruppe|kids|children|kinder(?:n)?|enfants|niños|niñas|bambini"
    r"|ragazzi|kinderen|teens?)"
)
_FROM = (
    r"(?:ab|from|over|mindestens|à partir de|dès|plus de|más de|a partir de|mayores de|desde|a partire da|a partire dai|da|dai|dagli|sopra|oltre|vanaf"
    r"|ouder dan|boven|für kinder ab)(?:\s(?:the|ages?|age of|los|les|i|gli|de|dem|alter|von|ca\.|circa|etwa|l['’]âge)){0,3}"
)
_UP_TO = r"(?:up to|bis(?: zu| einschließlich)?|jusqu['’]à|hasta|fino a(?:i|gli)?|tot en met|tot|t/m|max(?:imum)?\.?)(?:\s(?:the|ages?|los|i|de)){0,2}"
_UNDER = r"(?:under(?:\sthe age of|\sage)?|younger than|unter|jünger als|(?:moins|(?<![\w\d])-) de|menores de|sotto i|minori di|onder de|jonger dan)"
_MORE = (
    r"(?:\s?(?:and|&|or|und|oder|et|ou|y|o|e|en|of)\s(?:plus|more|älter|más|mayores|più|oltre|ouder)\b|\s?et\s\+"
    r"|\splus\b|\sen adelante|\sin su\b|\sund mehr)"
)
_LESS = r"\s?(?:and|&|or|und|et|y|o|e|en|of)\s(?:under|younger|below|jünger|moins|menores|menos|sotto|jonger)\b"
_START = r"(?<![\d.,:/€$£\w+-])"
_END = r"(?!\s?(?:%|€|£|\$|pm\b|am\b|uhr|h\b|:\d|[.,]\d))(?!\w)"
# What stands before a number is looked at behind its first digit: an expression that begins with a digit is tried at digits only.
_FIRST = r"\d(?<![\d.,:/€$£\w+-]\d)\d{0,2}(?:[.,](?:5|25|75)|\s?½)?"
_RULES: tuple[tuple[str, str, re.Pattern[str]], ...] = tuple(
    (kind, cue, re.compile(pattern))
    for kind, cue, pattern in (
        ("range", "unit", rf"{_START}(?P<low>{_ANY}|{_BIRTH})(?:[\s-]?(?P<lowunit>{_UNIT}))?{_HALF}{_TO}(?P<high>{_ANY})(?:[\s-]?(?P<unit>{_UNIT}){_OLD}|s\b)"),
        ("range", "unit", rf"(?P<low>{_FIRST})[\s-]?(?P<unit>{_UNIT})(?P<half>{_HALF}){_TO}(?P<high>{_DIGITS})\b{_END}"),
        ("range", "who", rf"\b{_CONTEXT}(?:\s[^\W\d]{{1,12}})?\s?:?\s?(?:of\s|von\s|de\s|da\s|dai\s|van\s|between\s|entre\s|zwischen\s)?(?P<low>{_DIGITS}){_TO}(?P<high>{_DIGITS})\b{_END}(?:\s?(?:and|&|,|und|et|y|e|en)\s?(?P<low2>{_DIGITS}){_TO}(?P<high2>{_DIGITS})\b{_END})?"),
        ("born", "birth", rf"\b(?:from|ab|dès|desde|dalla|vanaf)\s(?:{_BIRTH})\b"),
        ("crawl", "unit", rf"(?P<low>{_FIRST})\s?(?P<unit>{_UNIT})\sto\s(?:crawling|crawlers|walking|walkers|toddler)"),
        ("least", "who", rf"\b{_CONTEXT}\s(?P<low>{_DIGITS})\s?(?:-|–|to)\s?adults?\b"),
        ("school", "unit", r"\bab dem (?P<low>\d{1,2})\. lebensjahr"),
        ("plus", "more", rf"(?P<low>{_FIRST})[\s-]?(?P<unit>{_UNIT})?{_OLD}\s?(?:and|&|or|und|oder|en|of)\s(?:up|over|older|above|älter|ouder)\b"),
        ("plus", "more", rf"(?P<low>{_FIRST})[\s-]?(?P<unit>{_UNIT}){_OLD}{_MORE}"),
        ("least", "plus", rf"(?P<low>{_FIRST})\s?(?P<unit>{_UNIT})\s?\+"),
        ("least", "plus", rf"(?P<low>{_FIRST})\s?\+\s?(?P<unit>{_UNIT})"),
        ("least", "unit", rf"(?<![\w+])\+\s?(?P<low>{_DIGITS})\s?(?P<unit>{_UNIT})"),
        ("plus", "plus", r"(?<![\w.,:/€$£+-])(?P<low>\d{1,2})\s?\+(?=\s{0,3}(?:$|[)\].,;|·]|only\b))|(?:^|(?<=[(|·]))\s{0,9}\+\s?(?P<low3>\d{1,2})(?=\s{0,3}(?:$|[)|·]))"),
        ("least", "who", rf"\b(?:{_CONTEXT}|suitable for|geeignet für|recommended|für kinder)(?:\s\w{{1,14}})?\s?:?\s?(?:for\s|ab\s|from\s|dai\s|vanaf\s|dès\s|à partir de\s)?(?:ages?\s)?(?P<low>{_DIGITS})\s?(?:\+|plus\b)(?!\s?(?:€|£|\$|\d))"),
        ("least", "minimum", rf"\b(?:minimum[\s-]?ages?|mindestalter|âge minim(?:um|al)|edad mínima|età minima|minimum[\s-]?leeftijd|min\. age)(?:\sof)?\s?:?\s?(?P<low>{_DIGITS})\b{_END}(?:\s?(?P<unit>{_UNIT}))?"),
        ("from", "unit", rf"\b{_FROM}\s(?P<low>{_ANY})[\s-]?(?P<unit>{_UNIT})(?P<half>{_HALF})"),
        ("from", "who", rf"\b(?:{_CONTEXT})\s(?:from|ab|dès|vanaf|dai|desde)\s(?P<low>\d{{1,2}})\b{_END}(?!\s?\w)|\((?:ab|dès|from|vanaf|dai)\s(?P<low3>\d{{1,2}})\)"),
        ("from", "who", rf"\b(?:from|over) (?:the )?ages? (?:of )?(?P<low>{_DIGITS})\b"),
        ("least", "over", r"\bover[\s-](?P<low>\d{1,2})s\b|^\s{0,3}over\s(?P<low3>\d{1,2})\s{0,3}$"),
        ("least", "less", r"\bno under[- ](?P<low>\d{1,2})s\b"),
        ("under", "less", rf"(?:\b|(?=-)){_UNDER}[\s-](?P<low>{_ANY})(?:s\b|[\s-]?(?P<unit>{_UNIT})|(?<=age of \d)|(?<=age of \d\d)|\s{{0,3}}$)"),
        ("most", "unit", rf"(?<!from )(?<!von )\b{_UP_TO}\s(?P<low>{_DIGITS})[\s-]?(?P<unit>{_UNIT})"),
        ("most", "who", rf"\bup to ages?\s(?P<low>{_DIGITS})\b"),
        ("most", "more", rf"(?P<low>{_FIRST})[\s-]?(?P<unit>{_UNIT})?{_OLD}{_LESS}"),
    )
)  # fmt: skip
_ALL = re.compile(
    r"\b(?:all ages|any age|für alle altersgruppen|(?:für )?jedes alter|für alle alter|tout public|tous (?:les )?âges|todas las edades|todos los públicos"
    r"|tutte le età|adatt[oa] a tutti|alle leeftijden|(?:voor|für) jong (?:en|und) (?:oud|alt)|für jung und alt)\b",
)
_NUMBER_AND_UNIT = re.compile(rf"[\d½](?:[\s-]?{_UNIT}|s\b)")
_ANY_UNIT = re.compile(_UNIT)
_WORD = re.compile(r"[^\W\d_]+")
_WHO_AND_NUMBER = re.compile(
    r"(?:age|alter|âge|edad|età|leeftijd|kids|child|kinder|enfants|niñ|bambini|ragazzi|teen|suitable|geeignet|recommended)\D{0,60}\d"
)
_LESS_AND_NUMBER = re.compile(
    r"\d(?:(?<=(?:under|unter|onder)[\s-]\d)|(?<=than[\s-]\d)|(?<=(?:age|als|dan)[\s-]\d)|(?<=(?:of|de|di|\si)[\s-]\d))"
)
# The longest that stands between them is a unit, "year olds" and a conjunction.
_NUMBER_AND_MORE = re.compile(
    r"\d\D{0,40}?(?:up|over|older|above|plus|more|lter|lder|más|mayores|più|oltre|ouder|adelante|in su|mehr|et \+|under|younger|below|jünger|moins|menores|menos"
    r"|sotto|jonger)"
)
_PLURALS = frozenset(f"{word}s" for word in _WORDS)
_NUMBERS = frozenset(_WORDS) | _PLURALS
_BEFORE_LESS = frozenset({"under", "unter", "onder", "than", "age", "of", "als", "dan", "de", "di", "i"})
# What a text must hold for a rule to be tried: looking for a few letters costs a hundredth of what the rules do.
_CUES: dict[str, tuple[str, ...]] = {
    "unit": (
        "year", "yr", "month", "mth", "week", "wk", "jahr", "jähr", "j.", "monat", "woche", " ans", "\nans", "mois", "semaine", "años", "mes", "anni",
        "settiman", "jaar", "jarig", "maand", "weken", "y/o", "yo", "ans", "1s", "2s", "3s", "4s", "5s", "6s", "7s", "8s", "9s",
    ),
    "who": (
        "age", "alter", "âge", "edad", "età", "leeftijd", "kids", "child", "kinder", "enfants", "niñ", "bambini", "ragazzi", "teen", "suitable",
        "geeignet", "recommended", "(ab ", "(dès ", "(from ", "(vanaf ", "(dai ",
    ),
    "birth": ("birth", "born", "geb", "naissance", "nacimiento", "nascita"),
    "plus": ("+",),
    "more": (
        "up", "over", "older", "above", "plus", "more", "lder", "lter", "más", "mayores", "più", "oltre", "ouder", "adelante", "in su", "mehr",
        "et +", "under", "younger", "below", "jünger", "moins", "menores", "menos", "sotto", "jonger",
    ),
    "minimum": ("minimum", "mindestalter", "minim", "mínima", "min."),
    "over": ("over",),
    "less": ("under", "younger", "unter", "jünger", "moins", "- de", "menores", "sotto", "minori", "onder", "jonger"),
}  # fmt: skip
# A price's condition is no age limit, and a span of history is no age.
_NOT_AGES = re.compile(
    r"^[\s:,)–-]{0,4}(?:(?:go|is|are|haben|hebben|ist|sind|est|is)\s)?(?:free|half|frei|gratis|gratuit|kostenlos|entrada gratuita|ingresso gratuito"
    r"|ago\b|later|of (?!age)|experience|in business|lang\b|long\b|erfahrung|war\b|hours|d['’]exp|de exp|di esp|ervaring|(?:de|del|du|di) mus|through\b|you\b|we\b)",
)
_FREE_BEFORE = re.compile(
    r"\b(?:free|gratis|gratuit[oae]?s?|kostenlos|frei|lib(?:ero|re))(?:\s(?:entry|admission|entrance|entrada|entrée))?\s(?:to\s|for\s|für\s|pour\s|para\s|per\s|voor\s)?"
    r"(?:les\s|los\s|i\s|gli\s|kids\s|kindere?n?\s|children\s|enfants\s|(?:de|los)?\s?niños\s|bambini\s|aged\s|de\s){0,2}$",
)
_SINCE_BEFORE = re.compile(r"\b(?:desde hace|depuis|seit|since|il y a|hace|sinds|al)\s(?:\w+\s)?$")
_PRICE_AFTER = re.compile(
    r"^\s?\)?\s?[:–-]?\s?(?:£|€|\$|chf|eur|\d{1,3}(?:[.,]\d{1,2})?\s?(?:€|£|euro|eur|chf))", re.IGNORECASE
)
_PAYER_BEFORE = re.compile(
    r"\b(?:child(?:ren)?|kids?|kind(?:er)?|enfants?|niñ[oa]s?|bambin[io]|ragazz[io]|kinderen|juniors?|youth|jugendliche|teens?|jeunes|jóvenes)\s?\(?\s?$",
)


@dataclass(frozen=True, slots=True)
class AgeSpan:
    """A range of ages in years at ``begin`` to ``stop``; None means that side is open."""

    minimum: float | None
    maximum: float | None
    begin: int
    stop: int

    @property
    def range(self) -> AgeRange:
        """The ages as an activity states them."""
        return AgeRange(minValue=self.minimum, maxValue=self.maximum)


def find_ages(text: str) -> list[AgeSpan]:
    """Return the age ranges in the first 20,000 characters, in text order. Years of school (Year 3, CE1, Klasse 3) are no ages."""
    text = folded(text[:MAX_TEXT])
    cues = _cues(text)
    for_all = [AgeSpan(0, None, *match.span()) for match in _ALL.finditer(text)] if _has_all(text) else []
    spans: list[AgeSpan] = []
    for kind, cue, pattern in _RULES:
        for match in pattern.finditer(text) if cue in cues else ():
            if not any(match.start() < span.stop and span.begin < match.end() for span in spans):
                spans += _spans(kind, match) if _is_limit(kind, match, text) else []
    # "Tout public dès 6 ans" is for those of six and more.
    spans += [one for one in for_all if not any(0 <= span.begin - one.stop <= 3 for span in spans)]  # noqa: PLR2004 (a comma and blanks)
    return sorted(spans, key=lambda span: span.begin)


def _cues(text: str) -> set[str]:
    """Return which kinds of rules may find something: those whose words are there and, where a number must be near one, that too.

    Whether a number is near is looked at first: it takes less time than the words, and is seldom so.
    """
    words = _WORD.findall(text)
    return {
        cue for cue, cues in _CUES.items() if (cue not in _NEAR or _NEAR[cue](text, words)) and holds_one(text, cues)
    }


def _states_unit(text: str, words: list[str]) -> bool:
    """Return whether a unit stands behind a number, written as digits or as a word: "your 6 friends" states none."""
    if _NUMBER_AND_UNIT.search(text) or holds_one(text, ("lebensjahr", "jährig", "jarig")):
        return True
    if not _PLURALS.isdisjoint(words):
        return True
    return not _WORDS.keys().isdisjoint(words) and _ANY_UNIT.search(text) is not None


def _states_who(text: str, _words: list[str]) -> bool:
    return _WHO_AND_NUMBER.search(text) is not None or holds_one(text, ("(ab ", "(dès ", "(from ", "(vanaf ", "(dai "))


def _states_less(text: str, words: list[str]) -> bool:
    if _LESS_AND_NUMBER.search(text):
        return True
    if _NUMBERS.isdisjoint(words):
        return False
    return any(before in _BEFORE_LESS and word in _NUMBERS for before, word in pairwise(words))


def _states_more(text: str, _words: list[str]) -> bool:
    return _NUMBER_AND_MORE.search(text) is not None


_NEAR: dict[str, Callable[[str, list[str]], bool]] = {
    "unit": _states_unit,
    "who": _states_who,
    "less": _states_less,
    "more": _states_more,
}


def _has_all(text: str) -> bool:
    return holds_one(text, ("all", "any", "jede", "jung", "jong", "tou", "toda", "todo", "tutt"))


def _is_limit(kind: str, match: re.Match[str], text: str) -> bool:
    """Return whether the ages are for whom something is, and not for whom it is free or at what price, nor how old the house is."""
    before, after = text[max(0, match.start() - 45) : match.start()], text[match.end() : match.end() + 25]
    if _NOT_AGES.match(after) or _SINCE_BEFORE.search(before):
        return False
    if match[0].startswith("over ") and not re.match(
        r"over (?:the )?(?:ages? )?(?:of )?\d+s?\b(?!.(?:week|month))", match[0]
    ):
        return False  # "over four years", "over 8 weeks" is how long something takes
    if kind in {"most", "under"} and _FREE_BEFORE.search(before):
        return False
    number = re.search(r"\d", match[0])
    payer = before + match[0][: number.start() if number else 0]
    return not (_PRICE_AFTER.match(after) and _PAYER_BEFORE.search(payer))


def _spans(kind: str, match: re.Match[str]) -> list[AgeSpan]:
    groups = match.groupdict()
    unit = groups.get("unit") or ""
    low = _years(groups.get("low") or groups.get("low3") or "0", unit)
    if kind == "range":
        return _ranges(match, unit)
    if kind == "school":
        low -= 1
    if groups.get("half"):
        low += 0.5
    if low > (OLDEST_FROM if kind == "from" else OLDEST_PLUS if kind == "plus" else OLDEST):
        return []
    minimum, maximum = (None, low) if kind in {"most", "under"} else (low, None)
    if kind == "under":
        maximum = _below(low, unit)
    return [AgeSpan(minimum, maximum, *match.span())]


def _ranges(match: re.Match[str], unit: str) -> list[AgeSpan]:
    groups = match.groupdict()
    low = _years(groups["low"], groups.get("lowunit") or unit) + (0.5 if groups.get("half") else 0)
    high = _years(groups["high"], unit)
    if unit.startswith(("w", "sem", "sett")) and not groups.get("lowunit") and "old" not in match[0]:
        return []  # six to eight weeks is how long a course runs
    if not low < high <= OLDEST:
        return []
    second = groups.get("low2")
    if not second:
        return [AgeSpan(low, high, *match.span())]
    stop = match.end("high")
    more = AgeSpan(_years(second, ""), _years(groups["high2"], ""), match.start("low2"), match.end())
    return [
        AgeSpan(low, high, match.start(), stop),
        *([more] if (more.minimum or 0) < (more.maximum or 0) <= OLDEST else []),
    ]


def _below(age: float, unit: str) -> float:
    """Return the last age below one: four for under 5s, 17 months for under 18 months."""
    if _scale(unit) != 1:
        return round(age - _scale(unit), 2)
    return age - 1 if age > 1 else age


def _scale(unit: str) -> float:
    if unit.startswith(("mo", "mt", "me", "ma")):
        return 1 / 12
    return 1 / 52 if unit.startswith(("w", "sem", "sett")) else 1.0


def _years(text: str, unit: str) -> float:
    if not text[0].isdecimal():
        return round(_WORDS.get(text, 0) * _scale(unit), 2)
    digits = re.sub(r"\s?½", ".5", text.replace(",", "."))
    return round(float(digits) * _scale(unit), 2)
