"""Scrape with a browser: a source that wants one gets it, and a machine without one says so before anything is asked for."""

from pathlib import Path

import dagster as dg
import pytest

from tripper_assets.catalog.database import Database
from tripper_assets.clients.objects import Objects
from tripper_assets.definitions import build_definitions
from tripper_assets.domain.sources import SourceConfig, make_source
from tripper_assets.partitions import SOURCES, WORKFLOW_TAG
from tripper_assets.resources import Catalog, catalog_on
from tripper_assets.settings import Settings
from tripper_assets_tests.clients.browsing import CHROMIUM, below, fills_in, needs_browser
from tripper_assets_tests.clients.loopback import LoopbackSite, serve

AUTO = SourceConfig(render_javascript="auto", delay_seconds=0)


@pytest.fixture
def catalog(database: Database, tmp_path: Path) -> Catalog:
    return catalog_on(database, tmp_path)


def scrape(catalog: Catalog, site: LoopbackSite, home: Path, chromium: str) -> dg.ExecuteInProcessResult:
    """Run raw_activities for a site whose only page is made by a script."""
    fills_in(site, "/", "Puppets of the Script")
    source = catalog.sources.add(make_source(site.url(), AUTO))
    overrides: dict[str, object] = {
        "settings": Settings(home=home, demo_port=site.port, chromium=chromium),
        "catalog": catalog,
        "objects": Objects("memory://"),
    }
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions(SOURCES, [source.key])
        return (
            build_definitions(overrides)
            .resolve_job_def("run_source")
            .execute_in_process(
                instance=instance,
                partition_key=source.key,
                tags={WORKFLOW_TAG: "rendered"},
                asset_selection=[dg.AssetKey("raw_activities")],
                raise_on_error=False,
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            )
        )


@needs_browser
def test_a_source_that_wants_a_browser_is_read_with_one_that_ends_with_the_stage(
    catalog: Catalog, tmp_path: Path
) -> None:
    with serve() as site:
        result = scrape(catalog, site, tmp_path, CHROMIUM)

    assert [one.name for one in result.output_for_node("raw_activities")] == ["Puppets of the Script"]
    assert [one for one in below() if "chrom" in one.name()] == []


def test_without_chromium_the_run_ends_before_it_asks_for_anything(catalog: Catalog, tmp_path: Path) -> None:
    with serve() as site:
        result = scrape(catalog, site, tmp_path, "/nowhere/chromium")

    said = " ".join(str(event.event_specific_data) for event in result.all_events if event.is_failure)
    assert "make browser" in said
    assert site.requests == []
