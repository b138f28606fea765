"""One tick of each sensor, and what stands in the catalog and in the instance before it."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, cast

import dagster as dg
from dagster._core.test_utils import create_run_for_test

from tripper_assets.clients.objects import Objects
from tripper_assets.domain.batches import PATIENCE, Batch
from tripper_assets.domain.sources import make_source
from tripper_assets.domain.workflows import Workflow, WorkflowFile
from tripper_assets.partitions import WORKFLOW_TAG
from tripper_assets.resources import Catalog, utc_now
from tripper_assets.sensors import batch_sensor, workflow_status_sensor
from tripper_assets.settings import Settings
from tripper_assets.voters import Taggers
from tripper_assets_tests.fakes import Provider

ONE, TWO = make_source("https://example.org/"), make_source("https://example.net/")
NOW = datetime.now(UTC)


def workflow(catalog: Catalog, name: str, **more: Any) -> str:
    values = {"source_key": ONE.key, "source_url": ONE.url, "status": "running", "config": {}, "created_at": NOW}
    catalog.workflows.start(Workflow.model_validate({"id": name, **values, **more}))
    return name


def status(catalog: Catalog, name: str) -> str:
    found = catalog.workflows.get(name)
    assert found is not None
    return found.status


def run(instance: dg.DagsterInstance, workflow: str, status: dg.DagsterRunStatus) -> dg.DagsterRun:
    tags = {WORKFLOW_TAG: workflow, "dagster/partition": ONE.key}
    return create_run_for_test(instance, job_name="run_source", status=status, tags=tags)


def tick(instance: dg.DagsterInstance, cursor: str | None = None) -> tuple[str | None, str]:
    """Evaluate the status sensor once; return its cursor and what it says."""
    with dg.build_sensor_context(instance=instance, cursor=cursor) as context:
        said = workflow_status_sensor(context)
        assert isinstance(said, dg.SkipReason)
        return context.cursor, said.skip_message or ""


def requests(said: Iterable[dg.RunRequest | dg.SkipReason]) -> tuple[list[tuple[str | None, str | None, str]], str]:
    """Return run key, partition and workflow of each request, and why there is none."""
    all_said = list(said)
    asked = [one for one in all_said if isinstance(one, dg.RunRequest)]
    skipped = [one.skip_message or "" for one in all_said if isinstance(one, dg.SkipReason)]
    return [(one.run_key, one.partition_key, one.tags.get(WORKFLOW_TAG, "")) for one in asked], "".join(skipped)


def imports(
    sensor: dg.SensorDefinition, instance: dg.DagsterInstance | None = None
) -> tuple[list[tuple[str | None, str | None, str]], str]:
    """Evaluate a sensor of imports once, on an instance that knows no run where none is given."""
    with instance or dg.DagsterInstance.ephemeral() as used, dg.build_sensor_context(instance=used) as context:
        return requests(cast("Iterable[Any]", sensor(context)))


def resources(provider: Provider, taggers: object = None) -> dict[str, Any]:
    voters = taggers or Taggers(Settings())
    return {"embedding_provider": provider, "objects": Objects("memory://"), "taggers": voters}


def batches_tick(instance: dg.DagsterInstance, provider: Provider, taggers: object = None) -> tuple[list[Any], str]:
    with dg.build_sensor_context(instance=instance, resources=resources(provider, taggers)) as context:
        return requests(batch_sensor(context))


def batches_tick_from(instance: dg.DagsterInstance, provider: Provider, cursor: str) -> tuple[str, str]:
    """Evaluate the batch sensor once; return its cursor and what it says."""
    with dg.build_sensor_context(instance=instance, cursor=cursor, resources=resources(provider)) as context:
        _, said = requests(batch_sensor(context))
        return context.cursor or "", said


def final_jsonl(catalog: Catalog, workflow: str, sha256: str) -> None:
    """Let a workflow have a stored bundle."""
    uri = f"memory:///final_jsonl/{workflow}"
    file = WorkflowFile(
        asset="final_jsonl", run_id="r", uri=uri, bytes=1, rows=1, sha256=sha256 * 64, created_at=utc_now()
    )
    catalog.workflows.add_file(workflow, file)


def in_review(catalog: Catalog, name: str, sha256: str = "a", **more: Any) -> str:
    workflow(catalog, name, status="review", **more)
    final_jsonl(catalog, name, sha256)
    return name


def decide(
    catalog: Catalog, workflow: str, sha256: str, decision: Literal["approved", "rejected"], *overrides: str
) -> None:
    catalog.workflows.decide(workflow, sha256 * 64, decision=decision, by="ada", at=utc_now(), overrides=overrides)


def batch(catalog: Catalog, workflow: str, identifier: str, *, deadline: timedelta = PATIENCE) -> Batch:
    made = Batch(
        workflow_id=workflow,
        asset="embedding_batch",
        provider="remote",
        batch_id=identifier,
        submitted_at=NOW,
        deadline_at=NOW + deadline,
    )
    catalog.batches.submitted(made)
    return made
