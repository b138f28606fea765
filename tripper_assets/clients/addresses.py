"""Which addresses a request may leave for: the rules against requests that a page, feed or redirect sends inward."""

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import quote, urlsplit

from tripper_assets.domain.errors import AddressRefusedError

DEFAULT_PORTS = {"http": 80, "https": 443}
LAST_SYSTEM_PORT = 1023
# Services above the system ports that speak something else than HTTP, or HTTP to insiders only.
SERVICE_PORTS = frozenset(
    {1433, 1521, 2049, 2181, 2375, 2376, 2379, 2380, 3306, 3389, 5432, 5672, 5900, 5984, 6379, 6443, 6660, 6661, 6662}
    | {6663, 6664, 6665, 6666, 6667, 6668, 6669, 6697, 9042, 9092, 9200, 9300, 10250, 11211, 15672, 27017, 27018}
)
INSIDE_NAMES = re.compile(r"(^|\.)(localhost|localdomain|local|internal|intranet|home\.arpa|lan)$")
# What ipaddress.is_global lets through and no public web server uses: relay, benchmark, documentation and transition blocks.
NOT_PUBLIC = tuple(
    ip_network(block)
    for block in (
        "192.0.0.0/24",
        "192.88.99.0/24",
        "224.0.0.0/4",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
    )
)
GLOBAL_UNICAST = IPv6Network("2000::/3")
# RFC 6052: where a network has only IPv6, DNS64 answers with these for every public IPv4 address.
NAT64 = IPv6Network("64:ff9b::/96")
# Characters that one URL reader drops and another takes for the end of the host.
SPLITTING = re.compile(r"[\x00-\x20\x7f]")
ABSOLUTE = re.compile(r"^(https?)://([^/?#\\]+)(?=[/?#]|$)", re.IGNORECASE)
HOST_NAME = re.compile(r"^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_]([a-z0-9_-]{0,62}))*$")


@dataclass(frozen=True)
class Target:
    """One request's destination, read once, so that the check and the connection cannot disagree on it."""

    scheme: str
    host: str
    """A lower-case ASCII name or an IP literal without brackets."""
    port: int
    path: str
    """Path and query as they go on the wire."""

    @property
    def authority(self) -> str:
        """The Host header: brackets around IPv6, no default port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


@dataclass(frozen=True)
class AddressGuard:
    """Which addresses a request may connect to: public ones, and the host:port pairs that the operator opened."""

    allowed: frozenset[tuple[str, int]] = frozenset()
    """The literal host or name as in the URL, or the address that it has, and the port."""

    def target(self, url: str) -> Target:
        """Return where ``url`` leads.

        Raises:
            AddressRefusedError: not plain http(s), ambiguous, with credentials, or to a name or port that is never public.
        """
        target = parse_target(url)
        self._check_name_and_port(target)
        return target

    def check_address(self, host: str, port: int, address: str) -> None:
        """Pass an address that the connection is about to be made to.

        Raises:
            AddressRefusedError: it is not public, and neither it nor ``host`` is open at ``port``.
        """
        if (host, port) in self.allowed or (address, port) in self.allowed:
            return
        _refuse_odd_port(host, port)
        if not is_public(address):
            means = "" if host == address else f" means {address}, which"
            raise AddressRefusedError(
                f"The request to {host}:{port} was refused: {host}{means} is not a public address; {_how_to_open(host, port)}"
            )

    def _check_name_and_port(self, target: Target) -> None:
        # An open port may belong to the address behind this name: then the address decides.
        if any(port == target.port for _, port in self.allowed):
            return
        _refuse_odd_port(target.host, target.port)
        if INSIDE_NAMES.search(target.host):
            raise AddressRefusedError(
                f"The request to {target.host}:{target.port} was refused: the name is never a public one;"
                f" {_how_to_open(target.host, target.port)}"
            )


def _refuse_odd_port(host: str, port: int) -> None:
    if (port <= LAST_SYSTEM_PORT and port not in DEFAULT_PORTS.values()) or port in SERVICE_PORTS:
        raise AddressRefusedError(
            f"The request to {host}:{port} was refused: web sites do not use this port; {_how_to_open(host, port)}"
        )


def _how_to_open(host: str, port: int) -> str:
    return f"set TRIPPER_ALLOW_PRIVATE_ADDRESSES={host}:{port} if it is meant."


@lru_cache(maxsize=4096)
def is_public(address: str) -> bool:
    """Return whether ``address`` is one that the whole internet reaches; an IPv4 address inside an IPv6 one decides for it."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, IPv6Address):
        inner = _embedded(ip)
        return is_public(str(inner)) if inner else _is_public_v6(ip)
    return ip.is_global and not any(ip in block for block in NOT_PUBLIC)


def _embedded(ip: IPv6Address) -> IPv4Address | None:
    if ip in NAT64:
        return IPv4Address(int(ip) & 0xFFFF_FFFF)
    return ip.ipv4_mapped


def _is_public_v6(ip: IPv6Address) -> bool:
    return (
        ip.scope_id is None and ip in GLOBAL_UNICAST and ip.is_global and not any(ip in block for block in NOT_PUBLIC)
    )


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def parse_target(url: str) -> Target:
    """Return the parts of an absolute http(s) URL; spaces and other letters in path and query are escaped.

    Raises:
        AddressRefusedError: two readers could disagree on its host, or it has none, or names a user.
    """
    found = ABSOLUTE.match(url)
    if found is None or SPLITTING.search(found[2]) or re.search(r"[\r\n\t\x00]", url):
        raise AddressRefusedError(f"{shown(url)!r} was refused: only absolute http and https URLs are fetched.")
    if "@" in found[2]:
        raise AddressRefusedError(f"{shown(url)!r} was refused: a URL with a user name or password is never fetched.")
    try:
        parts = urlsplit(url)
        scheme = parts.scheme.lower()
        host, port = ascii_host(parts.hostname or ""), DEFAULT_PORTS[scheme] if parts.port is None else parts.port
    except (ValueError, UnicodeError) as error:
        raise AddressRefusedError(f"{shown(url)!r} was refused: its host cannot be read ({error}).") from error
    return Target(scheme, host, port, wire_path(parts.path, parts.query))


def ascii_host(host: str) -> str:
    """Return the host in lower-case ASCII: IDNA for other letters, no final dot.

    Raises:
        ValueError: neither a name nor an IP literal (UnicodeError is one).
    """
    plain = (host if host.isascii() else host.encode("idna").decode("ascii")).lower().removesuffix(".")
    if "%" in plain or not (HOST_NAME.match(plain) or _is_address(plain)):
        message = "no host name or address"
        raise ValueError(message)
    return plain


def wire_path(path: str, query: str) -> str:
    """Return path and query with everything escaped that a request line cannot carry; escapes that are there stay."""
    escaped = quote(path or "/", safe="/%:@!$&'()*+,;=~-._[]", errors="surrogatepass")
    asked = quote(query, safe="/%:@!$&'()*+,;=~-._?[]", errors="surrogatepass")
    return f"{escaped}?{asked}" if query else escaped


def shown(url: str) -> str:
    """Return ``url`` as errors show it: without user name and password, at most 200 characters."""
    return re.sub(r"//[^/?#]*@", "//", url)[:200]
