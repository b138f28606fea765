"""Where everything is wired: the assets, their resources and jobs; tests hand in their own resources by name."""

from collections.abc import Callable, Generator, Mapping
from typing import Any

import dagster as dg

from tripper_assets import jobs
from tripper_assets.assets import activities, embeddings, geocoding, images, imports, publishing
from tripper_assets.clients.gazetteer import OfflineGeocoder
from tripper_assets.clients.objects import Objects
from tripper_assets.io_managers import ObjectIOManager
from tripper_assets.resources import Catalog, embedding_provider, open_catalog, utc_now
from tripper_assets.sensors import SCHEDULES, SENSORS
from tripper_assets.settings import Settings, load_settings

ASSET_MODULES = [activities, images, geocoding, embeddings, publishing, imports]
EXECUTORS = {"in_process": dg.in_process_executor, "multiprocess": dg.multiprocess_executor}


def build_definitions(overrides: Mapping[str, object] | None = None) -> dg.Definitions:
    """Return the code location; ``overrides`` replaces resources by name (settings, catalog, objects, clock, geocoder, embedding_provider).

    Raises:
        ConfigurationError: the environment is wrong.
    """
    given = dict(overrides or {})
    settings = given.pop("settings", None) or load_settings()
    assert isinstance(settings, Settings)  # noqa: S101 (an override of another type is a mistake in a test)
    return dg.Definitions(
        assets=dg.load_assets_from_modules(ASSET_MODULES),
        jobs=jobs.ALL,
        sensors=SENSORS,
        schedules=SCHEDULES,
        resources={**_resources(settings), **given},
        executor=EXECUTORS[settings.executor],
    )


def _resources(settings: Settings) -> dict[str, Any]:
    """Return the resources, each opened when a run first needs it: loading the code location starts nothing."""
    return {
        "settings": settings,
        "clock": _opened(lambda: utc_now),
        "catalog": _catalog(settings),
        "objects": _opened(lambda: Objects(settings.objects_url)),
        "geocoder": _opened(lambda: OfflineGeocoder(settings.home)),
        "embedding_provider": _embedding_provider(),
        "io_manager": _io_manager(),
    }


def _opened(make: Callable[[], object]) -> dg.ResourceDefinition:
    return dg.ResourceDefinition(lambda _context: make())


def _catalog(settings: Settings) -> dg.ResourceDefinition:
    def opened(_context: dg.InitResourceContext) -> Generator[Catalog]:
        with open_catalog(settings, check=False) as catalog:
            yield catalog

    return dg.ResourceDefinition(opened)


def _embedding_provider() -> dg.ResourceDefinition:
    return dg.ResourceDefinition(
        lambda context: embedding_provider(context.resources.objects), required_resource_keys={"objects"}
    )


def _io_manager() -> dg.IOManagerDefinition:
    return dg.IOManagerDefinition(
        lambda context: ObjectIOManager(context.resources.objects, context.resources.catalog, context.resources.clock),
        required_resource_keys={"objects", "catalog", "clock"},
    )


defs = build_definitions()
