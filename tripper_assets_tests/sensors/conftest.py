"""A catalog that sensors find by the environment, with one source, and instances."""

from collections.abc import Generator
from pathlib import Path

import dagster as dg
import pytest

from tripper_assets.catalog.database import Database
from tripper_assets.resources import Catalog, catalog_on
from tripper_assets_tests.sensors.ticks import ONE


@pytest.fixture
def catalog(database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Generator[Catalog]:
    monkeypatch.setenv("TRIPPER_DATABASE_URL", database_url)
    database = Database(database_url)
    catalog = catalog_on(database, tmp_path)
    catalog.sources.add(ONE)
    yield catalog
    database.dispose()


@pytest.fixture
def instance() -> Generator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def kept_instance() -> Generator[dg.DagsterInstance]:
    """An instance in files: a schedule reads no other."""
    with dg.instance_for_test() as instance:
        yield instance
