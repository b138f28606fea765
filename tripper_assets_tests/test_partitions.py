import dagster as dg
import pytest

from tripper_assets.partitions import SOURCES, WORKFLOW_TAG, source_partitions, trigger, workflow_id

ROOT_RUN_TAG = "dagster/root_run_id"


@pytest.mark.parametrize(
    ("tags", "workflow"),
    [
        ({}, "r2"),
        ({ROOT_RUN_TAG: "r1"}, "r1"),  # a re-execution goes on with the workflow of the first run
        ({WORKFLOW_TAG: "w1"}, "w1"),
        ({ROOT_RUN_TAG: "r1", WORKFLOW_TAG: "w1"}, "w1"),
        ({WORKFLOW_TAG: ""}, "r2"),
    ],
)
def test_a_run_belongs_to_the_workflow_of_its_tag_else_of_its_first_run_else_to_itself(
    tags: dict[str, str], workflow: str
) -> None:
    assert workflow_id(dg.DagsterRun(job_name="scrape_source", run_id="r2", tags=tags)) == workflow


def test_sources_come_and_go_without_a_reload() -> None:
    instance = dg.DagsterInstance.ephemeral()

    instance.add_dynamic_partitions(SOURCES, ["town-example-01234567"])

    assert source_partitions.get_partition_keys(dynamic_partitions_store=instance) == ["town-example-01234567"]


@pytest.mark.parametrize(
    ("tags", "started_by"),
    [
        ({}, "ui"),
        ({"tripper/trigger": "cli"}, "cli"),
        ({"tripper/trigger": "import_sensor", "dagster/sensor_name": "import_sensor"}, "import_sensor"),
        ({"dagster/backfill": "b"}, "backfill"),
        ({"dagster/schedule_name": "s"}, "schedule"),
        ({"dagster/sensor_name": "s"}, "sensor"),
        ({"dagster/parent_run_id": "r1", ROOT_RUN_TAG: "r1"}, "retry"),
    ],
)
def test_what_started_a_run_is_our_own_word_else_dagsters(tags: dict[str, str], started_by: str) -> None:
    assert trigger(tags) == started_by
