"""Traps: what makes URLs without end, or many for one page, beside the honest part of a site."""

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import quote

from tripper_assets_tests.clients.family_sites import card, next_month, to
from tripper_assets_tests.clients.spellings import is_ours, with_parameter
from tripper_assets_tests.clients.trap_sites import TODAY, Family, Here, Link, Shown, Trap, in_order

Address = Callable[[date], str]


def drawn(seed: str, *options: str) -> str:
    return random.Random(seed).choice(options)


@dataclass(frozen=True)
class Calendar(Trap):
    """A calendar that turns for ever; it shows nothing, or what the site lists anyway."""

    pattern: re.Pattern[str]
    address: Address
    step: Callable[[date, int], date]
    shows: bool = False

    def links(self, here: Here) -> Sequence[Link]:
        return [Link(self.address(TODAY), "Calendar")] if here.shown.status == 200 else []

    def resolve(self, target: str, family: Family) -> Shown | None:
        found = self.pattern.fullmatch(target)
        if not found:
            return None
        year, second, third = (*map(int, found.groups()), 1, 1)[:3]
        day = date.fromisocalendar(year, second, 1) if "w" in target else date(year, second, third)
        turns = tuple(Link(self.address(self.step(day, step)), f"{step:+}") for step in (-12, -1, 1, 12))
        near = [
            item for item in family.items if self.shows and (item.day.year, item.day.month) == (day.year, day.month)
        ]
        return Shown(f"Calendar {day:%d %B %Y}", (*turns, *map(card, near[:6])))


def later(day: date, step: int) -> date:
    return min(date(9000, 1, 1), max(date(2, 1, 1), day + timedelta(days=step)))


def weeks_later(day: date, step: int) -> date:
    return later(day, 7 * step)


def month_path(_: random.Random) -> Trap:
    return Calendar(re.compile(r"/cal/(\d+)/(\d+)/?"), lambda day: f"/cal/{day.year}/{day.month:02}", next_month)


def month_path_with_events(_: random.Random) -> Trap:
    return Calendar(re.compile(r"/kalender/(\d+)-(\d+)"), lambda day: f"/kalender/{day:%Y-%m}", next_month, shows=True)


def month_query(_: random.Random) -> Trap:
    pattern = re.compile(r"/calendar\.php\?year=(\d+)&month=(\d+)")
    return Calendar(pattern, lambda day: f"/calendar.php?year={day.year}&month={day.month}", next_month)


def day_path(_: random.Random) -> Trap:
    return Calendar(re.compile(r"/day/(\d+)-(\d+)-(\d+)"), lambda day: f"/day/{day}", later)


def day_query(_: random.Random) -> Trap:
    return Calendar(
        re.compile(r"/events/day\?date=(\d+)-(\d+)-(\d+)"), lambda day: f"/events/day?date={day}", later, shows=True
    )


def week_query(_: random.Random) -> Trap:
    pattern = re.compile(r"/week\?w=(\d+)-W(\d+)")
    return Calendar(pattern, lambda day: "/week?w={}-W{:02}".format(*day.isocalendar()[:2]), weeks_later)


@dataclass(frozen=True)
class Facets(Trap):
    """Filters that combine: each narrows the list, and all of them stay in the links."""

    options: dict[str, tuple[str, ...]]

    def links(self, here: Here) -> Sequence[Link]:
        if not here.is_list:
            return []
        path, _, query = here.asked.partition("?")
        chosen = dict(pair.split("=", 1) for pair in query.split("&") if "=" in pair)
        return [
            Link(f"{path}?" + "&".join(f"{key}={one}" for key, one in sorted({**chosen, name: value}.items())), value)
            for name, values in self.options.items()
            for value in values
            if chosen.get(name) != value
        ]

    def resolve(self, target: str, family: Family) -> Shown | None:
        chosen = sorted(
            set(re.findall(r"[?&](\w+)=(\w+)", target))
            & {(name, one) for name, all_ in self.options.items() for one in all_}
        )
        at = in_order(target, family.params)
        if not chosen or at not in family.lists or at not in family.pages:
            return None
        shown = family.pages[at]
        narrow = self.kept(shown.links, chosen)
        again = self.links(Here(target, at, family, random.Random(0), shown))
        return Shown(shown.title, (*narrow, *again))

    def kept(self, links: Sequence[Link], chosen: Sequence[tuple[str, str]]) -> list[Link]:
        return [
            link
            for link in links
            if link.day is None or all(random.Random(f"{link.href}{one}").random() < 0.6 for one in chosen)
        ]


@dataclass(frozen=True)
class Sorting(Facets):
    """Orders and views: the same list again and again."""

    def kept(self, links: Sequence[Link], chosen: Sequence[tuple[str, str]]) -> list[Link]:
        return random.Random(str(chosen)).sample(list(links), len(links))


def facets(_: random.Random) -> Trap:
    return Facets(
        {
            "age": ("0", "4", "8", "12"),
            "area": ("north", "south", "east"),
            "price": ("free", "paid"),
            "indoor": ("1", "0"),
            "cat": ("art", "sport", "music"),
        }
    )


def sorting(_: random.Random) -> Trap:
    return Sorting(
        {
            "sort": ("date", "title", "price"),
            "dir": ("asc", "desc"),
            "view": ("grid", "map", "list"),
            "per": ("10", "50"),
        }
    )


@dataclass(frozen=True)
class Answering(Trap):
    """Pages of the trap's own."""

    pattern: re.Pattern[str]
    answer: Callable[[re.Match[str], Family], Shown | str | None]
    at: Callable[[Here], Sequence[Link]]

    def links(self, here: Here) -> Sequence[Link]:
        return self.at(here) if here.shown.status == 200 else ()

    def resolve(self, target: str, family: Family) -> Shown | str | None:
        found = self.pattern.search(target)
        return self.answer(found, family) if found else None


def answering(
    pattern: str, answer: Callable[[re.Match[str], Family], Shown | str | None], at: Callable[[Here], Sequence[Link]]
) -> Trap:
    return Answering(re.compile(pattern), answer, at)


def growing_path(_: random.Random) -> Trap:
    """A relative link without its slash: the path grows with each step, and every length is answered."""
    return answering(
        r"^/info/",
        lambda found, _: Shown(
            "Information", (Link("more/"), Link("info/"), Link("visit/us/")), f"You are at {found.string}."
        ),
        lambda _: to("/info/"),
    )


def growing_numbers(_: random.Random) -> Trap:
    def answer(found: re.Match[str], _: Family) -> Shown:
        last = int(found.string.strip("/").rpartition("/")[2])
        return Shown(f"Topic {last}", to(f"{found.string}/{last + 1}", f"{found.string}/{last * 7 % 101}"))

    return answering(r"^/topics(/\d+)+$", answer, lambda _: to("/topics/1"))


def copies(chance: random.Random) -> Trap:
    """Each page to print, to share and as PDF."""
    style = chance.choice(("path", "query"))
    kinds = ("print", "pdf", "share", "mail")

    def at(here: Here) -> Sequence[Link]:
        if here.shown.item is None or here.asked != here.target:
            return ()
        return [
            Link(
                f"{here.target}/{kind}"
                if style == "path" and "?" not in here.target
                else with_parameter(here.target, "format", kind)
            )
            for kind in kinds
        ]

    def answer(found: re.Match[str], family: Family) -> Shown | None:
        shown = family.pages.get(in_order(found.string.removesuffix(found[0]), family.params))
        return Shown(shown.title, shown.links, "To print.", canonical="none") if shown else None

    return answering(r"/(print|pdf|share|mail)$|[?&]format=(print|pdf|share|mail)$", answer, at)


def ical(_: random.Random) -> Trap:
    def at(here: Here) -> Sequence[Link]:
        return (
            [Link(with_parameter(here.target, "ical", "1")), Link(with_parameter(here.target, "outlook-ical", "1"))]
            if here.shown.item
            else ()
        )

    return answering(r"[?&](outlook-)?ical=1", lambda *_: Shown("BEGIN:VCALENDAR"), at)


def comments(_: random.Random) -> Trap:
    def at(here: Here) -> Sequence[Link]:
        return (
            [Link(with_parameter(here.target, "replytocom", str(number))) for number in (11, 12, 13)]
            if here.shown.item
            else ()
        )

    return answering(r"^$", lambda *_: None, at)


def login_loops(_: random.Random) -> Trap:
    def at(here: Here) -> Sequence[Link]:
        return (
            [Link(f"/{kind}?next={quote(here.asked, safe='')}") for kind in ("login", "members")]
            if len(here.asked) < 600
            else ()
        )

    return answering(
        r"^/(login|members)\?", lambda found, _: Shown("Sign in", to("/"), f"Please sign in to {found[1]}."), at
    )


def search_suggestions(_: random.Random) -> Trap:
    def answer(found: re.Match[str], family: Family) -> Shown:
        chance = random.Random(found.string)
        words = [f"/search?q={chance.choice('abcdefgh')}{found[1]}{chance.randrange(99)}"[:80] for _ in range(8)]
        return Shown(f"Results for {found[1]}", (*to(*words), *map(card, chance.sample(family.items, 3))))

    return answering(r"^/search\?q=(\w+)", answer, lambda _: to("/search?q=kids"))


def tag_cloud(_: random.Random) -> Trap:
    tags = ("free", "outdoor", "rainy", "toddlers", "teens", "crafts")

    def answer(found: re.Match[str], family: Family) -> Shown:
        have = found[1].split("+")
        more = [f"/tag/{'+'.join([*have, tag])}" for tag in tags if tag not in have]
        return Shown(f"Tagged {found[1]}", (*to(*more), *map(card, random.Random(found[1]).sample(family.items, 4))))

    return answering(r"^/tag/([\w+]+)", answer, lambda _: to(*(f"/tag/{tag}" for tag in tags)))


def languages(_: random.Random) -> Trap:
    """Every page again below /fr and /pl."""

    def at(here: Here) -> Sequence[Link]:
        bare = re.sub(r"^/(fr|pl)(?=/)", "", here.asked)
        return to(f"/fr{bare}", f"/pl{bare}")

    def answer(found: re.Match[str], family: Family) -> Shown | None:
        shown = family.pages.get(in_order(found[2] or "/", family.params))
        if shown is None:
            return None
        links = tuple(
            Link(f"/{found[1]}{link.href}" if is_ours(link.href) else link.href, link.text, link.day)
            for link in shown.links
        )
        return Shown(f"{shown.title} ({found[1]})", links, "La même chose.", canonical="none")

    return answering(r"^/(fr|pl)(/.*)$", answer, at)


def soft_404(_: random.Random) -> Trap:
    """Ids without end: each page that is missing, with a good status, names the ones around it."""

    def answer(found: re.Match[str], _: Family) -> Shown:
        number = int(found[1])
        return Shown("Record", to(*(f"/record/{number + step}" for step in (1, 2, 3, 10))), "Nothing to show yet.")

    return answering(r"^/record/(\d+)", answer, lambda _: to("/record/1"))


def archives(_: random.Random) -> Trap:
    def answer(found: re.Match[str], _: Family) -> Shown:
        year, month, page = int(found[1]), int(found[2] or 1), int(found[3] or 1)
        return Shown(
            f"Archive {year}",
            to(
                f"/archive/{year - 1}",
                f"/archive/{year}/{month % 12 + 1:02}",
                f"/archive/{year}/{month:02}/page/{page + 1}",
            ),
        )

    return answering(r"^/archive/(\d+)(?:/(\d+))?(?:/page/(\d+))?$", answer, lambda _: to("/archive/2025"))


def gallery(_: random.Random) -> Trap:
    return answering(
        r"^/gallery\?img=(\d+)",
        lambda found, _: Shown(
            f"Picture {found[1]}", to(f"/gallery?img={int(found[1]) + 1}", f"/gallery?img={int(found[1]) + 2}")
        ),
        lambda _: to("/gallery?img=1"),
    )


def occurrences(_: random.Random) -> Trap:
    """Each activity on other days, for ever, each with a date of its own."""

    def at(here: Here) -> Sequence[Link]:
        item = here.shown.item
        if item is None:
            return ()
        return [Link(with_parameter(item.target, "occurrence", f"{later(item.day, 7 * step)}")) for step in range(1, 9)]

    def answer(found: re.Match[str], family: Family) -> Shown | None:
        bare = in_order(found.string, family.params)
        shown = family.pages.get(bare)
        if shown is None or shown.item is None:
            return None
        day = date.fromisoformat(found[1])
        links = [Link(with_parameter(bare, "occurrence", f"{later(day, 7 * step)}")) for step in range(1, 9)]
        return Shown(f"{shown.title} on {day}", (*shown.links, *links), "Again and again.")

    return answering(r"[?&]occurrence=([\d-]+)", answer, at)


def booking(_: random.Random) -> Trap:
    def at(here: Here) -> Sequence[Link]:
        return (
            [Link(f"/book?event={quote(here.target, safe='')}&seats={seats}") for seats in (1, 2, 3, 4)]
            if here.shown.item
            else ()
        )

    return answering(r"^/book\?", lambda *_: Shown("Book", to("/"), "Your seats are kept for ten minutes."), at)


def profiles(_: random.Random) -> Trap:
    def answer(found: re.Match[str], _: Family) -> Shown:
        return Shown(f"Member {found[1]}", to(*(f"/user/{int(found[1]) * 3 % 9973 + step}" for step in range(6))))

    return answering(r"^/user/(\d+)", answer, lambda _: to("/user/7"))


TRAPS: dict[str, Callable[[random.Random], Trap]] = {
    make.__name__: make
    for make in (
        *(
            month_path,
            month_path_with_events,
            month_query,
            day_path,
            day_query,
            week_query,
        ),
        *(
            facets,
            sorting,
            growing_path,
            growing_numbers,
            copies,
        ),
        *(
            ical,
            comments,
            login_loops,
            search_suggestions,
            tag_cloud,
            languages,
            soft_404,
        ),
        *(archives, gallery, occurrences, booking, profiles),
    )
}
