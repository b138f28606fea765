"""Rules of recurrence that a text states: every Tuesday 10-11.30am, alle 14 Tage samstags, le premier mercredi du mois, daily except Monday."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from tripper_assets.domain.activities import Schedule
from tripper_assets.extract.recurrence_limits import Limits, limits
from tripper_assets.extract.week_times import (
    DATE_AFTER,
    DATE_BEFORE,
    DAY,
    DAY_LIST,
    SPAN,
    day_bits,
    day_names,
    is_stated,
    one_time,
    span_ends,
)
from tripper_assets.extract.week_tokens import WeekTokens, week_tokens
from tripper_assets.extract.week_words import ALL_DAYS, LAST

MAX_TEXT = 2_000
_EARLY = 7
_NTH = r"(?:N|n\.)"
_EVERY_FEW = r"(?:F|V[pflL]{0,2}[nN]\.?[wj]|VOw)"
_THEN = r"[,:;(p)qlLf-]{0,4}"
_DAYS_HERE = rf"(?P<days>{DAY_LIST})"
_RULES = re.compile(
    rf"(?P<nth>(?P<sure>y[:,(pq]{{0,3}})?(?P<all>V?)[pqflLg]{{0,3}}(?P<weeks>{_NTH}(?:[,a/]{{1,2}}[plLf]{{0,2}}{_NTH}){{0,3}})p?(?P<nthday>{DAY}(?:[,a/]{{1,2}}{DAY}){{0,3}})"
    r"(?P<month>[(pflL]{0,3}(?P<each>V?)[pfl]{0,2}(?P<second>O?)m)?)"
    r"|(?P<dated>(?P<monthly>y[:,(pq]{0,3})?[pqjlfL]{0,4}(?P<day>(?:N|n)(?:[,a/]{1,2}[plL]{0,2}(?:N|n)){0,2})\.?(?:(?P<every>[pfl]{0,3}V?[pfl]{0,2}m))?)"
    rf"|(?P<few>{_EVERY_FEW})\)?(?:{_THEN}V?(?P<fewdays>{DAY_LIST}))?"
    rf"|(?P<behind>{DAY_LIST})(?P<late>[,(]?[plft]{{0,2}}(?:{_EVERY_FEW}|B)\)?)"
    rf"|(?P<other>(?:V[pl]?(?:O|[nN]\.?)|E)[pl]?)(?P<otherdays>{DAY_LIST})"
    rf"|(?P<week>(?P<each2>V[:,pqlL]{{0,3}})?{_DAYS_HERE})"
    r"|(?P<daily>V[p]?j)"
)  # fmt: skip
_LESS = re.compile(
    rf"[,.;(:e]{{0,3}}(?:x[pqflLV]{{0,3}}(?P<less>{DAY_LIST})|c[:pqflL]{{0,3}}(?P<off>{DAY_LIST})|(?P<shut>{DAY_LIST})[:p]{{0,2}}c)\)?"
)
_AT = re.compile(
    rf"(?P<fill>;?[:,.(pqftileWojV-]{{0,8}}?)(?P<span>{SPAN}(?!\.?[pf]{{0,2}}M)|(?:T|n(?=[,a]{{1,2}}[pqt]{{0,2}}T)|(?<=[qt])n(?=$|[,.;:)(aDdsSfx])))"
)
_MORE = re.compile(rf"[,a/]{{1,2}}[pqtf]{{0,2}}(?P<span>{SPAN}|T|(?<=[qt])n(?=$|[,.;:)(]))")
_BEFORE = re.compile(rf"(?P<span>{SPAN}|T)[,pqlfL]{{0,3}}$")
_STATED = re.compile(rf"(?<![ctW])(?P<span>{SPAN}|T)")
_CLOSED_BEFORE = re.compile(r"(?:c[W:pqflLa]{0,3}|x[pqflLW]{0,3})$")
_CLOSED_AFTER = re.compile(r"e?[:,p(]{0,2}W{0,2}c(?![:pqflL]{0,3}[Dds])")
_OPEN_BEFORE = re.compile(r"o[^;]{0,4}$")
_MONTHS_AFTER = re.compile(r"[pf]{0,2}M")
_DATES = re.compile(
    r"[,(]?[fpqt]{0,3}(?:[nN]\.?[pf]?M\.?(?:f?n)?|X)(?:[-t][ptf]{0,2}(?:[nN]\.?[pf]?M\.?(?:f?n)?|X))?[,)]?"
)
_ASIDE = re.compile(r"[,(]?x[^;:)(,]{1,6}[),]")
_NO_HOLIDAYS = re.compile(r"[,(]{0,2}x")
_STEM = re.compile(
    r"days?\b|\b(?:mon|tue|wed|thu|fri|sat|sun|daily|week|fortnight|month|alternat|biweek|mont|dien|mitt|donn|frei|sams|sonn|t(?:ä|ae)gl|tage?\b|woch|wöch"
    r"|monat|werkt|vierzehnt|lun|mar|mer|jeu|ven|sam|dim|chaque|jour|sem|mois|quin|mi[eé]|jue|vie|s[aá]b|dom|d[ií]a|mes|fines?|feri|laborab|gio|sett|ogni|tutti"
    r"|maan|dins|woen|vrij|dond|zat|zon|dag|weke|door|elke?|ieder|werkd|om de|tlj|14-)"
    r"|\b(?:mo|tu|we|th|fr|sa|su|di|mi|do|so|lu|ma|me|je|ve|wo|vr|za|zo|[LMXJVSD])\.?\s?(?:[-–—+,/&:]|t/m|bis\b|et\b|und\b|en\b|a\b|au\b|\d)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class RecurrenceSpan:
    """One rule that stands in the text from ``begin`` to ``stop``, with its times, limits and exceptions."""

    schedule: Schedule
    begin: int
    stop: int


@dataclass(frozen=True, slots=True)
class _Found:
    """A rule among the tokens; ``sure`` is one that says itself that it recurs, the others need a time or company."""

    begin: int
    end: int
    frequency: str
    days: int = 0
    weeks: tuple[int, ...] = ()
    month_days: tuple[int, ...] = ()
    sure: bool = True
    listed: bool = False


def find_recurrence(text: str, *, now: datetime | None = None, language: str = "") -> Schedule | None:
    """Return the rule that a text states first; None where it states none. See ``find_recurrences``."""
    found = find_recurrences(text, now=now, language=language)
    return found[0].schedule if found else None


def find_recurrences(text: str, *, now: datetime | None = None, language: str = "") -> list[RecurrenceSpan]:
    """Return the rules that the first 2,000 characters state, in text order; a rule of two times of day is two.

    ``now`` gives limits such as "until 24 June" their year: without it only limits that state theirs are read. ``language`` is what the page
    says, and only decides between words of several languages. Days that are closed, days of dates and names such as Good Friday are no rules.
    """
    text = text[:MAX_TEXT]
    if not may_state_rule(text):
        return []
    tokens = week_tokens(text, language)
    found = list(_rules(tokens))
    dated = "X" in tokens.kinds or re.search(r"[nN]\.?[pf]?M|M\.?[nN]", tokens.kinds) is not None
    bare = _without_times(text, tokens) if dated else text
    spans: list[RecurrenceSpan] = []
    for index, one in enumerate(found):
        limit = found[index + 1].begin if index + 1 < len(found) else len(tokens.kinds)
        floor = found[index - 1].end if index else 0
        whole, times = _with_times(one, tokens, floor, limit, spans)
        behind = tokens.ends[one.end - 1]
        stated = limits(bare, behind, now=now, language=language or tokens.language) if dated else None
        usual = one.listed or len(found) > 1 or _NO_HOLIDAYS.match(tokens.kinds, whole.end)
        if (one.sure and (times or _says_alone(whole, tokens))) or (times and usual and (stated or not dated)):
            spans += [_limited(span, stated) for span in _spans(whole, times, tokens)]
    return spans


def may_state_rule(text: str) -> bool:
    """Return whether a text holds a word that a rule begins with: that costs little, and most texts hold none."""
    return _STEM.search(text) is not None


def _without_times(text: str, tokens: WeekTokens) -> str:
    """Return the text with blanks for times of day: 17 Uhr, ab 7. Mai is no day at five o'clock."""
    parts, last = [""][:0], 0
    for kind, begin, end in zip(tokens.kinds, tokens.begins, tokens.ends, strict=True):
        if kind == "T":
            parts += [text[last:begin], " " * (end - begin)]
            last = end
    return "".join([*parts, text[last:]])


def _says_alone(one: _Found, tokens: WeekTokens) -> bool:
    """Return whether a rule without times is one; "Daily Menu" and "Retro Sundays" are names, where words stand on the bare day's side."""
    if one.frequency not in {"P1D", "P1W"} or not set(tokens.kinds[one.begin : one.end]) <= set("Ad.e"):
        return True
    around = tokens.kinds[max(0, one.begin - 1) : one.begin] + tokens.kinds[one.end : one.end + 1]
    return "W" not in around


def _limited(one: RecurrenceSpan, stated: Limits | None) -> RecurrenceSpan:
    if stated is None:
        return one
    days = {"startDate": stated.start, "endDate": stated.end, "exceptDate": stated.without}
    return replace(one, schedule=one.schedule.model_copy(update=days), stop=max(one.stop, stated.stop))


def _rules(tokens: WeekTokens) -> Iterator[_Found]:
    """Yield what may be rules, in text order, without the days of dates and the days that are closed."""
    position = 0
    while match := _RULES.search(tokens.kinds, position):
        one = _read(match, tokens)
        if one is None or not _stands(one, tokens):
            position = match.end() if one is not None else match.start() + 1
            continue
        yield (one := _less(one, tokens))
        position = one.end


def _stands(one: _Found, tokens: WeekTokens) -> bool:
    kinds = tokens.kinds
    before, after = kinds[max(0, one.begin - 6) : one.begin], one.end
    if _CLOSED_BEFORE.search(before) or _CLOSED_AFTER.match(kinds, after):
        return False
    if kinds[one.begin] == "g" or (one.days and not one.weeks and _is_dated(one, kinds, before)):
        return False
    return one.sure or not _OPEN_BEFORE.search(before)


def _is_dated(one: _Found, kinds: str, before: str) -> bool:
    """Return whether the days are those of a date; "every Saturday until 26 September" is none."""
    habitual = any(kind in "dVFASLBE" for kind in kinds[one.begin : one.end])
    return not habitual and bool(DATE_AFTER.match(kinds, one.end) or DATE_BEFORE.search(before))


def _read(match: re.Match[str], tokens: WeekTokens) -> _Found | None:
    if match["nth"]:
        return _nth(match, tokens)
    if match["dated"]:
        return _dated(match, tokens)
    if match["few"] or match["behind"]:
        return _few(match, tokens)
    if match["other"]:
        return _other(match, tokens)
    if match["daily"]:
        return _Found(*match.span(), "P1D", ALL_DAYS)
    return _weekly(match, tokens)


def _numbers(tokens: WeekTokens, begin: int, end: int) -> tuple[int, ...]:
    return tuple(tokens.values[at] for at in range(begin, end) if tokens.kinds[at] in "nN")


def _nth(match: re.Match[str], tokens: WeekTokens) -> _Found | None:
    """First and third Tuesday of the month. Every second Friday is every other, every first Saturday can only be the month's."""
    weeks = _numbers(tokens, *match.span("weeks"))
    days = day_bits(tokens, *match.span("nthday"))
    plural = "d" in match["nthday"] and weeks != (LAST,)
    if not days or not all(1 <= week <= 5 or week == LAST for week in weeks):  # noqa: PLR2004 (weeks of a month)
        return None
    if not match["month"] and match["all"] and weeks == (2,):
        return _Found(*match.span(), "P2W", days)
    if not (match["month"] or match["all"] or match["sure"] or plural) or _MONTHS_AFTER.match(
        tokens.kinds, match.end()
    ):
        return None
    return _Found(*match.span(), "P2M" if match["second"] else "P1M", days, weeks)


def _dated(match: re.Match[str], tokens: WeekTokens) -> _Found | None:
    """On the 15th of every month."""
    days = _numbers(tokens, *match.span("day"))
    each = match["every"] and (
        "V" in match["every"] or "V" in tokens.kinds[max(0, match.start() - 1) : match.start("day")]
    )
    if not (each or (match["monthly"] and "N" in match["day"])) or not all(1 <= day <= 31 for day in days):  # noqa: PLR2004 (days of a month)
        return None
    return _Found(*match.span(), "P1M", month_days=days)


def _few(match: re.Match[str], tokens: WeekTokens) -> _Found | None:
    """Every two weeks, with its days before or behind it where the text names them."""
    group = "few" if match["few"] else "late"
    weeks = _interval(tokens, *match.span(group))
    days = match.span("fewdays") if match["fewdays"] else match.span("behind") if match["behind"] else (0, 0)
    return _Found(*match.span(), f"P{weeks}W", day_bits(tokens, *days)) if weeks else None


def _interval(tokens: WeekTokens, begin: int, end: int) -> int:
    """Return the weeks of fortnightly, every 14 days, alle drei Wochen; 0 for days that make no weeks."""
    for at in range(begin, end):
        kind, value = tokens.kinds[at], tokens.values[at]
        if kind in "FOB":
            return value
        if kind in "nN" and "w" in tokens.kinds[begin:end]:
            return value if 1 < value <= 12 else 0  # noqa: PLR2004 (a year is no few weeks)
        if kind in "nN":
            return {14: 2, 15: 2, 21: 3, 28: 4}.get(value, 0)
    return 0


def _other(match: re.Match[str], tokens: WeekTokens) -> _Found | None:
    weeks = next((tokens.values[at] for at in range(*match.span("other")) if tokens.kinds[at] in "OnNE"), 0)
    days = day_bits(tokens, *match.span("otherdays"))
    return _Found(*match.span(), f"P{weeks}W", days) if days and 1 < weeks <= 8 else None  # noqa: PLR2004 (Saturdays in two months)


def _weekly(match: re.Match[str], tokens: WeekTokens) -> _Found | None:
    words = match["days"]
    days = day_bits(tokens, *match.span("days"))
    if not days:
        return None
    runs = re.search(r"[DdsS]\.?e?(?:-|f?t)[pfl]{0,2}[DdsS]", words) is not None
    sure = bool(match["each2"]) or runs or any(kind in words for kind in "dAL") or _is_habit(match, tokens)
    several = re.search(r"[DsS].*[DsSh]", words) is not None
    listed = (
        several or "l" in words or "S" in words or (words[0] == "f" and words[1:2] == "D" and tokens.language == "it")
    )
    begin = match.start() if sure or match["each2"] else match.start("days")
    return _Found(begin, match.end(), "P1D" if days == ALL_DAYS else "P1W", days, sure=sure, listed=listed)


def _is_habit(match: re.Match[str], tokens: WeekTokens) -> bool:
    """Return whether a part of the day in the plural makes a weekday mean all of them: Saturday mornings."""
    return any(tokens.kinds[at] == "e" and tokens.values[at] for at in range(*match.span("days")))


def _with_times(
    one: _Found, tokens: WeekTokens, floor: int, limit: int, spans: list[RecurrenceSpan]
) -> tuple[_Found, list[tuple[str, str]]]:
    """Return the rule without the days that it excepts, and its times: behind it, or else before it."""
    times, end = _times_behind(tokens, one.end, limit)
    if times:
        return _less(replace(one, end=end), tokens), times
    if not spans or spans[-1].stop <= tokens.begins[one.begin]:
        times, begin = _times_before(tokens, floor, one.begin)
        one = replace(one, begin=begin) if times else one
    return one, times or (_only_time(tokens) if floor == 0 and limit == len(tokens.kinds) and one.sure else [])


def _only_time(tokens: WeekTokens) -> list[tuple[str, str]]:
    """Return the one time of a text with one rule, wherever it stands: every third Monday of the month at the Factory Theater, at 8 p.m."""
    found = list(_STATED.finditer(tokens.kinds))
    time = _time(tokens, found[0]) if len(found) == 1 else None
    return [time] if time else []


def _less(one: _Found, tokens: WeekTokens) -> _Found:
    match = _LESS.match(tokens.kinds, one.end)
    if match is None or one.days.bit_count() < 2:  # noqa: PLR2004 (a single day has nothing to leave out)
        return one
    group = next(name for name in ("less", "off", "shut") if match[name])
    days = one.days & ~day_bits(tokens, *match.span(group))
    frequency = "P1W" if one.frequency == "P1D" and days != ALL_DAYS else one.frequency
    return replace(one, days=days or one.days, frequency=frequency, end=match.end())


def _times_behind(tokens: WeekTokens, begin: int, limit: int) -> tuple[list[tuple[str, str]], int]:
    times: list[tuple[str, str]] = []
    dates = _DATES.match(tokens.kinds, begin, limit) or _ASIDE.match(tokens.kinds, begin, limit)
    match, end = _AT.match(tokens.kinds, dates.end() if dates else begin, limit), begin
    while match is not None:
        found = _time(tokens, match)
        if found is None:
            break
        times.append(found)
        end = match.end()
        match = _MORE.match(tokens.kinds, end, limit)
    return times, end


def _times_before(tokens: WeekTokens, floor: int, begin: int) -> tuple[list[tuple[str, str]], int]:
    match = _BEFORE.search(tokens.kinds, max(floor, begin - 12), begin)
    found = _time(tokens, match) if match else None
    if match is None or found is None:
        return [], begin
    start = match.start("span")
    while start > floor and tokens.kinds[start - 1] in "fqpi":
        start -= 1
    return [found], start


def _time(tokens: WeekTokens, match: re.Match[str]) -> tuple[str, str] | None:
    span = re.compile(SPAN).fullmatch(tokens.kinds, *match.span("span"))
    if span is None:
        return _alone(tokens, match.start("span"))
    near = not match.groupdict().get("fill") or set(match["fill"]) <= set(",:;(pqftij")
    return span_ends(tokens, span) if is_stated(tokens, span) or near else None


def _alone(tokens: WeekTokens, index: int) -> tuple[str, str] | None:
    """Return a single time as the start; as the end where the text says until. 3 is in the afternoon."""
    until = index > 0 and tokens.kinds[index - 1] == "t" and tokens.values[index - 1] == 1
    early = tokens.kinds[index] == "n" and tokens.values[index] < _EARLY
    time = one_time(tokens, index)
    if not time or (until and early):
        return None
    return ("", time) if until else (f"{tokens.values[index] + 12}:00" if early else time, "")


def _spans(one: _Found, times: list[tuple[str, str]], tokens: WeekTokens) -> list[RecurrenceSpan]:
    return [
        RecurrenceSpan(
            Schedule(
                startTime=start,
                endTime=end,
                repeatFrequency=one.frequency,
                byDay=day_names(one.days),
                byMonthDay=one.month_days,
                byMonthWeek=one.weeks,
            ),
            tokens.begins[one.begin],
            tokens.ends[one.end - 1],
        )
        for start, end in times or [("", "")]
    ]
