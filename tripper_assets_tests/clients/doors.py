"""Every place in which a site can name another address: each door puts a URL there, on a site whose other pages are ordinary."""

from collections.abc import Callable
from itertools import count
from typing import TypeAlias

from tripper_assets_tests.clients.hostile import HTML, stated
from tripper_assets_tests.clients.loopback import Answer, LoopbackSite

Put: TypeAlias = Callable[[LoopbackSite, str], str]
"""Puts a URL somewhere on the site and returns the path of a page that the site's start page has to link, or nothing."""
XML = {"Content-Type": "application/xml"}
_numbers = count(1)


def at(site: LoopbackSite, path: str) -> str:
    """Return a URL by the name that tests give to the site."""
    return f"http://site.example:{site.port}{path}"


def _page(site: LoopbackSite, answer: Answer) -> str:
    path = f"/door/{next(_numbers)}"
    site.answer(path, answer)
    return path


def _html(before: str, after: str = "") -> Put:
    """Return a door of HTML; ``%s`` is the URL."""

    def put(site: LoopbackSite, url: str) -> str:
        said = url.replace("&", "&amp;").replace('"', "&quot;")
        head, body = before.replace("%s", said), after.replace("%s", said)
        return _page(site, Answer(200, f"<html><head>{head}</head><body>{body}</body></html>".encode(), HTML))

    return put


def _event(property_: str) -> Put:
    def put(site: LoopbackSite, url: str) -> str:
        said = url.replace("\\", "\\\\").replace('"', '\\"').replace("\r\n", "\\r\\n")
        stating = (
            f'{{"@context":"https://schema.org","@type":"Event","name":"Door","startDate":"2026-05-12",{property_}}}'
        )
        script = f'<script type="application/ld+json">{stating.replace("%s", said)}</script>'
        return _page(site, Answer(200, f"<html><body><h1>Door</h1>{script}</body></html>".encode(), HTML))

    return put


def _document(content_type: str, text: str) -> Put:
    def put(site: LoopbackSite, url: str) -> str:
        return _page(site, Answer(200, text.replace("%s", url).encode(), {"Content-Type": content_type}))

    return put


def _header(status: int, name: str, value: str = "%s") -> Put:
    def put(site: LoopbackSite, url: str) -> str:
        # A line feed in a header would be another header.
        said = value.replace("%s", url.replace("\r\n", " ")).encode().decode("latin-1")
        return _page(site, Answer(status, stated("Behind a header"), {**HTML, name: said}))

    return put


def _second_hop(site: LoopbackSite, url: str) -> str:
    return _page(site, Answer(302, b"", {"Location": _header(307, "Location")(site, url)}))


def _fourth_hop(site: LoopbackSite, url: str) -> str:
    return _page(
        site, Answer(301, b"", {"Location": _page(site, Answer(308, b"", {"Location": _second_hop(site, url)}))})
    )


PAGES: dict[str, Put] = {
    "link": _html("", '<a href="%s">x</a>'),
    "area": _html("", '<map><area href="%s"></map>'),
    "base": _html('<base href="%s">', '<a href="inside">x</a><a href="?inside">x</a>'),
    "canonical": _html('<link rel="canonical" href="%s">'),
    "rel=next": _html('<link rel="next" href="%s">', '<a rel="next" href="%s">x</a>'),
    "other link elements": _html(
        "".join(
            f'<link rel="{rel}" href="%s">'
            for rel in ("prev", "alternate", "amphtml", "stylesheet", "icon", "preload", "prefetch", "dns-prefetch")
        )
    ),
    "feed link": _html('<link rel="alternate" type="application/rss+xml" href="%s">'),
    "calendar link": _html('<link rel="alternate" type="text/calendar" href="%s">'),
    "meta refresh": _html('<meta http-equiv="refresh" content="0; url=%s">'),
    "og:url": _html('<meta property="og:url" content="%s"><meta property="og:image" content="%s">'),
    "frames": _html("", '<iframe src="%s"></iframe><object data="%s"></object><embed src="%s"><frame src="%s">'),
    "pictures": _html(
        "", '<img src="%s" srcset="%s 2x"><video src="%s" poster="%s"></video><script src="%s"></script>'
    ),
    "form": _html("", '<form action="%s"><button formaction="%s"></button></form><a ping="%s" href="/">x</a>'),
    "document type": _document("text/html", '<!DOCTYPE html SYSTEM "%s"><html><p>x</p></html>'),
    "JSON-LD url": _event('"url":"%s"'),
    "JSON-LD @id": _event('"@id":"%s"'),
    "JSON-LD sameAs": _event('"sameAs":["%s"],"image":"%s","location":{"@type":"Place","url":"%s"}'),
    "JSON-LD @context": _event('"subEvent":{"@context":"%s","@type":"Event","name":"Inner"}'),
    "microdata": _html(
        "", '<div itemscope itemtype="http://schema.org/Event"><a itemprop="url" href="%s">Inner</a></div>'
    ),
    "RSS item": _document(
        "application/rss+xml", "<rss><channel><item><link>%s</link><guid>%s</guid></item></channel></rss>"
    ),
    "Atom entry": _document("application/atom+xml", '<feed><entry><link href="%s"/><id>%s</id></entry></feed>'),
    "RSS entity": _document(
        "application/rss+xml",
        '<!DOCTYPE r [<!ENTITY x SYSTEM "%s">]><rss><channel><item><link>&x;</link></item></channel></rss>',
    ),
    "iCalendar URL": _document(
        "text/calendar",
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:Door\r\nDTSTART:20260512\r\nURL:%s\r\nATTACH:%s\r\n"
        "IMAGE;VALUE=URI:%s\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
    ),
    "JSON url": _document("application/json", '{"@type":"Event","name":"Door","startDate":"2026-05-12","url":"%s"}'),
    "redirect": _header(302, "Location"),
    "second hop": _second_hop,
    "fourth hop": _fourth_hop,
    "Location of 201": _header(201, "Location"),
    "Refresh header": _header(200, "Refresh", "0; url=%s"),
    "Link header": _header(200, "Link", '<%s>; rel="next"'),
    "Content-Location": _header(200, "Content-Location"),
}


def _urlset(urls: list[str]) -> Answer:
    listed = "".join(f"<url><loc>{url.replace('&', '&amp;')}</loc></url>" for url in urls)
    return Answer(200, f"<urlset>{listed}</urlset>".encode(), XML)


def _index(urls: list[str]) -> Answer:
    listed = "".join(f"<sitemap><loc>{url.replace('&', '&amp;')}</loc></sitemap>" for url in urls)
    return Answer(200, f"<sitemapindex>{listed}</sitemapindex>".encode(), XML)


def _sitemap_line(site: LoopbackSite, urls: list[str]) -> None:
    site.answer("/robots.txt", Answer(200, "".join(f"Sitemap: {url}\n" for url in urls).encode()))


def _sitemap_entry(site: LoopbackSite, urls: list[str]) -> None:
    site.answer("/sitemap.xml", _urlset(urls))


def _sitemap_index(site: LoopbackSite, urls: list[str]) -> None:
    site.answer("/sitemap.xml", _index(urls))


def _sitemap_redirect(site: LoopbackSite, urls: list[str]) -> None:
    maps = [_header(302, "Location")(site, url) for url in urls]
    site.answer("/sitemap.xml", _index([at(site, path) for path in maps]))


def _sitemap_entity(site: LoopbackSite, urls: list[str]) -> None:
    def bomb(url: str) -> str:
        declared = f'<?xml-stylesheet href="{url}"?><!DOCTYPE u SYSTEM "{url}">'
        included = f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{url}"/>'
        text = f"{declared}<urlset>{included}<url><loc>&x;</loc></url></urlset>"
        return at(site, _page(site, Answer(200, text.encode(), XML)))

    site.answer("/sitemap.xml", _index([bomb(url) for url in urls if '"' not in url]))


def _feed_in_sitemap(site: LoopbackSite, urls: list[str]) -> None:
    feeds = [at(site, PAGES["RSS item"](site, url)) for url in urls]
    site.answer("/sitemap.xml", _index(feeds))


MAPS: dict[str, Callable[[LoopbackSite, list[str]], None]] = {
    "Sitemap line": _sitemap_line,
    "sitemap entry": _sitemap_entry,
    "sitemap index": _sitemap_index,
    "sitemap redirect": _sitemap_redirect,
    "sitemap document type": _sitemap_entity,
    "feed as sitemap": _feed_in_sitemap,
}
FOLLOWED = {
    *("link", "area", "base", "rel=next", "feed link", "calendar link", "RSS item", "Atom entry", "redirect"),
    *(
        "second hop",
        "fourth hop",
        "Sitemap line",
        "sitemap entry",
        "sitemap index",
        "sitemap redirect",
        "feed as sitemap",
    ),
}
"""Doors that a crawl goes through where the address is open, which is how a test knows that they are doors."""
