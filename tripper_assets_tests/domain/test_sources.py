import json
import re
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tripper_assets.domain.errors import ConfigurationError
from tripper_assets.domain.sources import (
    SOURCE_KEY_PATTERN,
    Location,
    Region,
    SourceConfig,
    make_source,
    normalize_url,
    parse_config,
    source_key,
)

CORPUS = Path(__file__).resolve().parents[2] / ".." / "shared" / "corpus"
HOSTS = st.sampled_from(
    ["example.org", "WWW.Example.ORG", "münchen.de", "e.org.", "a-b.c_d.org", "[2001:DB8::1]", "127.0.0.1"]
)
URL_TEXT = st.text(alphabet=st.characters(codec="utf-8") | st.sampled_from("/%?&=+#:@ äÄ"), max_size=40)
URLS = st.builds(
    lambda scheme, host, port, path, query: f"{scheme}://{host}{port}/{path}{query}",
    st.sampled_from(["http", "https", "HTTPS"]),
    HOSTS,
    st.sampled_from(["", ":", ":80", ":443", ":8080"]),
    URL_TEXT,
    st.just("") | URL_TEXT.map("?{}".format) | st.sampled_from(["?utm_source=a&b=c d", "?a=&fbclid=1&&b"]),
)


@pytest.mark.parametrize(
    ("stated", "normal"),
    [
        ("https://example.org", "https://example.org/"),
        ("  HTTPS://Example.ORG:443/Events/  ", "https://example.org/Events"),
        ("http://example.org:80", "http://example.org/"),
        ("http://example.org:443/", "http://example.org:443/"),
        ("https://example.org:/a", "https://example.org/a"),
        ("https://example.org./a", "https://example.org/a"),
        ("https://example。org。/a", "https://example.org/a"),  # the full stops of a Chinese keyboard
        ("https://user:secret@example.org/a", "https://example.org/a"),
        ("https://example.org/a#today", "https://example.org/a"),
        ("https://München.de/Straße", "https://xn--mnchen-3ya.de/Stra%C3%9Fe"),
        ("https://example.org/%7Etown/%2f/%c3%a4", "https://example.org/~town/%2F/%C3%A4"),
        ("https://example.org/100%", "https://example.org/100%25"),
        ("https://example.org/a/./b/../c", "https://example.org/a/c"),
        ("https://example.org/../%2E%2e/a/..", "https://example.org/"),
        ("https://example.org/a//../b", "https://example.org/a/b"),
        ("https://example.org/a b", "https://example.org/a%20b"),
        ("https://example.org/?utm_source=x&p=2&gclid=3", "https://example.org/?p=2"),
        ("https://example.org/?UTM_Source=x", "https://example.org/"),
        ("https://example.org/?b=2&a=1", "https://example.org/?b=2&a=1"),
        ("https://example.org/?a=%41+b&c=ä", "https://example.org/?a=A+b&c=%C3%A4"),
        ("https://example.org?p=1", "https://example.org/?p=1"),
        ("http://[2001:DB8:0::1]:8080/", "http://[2001:db8::1]:8080/"),
    ],
)
def test_urls_that_mean_the_same_page_have_one_form(stated: str, normal: str) -> None:
    assert normalize_url(stated) == normal


def test_a_query_is_the_same_with_and_without_its_tracking_parameters() -> None:
    tracked = "https://example.org/list?q=a b&utm_medium=mail"

    assert normalize_url(tracked) == normalize_url("https://example.org/list?q=a b")


@pytest.mark.parametrize(
    "hostile",
    [
        "",
        "   ",
        "example.org",
        "//example.org/",
        "ftp://example.org/",
        "javascript:alert(1)",
        "https://",
        "https:///events",
        "https://exa mple.org/",
        "https://.example.org/",
        "https://example..org/",
        f"https://{'a' * 64}.org/",
        "https://[::1",
        "https://[events]/",
        "https://[fe80::1%25eth0]/",
        "https://example.org:99999/",
        "https://example.org:port/",
        "https://example.org/\ud800",
        "https://example.org/?q=\udc80",
        f"https://example.org/{'a' * 2048}",
        f"https://example.org/{'ä' * 500}",
    ],
)
def test_what_is_no_web_address_is_refused_in_one_sentence_that_shows_a_good_one_or_the_limit(hostile: str) -> None:
    with pytest.raises(
        ConfigurationError, match=r"https://example\.org/events\.$|2048 characters; give a shorter one\.$"
    ):
        normalize_url(hostile)


@pytest.mark.parametrize(
    "url", ["ftp://me:s3cret@example.org/", "https://me:s3cret@example.org:99999/", "https://me:s3cret@ex℀mple.org/"]
)
def test_a_password_in_a_refused_url_is_not_repeated(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        normalize_url(url)

    assert "s3cret" not in str(caught.value)


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of URLs is not beside the checkout")
@pytest.mark.parametrize("folder", ["urls-courlan", "urls-w3lib"])
def test_real_urls_are_refused_or_have_one_form(folder: str) -> None:
    cases = json.loads((CORPUS / folder / "cases.dev.json").read_text(encoding="utf-8"))
    normal: list[str] = []

    for url in [text for case in cases for text in [*case["args"], case["expected"]] if isinstance(text, str)]:
        with suppress(ConfigurationError):
            normal.append(normalize_url(url))

    assert len(normal) > 100
    assert [normalize_url(one) for one in normal] == normal


@given(URLS | st.text(max_size=60))
@example("https://example。org。/")  # once kept its last full stop
@example("https://example.org/?a=b c&utm_x=1")
@example("https://example.org/%2%35")
@example("https://example.org//..//../")
def test_a_normal_form_is_its_own_normal_form(url: str) -> None:
    try:
        normal = normalize_url(url)
    except ConfigurationError:
        return

    assert normalize_url(normal) == normal
    assert normal.isascii()


@given(URLS)
def test_every_accepted_url_has_a_key_that_may_be_a_partition(url: str) -> None:
    try:
        key = source_key(url)
    except ConfigurationError:
        return

    assert SOURCE_KEY_PATTERN.match(key)
    assert key == source_key(normalize_url(url))


@pytest.mark.parametrize(
    ("url", "slug"),
    [
        ("https://example.org/", "example-org"),
        ("https://www.stadt-köln.de/kinder/Führungen", "www-xn-stadt-kln-67a-de-kinder-fuhrungen"),
        ("http://127.0.0.1:8765/", "127-0-0-1-8765"),
        ("http://-/", "source"),
        ("https://example.org/" + "a" * 200, "example-org-" + "a" * 48),
        ("https://example.org/" + quote("../../etc"), "example-org-etc"),
    ],
)
def test_a_key_can_be_read(url: str, slug: str) -> None:
    assert re.fullmatch(f"{slug}-[0-9a-f]{{8}}", source_key(url))


def test_two_sources_with_one_slug_have_two_keys() -> None:
    assert source_key("https://example.org/a-b") != source_key("https://example.org/a/b")
    assert source_key("https://example.org/") != source_key("http://example.org/")


@pytest.mark.parametrize(
    "hostile",
    [
        "../../etc-01234567",
        "a/b-01234567",
        "a,b-01234567",
        "A-01234567",
        "a-0123456g",
        "a-01234567\n",
        "https://example.org/",
    ],
)
def test_a_key_that_no_url_has_does_not_match(hostile: str) -> None:
    assert not SOURCE_KEY_PATTERN.match(hostile)


def test_a_source_has_the_normalised_url_and_its_key() -> None:
    source = make_source("https://Example.org:443/events/", location_id="koeln")

    assert source.url == "https://example.org/events"
    assert source.key == source_key("https://example.org/events")
    assert source.config == SourceConfig()
    assert source.location_id == "koeln"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"max_pages": 0}, "max_pages: "),
        ({"max_pages": "many"}, "max_pages: "),
        ({"include": ["("]}, "include.0: is not a regular expression ("),
        ({"exclude": ["ok", "["]}, "exclude.1: is not a regular expression ("),
        ({"timezone": "Berlin"}, "timezone: is not an IANA time zone such as Europe/Berlin"),
        ({"timezone": "../../etc/passwd"}, "timezone: is not an IANA time zone"),
        ({"timezone": "Europe"}, "timezone: is not an IANA time zone"),
        ({"timezone": ""}, "timezone: is not an IANA time zone"),
        ({"country_code": "de"}, "country_code: "),
        ({"language": "German"}, "language: "),
        ({"sitemap": "maybe"}, "sitemap: "),
        ({"require_review_above": 30}, "require_review_above: "),
        (
            {"region": {"min_latitude": 91, "min_longitude": 0, "max_latitude": 92, "max_longitude": 1}},
            "region.min_latitude: ",
        ),
        (
            {"region": {"min_latitude": 52, "min_longitude": 6, "max_latitude": 50, "max_longitude": 8}},
            "region: min_latitude is above",
        ),
        ({"max_page": 10}, "max_page: Extra inputs"),
    ],
)
def test_a_wrong_configuration_names_its_field_and_the_source(values: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_config(values, subject="https://example.org/")

    assert "The configuration of https://example.org/ is wrong: " in str(caught.value)
    assert said in str(caught.value)


def test_every_wrong_field_is_named_and_no_value_is_repeated() -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_config({"max_pages": "s3cret", "delay_seconds": -1}, subject="x")

    assert "max_pages" in str(caught.value)
    assert "delay_seconds" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_good_configuration_comes_back_whole() -> None:
    config = parse_config({"timezone": "Europe/Berlin", "include": ["/events/"], "country_code": "DE"}, subject="x")

    assert (config.timezone, config.include, config.country_code) == ("Europe/Berlin", ("/events/",), "DE")
    assert config.max_pages == 150
    assert not config.auto_import


def test_a_region_may_cross_the_antimeridian_and_holds_its_edges() -> None:
    cologne = Region(min_latitude=50, min_longitude=6, max_latitude=52, max_longitude=8)
    fiji = Region(min_latitude=-20, min_longitude=177, max_latitude=-15, max_longitude=-178)

    assert cologne.holds(50, 8)
    assert not cologne.holds(50, 8.1)
    assert not cologne.holds(49.9, 7)
    assert fiji.holds(-17, 179)
    assert fiji.holds(-17, -179)
    assert not fiji.holds(-17, 0)


def test_a_location_has_an_id_that_fits_in_a_url() -> None:
    assert Location(id="koeln", name="Köln", country_code="DE", queries=("Kinder am Wochenende",)).id == "koeln"
    with pytest.raises(ValueError, match="id"):
        Location(id="Köln am Rhein", name="Köln", country_code="DE")
