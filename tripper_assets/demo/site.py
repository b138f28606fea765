"""What the sample server answers to a request: pure, so that a test can ask without a socket."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from email.utils import format_datetime

from tripper_assets.demo.content import anchor, small_sites
from tripper_assets.demo.markup import Told
from tripper_assets.demo.small_sites import SmallTownSite
from tripper_assets.demo.town_site import TownSite

SITES = "sites/"


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
        found = self._found(path)
        if found is None:
            body = b"<!doctype html><title>Not found</title><h1>There is nothing here</h1>"
            return Response(404, {"Content-Type": "text/html; charset=utf-8", "Content-Length": str(len(body))}, body)
        return self._answer(method, found, headers)

    def _answer(self, method: str, found: tuple[str, bytes], headers: Mapping[str, str]) -> Response:
        kind, body = found
        known = {"ETag": f'"{hashlib.sha256(body).hexdigest()[:20]}"', "Last-Modified": self._last_modified()}
        asked = headers.get("if-none-match")
        fresh = (
            asked == known["ETag"] if asked is not None else headers.get("if-modified-since") == known["Last-Modified"]
        )
        if fresh:
            return Response(304, known)
        return Response(
            200, known | {"Content-Type": kind, "Content-Length": str(len(body))}, body if method == "GET" else b""
        )

    def _found(self, path: str) -> tuple[str, bytes] | None:
        if path in self._bodies:
            return self._bodies[path]
        # Sites answer with and without the slash at the end.
        for other in (f"{path}/", path.rstrip("/")):
            if other in self._bodies:
                return self._bodies[other]
        for slug, site in self._small.items():
            prefix = f"/{SITES}{slug}/"
            if path.startswith(prefix):
                return site.image(path.removeprefix(prefix))
        return self.town.image(path.removeprefix("/"))

    def _last_modified(self) -> str:
        moment = datetime.combine(anchor(self.today) - timedelta(days=40), time(6), UTC)
        return format_datetime(moment, usegmt=True)


def expected(origin: str, today: date) -> list[Fact]:
    """Return what the main site says, an activity each; a translated page tells the same one."""
    site = TownSite(f"{origin}/", today)
    content = [site.told(event) for event in site.events]
    return [_fact(told) for told in (*content, *site.only_in_calendar())]


def _fact(told: Told) -> Fact:
    start = told.occurrences[0].start.isoformat() if told.occurrences else ""
    return Fact(told.name, told.url, start, told.venue.town, bool(told.picture))
