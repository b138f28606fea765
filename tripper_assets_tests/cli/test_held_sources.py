"""A source that another process works on: each command that would work on it says who does, and begins nothing."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tripper_assets.catalog.database import Database
from tripper_assets.clients.processes import ProcessIdentity
from tripper_assets.demo.server import DemoServer
from tripper_assets.domain.sources import Source, SourceConfig, make_source
from tripper_assets.domain.workflows import Workflow, WorkflowFile
from tripper_assets.reconciliation import KILLED
from tripper_assets.resources import Catalog, catalog_on, utc_now
from tripper_assets_tests.claimed import claim_by, dead_process, other_process
from tripper_assets_tests.cli.conftest import Shell, dagster_instance
from tripper_assets_tests.clients.loopback import Answer, Asked, serve

AT = utc_now()


@pytest.fixture
def source(site: DemoServer) -> Source:
    config = SourceConfig(delay_seconds=0, timezone="Europe/London", country_code="GB")
    return make_source(f"{site.url}sites/theatre-leeds/", config)


@pytest.fixture
def catalog(shell: Shell, source: Source) -> Generator[Catalog]:
    """The catalog of the shell, with the source."""
    database = Database(shell.environment["TRIPPER_DATABASE_URL"])
    catalog = catalog_on(database, shell.home)
    catalog.sources.sync([source])
    yield catalog
    database.dispose()


@pytest.fixture
def in_review(catalog: Catalog, source: Source) -> str:
    """A workflow whose bundle waits for a decision."""
    row = Workflow(
        id="waits-for-ada", source_key=source.key, source_url=source.url, status="review", config={}, created_at=AT
    )  # fmt: skip
    catalog.workflows.start(row)
    bundle = WorkflowFile(
        asset="final_jsonl", run_id="r", uri="file:///x", bytes=1, rows=1, sha256="b" * 64, created_at=AT
    )  # fmt: skip
    catalog.workflows.add_file(row.id, bundle)
    return row.id


@pytest.fixture
def failed(catalog: Catalog, source: Source) -> str:
    row = Workflow(
        id="failed-once", source_key=source.key, source_url=source.url, status="failed", config={}, created_at=AT
    )
    catalog.workflows.start(row)
    return row.id


@pytest.fixture
def holder(catalog: Catalog, source: Source) -> Generator[ProcessIdentity]:
    """Another process that works on the source."""
    with other_process() as process:
        assert catalog.claims.take(claim_by(process, source.key, "another-run", "another-workflow")) is None
        yield process


def sentence(holder: ProcessIdentity, source: Source, catalog: Catalog) -> str:
    claim = catalog.claims.get(source.key)
    assert claim is not None
    return (
        f"The source {source.key} is held by run another-run since {claim.claimed_at:%Y-%m-%d %H:%M} UTC "
        f"(process {holder.pid} on {holder.host}); wait for its end or cancel it, and try again."
    )


def rows(catalog: Catalog) -> list[tuple[str, str]]:
    return [(one.id, one.status) for one in catalog.workflows.list()]


def test_a_run_says_who_works_there_and_leaves_no_workflow(
    shell: Shell, catalog: Catalog, source: Source, holder: ProcessIdentity, site: DemoServer
) -> None:
    answers = site.answers.total()

    said = shell("run", source.url, "--json")

    assert (said.code, said.error) == (1, sentence(holder, source, catalog))
    assert said.out == ""
    assert rows(catalog) == []
    assert site.answers.total() == answers
    with dagster_instance(shell) as instance:
        assert instance.get_runs() == []


def test_an_import_says_so_too_and_nobody_has_decided(
    shell: Shell, catalog: Catalog, source: Source, in_review: str, holder: ProcessIdentity
) -> None:
    said = shell("import", in_review)

    assert (said.code, said.error) == (1, sentence(holder, source, catalog))
    assert rows(catalog) == [(in_review, "review")]
    assert catalog.workflows.decision_for("b" * 64, source.key) is None


def test_a_retry_says_so_too_and_the_workflow_does_not_seem_to_run(
    shell: Shell, catalog: Catalog, source: Source, failed: str, holder: ProcessIdentity
) -> None:
    said = shell("retry", failed)

    assert (said.code, said.error) == (1, sentence(holder, source, catalog))
    assert rows(catalog) == [(failed, "failed")]


def test_a_source_that_is_worked_on_is_not_removed(
    shell: Shell, catalog: Catalog, source: Source, holder: ProcessIdentity
) -> None:
    said = shell("sources", "remove", source.key)

    assert (said.code, said.error) == (1, sentence(holder, source, catalog))
    assert catalog.sources.get(source.key) == source


def test_another_source_can_be_run_meanwhile(
    shell: Shell, catalog: Catalog, site: DemoServer, holder: ProcessIdentity, tmp_path: Path
) -> None:
    assert not holder.is_gone()
    config = tmp_path / "config.yaml"
    config.write_text("{delay_seconds: 0, timezone: Europe/Amsterdam, country_code: NL}")

    said = shell("run", f"{site.url}sites/museum-utrecht/", "--config", config, "--json")

    assert (said.code, said.json["status"]) == (0, "review")
    assert [claim.run_id for claim in catalog.claims.list()] == ["another-run"]


def test_the_first_command_after_a_kill_shows_the_workflow_as_failed_and_frees_its_source(
    shell: Shell, catalog: Catalog, source: Source
) -> None:
    row = Workflow(
        id="killed", source_key=source.key, source_url=source.url, status="running", config={}, created_at=AT
    )
    catalog.workflows.start(row)
    catalog.workflows.stage_started("killed", "images_map", AT, run_id="killed-run")
    assert catalog.claims.take(claim_by(dead_process(), source.key, "killed-run", "killed")) is None

    (shown,) = shell("status", "--json").json

    assert (shown["id"], shown["status"], shown["reason"]) == ("killed", "failed", KILLED)
    assert catalog.claims.list() == []
    assert KILLED in shell("status", "killed").out
    assert shell("sources", "remove", source.key).code == 0


def test_a_run_after_a_kill_takes_the_source_over(shell: Shell, catalog: Catalog, source: Source) -> None:
    row = Workflow(
        id="killed", source_key=source.key, source_url=source.url, status="running", config={}, created_at=AT
    )
    catalog.workflows.start(row)
    assert catalog.claims.take(claim_by(dead_process(), source.key, "killed-run", "killed")) is None

    said = shell("run", source.url, "--json")

    assert (said.code, said.json["status"]) == (0, "review")
    assert rows(catalog) == [(said.json["workflow_id"], "review"), ("killed", "failed")]
    assert catalog.claims.list() == []


def test_a_run_leaves_its_source_free_whether_it_succeeds_or_fails(
    shell: Shell, catalog: Catalog, source: Source
) -> None:
    failed = shell("run", source.url, "--json", TRIPPER_ALLOW_PRIVATE_ADDRESSES="")
    after_failure = catalog.claims.list()
    done = shell("run", source.url, "--json")

    assert (failed.code, done.code) == (1, 0)
    assert (after_failure, catalog.claims.list()) == ([], [])


@contextmanager
def running(shell: Shell, url: str) -> Generator[subprocess.Popen[bytes]]:
    """Start `tripper run` in a process of its own, with a home and a catalog of the shell."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TRIPPER_", "DAGSTER_"))}
    command = [sys.executable, "-m", "tripper_assets.cli", "run", url, "--json"]
    environment = kept | shell.environment
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("number", "code", "status", "reason"),
    [
        (signal.SIGTERM, 130, "canceled", "The run was interrupted; run the source again, and it goes on from"),
        pytest.param(
            signal.SIGINT,
            130,
            "canceled",
            "The run was interrupted; run the source again, and it goes on from",
            marks=pytest.mark.long,
        ),
        (signal.SIGKILL, -signal.SIGKILL, "failed", KILLED),
    ],
)
def test_a_run_that_is_ended_from_outside_holds_its_source_until_then_and_no_longer(
    shell: Shell, catalog: Catalog, number: signal.Signals, code: int, status: str, reason: str
) -> None:
    asked, answer = threading.Event(), threading.Event()

    def slow(_: Asked) -> Answer:
        asked.set()
        answer.wait(60)
        return Answer()

    with serve() as pages, running(shell, pages.url()) as process:
        pages.fallback = slow
        assert asked.wait(60)
        meanwhile = shell("run", pages.url())
        process.send_signal(number)
        ended = process.wait(60)
        answer.set()
    (shown,) = shell("status", "--json").json

    assert meanwhile.code == 1
    assert f"(process {process.pid} on " in meanwhile.error
    assert ended == code
    assert (shown["status"], reason in shown["reason"]) == (status, True)
    assert catalog.claims.list() == []
    with dagster_instance(shell) as instance:
        assert [run.is_finished for run in instance.get_runs()] == [True]


@pytest.mark.usefixtures("holder")
def test_a_source_that_a_process_of_this_machine_works_on_is_not_freed_by_hand(shell: Shell, source: Source) -> None:
    assert shell("sources", "free", source.key).code == 1


def test_a_source_that_a_machine_holds_which_is_gone_is_freed_by_hand(
    shell: Shell, catalog: Catalog, source: Source
) -> None:
    mine = ProcessIdentity.mine()
    catalog.claims.take(claim_by(ProcessIdentity("gone-box", mine.pid, mine.started), source.key, "lost-run"))

    refused = shell("run", source.key)
    freed = shell("sources", "free", source.key)
    again = shell("sources", "free", source.key)

    assert f"if gone-box is gone, `tripper sources free {source.key}` frees it" in refused.error
    assert freed.out.startswith(f"{source.key} is free; run lost-run on gone-box held it since ")
    assert again.out == f"{source.key} is free.\n"
    assert catalog.claims.list() == []


def test_an_interruption_before_the_first_step_leaves_a_canceled_workflow_and_a_free_source(
    shell: Shell, catalog: Catalog, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tripper_assets.definitions.build_definitions", interrupted)

    said = shell("run", source.key)

    assert said.code == 130
    assert [(one.status, one.reason) for one in catalog.workflows.list()] == [
        ("canceled", "Interrupted before the first step.")
    ]
    assert catalog.claims.list() == []


@pytest.mark.parametrize(
    "word", ["false", *(pytest.param(one, marks=pytest.mark.long) for one in ('"no"', '"off"', "0"))]
)
def test_a_configuration_that_says_no_in_any_way_imports_nothing(
    shell: Shell, catalog: Catalog, source: Source, tmp_path: Path, word: str
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(f"auto_import: {word}")

    said = shell("run", source.key, "--config", path, "--json")

    assert (said.code, said.json["status"], said.json["import"]) == (0, "review", {})
    assert [one.overrides for one in catalog.workflows.list()] == [{"auto_import": False}]
    assert [one.auto_import for one in catalog.pending_imports.list()] == [False]
