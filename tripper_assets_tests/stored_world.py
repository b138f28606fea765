"""A world of one Dagster instance and one store, in which values are stored by runs and read by other runs."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from tripper_assets.clients.objects import Objects
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.identity import ids_sha256
from tripper_assets.domain.maps import ImageRow, ImagesMap
from tripper_assets.io_managers import ObjectIOManager, Stored, materializations
from tripper_assets.partitions import SOURCES, WORKFLOW_TAG, source_partitions
from tripper_assets.resources import Catalog

KEY = "town-example-01234567"
OTHER_KEY = "zoo-example-76543210"
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
WORKFLOW = {WORKFLOW_TAG: "w1"}


def activity(one: str) -> Activity:
    return Activity(
        id=one,
        index=0,
        source_key=KEY,
        source_url="https://e.org/",
        url=f"https://e.org/{one}",
        type="Event",
        name=f"Theatre {one}",
    )


def pictures_of(*ids: str) -> ImagesMap:
    rows = tuple(ImageRow(activity_id=one, position=0, sourceUrl=f"https://e.org/{one}.jpg") for one in ids)
    return ImagesMap(ids_sha256(ids), rows)


class World:
    """One instance and one store: values are stored by runs and read by other runs, as Dagster does it."""

    def __init__(self, objects: Objects | None = None) -> None:
        self.objects = objects or Objects("memory://")
        self.instance = dg.DagsterInstance.ephemeral()
        self.catalog: Catalog | None = None

    def run(
        self,
        assets: Sequence[Any],
        *,
        tags: dict[str, str] | None = None,
        partition: str = KEY,
        select: Sequence[str] | None = None,
    ) -> dg.ExecuteInProcessResult:
        self.instance.add_dynamic_partitions(SOURCES, [partition])
        io_manager = ObjectIOManager(self.objects, self.catalog, lambda: NOW)
        return dg.materialize(
            assets,
            instance=self.instance,
            partition_key=partition,
            tags=tags,
            selection=select,
            resources={"io_manager": io_manager},
            raise_on_error=False,
        )

    def store(self, name: str, value: Any, *, tags: dict[str, str] | None = None, partition: str = KEY) -> str:
        """Materialize an asset of this name that yields ``value``, and return the run's id."""
        result = self.run([yielding(name, value)], tags=tags, partition=partition)
        assert result.success
        return result.run_id

    def read(self, wanted: Any, *names: str, tags: dict[str, str] | None = None, partition: str = KEY) -> list[Any]:
        """Return what an asset gets whose inputs, of these names, are annotated with ``wanted``."""
        seen: list[Any] = []
        result = self.run(
            [*map(external, names), reading(seen, dict.fromkeys(names, wanted))],
            tags=tags,
            partition=partition,
            select=["reader"],
        )
        assert result.success, sentence(result)
        return seen

    def refusal(self, wanted: Any, name: str, *, partition: str = KEY) -> str:
        """Return the sentence that such a step fails with."""
        result = self.run([external(name), reading([], {name: wanted})], partition=partition, select=["reader"])
        assert not result.success
        return sentence(result)

    def last(self, name: str, partition: str = KEY) -> Stored:
        return materializations(self.instance, name, partition)[0]


def yielding(name: str, value: Any) -> dg.AssetsDefinition:
    @dg.asset(name=name, partitions_def=source_partitions)
    def made() -> Any:
        return value

    return made


def external(name: str) -> dg.AssetSpec:
    return dg.AssetSpec(name, partitions_def=source_partitions)


def reading(seen: list[Any], inputs: dict[str, Any]) -> dg.AssetsDefinition:
    def reader(**given: Any) -> None:
        seen.extend(given[name] for name in inputs)

    reader.__annotations__ = {**inputs, "return": None}
    ins = {name: dg.AssetIn(dagster_type=as_dagster_type(wanted)) for name, wanted in inputs.items()}
    return dg.asset(name="reader", ins=ins, partitions_def=source_partitions)(reader)


def as_dagster_type(annotation: Any) -> Any:
    """Return what Dagster itself makes of an annotated argument."""

    @dg.op
    def annotated(value: annotation) -> None:  # pyright: ignore[reportInvalidTypeForm]
        del value

    return annotated.input_defs[0].dagster_type


def sentence(result: dg.ExecuteInProcessResult) -> str:
    failed = next(event for event in result.all_events if event.is_step_failure)
    data = failed.step_failure_data
    assert data.user_failure_data is not None, data.error
    assert data.user_failure_data.description is not None
    return data.user_failure_data.description
