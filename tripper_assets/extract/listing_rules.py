"""Blocks of a list that state no day but a rule: "Baby Bounce, every Tuesday 10:30", beside dated blocks or by themselves."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from selectolax.lexbor import LexborNode

from tripper_assets.domain.activities import Schedule
from tripper_assets.extract.blocks import Line
from tripper_assets.extract.dates import DateSpan
from tripper_assets.extract.facts import label_kind
from tripper_assets.extract.listing_days import DatedLine
from tripper_assets.extract.recurrences import find_recurrences, may_state_rule
from tripper_assets.extract.texts import holds_one

MAX_RULES = 500
LONGEST = 1_000
DAYS_OF_A_HOUSE, HOURS_OF_A_HOUSE = 4, 4
FEWEST = 2
"""Blocks with names of their own; one rule alone is the page's own."""
_DIGIT = re.compile(r"\d")
_NOT_WHAT_IS_ON = re.compile(
    r"\b(?:opening (?:hours|times)|office hours|business hours|visiting hours|hours of operation|open(?:ed)?(?: to| from| daily| every)|closed|öffnungszeiten|geöffnet|geschlossen|"
    r"sprechzeiten|horaires? d['’]ouverture|ouvert(?:e|s|es)?|fermée?|horario de (?:apertura|atención)|abierto|cerrado|orari(?:o)? di apertura|aperto|chiuso|"
    r"openingstijden|geopend|gesloten|road closures?|collection|bins?|delivery|phone lines?|reception)\b",
    re.IGNORECASE,
)

_CUES = (
    "open", "hours", "close", "closure", "öffn", "geschlossen", "sprechzeiten", "horaire", "ouvert", "fermé", "horario", "abierto", "cerrado", "orari", "apert",
    "chiuso", "gesloten", "collection", "bin", "deliver", "phone", "reception",
)  # fmt: skip


@dataclass(slots=True)
class RuleLine:
    """A stated rule: the line that it stands in, where, and the block around it."""

    index: int
    text: str
    schedule: Schedule
    begin: int
    stop: int
    block: LexborNode | None = None
    day: str = field(init=False)
    """What tells this line's block from others': no two lines with rules share one."""

    def __post_init__(self) -> None:
        self.day = f"rule {self.index}"


def rule_lines(lines: list[Line], days: Sequence[DatedLine] = ()) -> list[RuleLine]:
    """Return the rules that lines state with a time of day; those of opening hours are none.

    ``days`` are those that the lines are known to state: a weekday that belongs to one of them makes no rule.
    """
    found: list[RuleLine] = []
    of_days: dict[int, list[DateSpan]] = {}
    for one in days:
        of_days.setdefault(one.index, []).append(one.span)
    for index, line in not_of_hours(lines):
        if len(line.text) > LONGEST or not _DIGIT.search(line.text):
            continue
        if index in of_days and not may_state_rule(_without(line.text, of_days[index])):
            continue
        rules = [
            span for span in find_recurrences(line.text) if span.schedule.startTime and not is_house(span.schedule)
        ]
        found += [RuleLine(index, line.text, span.schedule, span.begin, span.stop) for span in rules]
    return found[:MAX_RULES]


def _without(text: str, days: list[DateSpan]) -> str:
    """Return the text with a mark for each single day; the days of a span of them may be those of a rule."""
    for one in sorted(days, key=lambda day: -day.begin):
        if one.kind == "day":
            text = f"{text[: one.begin]}|{text[one.stop :]}"
    return text


def is_house(rule: Schedule) -> bool:
    """Return whether a rule is that of a house which is open, and no activity's: most days of the week, for half a day."""
    if len(rule.byDay) < DAYS_OF_A_HOUSE or not rule.endTime:
        return False
    return int(rule.endTime[:2]) - int(rule.startTime[:2]) >= HOURS_OF_A_HOUSE


def not_of_hours(lines: list[Line]) -> Iterator[tuple[int, Line]]:
    """Yield the lines with their places that neither say when a house is open nor stand below a heading that does."""
    below_hours = False
    for index, line in enumerate(lines):
        of_hours = says_hours(line.text)
        if line.heading:
            below_hours = of_hours or label_kind(line.text) == "hours"
        if not of_hours and not below_hours:
            yield index, line


def says_hours(text: str) -> bool:
    """Return whether a text is about when a house is open or closed, or something else that happens weekly and is nothing to go to."""
    return holds_one(text.lower(), _CUES) and _NOT_WHAT_IS_ON.search(text) is not None


def without_rules(text: str, rules: list[RuleLine]) -> list[str]:
    """Return what stands between the rules of a line."""
    parts, start = list[str](), 0
    for rule in sorted(rules, key=lambda one: one.begin):
        parts.append(text[start : rule.begin])
        start = rule.stop
    return [part for part in [*parts, text[start:]] if part.strip()]
