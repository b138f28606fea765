"""The instance's own files: the same as Dagster's, whoever wrote them, with few engines."""

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy
import yaml

from tripper_assets import instance_storage
from tripper_assets.cli.instance_file import instance_file
from tripper_assets.cli.session import prepare_home
from tripper_assets.instance_storage import Engines
from tripper_assets.settings import Settings
from tripper_assets_tests.waiting import wait_until


@dg.asset
def counted() -> dg.MaterializeResult[Any]:
    return dg.MaterializeResult(metadata={"rows": 7})


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], dg.DagsterInstance]:
    """Open one home as the commands make it, or with Dagster's own storage."""
    settings = Settings(home=tmp_path)
    monkeypatch.setenv("DAGSTER_HOME", "")  # which is set again afterwards
    monkeypatch.setenv("TRIPPER_HOME", "")
    prepare_home(settings)
    file = settings.dagster_home / "dagster.yaml"

    def opened(is_ours: bool) -> dg.DagsterInstance:  # noqa: FBT001 (one of two)
        prepare_home(settings)
        if not is_ours:
            shown = yaml.safe_load(file.read_text(encoding="utf-8"))
            del shown["storage"]
            file.write_text(yaml.safe_dump(shown), encoding="utf-8")
        return dg.DagsterInstance.from_config(str(settings.dagster_home))

    return opened


def seen(instance: dg.DagsterInstance, run_id: str) -> tuple[str, int, int]:
    """Return the status of a run, how many of its events there are, and what it says of its asset."""
    run = instance.get_run_by_id(run_id)
    event = instance.get_latest_materialization_event(dg.AssetKey("counted"))
    assert run
    assert event
    assert event.asset_materialization
    rows = event.asset_materialization.metadata["rows"].value
    assert isinstance(rows, int)
    return run.status.value, len(instance.all_logs(run_id)), rows


@pytest.mark.parametrize("is_ours", [True, False])
def test_what_one_storage_wrote_the_other_reads(
    instance: Callable[[bool], dg.DagsterInstance],
    is_ours: bool,  # noqa: FBT001
) -> None:
    with instance(is_ours) as writing:
        run = dg.materialize([counted], instance=writing)
        written = seen(writing, run.run_id)

    with instance(not is_ours) as reading:
        assert seen(reading, run.run_id) == written
        assert written[0] == "SUCCESS"
        again = dg.materialize([counted], instance=reading)
        assert [one.run_id for one in reading.get_runs()] == [again.run_id, run.run_id]


def test_a_run_makes_one_engine_for_each_file(
    instance: Callable[[bool], dg.DagsterInstance], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def create_engine(url: str, **given: Any) -> sqlalchemy.Engine:
        made.append(url)
        return sqlalchemy.create_engine(url, **given)

    monkeypatch.setattr(instance_storage, "create_engine", create_engine)
    with instance(True) as ours:
        dg.materialize([counted], instance=ours)

    assert 1 <= len(made) == len(set(made)) <= 4


def test_others_look_while_a_run_writes(instance: Callable[[bool], dg.DagsterInstance]) -> None:
    with instance(True) as ours, ThreadPoolExecutor(3) as others:
        first = dg.materialize([counted], instance=ours)
        looks = [others.submit(seen, ours, first.run_id) for _ in range(30)]
        dg.materialize([counted], instance=ours)

        assert len({look.result() for look in looks}) == 1
        assert [one.status for one in ours.get_runs()] == [dg.DagsterRunStatus.SUCCESS] * 2


def test_who_watches_a_run_hears_of_each_event_at_once(instance: Callable[[bool], dg.DagsterInstance]) -> None:
    with instance(True) as ours:
        run = dg.materialize([counted], instance=ours)
        heard: list[str] = []
        ours.watch_event_logs(run.run_id, None, lambda entry, _cursor: heard.append(entry.message))
        told = [ours.report_engine_event(f"told {number}", run.dagster_run) for number in range(20)]

        wait_until(lambda: len([one for one in heard if one.startswith("told")]) == len(told))


def test_a_fork_goes_on_with_connections_of_its_own(instance: Callable[[bool], dg.DagsterInstance]) -> None:
    ready, go = multiprocessing.get_context("fork").Pipe()
    with instance(True) as ours:
        first = dg.materialize([counted], instance=ours)
        child = os.fork()
        if not child:
            code = 1
            try:
                dg.materialize([counted], instance=ours)
                go.send("wrote")
                go.recv()
                second = dg.materialize([counted], instance=ours)
                code = 0 if seen(ours, second.run_id)[0] == "SUCCESS" else 2
            finally:
                os._exit(code)
        ready.recv()
        assert len(ours.get_runs()) == 2
        instance_storage._engines.before_fork()  # pyright: ignore[reportPrivateUsage] (closes what it keeps, under the child's hands)
        instance_storage._engines.after_fork()  # pyright: ignore[reportPrivateUsage]
        ready.send("closed")
        ended = os.waitpid(child, 0)[1]

        assert ended == 0
        assert len(ours.get_runs()) == 3
        assert seen(ours, first.run_id)[0] == "SUCCESS"


def test_a_file_that_took_anothers_place_is_opened_anew(instance: Callable[[bool], dg.DagsterInstance]) -> None:
    with instance(True) as ours:
        first = dg.materialize([counted], instance=ours)
        ours.event_log_storage.wipe()
        second = dg.materialize([counted], instance=ours)

        assert ours.all_logs(first.run_id) == []
        assert seen(ours, second.run_id)[0] == "SUCCESS"
    with instance(False) as reading:
        assert seen(reading, second.run_id)[0] == "SUCCESS"


def test_the_engine_that_was_not_used_for_longest_is_let_go(tmp_path: Path) -> None:
    engines = Engines(most=2)
    urls = [f"sqlite:///{tmp_path}/{number}.db" for number in range(3)]
    first, second = engines.get(urls[0]), engines.get(urls[1])

    assert engines.get(urls[0]) is first
    engines.get(urls[2])

    assert engines.get(urls[0]) is first
    assert engines.get(urls[1]) is not second


@pytest.mark.parametrize("line", ["storage:\n  sqlite:\n    base_dir: /elsewhere\n", "run_storage: {}\n"])
def test_an_instance_that_names_its_storage_keeps_it(line: str, tmp_path: Path) -> None:
    assert instance_file(f"telemetry: {{}}\n{line}", home=tmp_path, log=None).endswith(line)
