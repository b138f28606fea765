"""The pages that benchmarks read and crawl: about 64 KB each, made from numbers, with the ballast that real sites send."""

import json
from datetime import date, timedelta
from html import escape

PAGE_BYTES = 64_000
FIRST_DAY = date(2026, 4, 1)
TOPICS = ("Puppet theatre", "Pottery afternoon", "Forest walk", "Story hour", "Swimming lesson", "Robot workshop")
PLACES = ("Town library", "Old mill", "Botanical garden", "Youth club", "Lido")
_PROSE = (
    "bring warm clothes and a snack children under six come with a grown-up the workshop is led by two artists and takes "
    "place in any weather please book early because places are few and the room is small"
)
WORDS = tuple(_PROSE.split())


def structured_page(number: int, links: tuple[str, ...] = ()) -> bytes:
    """Return the page of one event, stated in JSON-LD among the ballast of a page."""
    block = json.dumps({"@context": "https://schema.org", "@graph": [_breadcrumbs(number), _event(number)]}, indent=1)
    head = f'<script type="application/ld+json">{block}</script>'
    inside = f"<h1>{_title(number)}</h1>{_paragraphs(number, 12)}"
    return _page(number, head, inside, links)


def small_page(number: int, links: tuple[str, ...] = ()) -> bytes:
    """Return the page of one event in JSON-LD with hardly anything else, about 2 KB: for sites of very many pages."""
    block = json.dumps({"@context": "https://schema.org", **_event(number)})
    shown = "".join(f'<li><a href="{escape(link)}">{escape(link)}</a></li>' for link in links)
    return (
        f'<!doctype html><html lang="en-GB"><head><meta charset="utf-8"><title>{_title(number)} | Leeds</title>'
        f'<script type="application/ld+json">{block}</script></head><body><h1>{_title(number)}</h1>'
        f"<ul>{shown}</ul></body></html>"
    ).encode()


def listing_page(number: int, cards: int = 30) -> bytes:
    """Return a page that lists events in cards of plain markup: a heading, a date in words, a place and a price."""
    inside = "".join(_card(number * cards + card) for card in range(cards))
    return _page(number, "", f'<h1>What is on</h1><div class="list">{inside}</div>', ())


def _title(number: int) -> str:
    return f"{TOPICS[number % len(TOPICS)]} {number}"


def _event(number: int) -> dict[str, object]:
    day = FIRST_DAY + timedelta(days=number % 90)
    place = PLACES[number % len(PLACES)]
    return {
        "@type": "ChildrensEvent",
        "@id": f"https://example.org/events/{number}#event",
        "name": _title(number),
        "description": _sentence(number, 60),
        "startDate": f"{day}T15:00:00+02:00",
        "endDate": f"{day}T16:30:00+02:00",
        "url": f"https://example.org/events/{number}",
        "image": [f"https://example.org/media/{number}.jpg"],
        "typicalAgeRange": "4-10",
        "location": {
            "@type": "Place",
            "name": place,
            "address": {
                "@type": "PostalAddress",
                "streetAddress": f"Mill Lane {number % 90 + 1}",
                "addressLocality": "Leeds",
                "postalCode": "LS1 4AP",
                "addressCountry": "GB",
            },
        },
        "offers": {"@type": "Offer", "price": f"{number % 9}.50", "priceCurrency": "GBP"},
        "organizer": {"@type": "Organization", "name": place, "url": "https://example.org/"},
    }


def _breadcrumbs(number: int) -> dict[str, object]:
    steps = ("Home", "Children", "Events", _title(number))
    items = [{"@type": "ListItem", "position": place, "name": name} for place, name in enumerate(steps, start=1)]
    return {"@type": "BreadcrumbList", "itemListElement": items}


def _card(number: int) -> str:
    day = FIRST_DAY + timedelta(days=number % 90)
    return (
        f'<article class="card"><a href="/events/{number}"><img src="/media/{number}.jpg" alt="">'
        f"<h3>{_title(number)}</h3></a><p class='when'>{day:%A}, {day.day} {day:%B %Y}, 3.00 pm – 4.30 pm</p>"
        f"<p class='where'>{PLACES[number % len(PLACES)]}, Leeds</p><p>{_sentence(number, 25)}</p>"
        f"<p class='price'>£{number % 9}.50</p></article>"
    )


def _sentence(number: int, words: int) -> str:
    return " ".join(WORDS[(number + place * 7) % len(WORDS)] for place in range(words)).capitalize() + "."


def _paragraphs(number: int, count: int) -> str:
    return "".join(f"<p>{_sentence(number + part, 50)}</p>" for part in range(count))


def _page(number: int, head: str, inside: str, links: tuple[str, ...]) -> bytes:
    shown = "".join(f'<li><a href="{escape(link)}">{escape(link)}</a></li>' for link in links)
    begin = (
        f'<!doctype html><html lang="en-GB"><head><meta charset="utf-8"><title>{_title(number)} | Leeds</title>'
        f'<meta name="description" content="{_sentence(number, 20)}">{head}<style>{_styles()}</style></head><body>'
        f"<header><nav><ul>{_menu()}</ul></nav></header><main>{inside}</main><ul>{shown}</ul>"
    )
    end = "<footer><p>Leeds for children</p></footer></body></html>"
    missing = PAGE_BYTES - len((begin + end).encode())
    return (begin + _ballast(max(0, missing)) + end).encode()


def _menu() -> str:
    return "".join(
        f'<li class="menu-item menu-item-{place}"><a href="/about/{place}"><span>Part {place}</span></a></li>'
        for place in range(60)
    )


def _styles() -> str:
    return "".join(f".grid-{place}{{display:grid;gap:{place}px;margin:0 auto}}" for place in range(150))


def _ballast(size: int) -> str:
    """Return what fills pages up: a third of it scripts, the rest markup that nobody reads."""
    script = f"<script>{_repeat('window.dataLayer=window.dataLayer||[];dataLayer.push({a:1});', size // 3)}</script>"
    teaser = (
        '<div class="teaser"><div class="inner"><span class="icon" aria-hidden="true"></span><em>News</em></div></div>'
    )
    return script + _repeat(teaser, max(0, size - len(script)))


def _repeat(text: str, size: int) -> str:
    return text * (size // len(text))
