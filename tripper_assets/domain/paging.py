"""Where a list or a calendar goes on, told from URLs alone: page numbers, and the day, week or month that a URL names."""

import re
from datetime import date
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

PAGE_NUMBER = re.compile(
    r"^(p|pg|page|paged|pagenum|seite|pagina|page_?no|offset|start|from|cursor|after|tribe_paged)$", re.IGNORECASE
)
TOKEN = re.compile(r"^(?:cursor|after)$", re.IGNORECASE)
"""Of these the value may be anything that is no sentence; all other page numbers are numbers."""
PAGE_SEGMENT = re.compile(r"/(?:page|seite|pagina|p)[/-]?\d{1,4}(?=/|$)", re.IGNORECASE)
MAYBE_PAGE = re.compile(r"[eap]-?/?\d", re.IGNORECASE)
"""The end of a page's word and the number behind it, which takes less time to look for."""
NAMED_YEAR = re.compile(r"(?:^|[_\W])(?:year|yr|jahr|annee|année|ano|año|anno|rok|y)\W*$", re.IGNORECASE)
NAMED_MONTH = re.compile(r"(?:^|[_\W])(?:month|mon|monat|mois|mes|mese|miesiac|m)\W*$", re.IGNORECASE)
# A slug behind the date names a page of its own; a word such as "list" or a page number does not. A year alone may be any number.
DATED_PATH = re.compile(
    r"/(?P<year>(?:19|20|21)\d\d)[/-](?:(?P<month>\d{1,2})(?:[/-]\d{1,2})?|w(?P<week>\d{1,2}))(?:/[a-z]{1,12}(?:/\d{1,3})?)?/?$",
    re.IGNORECASE,
)
DATED_VALUE = re.compile(
    r"^(?P<year>(?:19|20|21)\d\d)[-/.](?:(?P<month>\d{1,2})(?:[-/.]\d{1,2})?|w(?P<week>\d{1,2}))(?:[T ].*)?$",
    re.IGNORECASE,
)
COMPACT_VALUE = re.compile(r"^(?P<year>20\d\d)(?P<month>\d\d)(?:\d\d)?$")
DATE_NAME = re.compile(r"date|datum|day|month|tag$|monat|jour|mois|dia$|fecha|data$|giorno|mese", re.IGNORECASE)
DAY_FIRST = re.compile(r"^(?:\d{1,2}[-/.])?(?P<month>\d{1,2})[-/.](?P<year>\d{4})$")
NUMBERS = re.compile(r"\d+")
SPELLING = re.compile(r";[^/]*|^/index\.php(?=/)", re.IGNORECASE)
MONTHS_BACK, MONTHS_AHEAD = 1, 13
"""How far from today a calendar may be turned without going deeper."""


class Month(NamedTuple):
    """A month that a URL names; of a week it is the one that the week's number falls into, about."""

    year: int
    month: int

    def away(self, today: date) -> int:
        """Return how many months lie between it and today's: less than 0 for the past."""
        return (self.year - today.year) * 12 + self.month - today.month


@lru_cache(maxsize=65_536)
def dated(identity: str) -> Month | None:
    """Return the month that a page of a calendar shows, None for what is no such page."""
    parts = urlsplit(identity)
    pairs = parse_qsl(parts.query)
    by_name = _named(pairs)
    if by_name:
        return by_name
    for name, value in pairs:
        plain = DATED_VALUE.match(value) or DAY_FIRST.match(value)
        if found := _month(plain or (COMPACT_VALUE.match(value) if DATE_NAME.search(name) else None)):
            return found
    return _month(DATED_PATH.search(parts.path))


def _named(pairs: list[tuple[str, str]]) -> Month | None:
    years = [int(value) for name, value in pairs if value.isdecimal() and len(value) < 6 and NAMED_YEAR.search(name)]  # noqa: PLR2004
    months = [int(value) for name, value in pairs if value.isdecimal() and len(value) < 3 and NAMED_MONTH.search(name)]  # noqa: PLR2004
    return _valid(years[0], months[0]) if years and months else None


def _month(found: re.Match[str] | None) -> Month | None:
    if found is None:
        return None
    said = found.groupdict()
    if week := said.get("week"):
        return _valid(int(said["year"]), min(12, 1 + int(week) * 12 // 53))
    return _valid(int(said["year"]), int(said["month"]))


def _valid(year: int, month: int) -> Month | None:
    return Month(year, month) if 1 <= month <= 12 and 1 <= year <= 9_999 else None  # noqa: PLR2004


def is_page_number(name: str, value: str) -> bool:
    """Return whether a parameter says which page of a list it is; one such as from=newsletter or start=2026-05-01 does not."""
    return PAGE_NUMBER.match(name) is not None and (value.isalnum() if TOKEN.match(name) else value.isdecimal())


@lru_cache(maxsize=65_536)
def without_page_number(url: str) -> str:
    """Return a URL without its page number, whether that is a parameter or a part of its path."""
    parts = urlsplit(url)
    query = "&".join(
        f"{name}={value}"
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if not is_page_number(name, value)
    )
    return f"{parts.netloc}{PAGE_SEGMENT.sub('', parts.path).rstrip('/')}?{query}"


def has_page_number(url: str) -> bool:
    """Return whether a URL says which page of a list it is."""
    # Most links of a page end here.
    if "?" not in url:
        return MAYBE_PAGE.search(url) is not None and PAGE_SEGMENT.search(urlsplit(url).path) is not None
    parts = urlsplit(url)
    return PAGE_SEGMENT.search(parts.path) is not None or any(
        is_page_number(name, value) for name, value in parse_qsl(parts.query)
    )


def goes_on(here: str, there: str, today: date) -> bool:
    """Return whether a link leads to another page of the same list, or to another month near today of the same calendar."""
    if has_page_number(there) and _list_of(here) == _list_of(there):
        return True
    month = dated(there)
    if month is None or not -MONTHS_BACK <= month.away(today) <= MONTHS_AHEAD:
        return False
    return NUMBERS.sub("0", _list_of(here)) == NUMBERS.sub("0", _list_of(there))


def _list_of(url: str) -> str:
    """Return what the pages of one list have in common, whatever else their links carry."""
    path = PAGE_SEGMENT.sub("", SPELLING.sub("", urlsplit(url).path))
    return path.rstrip("/").lower()
