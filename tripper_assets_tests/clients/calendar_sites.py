"""Families of sites of which a calendar is the way in, and others that are hard to tell from a trap."""

import random
from collections.abc import Mapping
from datetime import date, timedelta
from uuid import UUID

from tripper_assets_tests.clients.family_sites import (
    ABOUT,
    PLACES,
    Make,
    card,
    day_of,
    detail,
    list_pages,
    made_items,
    month_page,
    next_month,
    site_of,
    slug,
    to,
)
from tripper_assets_tests.clients.trap_sites import TODAY, Family, Item, Link, Shown

MONTH_NAMES = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)


def week_sites(chance: random.Random) -> Family:
    """A programme by weeks, as cinemas and theatres have it."""
    items = made_items(chance, lambda name, _, __: f"/production/{name}", days=60)

    def monday(day: date) -> date:
        return day - timedelta(days=day.weekday())

    def address(day: date) -> str:
        return "/programme/{}-w{:02}".format(*day.isocalendar()[:2])

    def week(day: date) -> Shown:
        turns = to(address(day - timedelta(days=7)), address(day + timedelta(days=7)))
        return Shown(f"Week of {day}", (*turns, *(card(item) for item in items if monday(item.day) == day)))

    def more(path: str, query: Mapping[str, str]) -> Shown | None:
        del query
        year, _, number = path.removeprefix("/programme/").partition("-w")
        known = path.startswith("/programme/") and year.isdecimal() and number.isdecimal() and 0 < int(number) < 53
        return week(date.fromisocalendar(int(year), int(number), 1)) if known and 1 < int(year) < 9998 else None

    weeks = [monday(TODAY) + timedelta(days=7 * step) for step in range(10)]
    return site_of(
        items, {address(one): week(one) for one in weeks}, Shown("Cinema", to(address(TODAY), *ABOUT)), more=more
    )


def month_names(chance: random.Random) -> Family:
    items = made_items(chance, lambda name, _, __: f"/events/{name}", days=80)

    def address(day: date) -> str:
        return f"/calendar/{MONTH_NAMES[day.month - 1]}-{day.year}"

    def more(path: str, query: Mapping[str, str]) -> Shown | None:
        del query
        name, _, year = path.removeprefix("/calendar/").partition("-")
        known = name in MONTH_NAMES and year.isdecimal() and 1 < int(year) < 9998
        return month_page(items, date(int(year), MONTH_NAMES.index(name) + 1, 1), address, None) if known else None

    months = [next_month(TODAY, step) for step in range(3)]
    lists = {address(one): month_page(items, one, address, None) for one in months}
    return site_of(items, lists, Shown("Farm", to(address(TODAY), *ABOUT)), more=more, cards=chance.random() < 0.5)


def month_of_grid(chance: random.Random) -> Family:
    """?date= of the first day of a month, as the calendars of many kits have it."""
    items = made_items(chance, lambda name, number, _: f"/whats-on/{number}-{name}", days=90)

    def address(day: date) -> str:
        return f"/whats-on/calendar?date={day.replace(day=1)}"

    def more(path: str, query: Mapping[str, str]) -> Shown | None:
        day = day_of(query.get("date", str(TODAY)))
        return month_page(items, day, address, None) if path == "/whats-on/calendar" and day else None

    lists = {
        address(next_month(TODAY, step)): month_page(items, next_month(TODAY, step), address, None) for step in range(4)
    }
    home = Shown("Arts centre", to("/whats-on/calendar", *ABOUT))
    return site_of(items, lists, home, params=frozenset({"date"}), more=more, structured=False)


def series(chance: random.Random) -> Family:
    """Weekly groups: each date has a page of its own, and many share a name."""
    groups = [f"{word} group {place.title()}" for word in ("Toddler", "Lego", "Story") for place in PLACES[:3]]
    days = [TODAY + timedelta(days=1 + 7 * week) for week in range(7)]
    items = [Item(f"/sessions/{slug(name)}-{day}", name, day) for name in groups for day in days]
    chance.shuffle(items)
    lists = list_pages(items, 9, lambda number: f"/sessions?page={number + 1}" if number else "/sessions")
    return site_of(items, lists, params=frozenset({"page"}))


def newspaper(chance: random.Random) -> Family:
    """Twice as many news as things to do, and all of them look the same."""
    items = made_items(chance, lambda name, _, __: f"/leisure/{name}", count=40)
    lists = list_pages(items, 10, lambda number: f"/leisure/page/{number + 1}" if number else "/leisure")
    family = site_of(items, lists, Shown("Gazette", to("/news", "/leisure", "/sport", *ABOUT)))
    news = [
        f"/{section}/{TODAY.year}/{number}-council-talks-about-number-{number}"
        for number in range(40)
        for section in ("news", "sport")
    ]
    pages = {
        path: Shown(
            f"Council talks about number {path[-2:]}",
            to("/news", "/leisure", *chance.sample(news, 4)),
            "Talks went on.",
        )
        for path in news
    }
    pages |= {
        f"/{section}": Shown(section, to(*(path for path in news if path.startswith(f"/{section}/"))))
        for section in ("news", "sport")
    }
    return Family(**{**vars(family), "pages": {**pages, **family.pages}})


def query_routed(chance: random.Random) -> Family:
    """One script for all: ?page=event&id=12."""
    items = made_items(chance, lambda _, number, __: f"/index.php?id={number}&page=event", language="de")
    lists = list_pages(
        items, 10, lambda number: f"/index.php?page=list&start={10 * number}" if number else "/index.php?page=list"
    )
    idle = {f"/index.php?page={name[1:]}": Shown(name, to("/")) for name in ABOUT}
    family = site_of(
        items,
        lists,
        Shown("Verein", to("/index.php?page=list", *idle)),
        params=frozenset({"page", "id", "start"}),
        structured=False,
    )
    return Family(**{**vars(family), "pages": {**idle, **family.pages}})


def short_links(chance: random.Random) -> Family:
    items = made_items(chance, lambda _, number, __: f"/?p={number}")
    lists = list_pages(items, 10, lambda number: f"/?cat=3&paged={number + 1}" if number else "/?cat=3")
    return site_of(items, lists, params=frozenset({"p", "cat", "paged"}), canonical=chance.random() < 0.5)


def uuids(chance: random.Random) -> Family:
    items = made_items(chance, lambda _, __, ___: f"/e/{UUID(int=chance.getrandbits(128))}")
    lists = list_pages(
        items, 12, lambda number: f"/browse?limit=12&offset={12 * number}" if number else "/browse?limit=12"
    )
    return site_of(items, lists, params=frozenset({"limit", "offset"}), cards=chance.random() < 0.5)


def venues(chance: random.Random) -> Family:
    """Only the pages of the places name what goes on there."""
    items = made_items(chance, lambda name, _, __: f"/show/{name}")
    lists: dict[str, Shown] = {"/venues": Shown("Venues", to(*(f"/venue/the-{place}" for place in PLACES)))}
    lists |= {f"/venue/the-{place}": Shown(place, tuple(map(card, items[at::8]))) for at, place in enumerate(PLACES)}
    return site_of(items, lists, cards=False)


def tabs(chance: random.Random) -> Family:
    """Each activity has a map, prices and pictures on pages of their own."""
    items = made_items(chance, lambda name, _, __: f"/attraction/{name}", count=30)
    lists = list_pages(items, 10, lambda number: f"/attractions?page={number + 1}" if number else "/attractions")
    family = site_of(items, lists, params=frozenset({"page"}))
    pages = dict(family.pages)
    for item in items:
        parts = [f"{item.target}/{name}" for name in ("map", "prices", "pictures")]
        pages |= {part: Shown(f"{item.title}: {part.rpartition('/')[2]}", to(item.target)) for part in parts}
        pages[item.target] = detail(item, *to("/", *parts))
    return Family(**{**vars(family), "pages": pages})


def directory(chance: random.Random) -> Family:
    """An A to Z of clubs, by letter."""
    items = made_items(chance, lambda name, _, __: f"/listing/{name}/")
    items = tuple(Item(item.target.rstrip("/"), item.title, item.day) for item in items)
    letters = sorted({item.title[0] for item in items})
    lists = {
        f"/directory?letter={one}": Shown(one, tuple(card(item) for item in items if item.title[0] == one))
        for one in letters
    }
    return site_of(items, lists, Shown("Clubs", to(*lists, *ABOUT)), params=frozenset({"letter"}), structured=False)


def taxonomy(chance: random.Random) -> Family:
    """Age, kind, list: the same activity in several of them."""
    items = made_items(chance, lambda name, number, _: f"/thing/{number}/{name}", language="fr")
    ages, kinds = ("tout-petits", "enfants", "ados"), ("dedans", "dehors")
    lists: dict[str, Shown] = {"/idees": Shown("Idées", to(*(f"/idees/{age}" for age in ages)))}
    for at, age in enumerate(ages):
        lists[f"/idees/{age}"] = Shown(age, to(*(f"/idees/{age}/{kind}" for kind in kinds)))
        for other, kind in enumerate(kinds):
            some = [item for number, item in enumerate(items) if number % 3 == at and number % 2 == other]
            lists[f"/idees/{age}/{kind}"] = Shown(kind, (*map(card, some), Link(f"/idees/{age}", "retour")))
    return site_of(items, lists, language="fr", cards=chance.random() < 0.5)


MORE_FAMILIES: dict[str, Make] = {
    make.__name__: make
    for make in (
        week_sites,
        month_names,
        month_of_grid,
        series,
        newspaper,
        query_routed,
        short_links,
        uuids,
        venues,
        tabs,
        directory,
        taxonomy,
    )
}
