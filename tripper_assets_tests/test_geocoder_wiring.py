"""The geocoder that the settings name, over a real catalog: what is asked, counted at the server, and what an outage of the catalog does."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from tripper_assets.catalog.database import Database
from tripper_assets.clients.census_geocoder import CensusGeocoder
from tripper_assets.clients.gazetteer import OfflineGeocoder
from tripper_assets.clients.geocoding import geocode_activities
from tripper_assets.clients.online_geocoder import OnlineGeocoder
from tripper_assets.definitions import build_definitions
from tripper_assets.domain.errors import ConfigurationError
from tripper_assets.resources import catalog_on, geocoder
from tripper_assets.settings import Settings
from tripper_assets_tests.clients.geocoder_servers import serve_places
from tripper_assets_tests.clients.test_online_geocoder import at_house


def test_each_name_is_a_geocoder(tmp_path: Path, database: Database) -> None:
    common = {"home": tmp_path, "geocoder_url": "http://127.0.0.1:1", "google_api_key": SecretStr("k")}

    made = {
        name: geocoder(Settings.model_validate({**common, "geocoder": name}), database)
        for name in ("offline", "nominatim", "photon", "pelias", "census", "google")
    }

    assert isinstance(made.pop("offline"), OfflineGeocoder)
    assert isinstance(made.pop("census"), CensusGeocoder)
    assert {type(one) for one in made.values()} == {OnlineGeocoder}
    assert len({one.provider for one in made.values()}) == 4


def test_a_server_that_is_missing_is_told_before_anything_is_asked(tmp_path: Path, database: Database) -> None:
    with pytest.raises(ConfigurationError, match=r"docs/geocoding\.md"):
        geocoder(Settings(home=tmp_path, geocoder="photon"), database)
    with pytest.raises(ConfigurationError, match="GOOGLE_API_KEY"):
        build_definitions({"settings": Settings(home=tmp_path, geocoder="google")})


def test_a_rerun_with_one_activity_more_in_front_asks_for_that_one_alone(tmp_path: Path, database: Database) -> None:
    catalog = catalog_on(database, tmp_path)
    activities = [at_house(number, number) for number in range(1, 41)]
    with serve_places("nominatim") as site:
        settings = Settings(home=tmp_path, geocoder="nominatim", geocoder_url=site.site.root, geocoder_delay_seconds=0)

        def run(of: list) -> tuple:
            asked = geocoder(settings, database)
            cache = catalog.geocodes.within(asked.keep_days)
            return geocode_activities(of, geocoder=asked, cache=cache, country_code=None, region=None)[0]

        first = run(activities)
        again = run(activities)
        more = run([at_house(0, 300), *activities])

        assert again == first
        assert more[1:] == first
        assert site.count == 41
        assert all(row.geocoding.status == "ok" for row in more)
