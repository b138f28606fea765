"""The log of a run as lines of JSON: whose run, which step, and why it failed."""

import json
import logging
import warnings
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from tripper_assets.cli.instance_file import instance_file
from tripper_assets.cli.session import dagster_instance, prepare_home
from tripper_assets.partitions import PARTITION_TAG, WORKFLOW_TAG
from tripper_assets.run_log import JsonLines
from tripper_assets.settings import Settings


@dg.op
def says(context: dg.OpExecutionContext) -> None:
    context.log.info("found 5\nof them")


@dg.op(ins={"start": dg.In(dg.Nothing)})
def breaks() -> None:
    message = "Reading the list failed (503); run it again."
    raise dg.Failure(message) from OSError(message)


@dg.job
def told() -> None:
    breaks(start=says())


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What a run in a home with a log file writes there."""
    folder = tmp_path_factory.mktemp("logged")
    settings = Settings(home=folder, log_file=folder / "runs.jsonl")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", "")
        patch.setenv("TRIPPER_HOME", "")
        prepare_home(settings)
        with warnings.catch_warnings(), dagster_instance() as instance:
            tags = {WORKFLOW_TAG: "workflow-1", PARTITION_TAG: "a-source"}
            told.execute_in_process(instance=instance, tags=tags, raise_on_error=False)
    return [json.loads(line) for line in (folder / "runs.jsonl").read_text().splitlines()]


def test_every_line_says_whose_run_and_which_workflow_and_source(lines: list[dict[str, Any]]) -> None:
    assert len(lines) > 10
    assert {(line["workflow_id"], line["source_key"]) for line in lines} == {("workflow-1", "a-source")}
    assert len({line["run_id"] for line in lines}) == 1
    assert all(line["time"].endswith("+00:00") for line in lines)


def test_what_a_step_does_and_says_is_a_line_each_with_its_level(lines: list[dict[str, Any]]) -> None:
    (said,) = [line for line in lines if line["message"] == "found 5\nof them"]

    assert (said["level"], said["step"]) == ("INFO", "says")
    assert [line["step"] for line in lines if line.get("event") == "STEP_START"] == ["says", "breaks"]


def test_a_failure_says_its_sentence(lines: list[dict[str, Any]]) -> None:
    (failure,) = [line for line in lines if line.get("event") == "STEP_FAILURE"]

    assert (failure["level"], failure["step"]) == ("ERROR", "breaks")
    assert failure["error"].endswith("Reading the list failed (503); run it again.")
    assert "Traceback" not in failure["error"]


def test_a_text_that_is_no_unicode_is_a_line_all_the_same() -> None:
    record = logging.LogRecord("other", logging.WARNING, "", 1, "page \ud800", (), None)

    assert json.loads(JsonLines().format(record))["message"] == "page ?"


def test_without_a_log_file_the_instance_says_nothing_of_logs(tmp_path: Path) -> None:
    said = instance_file("telemetry:\n  enabled: false\n", home=tmp_path, log=None)

    assert set(yaml.safe_load(said)) == {"telemetry", "storage"}


def test_what_the_project_says_of_logs_stands(tmp_path: Path) -> None:
    said = instance_file("python_logs:\n  managed_python_loggers: [root]\n", home=tmp_path, log=tmp_path / "log")

    assert yaml.safe_load(said)["python_logs"] == {"managed_python_loggers": ["root"]}
