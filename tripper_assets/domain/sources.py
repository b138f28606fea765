"""What a source is: its normalised URL, its key, its configuration and the location that it serves."""

import hashlib
import re
import unicodedata
from ipaddress import IPv6Address
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote, unquote, unquote_plus, urlsplit, urlunsplit

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, ValidationError, model_validator

from tripper_assets.domain.errors import ConfigurationError
from tripper_assets.domain.model import Model, SourceKey
from tripper_assets.domain.patterns import Pattern
from tripper_assets.domain.selectors import Selectors, one_or_many
from tripper_assets.domain.taggers import TaggerText

DEFAULT_PORTS = {"http": 80, "https": 443}
TRACKING_PARAMETER = re.compile(
    r"utm_\w+|fbclid|gclid|dclid|gbraid|wbraid|msclkid|mc_[ce]id|igshid|yclid|_hs(enc|mi)|ref_src"
)
HOST = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")
USER_INFO = re.compile(r"//[^/?#]*@")
UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
SLUG_LENGTH = 60
MAX_URL_LENGTH = 2048


def normalize_url(url: str) -> str:
    """Return ``url`` in the form that sources and pages are compared by.

    Scheme and host lower-case (host as IDNA ASCII), no default port, no user info, no fragment, no tracking parameters, no dot segments,
    no trailing slash except for the root, percent-escapes upper-case. The order of the other query parameters is kept.

    Raises:
        ConfigurationError: not an absolute http(s) URL with a host, or longer than 2,048 characters before or after.
    """
    text = url.strip()
    try:
        normal = _normal_form(text)
    except ValueError as error:  # UnicodeError too: a host that IDNA refuses, a lone surrogate
        # The cause stays out of the sentence: urllib's words may hold the user info.
        raise ConfigurationError(
            f"The URL {_shown(text)} cannot be read; give one like https://example.org/events."
        ) from error
    if not normal:
        raise ConfigurationError(
            f"{_shown(text)} is not an absolute http or https URL; give one like https://example.org/events."
        )
    if max(len(text), len(normal)) > MAX_URL_LENGTH:
        raise ConfigurationError(
            f"The URL {_shown(text)} is longer than {MAX_URL_LENGTH} characters; give a shorter one."
        )
    return normal


def _normal_form(text: str) -> str:
    """Return the normal form, empty for what is not an absolute http(s) URL."""
    parts = urlsplit(text)
    scheme, host = parts.scheme.lower(), _ascii_host(parts.hostname or "")
    if scheme not in DEFAULT_PORTS or not host:
        return ""
    default = parts.port is None or parts.port == DEFAULT_PORTS[scheme]
    path = _without_dots(_normal_escapes(parts.path)).rstrip("/") or "/"
    return urlunsplit((scheme, host if default else f"{host}:{parts.port}", path, _kept_query(parts.query), ""))


def _shown(text: str) -> str:
    """Return a URL as an error may show it: without user info, which may hold a password, and not too long."""
    return repr(USER_INFO.sub("//", text)[:200])


def _ascii_host(host: str) -> str:
    """Return a host as it stands in a URL, empty for what cannot be one."""
    if ":" in host:
        address = IPv6Address(host)
        return "" if address.scope_id else f"[{address}]"
    ascii_host = host.lower() if host.isascii() else host.encode("idna").decode("ascii").lower()
    ascii_host = ascii_host.rstrip(".")
    return ascii_host if HOST.fullmatch(ascii_host) else ""


def _normal_escapes(text: str) -> str:
    """Return a path or query with RFC 3986 section 6.2.2 escapes: upper-case, and none for unreserved characters; %2F stays %2F."""
    escaped = quote(text, safe="/%:@!$&'()*+,;=~-._?")
    escaped = re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", escaped)
    return re.sub(r"%[0-9A-Fa-f]{2}", _normal_escape, escaped)


def _normal_escape(match: re.Match[str]) -> str:
    char = chr(int(match[0][1:], 16))
    return char if char in UNRESERVED else match[0].upper()


def _without_dots(path: str) -> str:
    """Return a path as RFC 3986 section 5.2.4 leaves it, which is what every client asks for."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[max(1, len(kept) - 1) :]  # the first is what stands before the first slash
        elif segment != ".":
            kept.append(segment)
    return "/".join(kept)


def _kept_query(query: str) -> str:
    kept = [part for part in query.split("&") if part and not _is_tracking(part.partition("=")[0])]
    return _normal_escapes("&".join(kept))


def _is_tracking(name: str) -> bool:
    return TRACKING_PARAMETER.fullmatch(unquote_plus(name).lower()) is not None


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


# \Z and not $: a key with a line feed at its end is none.
SOURCE_KEY_PATTERN = re.compile(r"^[a-z0-9][a-z0-9-]{0,60}-[0-9a-f]{8}\Z")


def _timezone(name: str) -> str:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # noqa: PLC0415 (zone data is read only when a zone is named)

    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        message = "is not an IANA time zone such as Europe/Berlin"
        raise ValueError(message) from error
    return name


Timezone = Annotated[str, AfterValidator(_timezone)]
CountryCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]


class Region(Model):
    """A box in WGS 84 degrees that a source's places are expected in."""

    min_latitude: float = Field(ge=-90, le=90)
    min_longitude: float = Field(ge=-180, le=180)
    max_latitude: float = Field(ge=-90, le=90)
    max_longitude: float = Field(ge=-180, le=180)

    @model_validator(mode="after")
    def _upright(self) -> Self:
        if self.min_latitude > self.max_latitude:
            message = "min_latitude is above max_latitude"
            raise ValueError(message)
        return self

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
    render_javascript: Literal["never", "auto"] = "never"
    """auto: pages that prove empty without their scripts are shown in a browser, which needs the extra `browser` and Chromium."""
    render_max_pages: int = Field(default=50, ge=1, le=10_000)
    """How many pages one crawl shows in a browser; the others of that kind are reported, and rendered by a later crawl."""
    delay_seconds: float = Field(default=1.0, ge=0, le=60)
    """Between two requests to one host; robots.txt Crawl-delay may raise it. The demo's own site uses 0."""
    timezone: Timezone | None = None
    """None: the page's own, else UTC is never guessed: the time stays without offset and is counted."""
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")] | None = None
    country_code: CountryCode | None = None
    region: Region | None = None
    selectors: Annotated[tuple[Selectors, ...], BeforeValidator(one_or_many)] = ()
    """Where the site's pages state what (docs/selectors.md); the first that is for a page counts."""
    llm_extraction: Literal["off", "gaps"] = "off"
    """gaps: a language model (TRIPPER_LLM) is asked about changed pages that state an activity without its name or day."""
    llm_tokens_per_run: int = Field(default=200_000, ge=0, le=100_000_000)
    """No question is asked that could take a workflow of this source beyond this."""
    llm_usd_per_run: float = Field(default=0.5, ge=0, le=10_000)
    tag_runs: int = Field(default=1, ge=1, le=20)
    """How often each remote tagger is asked about an activity; the local one says the same every time, and is asked once."""
    taggers: tuple[TaggerText, ...] = ()
    """Who votes on tags, such as local or openai:gpt-6-luna. None: TRIPPER_TAGGERS."""
    tag_tokens_per_month: int = Field(default=100_000_000, ge=0, le=100_000_000_000)
    """No tagger is asked what could take this source beyond this in a month (UTC)."""
    tag_usd_per_month: float = Field(default=10.0, ge=0, le=1_000_000)
    """As tokens, in US dollars."""
    refine_tags: bool = False
    """Whether a strong model (TRIPPER_REFINER) settles what the voters agree on, within the same budget."""
    embed_text: Literal["stated", "refined"] = "stated"
    """refined: what such a model made of an activity's text is embedded in its place, from the run on that follows its answer."""
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
