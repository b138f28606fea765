"""Ages that a text states, in years: ages 3-7, ab 4 Jahren, dès 18 mois, under 5s."""

import re
from dataclasses import dataclass

MAX_TEXT = 20_000
OLDEST = 99
_N = r"(\d{1,3}(?:[.,](?:5|25|75)|½)?)"
_UNIT = r"(?:(?P<months>months?|mths?|monate?n?|mois|meses|mes[ei]|maanden|maand)|(?:years?|yrs?|jahren?|j\.|ans|años|anni|jaar|y/?o))"
_DASH = r"\s?(?:-|–|—|to|bis|à|a|al|ai|tot|t/m|and|und|et|y|en)\s?"
_CONTEXT = r"(?:ages?d?|aged|alter|âges?|edad(?:es)?|età|leeftijd(?:en)?|altersgruppe|kids|children|kinder(?:n)?|enfants|niños|bambini|kinderen)"
_RULES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        ("range", rf"\b(?<![\d.,:/€$£-]){_N}(?:\s?{_UNIT.replace('?P<months>', '?P<first>')})?{_DASH}(?:i\s|los\s|les\s)?{_N}[\s-]?{_UNIT}(?:[\s-]olds?)?\b"),
        ("range", rf"\b{_CONTEXT}\s?(?:\w{{1,12}}\s)?:?\s?(?:of\s|von\s|de\s|da\s|dai\s|van\s|between\s|entre\s)?{_N}{_DASH}{_N}\b(?!\s?(?:%|€|£|\$|pm|am|uhr))"),
        ("least", rf"\b{_N}\+?[\s-]?{_UNIT}?(?:[\s-]olds?)?\s?(?:and|&|or)\s(?:up|over|older|above)\b"),
        ("least", rf"\b(?:ages?d?\s|aged\s|alter:?\s?|kids\s|children\s|kinder\s)?{_N}\s?\+\s?{_UNIT}"),
        ("least", rf"\b(?:ages?d?|{_CONTEXT}|suitable for|geeignet für|recommended|für kinder)\s?:?\s?(?:for\s|ab\s|from\s)?{_N}\s?(?:\+|plus\b)(?!\s?(?:€|£|\$|\d))"),
        ("least", rf"\b(?:ab|from(?: the)?(?: age(?: of)?)?|over|mindestens|à partir de|dès|plus de|a partir de|mayores de|desde(?: los)?|da|dai|a partire da|dai|vanaf|ouder dan)\s(?:age\s|i\s|los\s|ages?\s)?{_N}[\s-]?{_UNIT}"),
        ("least", rf"\b(?:from|over) (?:the )?ages? (?:of )?{_N}\b"),
        ("most", rf"(?<!from )(?<!von )\b(?:up to|bis(?: zu)?|jusqu['’]à|hasta(?: los)?|fino a|tot(?: en met)?)\s{_N}[\s-]?{_UNIT}"),
        ("under", rf"\b(?:under(?: the age of)?|unter|moins de|menores de|sotto i|onder de|jonger dan)[\s-]{_N}(?:s\b|[\s-]?{_UNIT})"),
    )
)  # fmt: skip
_ALL = re.compile(
    r"\b(?:all ages|any age|für alle altersgruppen|jedes alter|tout public|tous (?:les )?âges|todas las edades|tutte le età|alle leeftijden)\b",
    re.IGNORECASE,
)
# A price's condition is no age limit, and a span of history is no age.
_NOT_AGES = re.compile(
    r"^[\s:,–-]{0,3}(?:go\s)?(?:free|half|frei|gratis|gratuit|kostenlos|£|€|\$|\d+[.,]\d{2}|of (?!age)|ago|later|experience|in business|lang\b|long\b|erfahrung|war\b)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class AgeSpan:
    """A range of ages in years at ``begin`` to ``stop``; None means that side is open."""

    minimum: float | None
    maximum: float | None
    begin: int
    stop: int


def find_ages(text: str) -> list[AgeSpan]:
    """Return the age ranges in the first 20,000 characters, in text order."""
    text = text[:MAX_TEXT]
    if not any(char.isdecimal() for char in text):
        return [AgeSpan(0, None, *match.span()) for match in _ALL.finditer(text)]
    spans: list[AgeSpan] = [AgeSpan(0, None, *match.span()) for match in _ALL.finditer(text)]
    for kind, pattern in _RULES:
        for match in pattern.finditer(text):
            overlaps = any(match.start() < span.stop and span.begin < match.end() for span in spans)
            span = None if overlaps or _NOT_AGES.match(text[match.end() : match.end() + 25]) else _span(kind, match)
            if span is not None:
                spans.append(span)
    return sorted(spans, key=lambda span: span.begin)


def _span(kind: str, match: re.Match[str]) -> AgeSpan | None:
    numbers = [_years(group) for group in match.groups() if group and (group[0].isdecimal())]
    groups = match.groupdict()
    last_scale = 1 / 12 if groups.get("months") else 1.0
    first_scale = 1 / 12 if groups.get("first") else last_scale
    if groups.get("first") is None and len(numbers) == 2 and _unit_between(match):  # noqa: PLR2004 (two ages)
        first_scale = 1.0
    if kind == "range" and len(numbers) == 2:  # noqa: PLR2004 (two ages)
        low, high = round(numbers[0] * first_scale, 2), round(numbers[1] * last_scale, 2)
        return AgeSpan(low, high, *match.span()) if low < high <= OLDEST else None
    age = round(numbers[0] * last_scale, 2)
    if age > OLDEST or kind == "range":
        return None
    low, high = (age, None) if kind == "least" else (None, age - 1 if kind == "under" and age > 1 else age)
    return AgeSpan(low, high, *match.span())


def _unit_between(match: re.Match[str]) -> bool:
    return re.search(r"\d\s?(?:years?|yrs?|jahre|ans|años|anni|jaar)\b.*\d", match[0], re.IGNORECASE) is not None


def _years(text: str) -> float:
    return float(text.replace(",", ".").replace("½", ".5"))
