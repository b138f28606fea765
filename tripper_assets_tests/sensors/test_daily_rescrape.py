"""Each free source is scraped once a day."""

from datetime import UTC, datetime

import dagster as dg
import pytest

from tripper_assets.partitions import SOURCES
from tripper_assets.resources import Catalog
from tripper_assets.sensors import daily_rescrape
from tripper_assets_tests.sensors.ticks import NOW, ONE, TWO, requests, workflow


def test_each_free_source_is_scraped_once_a_day(catalog: Catalog, kept_instance: dg.DagsterInstance) -> None:
    catalog.sources.add(TWO)
    workflow(catalog, "waits", status="waiting")
    morning = datetime(2026, 5, 1, 3, 17, tzinfo=UTC)

    with dg.build_schedule_context(instance=kept_instance, scheduled_execution_time=morning) as context:
        asked, _ = requests(daily_rescrape(context))

    assert asked == [(f"rescrape:2026-05-01:{TWO.key}", TWO.key, "")]
    assert set(kept_instance.get_dynamic_partitions(SOURCES)) == {ONE.key, TWO.key}


@pytest.mark.usefixtures("catalog")
def test_a_day_on_which_every_source_is_busy_says_so(catalog: Catalog, kept_instance: dg.DagsterInstance) -> None:
    workflow(catalog, "waits", status="waiting")

    with dg.build_schedule_context(instance=kept_instance, scheduled_execution_time=NOW) as context:
        asked = requests(daily_rescrape(context))

    assert asked == ([], "None of 1 registered sources is free to be scraped.")
