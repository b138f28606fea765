"""Partitions follow the registry, and a source with work in flight keeps its own."""

from collections.abc import Collection

import dagster as dg
import pytest

from tripper_assets.claims import claim_source
from tripper_assets.domain.errors import TransientError
from tripper_assets.partitions import SOURCES
from tripper_assets.resources import Catalog
from tripper_assets.sensors import PARTITIONS_A_TICK, partition_changes, sources_sensor
from tripper_assets_tests.sensors.ticks import NOW, ONE, TWO, run, workflow


def sources_tick(instance: dg.DagsterInstance) -> dg.SensorResult | dg.SkipReason:
    with dg.build_sensor_context(instance=instance) as context:
        said = sources_sensor(context)
        assert isinstance(said, (dg.SensorResult, dg.SkipReason))
        return said


@pytest.mark.parametrize(
    ("registered", "present", "busy", "added", "removed"),
    [
        ([], [], [], [], []),
        (["b", "a"], [], [], ["a", "b"], []),
        (["a"], ["a"], [], [], []),
        (["a"], ["a", "c", "b"], [], [], ["b", "c"]),
        ([], ["a", "b"], ["a"], [], ["b"]),
        (["b"], ["a"], ["b"], ["b"], ["a"]),
    ],
)
def test_partitions_follow_the_registry_and_a_busy_one_stays(
    registered: Collection[str], present: Collection[str], busy: Collection[str], added: list[str], removed: list[str]
) -> None:
    assert partition_changes(registered, present, busy) == (added, removed)


def test_a_tick_changes_no_more_than_a_thousand_partitions() -> None:
    added, removed = partition_changes([f"a{n}" for n in range(2000)], [f"b{n}" for n in range(2000)], [])

    assert len(added) == len(removed) == PARTITIONS_A_TICK


def test_a_registered_source_gets_its_partition_and_a_removed_one_loses_it(
    catalog: Catalog, instance: dg.DagsterInstance
) -> None:
    catalog.sources.add(TWO)
    instance.add_dynamic_partitions(SOURCES, [ONE.key, "gone-12345678"])

    said = sources_tick(instance)

    assert isinstance(said, dg.SensorResult)
    changes = {type(one).__name__: list(one.partition_keys) for one in said.dynamic_partitions_requests or []}
    assert changes == {
        "AddDynamicPartitionsRequest": [TWO.key],
        "DeleteDynamicPartitionsRequest": ["gone-12345678"],
    }


def test_a_source_with_a_run_under_way_keeps_its_partition(catalog: Catalog, instance: dg.DagsterInstance) -> None:
    instance.add_dynamic_partitions(SOURCES, [ONE.key])
    run(instance, workflow(catalog, "some-workflow"), dg.DagsterRunStatus.STARTED)
    catalog.sources.remove(ONE.key)

    said = sources_tick(instance)

    assert isinstance(said, dg.SkipReason)
    assert said.skip_message == (
        "0 registered sources: 0 partitions added, 0 removed, 1 kept until their work in flight ends."
    )


@pytest.mark.parametrize("work", ["claim", "waiting workflow"])
def test_a_source_with_other_work_in_flight_keeps_its_partition_too(
    catalog: Catalog, instance: dg.DagsterInstance, work: str
) -> None:
    instance.add_dynamic_partitions(SOURCES, [ONE.key])
    if work == "claim":
        claim_source(instance, catalog, ONE.key, run_id="a-run", workflow_id="w", at=NOW)
    else:
        workflow(catalog, "w", status="waiting")
    catalog.sources.remove(ONE.key)

    assert isinstance(sources_tick(instance), dg.SkipReason)


@pytest.mark.usefixtures("catalog")
def test_nothing_to_change_is_said(instance: dg.DagsterInstance) -> None:
    instance.add_dynamic_partitions(SOURCES, [ONE.key])

    said = sources_tick(instance)

    assert isinstance(said, dg.SkipReason)
    assert said.skip_message == "All 1 registered sources have their partition."


def test_a_registry_that_cannot_be_read_is_an_error_and_not_an_empty_one(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRIPPER_DATABASE_URL", "postgresql://me:canary@127.0.0.1:9/x")
    instance.add_dynamic_partitions(SOURCES, [ONE.key])

    with pytest.raises(TransientError, match="does not answer") as raised:
        sources_tick(instance)

    assert "canary" not in str(raised.value)
