"""Where everything is wired: the assets, their resources and jobs; tests hand in their own resources by name."""

from collections.abc import Callable, Generator, Mapping
from typing import Any

import dagster as dg

from tripper_assets import jobs
from tripper_assets.assets import activities, embeddings, geocoding, images, imports, publishing, tag_batches, tags
from tripper_assets.clients.embeddings import EmbeddingProvider
from tripper_assets.clients.objects import Objects
from tripper_assets.io_managers import ObjectIOManager
from tripper_assets.resources import (
    Catalog,
    embedding_provider,
    geocoder,
    geocoder_choice,
    open_catalog,
    utc_now,
)
from tripper_assets.sensors import SCHEDULES, SENSORS
from tripper_assets.settings import Settings, load_settings
from tripper_assets.voters import Taggers

ASSET_MODULES = [activities, images, geocoding, embeddings, tag_batches, tags, publishing, imports]
EXECUTORS = {"in_process": dg.in_process_executor, "multiprocess": dg.multiprocess_executor}


def build_definitions(overrides: Mapping[str, object] | None = None) -> dg.Definitions:
    """Return the code location; ``overrides`` replaces resources by name (settings, catalog, objects, clock, geocoder, embedding_provider, taggers).

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
        "geocoder": _geocoder(settings),
        "embedding_provider": _embedding_provider(settings),
        "taggers": _opened(lambda: Taggers(settings)),
        "io_manager": _io_manager(),
    }


def _opened(make: Callable[[], object]) -> dg.ResourceDefinition:
    return dg.ResourceDefinition(lambda _context: make())


def _catalog(settings: Settings) -> dg.ResourceDefinition:
    def opened(_context: dg.InitResourceContext) -> Generator[Catalog]:
        with open_catalog(settings, check=False) as catalog:
            yield catalog

    return dg.ResourceDefinition(opened)


def _geocoder(settings: Settings) -> dg.ResourceDefinition:
    geocoder_choice(settings)  # what is missing is told now, and not after a crawl
    return dg.ResourceDefinition(
        lambda context: geocoder(settings, context.resources.catalog.database), required_resource_keys={"catalog"}
    )


def _embedding_provider(settings: Settings) -> dg.ResourceDefinition:
    is_paid = settings.embedder != "local"

    def opened(context: dg.InitResourceContext) -> EmbeddingProvider:
        given = context.resources
        return embedding_provider(settings, given.objects, given.catalog if is_paid else None, given.clock)

    # The local one works while there is no catalog.
    needed = {"objects", "clock"} | ({"catalog"} if is_paid else set())
    return dg.ResourceDefinition(opened, required_resource_keys=needed)


def _io_manager() -> dg.IOManagerDefinition:
    return dg.IOManagerDefinition(
        lambda context: ObjectIOManager(
            context.resources.objects,
            context.resources.catalog,
            context.resources.clock,
            pages_url=context.resources.settings.pages_url,
        ),
        required_resource_keys={"objects", "catalog", "clock", "settings"},
    )


defs = build_definitions()
