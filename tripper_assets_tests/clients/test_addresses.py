import json
from pathlib import Path

import pytest

from tripper_assets.clients.addresses import AddressGuard, is_public, parse_target, shown
from tripper_assets.domain.errors import AddressRefusedError

VECTORS = Path(__file__).resolve().parents[2] / ".." / "shared" / "corpus" / "security" / "ssrf_vectors.json"


@pytest.mark.parametrize(
    "address",
    ["93.184.216.34", "1.1.1.1", "2606:2800:220:1:248:1893:25c8:1946", "64:ff9b::808:808", "::ffff:8.8.8.8"],
)
def test_what_the_whole_internet_reaches_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *(
            "127.0.0.1",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",  # noqa: S104 (refused, not bound)
            "198.18.0.1",
        ),
        *("255.255.255.255", "224.0.0.1", "239.1.1.1", "192.0.0.8", "192.88.99.1", "240.0.0.1"),
        *("::1", "::", "::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::a00:1", "2002:7f00:1::"),
        *("2002:808:808::", "2001::1", "2001:db8::1", "3fff::1", "5f00::1", "fe80::1", "fe80::1%eth0", "fec0::1"),
        *("fd00:ec2::254", "ff02::1", "not an address"),
    ],
)
def test_inner_special_and_translated_addresses_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        *(
            "file:///etc/passwd",
            "ftp://example.org/x",
            "javascript:alert(1)",
            "data:text/html,x",
            "//example.org/",
            "http://",
        ),
        *(
            "http:///x",
            "http:\\\\127.0.0.1\\x",
            "http://exa mple.org/",
            "http://example.org\r\nHost: x/",
            "http://a\t.org/",
        ),
        *("http://user:pw@example.org/", "http://example.org:99999/", "http://[::1", "http://[fe80::1%25eth0]/"),
        *("http://example.org:22/", "http://example.org:6379/", "http://example.org:0/", "http://%31.example.org/"),
        *("http://localhost/", "http://LOCALHOST./", "http://metadata.google.internal/", "http://printer.local:8080/"),
    ],
)
def test_urls_that_are_ambiguous_or_never_public_are_refused_before_any_name_is_asked_for(url: str) -> None:
    with pytest.raises(AddressRefusedError):
        AddressGuard().target(url)


def test_a_url_is_taken_apart_once_with_its_host_in_ascii() -> None:
    target = AddressGuard().target("https://Bücher.Example:8443/a b?q=ü&x=%20")

    assert (target.host, target.port, target.authority) == ("xn--bcher-kva.example", 8443, "xn--bcher-kva.example:8443")
    assert target.path == "/a%20b?q=%C3%BC&x=%20"


def test_letters_in_circles_are_the_address_that_they_spell() -> None:
    assert parse_target("http://\u2460\u2461\u2466.\u24ea.\u24ea.\u2460/").host == "127.0.0.1"


def test_an_ipv6_address_stands_in_brackets_in_the_host_header() -> None:
    assert parse_target("http://[2606:4700::1111]:8080/").authority == "[2606:4700::1111]:8080"


def test_a_private_address_is_refused_with_what_to_set() -> None:
    with pytest.raises(AddressRefusedError, match=r"TRIPPER_ALLOW_PRIVATE_ADDRESSES=intra\.example:8080"):
        AddressGuard().check_address("intra.example", 8080, "10.0.0.7")


def test_an_open_pair_lets_its_name_or_its_address_pass_at_that_port_only() -> None:
    guard = AddressGuard(frozenset({("intra.example", 8080), ("127.0.0.1", 8765)}))

    guard.check_address("intra.example", 8080, "10.0.0.7")
    guard.check_address("localhost", 8765, "127.0.0.1")
    assert guard.target("http://localhost:8765/").host == "localhost"
    for host, port, address in (("intra.example", 80, "10.0.0.7"), ("localhost", 8766, "127.0.0.1")):
        with pytest.raises(AddressRefusedError):
            guard.check_address(host, port, address)


def test_an_open_port_at_one_address_opens_no_service_port_elsewhere() -> None:
    guard = AddressGuard(frozenset({("10.0.0.1", 6379)}))

    with pytest.raises(AddressRefusedError, match="do not use this port"):
        guard.check_address("example.org", 6379, "93.184.216.34")


def test_an_error_never_shows_a_password() -> None:
    assert shown("http://user:canary@example.org/x") == "http://example.org/x"
    with pytest.raises(AddressRefusedError) as refused:
        parse_target("http://user:canary@example.org/x")
    assert "canary" not in str(refused.value)


@pytest.mark.skipif(not VECTORS.exists(), reason="the shared corpus is not beside this checkout")
def test_the_published_vectors_of_public_urls_pass() -> None:
    vectors = json.loads(VECTORS.read_text())

    for url in vectors["must_allow_url"]:
        target = AddressGuard().target(url)
        AddressGuard().check_address(target.host, target.port, "93.184.216.34")
    assert not [address for address in vectors["naive_is_global_true_but_must_block"] if is_public(address)]
