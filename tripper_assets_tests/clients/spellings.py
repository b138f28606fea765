"""Traps that spell the site's own URLs otherwise: sessions, random numbers, tracking, letter case and what else a link may carry."""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import quote, urlsplit

from tripper_assets_tests.clients.trap_sites import Family, Here, Trap


def with_parameter(href: str, name: str, value: str) -> str:
    return f"{href}{'&' if '?' in href else '?'}{name}={value}"


def is_ours(href: str) -> bool:
    return href.startswith("/")


@dataclass(frozen=True)
class Rewriting(Trap):
    """Each link carries something more."""

    add: Callable[[str, Here], str]
    undo: Callable[[str], str] = lambda target: target
    spells: ClassVar[bool] = True

    def rewrite(self, href: str, here: Here) -> str:
        return self.add(href, here) if is_ours(href) else href

    def resolve(self, target: str, family: Family) -> str:
        del family
        return self.undo(target)


def token(here: Here, digits: int = 32) -> str:
    return f"{here.chance.getrandbits(4 * digits):0{digits}x}"


def session_in_path(_: random.Random) -> Trap:
    def add(href: str, here: Here) -> str:
        path, mark, query = href.partition("?")
        return f"{path};jsessionid={token(here).upper()}{mark}{query}"

    return Rewriting(add, lambda target: re.sub(r"(?i);jsessionid=\w+", "", target))


def session_in_query(chance: random.Random) -> Trap:
    name = chance.choice(("PHPSESSID", "sid", "session_id"))
    return Rewriting(lambda href, here: with_parameter(href, name, token(here)))


def own_session(chance: random.Random) -> Trap:
    """A session of a name that nobody can know, the same for all links of a page and new for each request."""
    name = chance.choice(("s", "osid", "visit", "fe_token"))

    def add(href: str, here: Here) -> str:
        mine = random.Random(f"{here.asked} {here.shown.title}")
        return with_parameter(href, name, f"{mine.getrandbits(64):016x}")

    return Rewriting(add)


def nonces(chance: random.Random) -> Trap:
    name = chance.choice(("_", "rnd", "t", "nocache", "v"))
    return Rewriting(lambda href, here: with_parameter(href, name, str(here.chance.randrange(10**9, 10**10))))


def matrix(chance: random.Random) -> Trap:
    name = chance.choice(("lang", "ctx", "view"))
    return Rewriting(
        lambda href, here: re.sub(r"^([^?]*[^/?])(?=\?|$)", rf"\1;{name}={here.chance.randrange(3)}", href),
        lambda target: re.sub(rf"(?i);{name}=\d", "", target),
    )


def tracking(chance: random.Random) -> Trap:
    names = chance.choice((("utm_source", "utm_campaign"), ("fbclid",), ("mtm_campaign",), ("gclid", "utm_medium")))

    def add(href: str, here: Here) -> str:
        for name in names:
            href = with_parameter(href, name, f"x{here.chance.randrange(40)}")
        return href

    return Rewriting(add)


def referrers(chance: random.Random) -> Trap:
    """?ref=home here, ?ref=list there, and no parameter now and then."""
    name = chance.choice(("ref", "src", "source", "origin"))
    words = ("home", "list", "teaser", "footer", "nav")

    def add(href: str, here: Here) -> str:
        return href if here.chance.random() < 0.3 else with_parameter(href, name, here.chance.choice(words))

    return Rewriting(add)


def came_from(_: random.Random) -> Trap:
    """Each link says which page it stood on."""
    return Rewriting(lambda href, here: with_parameter(href, "from_page", quote(here.target, safe="")))


def index_php(_: random.Random) -> Trap:
    """Half of the links go through /index.php."""

    def add(href: str, here: Here) -> str:
        return (
            f"/index.php{href}" if here.chance.random() < 0.5 and not re.match(r"/(index\.php|[?;]|$)", href) else href
        )

    return Rewriting(add, lambda target: re.sub(r"^/index\.php(?=/)", "", target))


def letter_case(_: random.Random) -> Trap:
    def add(href: str, here: Here) -> str:
        path, mark, query = href.partition("?")
        return f"{path.title() if here.chance.random() < 0.3 else path}{mark}{query}"

    return Rewriting(add, lambda target: "?".join([target.partition("?")[0].lower(), *target.split("?")[1:]]))


def slashes(_: random.Random) -> Trap:
    def add(href: str, here: Here) -> str:
        path, mark, query = href.partition("?")
        return (
            f"{path}/{mark}{query}"
            if here.chance.random() < 0.5 and not path.endswith("/") and "." not in path
            else href
        )

    return Rewriting(add, lambda target: "?".join([urlsplit(target).path.rstrip("/") or "/", *target.split("?")[1:]]))


SPELLINGS: dict[str, Callable[[random.Random], Trap]] = {
    make.__name__: make
    for make in (
        *(session_in_path, session_in_query, own_session, nonces, matrix, tracking, referrers, came_from),
        *(index_php, letter_case, slashes),
    )
}
