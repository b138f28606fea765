"""A PostgreSQL that goes away in the middle of a run: what costs nothing goes on, nothing is lost, and a retry ends as if it had stayed."""

import shutil
import tempfile
import threading
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from tripper_assets.catalog.activities import current_activities
from tripper_assets.catalog.database import Database
from tripper_assets.catalog.embedded_postgres import EmbeddedPostgres
from tripper_assets.catalog.spooled_workflows import SpooledWorkflows
from tripper_assets.catalog.workflows import Workflows
from tripper_assets.demo.server import DemoServer
from tripper_assets.domain.workflows import Workflow
from tripper_assets_tests.cli.conftest import Shell, site
from tripper_assets_tests.conftest import FAST

__all__ = ["site"]  # a fixture
CONFIG = "{delay_seconds: 0, timezone: Europe/London, country_code: GB, auto_import: true}"
GOES_ON = ("activities", "embedding_batch", "geocoded_map", "images_map", "embeddings_map", "final_jsonl")
NEEDS_IT = ("raw_activities", "activity_diff", "imported_activities")


@dataclass
class Server:
    """A PostgreSQL of the operator: nobody but the operator starts it again."""

    postgres: EmbeddedPostgres
    names: list[str] = field(default_factory=list)

    def new_database(self) -> str:
        url = make_url(self.postgres.ensure_started())
        name = f"outage_{len(self.names)}"
        with psycopg.connect(host=str(url.query["host"]), user="postgres", dbname="postgres", autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {name}")  # pyright: ignore[reportArgumentType, reportCallIssue]
        self.names.append(name)
        made = url.set(database=name).render_as_string()
        database = Database(made)
        database.upgrade()
        database.dispose()
        return made


@pytest.fixture(scope="module")
def server(homes: str | None) -> Generator[Server]:
    home = Path(tempfile.mkdtemp(prefix="tripper-tests-", dir=homes))
    home.chmod(0o755)
    server = Server(EmbeddedPostgres(home, settings=FAST))
    yield server
    server.postgres.stop()
    shutil.rmtree(home)


@dataclass(frozen=True)
class World:
    """A shell whose catalog is in the operator's server, and a source."""

    shell: Shell
    server: Server
    url: str
    config: Path

    def run(self) -> Any:
        return self.shell("run", self.url, "--config", self.config, "--json")

    @property
    def database(self) -> Database:
        return Database(self.shell.environment["TRIPPER_DATABASE_URL"])

    def workflow(self) -> Workflow:
        database = self.database
        (found,) = Workflows(database).list()
        database.dispose()
        return found

    def events(self, workflow: Workflow) -> list[str]:
        """Return what happened, in the order in which it is kept."""
        database = self.database
        events = Workflows(database).events(workflow.id)
        database.dispose()
        return [f"{kind} {payload.get('asset', '')}".strip() for kind, payload, _ in events]

    def records(self) -> dict[str, Any]:
        database = self.database
        held = current_activities(database, self.workflow().source_key)
        database.dispose()
        return {one["id"]: _placeless(one) for one in held}


def _placeless(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record without when its page was read and where its pictures are stored."""
    kept = {name: record[name] for name in record if name not in ("provenance", "content_sha256")}
    return kept | {"image": [_unplaced(image) for image in record.get("image", [])]}


def _unplaced(image: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in image.items() if name != "contentUrl"}
    return kept | ({"thumbnail": _unplaced(kept["thumbnail"])} if "thumbnail" in kept else {})


def new_world(server: Server, folder: Path, site: DemoServer, gazetteer: Path) -> World:
    home = folder / "home"
    home.mkdir()
    (home / gazetteer.name).symlink_to(gazetteer)
    config = folder / "config.yaml"
    config.write_text(CONFIG)
    environment = {
        "TRIPPER_HOME": str(home),
        "TRIPPER_DATABASE_URL": server.new_database(),
        "TRIPPER_ALLOW_PRIVATE_ADDRESSES": "1",
        "TRIPPER_STORE_URL": (folder / "objects").as_uri(),
    }
    return World(Shell(environment), server, f"{site.url}sites/theatre-leeds/", config)


@pytest.fixture
def world(server: Server, tmp_path: Path, site: DemoServer, gazetteer: Path) -> World:
    return new_world(server, tmp_path, site, gazetteer)


@pytest.fixture(scope="module")
def undisturbed(server: Server, tmp_path_factory: pytest.TempPathFactory, site: DemoServer, gazetteer: Path) -> World:
    world = new_world(server, tmp_path_factory.mktemp("undisturbed"), site, gazetteer)
    assert world.run().code == 0
    return world


@pytest.fixture
def stops(server: Server, monkeypatch: pytest.MonkeyPatch) -> Generator["Stops"]:
    stops = Stops(server, monkeypatch)
    yield stops
    if stops.timer:
        stops.timer.join()
    server.postgres.ensure_started()


@dataclass
class Stops:
    """Stops the server when a stage begins, or reports how far it is."""

    server: Server
    monkeypatch: pytest.MonkeyPatch
    timer: threading.Timer | None = None

    def at(self, asset: str, *, back_after: float | None = None, call: str = "stage_started") -> None:
        real = getattr(SpooledWorkflows, call)
        stopped = False

        def stopping(workflows: SpooledWorkflows, workflow_id: str, of: str, *rest: Any, **options: Any) -> None:
            nonlocal stopped
            if of == asset and not stopped:
                stopped = True
                self.server.postgres.stop()
                if back_after is not None:
                    self.timer = threading.Timer(back_after, self.server.postgres.ensure_started)
                    self.timer.start()
            real(workflows, workflow_id, of, *rest, **options)

        self.monkeypatch.setattr(SpooledWorkflows, call, stopping)


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.long
@pytest.mark.parametrize("stage", [*GOES_ON, *NEEDS_IT])
def test_a_run_whose_catalog_goes_away_keeps_what_it_did_and_a_retry_ends_it(
    world: World, undisturbed: World, stops: Stops, site: DemoServer, stage: str
) -> None:
    stops.at(stage)
    said = world.run()
    world.server.postgres.ensure_started()
    status = world.shell("status")
    broken = world.workflow()
    happened = world.events(broken)
    site.answers.clear()

    retried = world.shell("retry", broken.id, "--json")

    fails = stage if stage in NEEDS_IT else "activity_diff"
    wanted = _starts_and_ends(undisturbed.events(undisturbed.workflow()))
    count = wanted.index(f"stage_started {fails}") + 1
    assert said.code == 1
    assert "does not answer" in said.error
    assert status.code == 0
    assert (broken.status, broken.reason.split(":")[0]) == ("failed", fails)
    assert {one.asset: one.status for one in broken.stages if one.asset != fails} == {
        one.asset: "completed" for one in broken.stages if one.asset != fails
    }
    assert all(one.ended_at is not None for one in broken.stages)
    assert _starts_and_ends(happened)[:count] == wanted[:count]
    assert retried.code == 0, retried.err
    assert retried.json["status"] == "completed"
    assert world.records() == undisturbed.records()
    if fails != "raw_activities":
        assert not site.answers


def _starts_and_ends(events: list[str]) -> list[str]:
    return [one for one in events if one.startswith(("stage_started", "stage_completed"))]


@pytest.mark.parametrize(
    "stage",
    [pytest.param(one, marks=() if one == "activity_diff" else pytest.mark.long) for one in (*GOES_ON, *NEEDS_IT)],
)
def test_a_run_whose_catalog_comes_back_in_time_ends_as_if_it_had_stayed(
    world: World, undisturbed: World, stops: Stops, stage: str
) -> None:
    stops.at(stage, back_after=1.5)

    said = world.run()

    assert said.code == 0, said.err
    assert said.json["status"] == "completed"
    assert world.records() == undisturbed.records()
    workflow = world.workflow()
    assert {one.asset: one.status for one in workflow.stages} == dict.fromkeys(
        (one.asset for one in undisturbed.workflow().stages), "completed"
    )
    kept = [one for one in world.events(workflow) if one.split()[0] in ("stage_completed", "imported")]
    wanted = [
        one for one in undisturbed.events(undisturbed.workflow()) if one.split()[0] in ("stage_completed", "imported")
    ]
    assert kept == wanted
    assert not list((world.shell.home / "spool").glob("*.jsonl"))


@pytest.mark.usefixtures("no_waiting")
def test_a_crawl_goes_on_without_the_catalog_and_its_pages_are_known_to_the_next(
    world: World, undisturbed: World, stops: Stops, site: DemoServer
) -> None:
    stops.at("raw_activities", call="stage_progress")
    world.run()
    world.server.postgres.ensure_started()
    site.answers.clear()

    again = world.run()

    assert again.code == 0, again.err
    assert again.json["calls"]["pages"] == 0
    assert again.json["calls"]["not_modified"] == undisturbed_pages(undisturbed)


def undisturbed_pages(world: World) -> int:
    stages = {stage.asset: stage for stage in world.workflow().stages}
    return int(stages["raw_activities"].counts["fetched"])


@pytest.mark.usefixtures("no_waiting")
def test_a_run_that_finds_the_catalog_down_begins_nothing(world: World, stops: Stops) -> None:
    world.server.postgres.stop()

    said = world.run()

    world.server.postgres.ensure_started()
    assert said.code == 1
    assert "does not answer" in said.error
    assert stops.timer is None
    database = world.database
    assert Workflows(database).list() == []
    database.dispose()
