"""Ordinary families of sites with things to do, small and drawn from a seed: each item has a page of its own, each list leads on."""

import random
from calendar import monthrange
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta

from tripper_assets_tests.clients.trap_sites import TODAY, Family, Item, Link, Shown

Make = Callable[[random.Random], Family]
WORDS = {
    "en": (
        "Puppet Rocket Garden Music Story Lego Pottery Forest Science Circus",
        "Workshop Morning Show Walk Club Lab",
    ),
    "de": (
        "Puppen Sommer Wald Musik Zirkus Ritter Garten Märchen Bastel Vampir",
        "nachmittag fest theater führung werkstatt",
    ),
    "fr": (
        "Conte Cirque Musique Jardin Marionnettes Robot Forêt Pirates Danse Magie",
        "Atelier Spectacle Balade Visite Fête",
    ),
}
PLACES = ("park", "library", "museum", "castle", "farm", "town-hall", "harbour", "mill")
ABOUT = ("/about", "/contact", "/imprint", "/privacy", "/press", "/jobs")


def slug(text: str) -> str:
    return text.lower().translate(str.maketrans({" ": "-", "ä": "a", "ê": "e", "ü": "u"}))


def titles(chance: random.Random, count: int, language: str) -> list[str]:
    first, second = (words.split() for words in WORDS[language])
    every = [f"{a} {b} {place.title()}" for a in first for b in second for place in PLACES]
    return chance.sample(every, count)


def made_items(
    chance: random.Random,
    target: Callable[[str, int, date], str],
    *,
    language: str = "en",
    days: int = 90,
    count: int = 0,
) -> tuple[Item, ...]:
    names = titles(chance, count or chance.randint(30, 80), language)
    dates = sorted(TODAY + timedelta(days=chance.randint(1, days)) for _ in names)
    first = chance.randint(100, 5000)
    return tuple(
        Item(target(slug(name), first + 3 * number, day), name, day)
        for number, (name, day) in enumerate(zip(names, dates, strict=True))
    )


def detail(item: Item, *links: Link) -> Shown:
    return Shown(item.title, links, "Bring a friend along, and something to drink.", item)


def card(item: Item) -> Link:
    return Link(item.target, item.title, item.day)


def to(*targets: str) -> tuple[Link, ...]:
    return tuple(Link(target, target.strip("/").rpartition("/")[2] or "home") for target in targets)


def idle_pages(*nav: str) -> dict[str, Shown]:
    return {path: Shown(path[1:].title(), to("/", *nav), "Who we are.") for path in ABOUT}


def list_pages(
    items: Sequence[Item],
    size: int,
    at: Callable[[int], str],
    *,
    nav: Sequence[str] = (),
    only_next: bool = False,
    rel: bool = False,
) -> dict[str, Shown]:
    count = -(-len(items) // size)
    shown: dict[str, Shown] = {}
    for number in range(count):
        cards = tuple(map(card, items[number * size : (number + 1) * size]))
        onward = (
            [number + 1] if only_next else [other for other in range(max(0, number - 2), number + 3) if other != number]
        )
        pager = tuple(
            Link(
                at(other),
                "next" if other == number + 1 else str(other),
                rel="next" if rel and other == number + 1 else "",
            )
            for other in onward
            if other < count
        )
        shown[at(number)] = Shown(
            "What's on" if not number else f"What's on, page {number + 1}", (*to(*nav), *cards, *pager)
        )
    return shown


def site_of(items: Sequence[Item], lists: Mapping[str, Shown], home: Shown | None = None, **more: object) -> Family:
    entry = next(iter(lists))
    pages = {item.target: detail(item, *to("/", entry)) for item in items}
    pages |= idle_pages(entry) | dict(lists)
    pages.setdefault("/", home or Shown("Welcome", to(entry, *ABOUT)))
    return Family(tuple(items), pages, tuple(lists), **more)  # type: ignore[arg-type]


def council(chance: random.Random) -> Family:
    items = made_items(chance, lambda name, _, __: f"/whatson/{name}.html")
    thirds = [items[0::3], items[1::3], items[2::3]]
    lists = {
        f"/whatson/{name}.html": Shown(name, tuple(map(card, some)))
        for name, some in zip(("sport", "arts", "nature"), thirds, strict=True)
    }
    home = Shown(
        "Council", to(*lists, *ABOUT, *(f"/services/{name}.html" for name in ("tax", "waste", "roads", "planning")))
    )
    services = {f"/services/{name}.html": Shown(name, to("/")) for name in ("tax", "waste", "roads", "planning")}
    family = site_of(items, lists, home, structured=False, cards=chance.random() < 0.5)
    return Family(**{**vars(family), "pages": {**family.pages, **services}})


def wordpress(chance: random.Random) -> Family:
    """The Events Calendar: a list in pages, and months and days that never end."""
    items = made_items(chance, lambda name, _, __: f"/event/{name}")
    lists = list_pages(
        items, 10, lambda number: f"/events/list/page/{number + 1}" if number else "/events/list", only_next=True
    )

    def more(path: str, query: Mapping[str, str]) -> Shown | None:
        del query
        kind, _, stamp = path.removeprefix("/events/").partition("/")
        if path == "/events":
            return None
        day = day_of(stamp if kind == "month" else kind)
        if day is None or not path.startswith("/events/"):
            return None
        return (
            month_page(items, day, lambda one: f"/events/month/{one:%Y-%m}", lambda one: f"/events/{one}")
            if kind == "month"
            else (day_page(items, day, lambda one: f"/events/{one}"))
        )

    home = Shown("Family blog", to("/events/list", f"/events/month/{TODAY:%Y-%m}", *ABOUT))
    return site_of(items, lists, home, more=more, canonical=True)


def day_of(text: str) -> date | None:
    try:
        return date.fromisoformat(text if len(text) > 7 else f"{text}-01")
    except ValueError:
        return None


def next_month(day: date, step: int = 1) -> date:
    months = day.year * 12 + day.month - 1 + step
    return date(min(9998, max(2, months // 12)), months % 12 + 1, 1)


def month_page(
    items: Sequence[Item],
    day: date,
    month: Callable[[date], str],
    of_day: Callable[[date], str] | None,
    *,
    shows: bool = True,
) -> Shown:
    here = [item for item in items if (item.day.year, item.day.month) == (day.year, day.month)]
    turns = (Link(month(next_month(day, -1)), "previous"), Link(month(next_month(day)), "next"))
    length = monthrange(day.year, day.month)[1]
    cells = (
        tuple(Link(of_day(day.replace(day=number)), str(number)) for number in range(1, length + 1)) if of_day else ()
    )
    return Shown(f"{day:%B %Y}", (*turns, *cells, *(map(card, here) if shows else ())))


def day_page(items: Sequence[Item], day: date, of_day: Callable[[date], str]) -> Shown:
    near = [day + timedelta(days=step) for step in (-1, 1)]
    return Shown(f"{day}", (*to(*map(of_day, near)), *(card(item) for item in items if item.day == day)))


def drupal(chance: random.Random) -> Family:
    items = made_items(
        chance, lambda name, number, _: f"/node/{number}" if chance.random() < 0.5 else f"/events/{name}"
    )
    lists = list_pages(items, 12, lambda number: f"/events?page={number}" if number else "/events")
    return site_of(items, lists, params=frozenset({"page"}), structured=False)


def museum(chance: random.Random) -> Family:
    items = made_items(
        chance, lambda name, _, day: f"/programme/{'spring' if day.month < 6 else 'summer'}-{day.year}/{name}"
    )
    seasons = sorted({item.target.rpartition("/")[0] for item in items})
    lists = {
        season: Shown(season, tuple(card(item) for item in items if item.target.startswith(season)))
        for season in seasons
    }
    return site_of(items, lists, Shown("Museum", to(*seasons, "/collection", *ABOUT)), cards=chance.random() < 0.5)


def magazine(chance: random.Random) -> Family:
    """Date-path pages in a list of ten a page, as blogs have them."""
    items = made_items(chance, lambda name, _, day: f"/{day:%Y/%m}/{name}")
    lists = list_pages(items, 10, lambda number: f"/things-to-do/page/{number + 1}" if number else "/things-to-do")
    return site_of(items, lists, canonical=chance.random() < 0.5)


def single_list(chance: random.Random) -> Family:
    items = made_items(chance, lambda name, _, __: f"/angebote/{name}", language="de")
    return site_of(items, {"/angebote": Shown("Angebote", tuple(map(card, items)))}, language="de", structured=False)


def plain_words(chance: random.Random) -> Family:
    """Nothing in the URLs says what they are."""
    items = made_items(
        chance, lambda name, number, _: f"/{name}" if chance.random() < 0.7 else f"/x{number}", language="de"
    )
    lists = list_pages(items, 8, lambda number: f"/alle/seite/{number + 1}" if number else "/alle")
    return site_of(items, lists, language="de")


def german_typo3(chance: random.Random) -> Family:
    items = made_items(chance, lambda _, number, __: f"/index.php?id=42&tx_events[event]={number}", language="de")
    items = tuple(Item(in_params(item.target), item.title, item.day) for item in items)
    lists = list_pages(
        items, 10, lambda number: f"/veranstaltungen?seite={number + 1}" if number else "/veranstaltungen"
    )
    return site_of(items, lists, language="de", params=frozenset({"seite", "id", "tx_events[event]"}), structured=False)


def in_params(target: str) -> str:
    return target.replace("[", "%5B").replace("]", "%5D")


def french_months(chance: random.Random) -> Family:
    """Only the months lead to the events."""
    items = made_items(chance, lambda name, number, _: f"/agenda/evenement/{number}-{name}", language="fr", days=110)

    def address(day: date) -> str:
        return f"/agenda/calendrier?annee={day.year}&mois={day.month}"

    def more(path: str, query: Mapping[str, str]) -> Shown | None:
        if path != "/agenda/calendrier":
            return None
        day = date(int(query.get("annee", TODAY.year)), int(query.get("mois", TODAY.month)), 1)
        return month_page(items, day, address, None)

    home = Shown("Mairie", to("/agenda/calendrier", *ABOUT))
    lists = {address(next_month(TODAY, step)): more("/agenda/calendrier", {}) or Shown("") for step in range(4)}
    for step, name in enumerate(lists):
        lists[name] = month_page(items, next_month(TODAY, step), address, None)
    return site_of(items, lists, home, language="fr", params=frozenset({"annee", "mois"}), more=more)


def calendar_only(chance: random.Random) -> Family:
    """The months lead to days, and only the days to the events."""
    items = made_items(chance, lambda name, _, day: f"/calendar/{day:%Y/%m/%d}/{name}", days=75)

    def more(path: str, query: Mapping[str, str]) -> Shown | None:
        del query
        parts = [int(part) for part in path.removeprefix("/calendar/").split("/") if part.isdecimal()]
        if (
            not path.startswith("/calendar/")
            or len(parts) not in {2, 3}
            or not 0 < parts[1] < 13
            or not 1 < parts[0] < 9998
        ):
            return None
        day = date(parts[0], parts[1], parts[2] if len(parts) == 3 else 1)
        if len(parts) == 3:
            return day_page(items, day, lambda one: f"/calendar/{one:%Y/%m/%d}")
        here = sorted({item.day for item in items if (item.day.year, item.day.month) == (day.year, day.month)})
        shown = month_page(items, day, lambda one: f"/calendar/{one:%Y/%m}", None, shows=False)
        return Shown(shown.title, (*shown.links, *to(*(f"/calendar/{one:%Y/%m/%d}" for one in here))))

    months = [f"/calendar/{next_month(TODAY, step):%Y/%m}" for step in range(4)]
    lists = {month: more(month, {}) or Shown("") for month in months}
    lists |= {
        f"/calendar/{day:%Y/%m/%d}": day_page(items, day, lambda one: f"/calendar/{one:%Y/%m/%d}")
        for day in sorted({item.day for item in items})
    }
    return site_of(items, lists, Shown("Theatre", to(months[0], *ABOUT)), more=more)


def kalender(chance: random.Random) -> Family:
    """Months in a parameter, details by number."""
    items = made_items(chance, lambda _, number, __: f"/termin?id={number}", language="de", days=150)

    def address(day: date) -> str:
        return f"/kalender?monat={day:%Y-%m}"

    def more(path: str, query: Mapping[str, str]) -> Shown | None:
        day = day_of(query.get("monat", f"{TODAY:%Y-%m}"))
        return month_page(items, day, address, None) if path == "/kalender" and day else None

    lists = {
        address(next_month(TODAY, step)): month_page(items, next_month(TODAY, step), address, None) for step in range(5)
    }
    home = Shown("Familienzentrum", to("/kalender", *ABOUT))
    return site_of(items, lists, home, language="de", params=frozenset({"monat", "id"}), more=more, structured=False)


def view_php(chance: random.Random) -> Family:
    items = made_items(chance, lambda _, number, __: f"/event/view.php?id={number}")
    lists = list_pages(
        items, 10, lambda number: f"/event/list.php?start={10 * number}" if number else "/event/list.php"
    )
    return site_of(items, lists, params=frozenset({"id", "start"}), structured=chance.random() < 0.5)


def cursor(chance: random.Random) -> Family:
    """Only rel=next leads on, by a token that nobody can guess."""
    items = made_items(chance, lambda name, number, _: f"/sessions/{number}/{name}")
    tokens = [f"{chance.getrandbits(64):016x}" for _ in range(20)]
    lists = list_pages(
        items,
        7,
        lambda number: f"/whats-on?after={tokens[number]}" if number else "/whats-on",
        only_next=True,
        rel=True,
    )
    return site_of(items, lists, params=frozenset({"after"}))


def next_only(chance: random.Random) -> Family:
    """A list of fifteen pages, each of which knows only the next."""
    items = made_items(chance, lambda name, _, __: f"/kurse/{name}", language="de", count=60)
    lists = list_pages(items, 4, lambda number: f"/kurse?page={number + 1}" if number else "/kurse", only_next=True)
    return site_of(items, lists, language="de", params=frozenset({"page"}), cards=chance.random() < 0.5)


def sitemap_only(chance: random.Random) -> Family:
    items = made_items(chance, lambda name, _, __: f"/shows/{name}")
    few = Shown("Now", tuple(map(card, items[:5])))
    return site_of(items, {"/now": few}, sitemap=("/", "/now", *ABOUT, *(item.target for item in items)))


def feed_only(chance: random.Random) -> Family:
    items = made_items(chance, lambda name, _, __: f"/post/{name}", language="fr")
    return site_of(
        items, {"/blog": Shown("Blog", tuple(map(card, items[:5])))}, language="fr", feed=True, canonical=True
    )


def branches(chance: random.Random) -> Family:
    """Libraries, each with a list of its own."""
    items = made_items(chance, lambda name, number, _: f"/branches/{PLACES[number % 8]}/events/{name}")
    lists = {
        f"/branches/{place}/events": Shown(place, tuple(card(item) for item in items if f"/{place}/" in item.target))
        for place in PLACES
    }
    overview = Shown("Branches", to(*(f"/branches/{place}" for place in PLACES)))
    homes = {f"/branches/{place}": Shown(place, to(f"/branches/{place}/events")) for place in PLACES}
    return site_of(items, {"/branches": overview, **homes, **lists}, structured=False)


def regions(chance: random.Random) -> Family:
    """Region, town, list: three steps down."""
    items = made_items(
        chance, lambda _, number, __: f"/{'north' if number % 2 else 'south'}/{PLACES[number % 8]}/{number}"
    )
    towns = sorted({item.target.rpartition("/")[0] for item in items})
    lists: dict[str, Shown] = {"/places": Shown("Places", to("/north", "/south"))}
    for half in ("/north", "/south"):
        lists[half] = Shown(half, to(*(town for town in towns if town.startswith(half))))
    lists |= {
        town: Shown(town, tuple(card(item) for item in items if item.target.startswith(f"{town}/"))) for town in towns
    }
    return site_of(items, lists, sitemap=("/", "/places"))


FAMILIES: dict[str, Make] = {
    make.__name__: make
    for make in (
        *(council, wordpress, drupal, museum, magazine, single_list, plain_words, german_typo3, french_months),
        *(calendar_only, kalender, view_php, cursor, next_only, sitemap_only, feed_only, branches, regions),
    )
}
