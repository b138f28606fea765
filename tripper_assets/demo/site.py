"""What the sample server answers to a request: pure, so that a test can ask without a socket."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from email.utils import format_datetime, parsedate_to_datetime

from tripper_assets.demo.content import edited_at, small_sites
from tripper_assets.demo.markup import Told
from tripper_assets.demo.pictures import EDITION
from tripper_assets.demo.small_sites import SmallTownSite
from tripper_assets.demo.town_site import HTML, TownSite

SITES = "sites/"
NOTHING = b"<!doctype html><title>Not found</title><h1>There is nothing here</h1>"


@dataclass(frozen=True)
class Response:
    """One answer."""

    status: int
    headers: dict[str, str]
    body: bytes = b""


@dataclass(frozen=True)
class Fact:
    """What the main site says of one activity, for comparing."""

    name: str
    url: str
    startDate: str  # noqa: N815 (schema.org's name)
    locality: str
    has_image: bool


@dataclass
class DemoSite:
    """The main site and the four small ones on one day; ``origin`` is scheme, host and port without a slash."""

    origin: str
    today: date
    _bodies: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    _redirects: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Render every page once."""
        self.town = TownSite(f"{self.origin}/", self.today)
        self._small = {
            slug: SmallTownSite(site, f"{self.origin}/{SITES}{slug}/", self.today)
            for slug, site in small_sites().items()
        }
        for path, kind, body in self.town.resources():
            self._bodies[f"/{path}"] = (kind, body.encode() if isinstance(body, str) else body)
        for slug, site in self._small.items():
            for path, kind, body in site.resources():
                self._bodies[f"/{SITES}{slug}/{path}"] = (kind, body.encode() if isinstance(body, str) else body)
        self._redirects = {f"/{path}": target for path, target in self.town.redirects().items()}

    @property
    def paths(self) -> list[str]:
        """Every path with a body of its own, pictures left out."""
        return sorted(self._bodies)

    def respond(self, method: str, path: str, headers: Mapping[str, str]) -> Response:
        """Return the answer to a request; header names are lower-case."""
        if method not in ("GET", "HEAD"):
            return Response(405, {"Allow": "GET, HEAD", "Content-Length": "0"})
        path = path.split("?", 1)[0]
        if path in self._redirects:
            return Response(301, {"Location": self._redirects[path], "Content-Length": "0"})
        answer = self._answer(method, self._canonical(path), headers)
        return answer or _full(404, method, {}, HTML, NOTHING)

    def _answer(self, method: str, path: str, headers: Mapping[str, str]) -> Response | None:
        tag = self._tag(path)
        if tag is None:
            return None
        edited = edited_at(self.today)
        known = {"ETag": tag, "Last-Modified": format_datetime(edited, usegmt=True)}
        if _is_fresh(tag, edited, headers):
            return Response(304, known)
        return _full(200, method, known, *self._body(path))

    def _tag(self, path: str) -> str | None:
        """Return the entity tag of a path, None where nothing is; a picture is known by its name, and drawn only to be sent."""
        if path in self._bodies:
            said = self._bodies[path][1]
        elif self._picture_site(path) is not None:
            said = f"picture {EDITION} {path}".encode()
        else:
            return None
        return f'"{hashlib.sha256(said).hexdigest()[:20]}"'

    def _body(self, path: str) -> tuple[str, bytes]:
        if path in self._bodies:
            return self._bodies[path]
        site, inside = self._picture_site(path) or (self.town, "")
        return site.image(inside)

    def _canonical(self, path: str) -> str:
        # Sites answer with and without the slash at the end.
        return next((one for one in (path, f"{path}/", path.rstrip("/")) if one in self._bodies), path)

    def _picture_site(self, path: str) -> tuple[TownSite | SmallTownSite, str] | None:
        """Return the site that has a picture at ``path``, and the path inside of it."""
        for slug, site in self._small.items():
            inside = path.removeprefix(f"/{SITES}{slug}/")
            if inside != path and inside in site.image_paths:
                return site, inside
        inside = path.removeprefix("/")
        return (self.town, inside) if inside in self.town.image_paths else None


def _full(status: int, method: str, headers: Mapping[str, str], kind: str, body: bytes) -> Response:
    """Return an answer with a body, whose length a HEAD request is told too."""
    sent = {**headers, "Content-Type": kind, "Content-Length": str(len(body))}
    return Response(status, sent, body if method == "GET" else b"")


def _is_fresh(tag: str, edited: datetime, headers: Mapping[str, str]) -> bool:
    """Return whether the asker has the current bytes; a tag outweighs a date (RFC 9110 section 13.2.2)."""
    tags = headers.get("if-none-match")
    if tags is not None:
        return any(one.strip().removeprefix("W/") in (tag, "*") for one in tags.split(","))
    try:
        return parsedate_to_datetime(headers["if-modified-since"]) >= edited
    except (KeyError, ValueError, TypeError):  # nobody asked, no date at all, or one without a zone
        return False


def expected(origin: str, today: date) -> list[Fact]:
    """Return what the main site says, an activity each; a translated page tells the same one."""
    site = TownSite(f"{origin}/", today)
    content = [site.told(event) for event in site.events]
    return [_fact(told) for told in (*content, *site.only_in_calendar())]


def _fact(told: Told) -> Fact:
    start = told.occurrences[0].start.isoformat() if told.occurrences else ""
    return Fact(told.name, told.url, start, told.venue.town, bool(told.picture))
