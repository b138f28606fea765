"""The providers of places that can be chosen: where they are, whose data they give, what may be kept, and how often they may be asked."""

import re
from dataclasses import dataclass
from ipaddress import ip_address

from tripper_assets.domain.errors import ConfigurationError

PLAIN_URL = re.compile(r"https?://(\[[0-9a-f:.]+\]|[^\s/?#@:\\\[\]]+)(?::\d+)?(?:/[^\s?#@\\]*)?", re.IGNORECASE)
NUMERIC = re.compile(r"(?:0x[0-9a-f]*|\d+)(?:\.(?:0x[0-9a-f]*|\d+))*\.?|.*:.*", re.IGNORECASE)
RULES = 1
"""Counted up when the same question may get another answer by how answers are judged; older answers are then not used any more."""
ODBL = "ODbL 1.0"
OPENSTREETMAP = "© OpenStreetMap contributors"
ALL_STEPS = ("house", "venue", "street", "postcode", "locality", "region")
"""Of the ladder, the finest first."""


@dataclass(frozen=True)
class GeocoderTerms:
    """One provider, and on which terms its answers may be used, as known in November 2026; the operator agrees to them with the provider."""

    name: str
    licence: str
    attribution: str
    steps: tuple[str, ...]
    """The steps of the ladder that it is asked for; it knows nothing of the others."""
    default_url: str = ""
    """Empty where the operator has to name a server."""
    delay_seconds: float = 1.0
    """Between two requests of all processes together, where the operator states nothing else."""
    keep_days: int | None = None
    """How long an answer may be kept; None is for good."""
    needs_key: bool = False
    most_together: int = 1
    """Questions that one request may ask."""
    timeout_seconds: float = 20.0


NOMINATIM = GeocoderTerms("nominatim", ODBL, OPENSTREETMAP, ALL_STEPS)
PHOTON = GeocoderTerms("photon", ODBL, OPENSTREETMAP, ALL_STEPS)
PELIAS = GeocoderTerms(
    "pelias",
    "ODbL 1.0, CC BY 4.0 and the licences of the imported data",
    "© OpenStreetMap contributors, OpenAddresses, Who's On First, GeoNames",
    ALL_STEPS,
)
CENSUS = GeocoderTerms(
    "census",
    "public domain",
    "U.S. Census Bureau",
    ("house",),
    default_url="https://geocoding.geo.census.gov/geocoder",
    most_together=10_000,
    timeout_seconds=600.0,
)
GOOGLE = GeocoderTerms(
    "google",
    "Google Maps Platform Terms of Service",
    "Google Maps",
    ALL_STEPS,
    default_url="https://maps.googleapis.com",
    delay_seconds=0.05,
    keep_days=30,
    needs_key=True,
)
GEOCODERS = {one.name: one for one in (NOMINATIM, PHOTON, PELIAS, CENSUS, GOOGLE)}
PUBLIC_SERVERS = {
    "nominatim.openstreetmap.org": 1.0,
    "photon.komoot.io": 1.0,
    "geocoding.geo.census.gov": 1.0,
    "maps.googleapis.com": 0.02,
}
"""Servers for everybody, and the least seconds between two requests that are made there whatever is configured."""
NEEDS_CONTACT = frozenset({"nominatim.openstreetmap.org"})
"""Servers whose policy asks who it is that asks."""


@dataclass(frozen=True)
class GeocoderChoice:
    """A provider at a server, as the settings choose it."""

    terms: GeocoderTerms
    url: str
    """Without a final slash."""
    delay_seconds: float

    @property
    def provider(self) -> str:
        """What caches and turns know it by: another server has other data."""
        return f"{self.terms.name} {self.url} {RULES}"


def choose_geocoder(name: str, url: str, *, delay_seconds: float | None, contact: str, has_key: bool) -> GeocoderChoice:
    """Return the provider that the settings name.

    Raises:
        ConfigurationError: it has no server of its own and none is named, its key or the contact is missing, or the URL is none.
    """
    terms = GEOCODERS[name]
    server = (url or terms.default_url).rstrip("/")
    if not server:
        raise ConfigurationError(
            f"TRIPPER_GEOCODER is {name}, and TRIPPER_GEOCODER_URL is not set; name a server that you may ask, see docs/geocoding.md."
        )
    host = _host(server)
    if terms.needs_key and not has_key:
        raise ConfigurationError(f"TRIPPER_GEOCODER is {name}, and GOOGLE_API_KEY is not set; set it.")
    if host in NEEDS_CONTACT and not contact:
        raise ConfigurationError(
            f"TRIPPER_GEOCODER_URL is the public server {host}, whose policy asks for a contact; set TRIPPER_CONTACT."
        )
    wanted = terms.delay_seconds if delay_seconds is None else delay_seconds
    return GeocoderChoice(terms, server, max(wanted, PUBLIC_SERVERS.get(host, 0.0)))


def _host(url: str) -> str:
    found = PLAIN_URL.fullmatch(url)
    if found is None:
        raise ConfigurationError(
            "TRIPPER_GEOCODER_URL is no plain http or https URL; give one without user name, password, query and fragment."
        )
    host = found[1].lower()
    if not _is_a_servers(host.strip("[]")):
        raise ConfigurationError(
            f"TRIPPER_GEOCODER_URL names {host}, which no server answers at; give its name or its address as it is written."
        )
    return host


def _is_a_servers(host: str) -> bool:
    """Return whether a host is a name, or an address in its one spelling that a server can have: not 127.1, 0x7f.1 or 169.254.1.1."""
    if NUMERIC.fullmatch(host) is None:
        return host.isascii()
    try:
        ip = ip_address(host)
    except ValueError:
        return False
    return not (ip.is_link_local or ip.is_multicast or ip.is_unspecified or host == "255.255.255.255")
