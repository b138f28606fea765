"""What a person does on a Monday with `make up` and nothing but the pages of Dagster."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from tripper_assets.catalog.embedded_postgres import EmbeddedPostgres
from tripper_assets.cli.up_lock import running_up
from tripper_assets.domain.sources import source_key
from tripper_assets_tests.cli.pages_of_dagster import Up
from tripper_assets_tests.clients.loopback import Answer, LoopbackSite, serve
from tripper_assets_tests.waiting import AT_ONCE, wait_until

THREE = ("theatre-leeds", "bibliotheque-lyon", "nature-center-portland")
SLOW = {"delay_seconds": 1, "timezone": "Europe/London", "country_code": "GB"}
FAST = SLOW | {"delay_seconds": 0}


def catalog_status(up: Up, source: str) -> list[str]:
    """Return the states of a source's workflows, the newest first."""
    listed = up.tripper("status", "--json")
    assert listed.returncode == 0, listed.stderr
    return [one["status"] for one in json.loads(listed.stdout) if one["source_key"] == source]


@pytest.mark.long
def test_a_source_is_added_run_canceled_gone_on_with_and_imported_in_the_pages_alone(up: Up, tmp_path: Path) -> None:
    url = up.site("sites/theatre-leeds/")
    key = source_key(url)
    with up.running(tmp_path / "output"):
        up.put_source(url, **SLOW)
        canceled = up.launch("run_source", partition=key)
        wait_until(lambda: "raw_activities" in up.steps(canceled))
        time.sleep(1.5)
        began = time.monotonic()
        up.cancel(canceled)
        ended = up.ended(canceled)
        seconds = time.monotonic() - began

        again = up.again_from_failure(canceled)
        again_ended = up.ended(again)
        wait_until(lambda: up.workflow(canceled).status == "review")
        waiting = up.workflow(canceled)

        up.put_source(url, auto_import=True)
        wait_until(lambda: up.workflow(canceled).status == "completed", seconds=300)
        imports = [one for one in up.runs() if one["jobName"] == "import_source"]

    assert (ended, again_ended) == ("CANCELED", "SUCCESS")
    assert seconds < AT_ONCE
    assert waiting.import_summary is None
    imported = up.workflow(canceled)
    assert imported.import_summary is not None
    assert imported.import_summary.inserted == 5
    assert [one["tags"]["dagster/run_key"] for one in imports] == [
        f"import:{next(file.sha256 for file in waiting.files if file.asset == 'final_jsonl')}"
    ]


@pytest.mark.long
def test_what_failed_goes_on_from_what_was_stored_without_a_new_call(up: Up, tmp_path: Path) -> None:
    url = up.site("sites/theatre-leeds/")
    key = source_key(url)
    blocked = up.home / "objects" / "final_jsonl" / key
    with up.running(tmp_path / "output"):
        up.put_source(url, **FAST)
        blocked.parent.mkdir(parents=True)
        blocked.write_text("in the way")
        failed = up.launch("run_source", partition=key)
        failed_ended = up.ended(failed)
        blocked.unlink()
        before = up.workflow(failed)

        again = up.again_from_failure(failed)
        again_ended = up.ended(again)
        after = up.workflow(failed)
        steps = up.steps(again)

    assert (failed_ended, again_ended) == ("FAILURE", "SUCCESS")
    assert before.status == "failed"
    assert before.reason.startswith("final_jsonl: Storing ")
    assert after.status == "review"
    assert sorted(steps) == ["activity_diff", "final_jsonl", "imported_activities", "workflow_cleanup"]
    kept = {one.asset: one.started_at for one in before.stages if one.asset != "final_jsonl"}
    assert {one.asset: one.started_at for one in after.stages if one.asset in kept} == kept


@pytest.mark.long
def test_a_backfill_of_five_sources_is_not_held_by_the_one_that_fails(up: Up, tmp_path: Path) -> None:
    urls = [up.site(f"sites/{name}/") for name in THREE] + [up.site(""), "http://127.0.0.1:9/gone/"]
    registry = tmp_path / "sources.yaml"
    registry.write_text(json.dumps({"sources": [{"url": url, "config": FAST} for url in urls]}))
    with up.running(tmp_path / "output"):
        assert up.tripper("sources", "sync", registry).returncode == 0
        asked = up.tripper("backfill", "--all")
        keys = [source_key(url) for url in urls]
        wait_until(lambda: len(up.runs()) == 5, seconds=200)
        wait_until(lambda: all(one["status"] in ("SUCCESS", "FAILURE") for one in up.runs()), seconds=400)
        ended = {one["tags"]["dagster/partition"]: one["status"] for one in up.runs()}

    assert asked.returncode == 0, asked.stderr
    assert asked.stdout.startswith("5 sources are in the queue of `tripper up`; http://127.0.0.1:")
    assert ended == dict.fromkeys(keys[:4], "SUCCESS") | {keys[4]: "FAILURE"}


@pytest.mark.long
def test_a_daemon_killed_between_two_stages_asks_for_no_import_twice(up: Up, tmp_path: Path) -> None:
    url = up.site("sites/theatre-leeds/")
    key = source_key(url)
    with up.running(tmp_path / "first"):
        up.put_source(url, auto_import=True, **SLOW)
        run = up.launch("scrape_source", partition=key)
        wait_until(lambda: up.ended(run) == "SUCCESS")
        wait_until(lambda: any(one["jobName"] == "import_source" for one in up.runs()), seconds=300)
        running = running_up(up.home)
        assert running
        os.kill(running.sessions[2], signal.SIGKILL)
        wait_until(lambda: running_up(up.home) is None)

    with up.running(tmp_path / "second"):
        wait_until(lambda: up.workflow(run).status == "completed", seconds=300)
        time.sleep(35)  # a tick of every sensor
        keys = [one["tags"].get("dagster/run_key") for one in up.runs() if one["jobName"] == "import_source"]

    assert len(keys) == len(set(keys)) == 1


@pytest.mark.long
def test_a_start_after_everything_was_killed_ends_the_dead_run_and_goes_on(up: Up, tmp_path: Path) -> None:
    url = up.site("sites/theatre-leeds/")
    key = source_key(url)
    with up.running(tmp_path / "first"):
        up.put_source(url, **SLOW)
        dead = up.launch("run_source", partition=key)
        wait_until(lambda: "raw_activities" in up.steps(dead))
        time.sleep(1)
        _kill_all(up)

    listed = up.tripper("status")
    with up.running(tmp_path / "second"):
        next_one = up.launch("run_source", partition=key)
        ended = up.ended(next_one)

    assert listed.returncode == 0, listed.stderr
    assert up.stored_status(dead) == "FAILURE"
    assert (up.workflow(dead).status, "was killed" in up.workflow(dead).reason) == ("failed", True)
    assert ended == "SUCCESS"
    assert up.workflow(next_one).status == "review"


@pytest.mark.long
def test_a_source_that_the_pages_run_is_refused_to_a_command_which_says_who_holds_it(up: Up, tmp_path: Path) -> None:
    url = up.site("sites/theatre-leeds/")
    key = source_key(url)
    with up.running(tmp_path / "output"):
        up.put_source(url, **SLOW)
        run = up.launch("run_source", partition=key)
        wait_until(lambda: "raw_activities" in up.steps(run))
        refused = up.tripper("run", key)
        ended = up.ended(run)
        states = catalog_status(up, key)

    assert refused.returncode == 1
    assert f"The source {key} is held by run {run}" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert (ended, len(states)) == ("SUCCESS", 1)


@pytest.mark.long
def test_a_run_whose_steps_have_processes_of_their_own_is_alive_to_whoever_looks(up: Up, tmp_path: Path) -> None:
    up.environment["TRIPPER_EXECUTOR"] = "multiprocess"
    url = up.site("sites/theatre-leeds/")
    looks = 0
    with up.running(tmp_path / "output"):
        up.put_source(url, **FAST)
        run = up.launch("run_source", partition=source_key(url))
        while up.status(run) not in ("SUCCESS", "FAILURE", "CANCELED"):
            assert up.tripper("status").returncode == 0
            looks += 1
        ended, workflow = up.status(run), up.workflow(run)

    assert (ended, workflow.status) == ("SUCCESS", "review"), workflow.reason
    assert looks > 5
    assert {one.status for one in workflow.stages} == {"completed", "skipped"}


@pytest.mark.long
def test_a_command_whose_run_is_terminated_in_the_pages_ends_at_its_next_stage(up: Up, tmp_path: Path) -> None:
    url = up.site("sites/theatre-leeds/")
    with up.running(tmp_path / "output"):
        up.put_source(url, **SLOW)
        command = [sys.executable, "-m", "tripper_assets.cli", "run", url]
        with (tmp_path / "told").open("wb") as told:
            process = subprocess.Popen(command, env=up.environment, stdout=told, stderr=told)
        wait_until(lambda: any(one["jobName"] == "run_source" and one["status"] == "STARTED" for one in up.runs()))
        run = next(one["id"] for one in up.runs() if one["jobName"] == "run_source")
        wait_until(lambda: "raw_activities" in up.steps(run))
        up.cancel(run)
        code = process.wait(60)
        ended = up.ended(run)
        states = catalog_status(up, source_key(url))

    assert (code, ended, states) == (1, "CANCELED", ["canceled"]), (tmp_path / "told").read_text()
    assert "Traceback" not in (tmp_path / "told").read_text()


@pytest.mark.long
def test_with_steps_in_processes_of_their_own_an_outage_fails_the_run_and_a_retry_goes_on(
    up: Up, tmp_path: Path, homes: str | None
) -> None:
    with tempfile.TemporaryDirectory(prefix="tripper-tests-", dir=homes) as folder:
        Path(folder).chmod(0o755)
        server = EmbeddedPostgres(Path(folder))
        up.environment |= {"TRIPPER_EXECUTOR": "multiprocess", "TRIPPER_DATABASE_URL": server.ensure_started()}
        url = up.site("sites/theatre-leeds/")
        assert up.tripper("db", "upgrade").returncode == 0
        with up.running(tmp_path / "output"):
            up.put_source(url, **SLOW)
            run = up.launch("run_source", partition=source_key(url))
            wait_until(lambda: "raw_activities" in up.steps(run))
            time.sleep(1)
            server.stop()
            ended = up.ended(run)
            server.ensure_started()
            wait_until(lambda: catalog_status(up, source_key(url)) == ["failed"])
            crawled = _crawl(up, run)
            retried = up.tripper("retry", run, "--json")
            crawled_after = _crawl(up, run)
        server.stop()

    assert ended == "FAILURE"
    assert retried.returncode == 0, retried.stderr
    assert json.loads(retried.stdout)["status"] == "review"
    assert crawled["status"] == "completed"  # in the process that had begun it
    assert crawled_after == crawled  # and not once more


def _crawl(up: Up, workflow: str) -> dict[str, Any]:
    """Return what the catalog says of a workflow's crawl."""
    stages = json.loads(up.tripper("status", workflow, "--json").stdout)["stages"]
    return next(one for one in stages if one["asset"] == "raw_activities")


def _kill_all(up: Up) -> None:
    """Kill every process of a home at once, as a power cut does."""
    for process in psutil.process_iter():
        try:
            knows = process.environ().get("TRIPPER_HOME") == str(up.home) or str(up.home) in " ".join(process.cmdline())
            if knows and process.pid != os.getpid():
                process.kill()
        except psutil.Error:
            continue


@pytest.mark.long
@pytest.mark.timeout(1500)  # two starts and a dozen ticks, which take half a minute each
def test_a_daemon_killed_between_ticks_loses_no_message_and_repeats_none(up: Up, tmp_path: Path) -> None:
    with serve() as inbox:
        inbox.answer("/hook", Answer(200))
        up.environment["TRIPPER_WEBHOOK_URL"] = inbox.url("/hook")
        url = up.site("sites/theatre-leeds/")
        with up.running(tmp_path / "first"):
            up.put_source(url, **FAST)
            _ticked(up, "notification_sensor")  # from now on people are told
            before = up.launch("scrape_source", partition=source_key(url))
            wait_until(lambda: _told_of(inbox, before), seconds=300)
            running = running_up(up.home)
            assert running
            os.kill(running.sessions[2], signal.SIGKILL)
            wait_until(lambda: running_up(up.home) is None)

        meanwhile = up.tripper("run", "http://127.0.0.1:9/gone/", "--json")
        with up.running(tmp_path / "second"):
            failed = json.loads(meanwhile.stdout)["workflow_id"]
            wait_until(lambda: _told_of(inbox, failed), seconds=300)
            began = time.time()
            for sensor in ("notification_sensor", "workflow_status_sensor"):
                _ticked(up, sensor, since=began)

        ids = [asked.headers["webhook-id"] for asked in inbox.requests]

    assert (up.workflow(before).status, up.workflow(failed).status) == ("review", "failed")
    assert len(ids) == len(set(ids)) == 2


def _told_of(inbox: LoopbackSite, workflow: str) -> bool:
    return any(workflow.encode() in asked.body for asked in inbox.requests)


def _ticked(up: Up, sensor: str, since: float = 0) -> None:
    """Wait until a sensor has ended a tick that began after a time."""

    def has() -> bool:
        with sqlite3.connect(up.home / "dagster" / "schedules" / "schedules.db") as ticks:
            found = ticks.execute(
                "SELECT count(*) FROM job_ticks WHERE tick_body LIKE ? AND status IN ('SKIPPED', 'SUCCESS') AND timestamp >= ?",
                [f'%"{sensor}"%', datetime.fromtimestamp(since, UTC).strftime("%Y-%m-%d %H:%M:%S")],
            ).fetchone()
        return bool(found[0])

    wait_until(has, seconds=200)
