"""The grown-up Dagster instance of deploy/dagster.yaml: it differs in where things are kept, and keeps them there."""

import importlib.util
from collections.abc import Generator
from pathlib import Path
from typing import Any

import boto3
import dagster as dg
import pytest
import yaml
from sqlalchemy import make_url

from tripper_assets_tests.seaweed import BUCKET, credentials

CHECKOUT = Path(__file__).resolve().parents[1]
DEPLOYED = CHECKOUT / "deploy" / "dagster.yaml"
PREFIX = "logs/of-dagster"
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def config(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@dg.op
def speaking_op() -> None:
    print("a line for the log")  # noqa: T201 (what the log is to hold)


@dg.job
def speaking_job() -> None:
    speaking_op()


@pytest.fixture
def environment(seaweed: str, aws: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """What the file's comment says that every process needs, but the database."""
    for name, value in {
        **credentials(seaweed),
        "DAGSTER_HOME": str(tmp_path),
        "DAGSTER_LOGS_BUCKET": BUCKET,
        "DAGSTER_LOGS_PREFIX": PREFIX,
    }.items():
        aws.setenv(name, value)
    return aws


@pytest.fixture
def instance_on_files(environment: pytest.MonkeyPatch, tmp_path: Path) -> Generator[dg.DagsterInstance]:
    """The instance with everything but its database, in whose place stand SQLite files."""
    assert environment
    settings = {name: value for name, value in config(DEPLOYED).items() if name != "storage"}
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        yield instance


@pytest.fixture
def instance(environment: pytest.MonkeyPatch, database_url: str, tmp_path: Path) -> Generator[dg.DagsterInstance]:
    """The instance as it is deployed."""
    if importlib.util.find_spec("dagster_postgres") is None:
        pytest.skip("the extra `deploy` with dagster-postgres is not installed")
    url = make_url(database_url).set(drivername="postgresql+psycopg2")
    environment.setenv("DAGSTER_POSTGRES_URL", url.render_as_string())
    (tmp_path / "dagster.yaml").write_bytes(DEPLOYED.read_bytes())
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        yield instance


def printed(run_id: str) -> str:
    """Return what the only step of a run wrote to standard output, from the bucket."""
    client = boto3.client("s3")
    found = client.list_objects_v2(Bucket=BUCKET, Prefix=f"{PREFIX}/storage/{run_id}/")["Contents"]
    (key,) = [one["Key"] for one in found if one["Key"].endswith(".out")]
    return client.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode()


def test_the_deployed_instance_differs_only_in_where_things_are_kept() -> None:
    deployed, embedded = config(DEPLOYED), config(CHECKOUT / "dagster.yaml")

    assert {name: value for name, value in deployed.items() if name not in {"storage", "compute_logs"}} == embedded


def test_what_a_step_prints_is_in_s3(instance_on_files: dg.DagsterInstance) -> None:
    run = speaking_job.execute_in_process(instance=instance_on_files, run_config=QUIET)

    assert "a line for the log\n" in printed(run.run_id)


def test_runs_are_in_postgres_and_what_they_print_is_in_s3(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    run = speaking_job.execute_in_process(instance=instance, run_config=QUIET)

    assert [one.run_id for one in instance.get_runs()] == [run.run_id]
    assert "a line for the log\n" in printed(run.run_id)
    assert not list(tmp_path.rglob("*.db"))
