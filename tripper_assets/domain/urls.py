"""What a crawl decides from a URL alone: which page it is, whether it belongs to the site, and how much it looks like an activity."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, Self
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from tripper_assets.domain.errors import ConfigurationError
from tripper_assets.domain.paging import PAGE_NUMBER, is_page_number
from tripper_assets.domain.sources import Source, normalize_url

Refusal = Literal["off_site", "not_a_page", "excluded", "trap"]

SESSION_PARAMETER = re.compile(r"^(phpsessid|jsessionid|aspsessionid\w*|cfid|cftoken|zenid|oscsid|session_?id|sid)$")
# Only a long random value is a session: "sid=123" is a story on some sites.
SESSION_VALUE = re.compile(r"^[A-Za-z0-9_.!-]{16,}$")
SESSION_IN_PATH = re.compile(r";(?:jsessionid|phpsessid|sid)=[^/;?]*|/\([A-Z]\([^()/]{8,64}\)\)(?=/)", re.IGNORECASE)
"""The second is what ASP.NET writes without cookies: /(S(lit3py55t21z5v55vlm25s55))/page.aspx."""
NOT_A_PAGE = re.compile(
    r"\.(jpe?g|png|gif|webp|avif|svg|ico|bmp|tiff?|heic|css|m?js|map|woff2?|ttf|otf|eot|pdf|docx?|xlsx?|pptx?|odt|ods|odp|rtf"
    r"|zip|gz|tgz|bz2|xz|7z|rar|tar|exe|dmg|apk|iso|mp3|m4a|ogg|oga|wav|flac|mp4|m4v|mov|avi|mkv|webm|mpe?g|wmv|swf|epub)$",
    re.IGNORECASE,
)
FEED = re.compile(
    r"(\.(ics|rss|atom)$|/(feed|rss|atom)(\.xml)?$|[?&](ical|ics|outlook-ical|feed)(=|&|$))", re.IGNORECASE
)
MAX_SEGMENTS = 14
MAX_REPEATS = 3
"""Of one word in one path; /a/a/a is a relative link that grows for ever."""
MAX_PARAMETERS = 8

ACTIVITY_WORDS = re.compile(
    r"(event|veranstaltung|termin|evenement|événement|evento|wydarzen|agenda|whats-?on|kalender|calend|programm?e?\b|"
    r"activit|aktivit|attivit|actividad|zajecia|angebot|ausflug|famil|kids|kind(er)?\b|child|enfant|bambin|nin[oy]s|dzieci|"
    r"workshop|atelier|taller|warsztat|kurs|course|class(es)?\b|camp|ferien|vacanc|holiday|festival|konzert|concert|"
    r"ausstellung|exhibition|exposition|mostra|museum|theat|spectacle|f(ue|ü)hrung|visit|tour|things-to-do|ausflugsziel|\.ics$)",
    re.IGNORECASE,
)
IDLE_WORDS = re.compile(
    r"(log-?in|log-?out|sign-?(in|up)|regist(er|rier)|account|konto|cart|warenkorb|checkout|basket|wishlist|password|wp-(admin|login|json)"
    r"|privacy|datenschutz|impressum|imprint|terms|agb\b|cookie|legal|mentions-legales|press|jobs?\b|career|karriere|newsletter"
    r"|contact|kontakt|about|ueber-uns|sitemap|search|suche|recherche|print|share|reply|comment|trackback|author|tag/|/tags?\b"
    r"|sort|filter|order(by)?=|orderby|facet|xmlrpc)",
    re.IGNORECASE,
)
COPY_WORDS = re.compile(
    r"/(?:print|printable|druck(?:en|version)?|imprimer|imprimir|stampa|pdf|share|mail|e-?mail|amp|embed|trackback|feed|ics|ical)/?$",
    re.IGNORECASE,
)
LANGUAGE_PREFIX = re.compile(r"^/[a-z]{2}(?:[-_][a-z]{2})?(?=/.)", re.IGNORECASE)
FILE_FORMAT = re.compile(r"^(?:pdf|docx?|xlsx?|png|jpe?g|zip|epub)$", re.IGNORECASE)
FORMAT_PARAMETER = re.compile(r"^(?:format|output|type|as|export|print|tmpl|_format)$", re.IGNORECASE)
INDEX_FILE = re.compile(r"/(?:index\.(?:html?|php\d?|aspx?|jsp|cfm)|default\.aspx?)$", re.IGNORECASE)
NUMBER = re.compile(r"\d{2}")
PLAIN_SEGMENT = re.compile(r"^[a-z_]{1,20}$", re.IGNORECASE)


@dataclass(frozen=True)
class PageUrl:
    """One page's two forms: what it is known by, and what is asked for (as the link says it, for relative links and odd servers)."""

    identity: str
    address: str


@lru_cache(maxsize=65_536)
def page_url(url: str) -> PageUrl | None:
    """Return which page ``url`` means; None for one that is no http(s) page.

    It is known without fragment, tracking and session ids, index file and final slash, its parameters in order of their names (w3lib's
    canonical form has them so, too); it is asked for as the link says.
    """
    try:
        address = normalize_url(_without_session(url))
    except ConfigurationError:
        return None
    parts = urlsplit(address)
    identity = urlunsplit(parts._replace(path=_known_path(parts.path, parts.query), query=_in_order(parts.query)))
    slash = urlsplit(url.strip()).path.endswith("/") and not parts.path.endswith("/")
    return PageUrl(identity, urlunsplit(parts._replace(path=f"{parts.path}/")) if slash else address)


def _known_path(path: str, query: str) -> str:
    return path if query else INDEX_FILE.sub("", path) or "/"


def _in_order(query: str) -> str:
    return "&".join(sorted(query.split("&"))) if "&" in query else query


def _without_session(url: str) -> str:
    if "=" not in url and "(" not in url:
        return url
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return url
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    kept = [(name, value) for name, value in pairs if not _is_session(name, value)]
    query = urlencode(kept) if len(kept) != len(pairs) else parts.query
    return urlunsplit(parts._replace(path=SESSION_IN_PATH.sub("", parts.path), query=query))


def _is_session(name: str, value: str) -> bool:
    return bool(SESSION_PARAMETER.match(name.lower()) and SESSION_VALUE.match(value))


def folded(page: PageUrl, scheme: str, netloc: str) -> PageUrl:
    """Return the page at its site's own scheme and host where it is written with or without "www.", or with the other scheme.

    Only for default ports: anything else is said on purpose.
    """
    here = urlsplit(page.identity)
    if here[:2] == (scheme, netloc) or ":" in netloc or _bare(here.netloc) != _bare(netloc):
        return page
    identity, address = (
        urlunsplit(urlsplit(url)._replace(scheme=scheme, netloc=netloc)) for url in (page.identity, page.address)
    )
    return PageUrl(identity, address)


@dataclass(frozen=True)
class Site:
    """Where a source's pages are: its host, with and without "www.", over http or https."""

    host: str
    port: int | None
    """None: the scheme's own."""
    folder: str
    """The source's own path with a final slash; "/" where the source is a whole host."""

    @classmethod
    def of(cls, url: str) -> Self:
        """Return the site of a source's normalised URL."""
        parts = urlsplit(url)
        return cls(_bare(parts.hostname), parts.port, _folder(parts.path))

    def holds(self, identity: str) -> bool:
        """Return whether a page belongs to the site."""
        parts = urlsplit(identity)
        return _bare(parts.hostname) == self.host and parts.port == self.port

    def is_below(self, identity: str) -> bool:
        """Return whether a page lies in the source's own folder, or is it."""
        parts = urlsplit(identity)
        is_here = _bare(parts.hostname) == self.host and parts.port == self.port
        return is_here and (parts.path.startswith(self.folder) or f"{parts.path}/" == self.folder)


def _bare(host: str | None) -> str:
    return (host or "").removeprefix("www.")


def _folder(path: str) -> str:
    head, _, last = path.rpartition("/")
    return f"{head}/" if "." in last or not last else f"{path}/"


@dataclass(frozen=True)
class Admission:
    """Which pages of a site a crawl asks for."""

    source_url: str
    site: Site
    include: tuple[re.Pattern[str], ...]
    exclude: tuple[re.Pattern[str], ...]
    feeds: bool

    @classmethod
    def of(cls, source: Source) -> Self:
        """Return the rules of a source's configuration."""
        config = source.config
        include, exclude = (tuple(re.compile(one) for one in some) for some in (config.include, config.exclude))
        return cls(source.url, Site.of(source.url), include, exclude, config.feeds)

    def refusal(self, page: PageUrl) -> Refusal | None:
        """Return why a page is not asked for, None where it is; the source's own page always is."""
        if page.identity == self.source_url:
            return None
        if not self.site.holds(page.identity):
            return "off_site"
        if NOT_A_PAGE.search(urlsplit(page.identity).path) or _is_file(page.identity):
            return "not_a_page"
        if self._is_excluded(page):
            return "excluded"
        return "trap" if is_trap(page.identity) else None

    def _is_excluded(self, page: PageUrl) -> bool:
        if not self.feeds and FEED.search(page.identity):
            return True
        return (bool(self.include) and not _matches(self.include, page)) or _matches(self.exclude, page)


def _is_file(identity: str) -> bool:
    pairs = parse_qsl(urlsplit(identity).query) if "=" in identity else []
    return any(FORMAT_PARAMETER.match(name) and FILE_FORMAT.match(value) for name, value in pairs)


def _matches(patterns: Sequence[re.Pattern[str]], page: PageUrl) -> bool:
    return any(pattern.search(page.identity) or pattern.search(page.address) for pattern in patterns)


def is_trap(identity: str) -> bool:
    """Return whether a URL grows as only generated ones do: repeated segments, too many segments or parameters."""
    parts = urlsplit(identity)
    segments = [segment for segment in parts.path.split("/") if segment]
    repeated = any(segments.count(segment) >= MAX_REPEATS for segment in set(segments) if not segment.isdecimal())
    return repeated or len(segments) > MAX_SEGMENTS or parts.query.count("&") >= MAX_PARAMETERS


@lru_cache(maxsize=65_536)
def link_score(identity: str) -> int:
    """Return how much a URL looks like one that leads to activities: from about -6 (a login, a facet) to 4 (an event's page)."""
    parts = urlsplit(identity)
    said = f"{parts.path}?{parts.query}" if parts.query else parts.path
    score = 2 if ACTIVITY_WORDS.search(said) else 0
    score += 1 if FEED.search(identity) else 0
    score += 1 if _names_one_thing(parts.path.rpartition("/")[2]) else 0
    score -= 3 if IDLE_WORDS.search(said) else 0
    # The first parameter may be what names the page; each further one is more likely a facet.
    facets = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True) if not PAGE_NUMBER.match(name)]
    return score - max(0, len(facets) - 1)


def _names_one_thing(segment: str) -> bool:
    return segment.count("-") > 1 or NUMBER.search(segment) is not None


@lru_cache(maxsize=65_536)
def url_shape(identity: str) -> str:
    """Return what a URL has in common with those made by the same template: /event/12?page=3 is /event/*?page."""
    names = sorted({name for name, _ in parse_qsl(urlsplit(identity).query, keep_blank_values=True)})
    path = path_shape(identity)
    return f"{path}?{','.join(names)}" if names else path


def path_shape(identity: str) -> str:
    """Return the shape of a URL's path alone."""
    segments = urlsplit(identity).path.split("/")
    return "/" + "/".join(segment if PLAIN_SEGMENT.match(segment) else "*" for segment in segments if segment)


@lru_cache(maxsize=65_536)
def originals(identity: str) -> tuple[str, ...]:
    """Return the URLs that this one may be a copy of: without one of its parameters, without /print and the like, or in no other language."""
    parts = urlsplit(identity)
    pairs = parts.query.split("&") if parts.query else []
    found = [
        urlunsplit(parts._replace(query="&".join(pairs[:at] + pairs[at + 1 :])))
        for at, pair in enumerate(pairs)
        if not is_page_number(*pair.partition("=")[::2])
    ]
    paths = {COPY_WORDS.sub("", parts.path), LANGUAGE_PREFIX.sub("", parts.path)} - {parts.path}
    return (*found, *(urlunsplit(parts._replace(path=path or "/")) for path in sorted(paths)))
