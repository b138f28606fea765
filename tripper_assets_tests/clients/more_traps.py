"""Traps that follow the pages of the site itself: lists without end, views, maps, and odd ways around."""

import random
import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from urllib.parse import quote

from tripper_assets_tests.clients.family_sites import card, next_month, to
from tripper_assets_tests.clients.spellings import Rewriting, with_parameter
from tripper_assets_tests.clients.trap_sites import TODAY, Family, Here, Link, Shown, Trap
from tripper_assets_tests.clients.traps import answering, later

NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def month_by_name(_: random.Random) -> Trap:
    def address(day: date) -> str:
        return f"/cal/{NAMES[day.month - 1]}-{day.year}"

    def answer(found: re.Match[str], _: Family) -> Shown:
        day = date(int(found[2]), NAMES.index(found[1]) + 1, 1)
        return Shown(
            f"{day:%B %Y}", to(address(next_month(day)), address(next_month(day, -1)), address(next_month(day, 12)))
        )

    return answering(r"^/cal/([a-z]{3})-(\d{1,4})$", answer, lambda _: to(address(TODAY)))


def timestamps(_: random.Random) -> Trap:
    today = int(datetime(TODAY.year, TODAY.month, TODAY.day, tzinfo=UTC).timestamp())

    def answer(found: re.Match[str], _: Family) -> Shown:
        at = int(found[1])
        return Shown(
            f"{datetime.fromtimestamp(at, UTC):%d %B %Y}",
            to(*(f"/planner?ts={at + 86_400 * step}" for step in (-7, -1, 1, 7))),
        )

    return answering(r"^/planner\?ts=(\d{5,10})$", answer, lambda _: to(f"/planner?ts={today}"))


def endless_list(_: random.Random) -> Trap:
    """Behind its last page the list goes on with nothing."""

    def answer(found: re.Match[str], _: Family) -> Shown:
        return Shown("What's on", to(f"/all/page/{int(found[1]) + 1}"), "Nothing more was listed.")

    def at(here: Here) -> Sequence[Link]:
        return to("/all/page/2") if here.is_list else ()

    return answering(r"^/all/page/(\d+)$", answer, at)


def list_from_a_day(_: random.Random) -> Trap:
    """Each list from any day on, and the days never end."""

    def at(here: Here) -> Sequence[Link]:
        if not here.is_list and "bar-date=" not in here.asked:
            return ()
        found = re.search(r"bar-date=(\d+-\d+-\d+)", here.asked)
        day = date.fromisoformat(found[1]) if found else TODAY
        bare = re.sub(r"[?&]bar-date=[^&]*", "", here.asked)
        return [Link(with_parameter(bare, "bar-date", f"{later(day, step)}")) for step in (1, 7, 30)]

    return answering(r"^$", lambda *_: None, at)


def growing_query(_: random.Random) -> Trap:
    """A link that puts its parameter behind those that are there."""
    return answering(
        r"^$",
        lambda *_: None,
        lambda here: [Link(with_parameter(here.asked, "back", "1"))] if len(here.asked) < 900 else (),
    )


def looks(_: random.Random) -> Trap:
    """Larger letters and more contrast, for every page."""

    def at(here: Here) -> Sequence[Link]:
        bare = re.sub(r"[?&](fontsize|contrast)=\w+", "", here.asked)
        return [
            Link(with_parameter(bare, name, value))
            for name, value in (("fontsize", "large"), ("fontsize", "small"), ("contrast", "high"))
        ]

    return answering(r"^$", lambda *_: None, at)


def map_pan(_: random.Random) -> Trap:
    def answer(found: re.Match[str], family: Family) -> Shown:
        x, y = int(found[1]), int(found[2])
        near = random.Random(f"{x} {y}").sample(family.items, 2)
        return Shown(
            "Map",
            (*to(*(f"/map?x={x + dx}&y={y + dy}" for dx, dy in ((1, 0), (0, 1), (-1, 0), (0, -1)))), *map(card, near)),
        )

    return answering(r"^/map\?x=(-?\d+)&y=(-?\d+)$", answer, lambda _: to("/map?x=0&y=0"))


def compare(_: random.Random) -> Trap:
    def at(here: Here) -> Sequence[Link]:
        return to(f"/compare?with={quote(here.target, safe='')}") if here.shown.item else ()

    def answer(found: re.Match[str], family: Family) -> Shown:
        more = random.Random(found.string).sample(family.items, 3)
        return Shown(
            "Compare",
            to(*(f"{found.string},{quote(item.target, safe='')}" for item in more)) if len(found.string) < 900 else (),
        )

    return answering(r"^/compare\?with=", answer, at)


def random_redirect(_: random.Random) -> Trap:
    """Surprise me: another one each time."""

    def answer(found: re.Match[str], family: Family) -> Shown:
        return Shown("", redirect=random.Random(found[1]).choice(family.items).target)

    return answering(r"^/surprise/(\d+)$", answer, lambda here: to(f"/surprise/{here.chance.randrange(10**6)}"))


def similar(_: random.Random) -> Trap:
    """More like this, and more like that."""

    def at(here: Here) -> Sequence[Link]:
        return to(f"/similar/{here.chance.randrange(10**4)}") if here.shown.item else ()

    def answer(found: re.Match[str], family: Family) -> Shown:
        number = int(found[1])
        return Shown(
            "More like this",
            (
                *map(card, random.Random(number).sample(family.items, 4)),
                *to(f"/similar/{number * 7 % 9973}", f"/similar/{number + 1}"),
            ),
        )

    return answering(r"^/similar/(\d+)$", answer, at)


def amp(_: random.Random) -> Trap:
    def at(here: Here) -> Sequence[Link]:
        return [Link(f"/amp{here.target}")] if here.shown.item and not here.asked.startswith("/amp/") else ()

    return answering(r"^/amp(/.*)$", lambda found, family: family.pages.get(found[1]), at)


def votes(_: random.Random) -> Trap:
    def at(here: Here) -> Sequence[Link]:
        return (
            [Link(with_parameter(here.target, "rate", str(stars))) for stars in range(1, 6)] if here.shown.item else ()
        )

    return answering(r"^$", lambda *_: None, at)


def short_token(chance: random.Random) -> Trap:
    """A short random word behind each link, new for each of them."""
    name = chance.choice(("x", "z", "hash", "tk"))
    return Rewriting(lambda href, here: with_parameter(href, name, f"{here.chance.getrandbits(24):06x}"))


def session_folder(_: random.Random) -> Trap:
    """The session is the first folder of the path."""
    return Rewriting(
        lambda href, here: f"/(S({here.chance.getrandbits(96):024x})){href}",
        lambda target: re.sub(r"^/\(S\(\w+\)\)", "", target),
    )


MORE_TRAPS: dict[str, Callable[[random.Random], Trap]] = {
    make.__name__: make
    for make in (
        *(
            month_by_name,
            timestamps,
            endless_list,
            list_from_a_day,
            growing_query,
            looks,
            map_pan,
            compare,
            random_redirect,
        ),
        *(similar, amp, votes, short_token, session_folder),
    )
}
