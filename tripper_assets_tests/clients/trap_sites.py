"""Sites made for crawls: a family of ordinary pages with traps around it, answered from memory or over loopback."""

import asyncio
import html
import json
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode, urlsplit

from tripper_assets.clients.crawler import crawl
from tripper_assets.clients.http import AddressGuard, HttpClient, Reply
from tripper_assets.domain.pages import Crawl
from tripper_assets.domain.sources import SourceConfig, make_source
from tripper_assets.extract.documents import extract_activities
from tripper_assets_tests.clients.crawled import NOW
from tripper_assets_tests.clients.loopback import Answer, Asked, LoopbackSite

TODAY = NOW.date()
ROOT = "https://www.kids.example"


@dataclass(frozen=True)
class Item:
    """One activity with a page of its own."""

    target: str
    title: str
    day: date


@dataclass(frozen=True)
class Link:
    href: str
    text: str = "more"
    day: date | None = None
    rel: str = ""


@dataclass(frozen=True)
class Shown:
    """What a page shows."""

    title: str
    links: tuple[Link, ...] = ()
    text: str = ""
    item: Item | None = None
    status: int = 200
    redirect: str = ""
    canonical: str = ""


def no_more(path: str, query: Mapping[str, str]) -> Shown | None:
    del path, query
    return None


@dataclass(frozen=True)
class Family:
    """The honest part of a site; a parameter that is not among ``params`` is ignored, as most servers do."""

    items: tuple[Item, ...]
    pages: Mapping[str, Shown]
    lists: tuple[str, ...]
    """The pages that a visitor needs to come to every item."""
    params: frozenset[str] = frozenset()
    more: Callable[[str, Mapping[str, str]], Shown | None] = no_more
    """Answers what is no fixed page, such as the months of a calendar."""
    language: str = "en"
    sitemap: tuple[str, ...] = ()
    feed: bool = False
    canonical: bool = False
    structured: bool = True
    cards: bool = True

    @property
    def budget(self) -> int:
        """Tight but fair: each page that matters twice, and a few to look around."""
        return 2 * (len(self.items) + len(self.lists)) + 10


@dataclass(frozen=True)
class Here:
    """Where a page is shown: what was asked for, what that means, and chance that is new for each request."""

    asked: str
    target: str
    family: Family
    chance: random.Random
    shown: Shown

    @property
    def is_list(self) -> bool:
        return self.target in self.family.lists


class Trap:
    """Something that makes URLs without end, or many for one page."""

    def links(self, here: Here) -> Sequence[Link]:
        del here
        return ()

    def rewrite(self, href: str, here: Here) -> str:
        del here
        return href

    spells: ClassVar[bool] = False
    """Whether it only spells the site's own URLs otherwise, which the server undoes before all else."""

    def resolve(self, target: str, family: Family) -> str | Shown | None:
        """Return the page of the family that a URL means, a page of the trap's own, or None where it is not concerned."""
        del target, family


def in_order(target: str, params: frozenset[str]) -> str:
    parts = urlsplit(target)
    kept = sorted((name, value) for name, value in parse_qsl(parts.query) if name in params)
    return f"{parts.path}?{urlencode(kept)}" if kept else parts.path


@dataclass
class TrapSite:
    family: Family
    traps: Sequence[Trap] = ()
    root: str = ROOT
    served: Counter[str] = field(default_factory=Counter[str])
    """How often each item was shown."""
    asked: list[str] = field(default_factory=list[str])
    seed: int = 0

    def answer(self, target: str) -> Answer:
        if target == "/robots.txt":
            return Answer(404)
        if urlsplit(target).path.startswith("/sitemap") and target.endswith(".xml"):
            return self._sitemap() if target == "/sitemap.xml" and self.family.sitemap else Answer(404)
        if target == "/feed.xml" and self.family.feed:
            return self._feed()
        return self._page(target)

    def _page(self, target: str) -> Answer:
        meant, shown = self._meant(target)
        if shown.redirect:
            return Answer(302, b"", {"Location": shown.redirect})
        self.asked.append(target)
        if shown.status == 200 and shown.item:
            self.served[shown.item.target] += 1
        chance = random.Random(f"{self.seed} {target} {self.asked.count(target)}")
        here = Here(target, meant, self.family, chance, shown)
        return Answer(shown.status, self._document(here).encode(), {"Content-Type": "text/html; charset=utf-8"})

    def _meant(self, target: str) -> tuple[str, Shown]:
        for trap in sorted(self.traps, key=lambda trap: not trap.spells):
            found = trap.resolve(target, self.family)
            if isinstance(found, Shown):
                return target, found
            target = found or target
        known = in_order(target, self.family.params)
        shown = self.family.pages.get(known) or self.family.pages.get(known.rstrip("/"))
        path, _, query = known.partition("?")
        shown = shown or self.family.more(path, dict(parse_qsl(query)))
        return known, shown or Shown("Page not found", text="404: this page was not found.", status=404)

    def _document(self, here: Here) -> str:
        links = [*here.shown.links, *(link for trap in self.traps for link in trap.links(here))]
        shown = here.shown
        head = f"<title>{html.escape(shown.title)}</title>"
        canonical = shown.canonical or (here.target if self.family.canonical and shown.status == 200 else "")
        head += f'<link rel="canonical" href="{self.root}{canonical}">' if canonical.startswith("/") else ""
        head += '<link rel="alternate" type="application/rss+xml" href="/feed.xml">' if self.family.feed else ""
        body = f"<h1>{html.escape(shown.title)}</h1><p>{shown.text}</p>{_described(here)}"
        anchors = "".join(self._anchor(link, here) for link in links)
        return f'<!doctype html><html lang="{self.family.language}"><head>{head}</head><body><main>{body}{anchors}</main></body></html>'

    def _anchor(self, link: Link, here: Here) -> str:
        href = link.href
        for trap in self.traps:
            href = trap.rewrite(href, here)
        rel = f' rel="{link.rel}"' if link.rel else ""
        anchor = f'<a href="{html.escape(href)}"{rel}>{html.escape(link.text)}</a>'
        if link.day is None or not self.family.cards:
            return f"<p>{anchor}</p>"
        return f'<article><h3>{anchor}</h3><p><time datetime="{link.day}">{link.day:%d.%m.%Y}</time></p></article>'

    def _sitemap(self) -> Answer:
        urls = "".join(f"<url><loc>{html.escape(self.root + target)}</loc></url>" for target in self.family.sitemap)
        return Answer(200, f"<urlset>{urls}</urlset>".encode(), {"Content-Type": "application/xml"})

    def _feed(self) -> Answer:
        items = "".join(
            f"<item><title>{html.escape(item.title)}</title><link>{html.escape(self.root + item.target)}</link></item>"
            for item in self.family.items
        )
        return Answer(200, f"<rss><channel>{items}</channel></rss>".encode(), {"Content-Type": "application/rss+xml"})


def _described(here: Here) -> str:
    item = here.shown.item
    if item is None:
        return ""
    said = f'<p><time datetime="{item.day}T10:00">{item.day:%d.%m.%Y} 10:00</time></p><p>For children from 4 to 9.</p>'
    event = {"@context": "https://schema.org", "@type": "Event", "name": item.title, "startDate": f"{item.day}T10:00"}
    return f'{said}<script type="application/ld+json">{json.dumps(event)}</script>' if here.family.structured else said


class MemoryClient:
    """Answers for one site as HttpClient would, without a socket."""

    user_agent = "tripper_assets/0 (+t)"

    def __init__(self, site: TrapSite) -> None:
        self._site = site

    async def get(self, url: str, **options: Any) -> Reply:
        parts = urlsplit(url)
        target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        answer = self._site.answer(target)
        headers = {name.lower(): value for name, value in answer.headers.items()}
        accept = options.get("accept")
        body = answer.body if accept is None or accept(answer.status, headers) else b""
        return Reply(url, answer.status, headers, body, len(body))


@dataclass(frozen=True)
class Outcome:
    found: int
    items: int
    spent: int
    budget: int
    missing: tuple[str, ...]

    @property
    def share(self) -> float:
        return self.found / self.items


def outcome_of(site: TrapSite) -> Outcome:
    missing = tuple(item.target for item in site.family.items if not site.served[item.target])
    items = len(site.family.items)
    return Outcome(items - len(missing), items, len(site.asked), site.family.budget, missing)


async def crawl_of(site: TrapSite, client: HttpClient | MemoryClient, **config: Any) -> Crawl:
    settings = SourceConfig(**{"delay_seconds": 0, "max_pages": site.family.budget, **config})
    return await crawl(
        make_source(site.root, settings),
        client=client,  # type: ignore[arg-type]
        known={},
        read_page=lambda body, url, kind, at: extract_activities(body, url=url, content_type=kind, now=at),
        clock=lambda: NOW,
    )


def crawl_in_memory(site: TrapSite, **config: Any) -> Outcome:
    asyncio.run(crawl_of(site, MemoryClient(site), **config))
    return outcome_of(site)


def crawl_over_loopback(site: TrapSite, server: LoopbackSite, **config: Any) -> Outcome:
    there = replace(site, root=server.root)

    def respond(asked: Asked) -> Answer:
        return there.answer(asked.path)

    server.fallback = respond

    async def run() -> None:
        guard = AddressGuard(frozenset({("127.0.0.1", server.port)}))
        async with HttpClient(user_agent="tripper_assets/0 (+t)", guard=guard) as client:
            await crawl_of(there, client, **config)

    asyncio.run(run())
    return outcome_of(there)
