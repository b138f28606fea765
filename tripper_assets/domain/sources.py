"""What a source is: its normalised URL, its key, its configuration and the location that it serves."""

import hashlib
import re
import unicodedata
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from pydantic import AfterValidator, Field, StringConstraints, ValidationError

from tripper_assets.domain.errors import ConfigurationError
from tripper_assets.domain.model import Model, SourceKey

DEFAULT_PORTS = {"http": 80, "https": 443}
TRACKING_PARAMETER = re.compile(
    r"^(utm_\w+|fbclid|gclid|dclid|gbraid|wbraid|msclkid|mc_[ce]id|igshid|yclid|_hs(enc|mi)|ref_src)$"
)
UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
SLUG_LENGTH = 60
MAX_URL_LENGTH = 2048


def normalize_url(url: str) -> str:
    """Return ``url`` in the form that sources and pages are compared by.

    Scheme and host lower-case (host as IDNA ASCII), no default port, no user info, no fragment, no tracking parameters, no trailing
    slash except for the root, percent-escapes upper-case. The order of the other query parameters is kept.

    Raises:
        ConfigurationError: not an absolute http(s) URL with a host, or longer than 2,048 characters.
    """
    text = url.strip()
    try:
        parts = urlsplit(text)
        port = parts.port
        host = _ascii_host(parts.hostname or "")
    except (ValueError, UnicodeError) as error:
        raise ConfigurationError(
            f"The URL {text[:200]!r} cannot be read ({error}); give one like https://example.org/events."
        ) from error
    if parts.scheme.lower() not in DEFAULT_PORTS or not host or len(text) > MAX_URL_LENGTH:
        raise ConfigurationError(
            f"{text[:200]!r} is not an absolute http or https URL; give one like https://example.org/events."
        )
    scheme = parts.scheme.lower()
    netloc = f"[{host}]" if ":" in host else host
    if port is not None and port != DEFAULT_PORTS[scheme]:
        netloc = f"{netloc}:{port}"
    path = _normal_escapes(parts.path).rstrip("/") or "/"
    return urlunsplit((scheme, netloc, path, _kept_query(parts.query), ""))


def _ascii_host(host: str) -> str:
    host = host.rstrip(".").lower()
    return host if host.isascii() else host.encode("idna").decode("ascii")


def _normal_escapes(path: str) -> str:
    """Return the path with RFC 3986 section 6.2.2 escapes: upper-case, and none for unreserved characters; %2F stays %2F."""
    escaped = quote(path, safe="/%:@!$&'()*+,;=~-._", errors="surrogateescape")
    escaped = re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", escaped)
    return re.sub(r"%[0-9A-Fa-f]{2}", _normal_escape, escaped)


def _normal_escape(match: re.Match[str]) -> str:
    char = chr(int(match[0][1:], 16))
    return char if char in UNRESERVED else match[0].upper()


def _kept_query(query: str) -> str:
    pairs = parse_qsl(query, keep_blank_values=True)
    kept = [(name, value) for name, value in pairs if not TRACKING_PARAMETER.match(name.lower())]
    return urlencode(kept) if len(kept) != len(pairs) else query


def source_key(url: str) -> SourceKey:
    """Return the partition key of the source at ``url``: a slug of host and path, and 8 hex digits of the normalised URL's SHA-256.

    A raw URL cannot be a partition key: both stock IO managers refuse it, and the UI splits keys at commas and brackets.

    Raises:
        ConfigurationError: as ``normalize_url``.
    """
    normal = normalize_url(url)
    parts = urlsplit(normal)
    words = unicodedata.normalize("NFKD", f"{parts.netloc}{unquote(parts.path)}").encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")[:SLUG_LENGTH].strip("-")
    return f"{slug or 'source'}-{hashlib.sha256(normal.encode()).hexdigest()[:8]}"


SOURCE_KEY_PATTERN = re.compile(r"^[a-z0-9][a-z0-9-]{0,60}-[0-9a-f]{8}$")


def _regular_expression(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        message = f"is not a regular expression ({error})"
        raise ValueError(message) from error
    return pattern


def _timezone(name: str) -> str:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # noqa: PLC0415 (zone data is read only when a zone is named)

    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        message = "is not an IANA time zone such as Europe/Berlin"
        raise ValueError(message) from error
    return name


Pattern = Annotated[str, AfterValidator(_regular_expression)]
Timezone = Annotated[str, AfterValidator(_timezone)]
CountryCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]


class Region(Model):
    """A box in WGS 84 degrees that a source's places are expected in."""

    min_latitude: float = Field(ge=-90, le=90)
    min_longitude: float = Field(ge=-180, le=180)
    max_latitude: float = Field(ge=-90, le=90)
    max_longitude: float = Field(ge=-180, le=180)

    def holds(self, latitude: float, longitude: float) -> bool:
        """Return whether the point lies in the box, edges included; a box may cross the antimeridian."""
        inside_longitude = (
            self.min_longitude <= longitude <= self.max_longitude
            if self.min_longitude <= self.max_longitude
            else longitude >= self.min_longitude or longitude <= self.max_longitude
        )
        return self.min_latitude <= latitude <= self.max_latitude and inside_longitude


class SourceConfig(Model):
    """How one source is crawled, read and published; one model for the registry, YAML, the API and the Launchpad."""

    max_pages: int = Field(default=150, ge=1, le=100_000)
    max_depth: int = Field(default=6, ge=0, le=50)
    max_bytes: int = Field(default=10_000_000, ge=1_000, le=100_000_000)
    """The cap on one page's decompressed body."""
    include: tuple[Pattern, ...] = ()
    """Regular expressions; where there is one, a URL must match one of them. The source's own URL always counts."""
    exclude: tuple[Pattern, ...] = ()
    sitemap: Literal["auto", "only", "off"] = "auto"
    feeds: bool = True
    delay_seconds: float = Field(default=1.0, ge=0, le=60)
    """Between two requests to one host; robots.txt Crawl-delay may raise it. The demo's own site uses 0."""
    timezone: Timezone | None = None
    """None: the page's own, else UTC is never guessed: the time stays without offset and is counted."""
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")] | None = None
    country_code: CountryCode | None = None
    region: Region | None = None
    auto_import: bool = False
    keep_days: int | None = Field(default=None, ge=0)
    """None: TRIPPER_RETENTION_DAYS."""
    require_review_above: float = Field(default=0.3, ge=0, le=1)
    """The share of the last import's activities that may be missing before a person has to look."""


class Source(Model):
    """A site that lists things to do with children, as the registry knows it."""

    key: SourceKey
    url: str
    """Normalised."""
    config: SourceConfig = SourceConfig()
    location_id: str | None = None


class Location(Model):
    """A place that people make a guide to, and what they asked for there."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    name: str
    country_code: CountryCode
    queries: tuple[str, ...] = ()
    latitude: float | None = Field(default=None, ge=-90, le=90)
    longitude: float | None = Field(default=None, ge=-180, le=180)


def make_source(url: str, config: SourceConfig | None = None, *, location_id: str | None = None) -> Source:
    """Return the source at ``url`` with its key.

    Raises:
        ConfigurationError: as ``normalize_url``.
    """
    return Source(key=source_key(url), url=normalize_url(url), config=config or SourceConfig(), location_id=location_id)


def parse_config(values: dict[str, Any], *, subject: str) -> SourceConfig:
    """Return the validated configuration; ``subject`` names the source or file in the error.

    Raises:
        ConfigurationError: names every field that is wrong, and why.
    """
    try:
        return SourceConfig.model_validate(values)
    except ValidationError as error:
        raise ConfigurationError(f"The configuration of {subject} is wrong: {validation_sentence(error)}.") from error


def validation_sentence(error: ValidationError) -> str:
    """Return what is wrong as ``field: reason; field: reason``, without the input, which may hold a secret."""
    found = [(".".join(str(part) for part in item["loc"]) or "value", item["msg"]) for item in error.errors()]
    return "; ".join(f"{field}: {message.removeprefix('Value error, ')}" for field, message in found)
