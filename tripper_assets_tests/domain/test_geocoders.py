"""The table of providers, and which settings name one that may be asked."""

import pytest

from tripper_assets.domain.errors import ConfigurationError
from tripper_assets.domain.geocoders import GEOCODERS, GeocoderChoice, choose_geocoder


def choose(
    name: str, url: str = "", delay: float | None = None, contact: str = "", *, key: bool = False
) -> GeocoderChoice:
    return choose_geocoder(name, url, delay_seconds=delay, contact=contact, has_key=key)


def test_each_provider_says_whose_data_it_gives_under_which_licence_and_how_often_it_is_asked() -> None:
    assert all(one.licence and one.attribution and one.delay_seconds > 0 for one in GEOCODERS.values())
    assert GEOCODERS["google"].keep_days == 30


@pytest.mark.parametrize("name", ["nominatim", "photon", "pelias"])
def test_a_provider_that_anybody_may_run_has_no_server_by_default(name: str) -> None:
    with pytest.raises(ConfigurationError, match="TRIPPER_GEOCODER_URL"):
        choose(name)


def test_a_server_of_ones_own_is_asked_as_often_as_its_operator_says() -> None:
    assert choose("nominatim", "http://127.0.0.1:8080/").delay_seconds == 1.0
    assert choose("nominatim", "http://127.0.0.1:8080/", 0.0).delay_seconds == 0.0
    assert choose("nominatim", "http://127.0.0.1:8080/").url == "http://127.0.0.1:8080"


def test_the_public_nominatim_wants_a_contact_and_is_never_asked_more_than_once_a_second() -> None:
    public = "https://nominatim.openstreetmap.org"

    with pytest.raises(ConfigurationError, match="TRIPPER_CONTACT"):
        choose("nominatim", public)

    assert choose("nominatim", public, 0.1, "https://example.org/").delay_seconds == 1.0


def test_google_needs_its_key() -> None:
    with pytest.raises(ConfigurationError, match="GOOGLE_API_KEY"):
        choose("google")

    assert choose("google", key=True).url == "https://maps.googleapis.com"


def test_another_server_is_another_provider_to_the_cache() -> None:
    one, other = choose("photon", "http://a.example"), choose("photon", "http://b.example")

    assert one.provider != other.provider


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org",
        "file:///etc/passwd",
        "http://user:pw@example.org",
        "http://example.org\r\nHost: x",
        "http://exa mple.org",
        "http://example.org/?key=1",
        "http:\\\\127.0.0.1",
        "http://127.1/",
        "http://0x7f.1/",
        "http://2130706433/",
        "http://①②⑦.⓪.⓪.①/",
        "http://169.254.169.254/",
        "http://[fe80::1]/",
        "http://0.0.0.0/",
        "http://224.0.0.1/",
    ],
)
def test_what_is_no_plain_address_of_a_server_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="TRIPPER_GEOCODER_URL"):
        choose("photon", url)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080", "http://[::1]:8080/photon", "http://photon:2322", "https://10.0.0.4"]
)
def test_a_private_server_that_the_operator_names_is_the_operators_word(url: str) -> None:
    assert choose("photon", url).url == url
