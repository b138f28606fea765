"""Sources, claims and workflows in files do what those in a catalog do: the same calls leave the same behind."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tripper_assets.catalog.claims import SourceClaims
from tripper_assets.catalog.database import Database
from tripper_assets.catalog.file_tables import FileClaims, FileSources, JsonFile
from tripper_assets.catalog.file_workflows import FileWorkflows
from tripper_assets.catalog.sources import SourceRegistry
from tripper_assets.catalog.without_database import NoCatalogError, NoDatabase
from tripper_assets.catalog.workflows import Workflows
from tripper_assets.domain.claims import Claim
from tripper_assets.domain.errors import ConfigurationError, NotFoundError, PermanentError
from tripper_assets.domain.sources import Location, make_source, parse_config
from tripper_assets.domain.workflows import ImportSummary, Workflow, WorkflowError, WorkflowFile

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ZOO, FARM = make_source("https://zoo.example/"), make_source("https://farm.example/")
BONN = Location(id="bonn", name="Bonn", country_code="DE")


@pytest.fixture(params=["database", "files"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> SourceRegistry:
    if request.param == "files":
        return FileSources(tmp_path, NoDatabase())
    return SourceRegistry(request.getfixturevalue("database"))


@pytest.fixture(params=["database", "files"])
def workflows(request: pytest.FixtureRequest, tmp_path: Path) -> Workflows:
    if request.param == "files":
        return FileWorkflows(tmp_path, lambda: AT)
    database: Database = request.getfixturevalue("database")
    SourceRegistry(database).sync([ZOO, FARM])
    return Workflows(database)


@pytest.fixture(params=["database", "files"])
def claims(request: pytest.FixtureRequest, tmp_path: Path) -> SourceClaims:
    if request.param == "files":
        return FileClaims(tmp_path, NoDatabase())
    database: Database = request.getfixturevalue("database")
    SourceRegistry(database).sync([ZOO, FARM])
    return SourceClaims(database)


def test_sources_and_locations_are_kept_and_listed_by_key(registry: SourceRegistry) -> None:
    registry.add_location(BONN)
    zoo = make_source(ZOO.url, parse_config({"max_pages": 7}, subject="x"), location_id="bonn")
    registry.add(zoo)
    registry.add(FARM)

    known = registry.add(ZOO)  # stays as it was
    removed = (registry.remove(FARM.key), registry.remove(FARM.key))

    assert (known, registry.list(), removed) == (zoo, [zoo], (True, False))
    assert (registry.get(zoo.key), registry.get(FARM.key)) == (zoo, None)
    assert (registry.locations(), registry.get_location("bonn"), registry.get_location("köln")) == ([BONN], BONN, None)


def test_a_sync_says_what_it_did_and_is_all_or_nothing(registry: SourceRegistry) -> None:
    changed = make_source(ZOO.url, parse_config({"max_pages": 7}, subject="x"))
    registry.sync([ZOO, FARM])

    done = registry.sync([changed], prune=True)
    with pytest.raises(NotFoundError, match="names the location nowhere"):
        registry.sync([make_source("https://a.example/"), make_source("https://b.example/", location_id="nowhere")])
    with pytest.raises(PermanentError, match="has the same key"):
        registry.add(ZOO.model_copy(update={"url": "https://other.example/"}))

    assert (done.updated, done.removed, done.added) == ([ZOO.key], [FARM.key], [])
    assert registry.list() == [changed]


def claim(run_id: str, source_key: str = ZOO.key) -> Claim:
    return Claim(
        source_key=source_key, run_id=run_id, workflow_id="w", host="here", pid=1, process_started=0.5, claimed_at=AT
    )


def test_one_of_many_has_a_source_until_it_is_released(claims: SourceClaims) -> None:
    answers: dict[str, Claim | None] = {}

    def take(run_id: str) -> None:
        answers[run_id] = claims.take(claim(run_id))

    threads = [Thread(target=take, args=[str(number)]) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [winner] = [run_id for run_id, held in answers.items() if held is None]

    assert {held.run_id for held in answers.values() if held} == {winner}
    assert claims.take(claim(winner)) is None
    assert claims.take(claim("farm", FARM.key)) is None
    assert sorted(one.run_id for one in claims.list()) == sorted([winner, "farm"])
    claims.release(winner)
    claims.release(winner)
    assert (claims.get(ZOO.key), claims.get(FARM.key)) == (None, claim("farm", FARM.key))


def new(name: str = "workflow-1", **fields: Any) -> Workflow:
    given = {"source_key": ZOO.key, "source_url": ZOO.url, "status": "queued", "config": {"a": 1}, "created_at": AT}
    return Workflow.model_validate({"id": name, **given, **fields})


def read(workflows: Workflows, name: str = "workflow-1") -> Workflow:
    found = workflows.get(name)
    assert found is not None
    return found


def stored(uri: str) -> WorkflowFile:
    return WorkflowFile(asset="final_jsonl", run_id="r", uri=uri, bytes=1, rows=1, sha256="a", created_at=AT)


Step = Callable[[Workflows], object]
HISTORY: list[Step] = [
    lambda them: them.start(new(), BONN),
    lambda them: them.set_status("workflow-1", "running", at=AT),
    lambda them: them.stage_started("workflow-1", "b", AT, run_id="r1"),
    lambda them: them.stage_progress("workflow-1", "b", {"rows": 1}, 0.5),
    lambda them: them.stage_progress("workflow-1", "b", {"rows": 2}, 0.25),
    lambda them: them.stage_progress("workflow-1", "unknown", {}, 0.25),
    lambda them: them.stage_started("workflow-1", "b", AT + HOUR, run_id="r1"),
    lambda them: them.stage_ended("workflow-1", "a", "completed", AT, {"rows": 3}),
    lambda them: them.stage_ended("workflow-1", "b", "failed", AT, {}),
    lambda them: them.add_error("workflow-1", WorkflowError(stage="b", kind="X", message="No.", at=AT)),
    lambda them: them.add_error("workflow-1", WorkflowError(stage="b", kind="X", message="No.", at=AT)),
    lambda them: them.add_file("workflow-1", stored("memory:/1")),
    lambda them: them.add_file("workflow-1", stored("memory:/1").model_copy(update={"created_at": AT + HOUR})),
    lambda them: them.mark_deleted("workflow-1", ["memory:/1"], AT + HOUR),
    lambda them: them.set_status("workflow-1", "failed", "b: No.", at=AT - HOUR),
    lambda them: them.start(new(status="running", started_at=AT + HOUR)),
    lambda them: them.stage_started("workflow-1", "b", AT + HOUR, run_id="r2"),
    lambda them: them.add_file("workflow-1", stored("memory:/1").model_copy(update={"created_at": AT + HOUR})),
]  # fmt: skip


def test_every_step_leaves_a_workflow_in_files_as_it_leaves_one_in_the_catalog(
    database: Database, tmp_path: Path
) -> None:
    SourceRegistry(database).sync([ZOO, FARM])
    of_database, of_files = Workflows(database), FileWorkflows(tmp_path, lambda: AT)

    for number, step in enumerate(HISTORY):
        step(of_database)
        step(of_files)

        assert read(of_files) == read(of_database), number


def test_what_one_refuses_the_other_refuses_too(workflows: Workflows) -> None:
    workflows.start(new())
    workflows.start(new("workflow-2"))

    for refused, message in (
        (lambda: workflows.start(new(source_key=FARM.key)), "belongs to"),
        (lambda: workflows.set_status("workflow-1", "completed"), "is queued and cannot become completed"),
        (lambda: workflows.get("work"), "is the beginning of several workflows"),
        (lambda: workflows.stage_started("nobody", "a", AT), "There is no workflow nobody"),
    ):
        with pytest.raises(PermanentError, match=message):
            refused()
    assert (workflows.get("wor"), workflows.get("nobody")) == (None, None)
    assert read(workflows, "workflow-2").id == "workflow-2"


def test_workflows_are_listed_from_the_newest_by_source_and_state(workflows: Workflows) -> None:
    workflows.start(new("old"))
    workflows.start(new("newer", created_at=AT + HOUR, status="running"))
    workflows.start(new("farm", created_at=AT + HOUR, source_key=FARM.key))

    assert [one.id for one in workflows.list()] == ["farm", "newer", "old"]
    assert [one.id for one in workflows.list(limit=1)] == ["farm"]
    assert [one.id for one in workflows.list(ZOO.key, "running")] == ["newer"]


def test_decisions_and_imports_say_what_they_need(tmp_path: Path) -> None:
    workflows = FileWorkflows(tmp_path, lambda: AT)
    workflows.start(new())

    with pytest.raises(ConfigurationError, match=r"needs the catalog, and TRIPPER_DATABASE_URL is none; unset it"):
        workflows.decide("workflow-1", "a" * 64, "approved", "ann", AT)
    with pytest.raises(ConfigurationError, match="An import needs the catalog"):
        workflows.set_import_summary("workflow-1", ImportSummary(), 0)
    with pytest.raises(NoCatalogError, match="This needs the catalog"), NoDatabase().connection():
        pass
    with pytest.raises(NoCatalogError, match="This needs the catalog"):
        NoDatabase().check()


def test_an_error_leaves_a_file_as_it_was_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    file = JsonFile(tmp_path / "some" / "file.json")
    with file.changed() as value:
        value["a"] = 1
    with pytest.raises(ZeroDivisionError), file.changed() as value:
        value["a"] = 1 / 0
    unchanged = file.read()
    (tmp_path / "some" / "file.json").write_text("{")

    with pytest.raises(PermanentError, match=r"file\.json cannot be read .* mend it or remove it"):
        file.read()
    assert unchanged == {"a": 1}
