"""The API over a real catalog and an orchestrator that remembers what it was asked."""

import itertools
from collections.abc import Callable, Collection, Generator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from tripper_assets.api.app import create_app
from tripper_assets.api.context import ApiContext
from tripper_assets.catalog.database import Database
from tripper_assets.clients.objects import Objects
from tripper_assets.clients.orchestrator import Health, Launch, OrchestratedRun
from tripper_assets.domain.errors import PermanentError, TransientError
from tripper_assets.domain.sources import Source, make_source
from tripper_assets.domain.workflows import Workflow, WorkflowStatus
from tripper_assets.resources import catalog_on
from tripper_assets.settings import Settings

TOKEN = "the-token-of-the-tests-0123456789"
AT = datetime(2026, 5, 1, 12, tzinfo=UTC)


@dataclass
class FakeOrchestrator:
    """Keeps runs as Dagster does: a launched run is queued until a test says otherwise, and one that ends is canceled."""

    launched: list[Launch] = field(default_factory=list[Launch])
    found: dict[str, list[OrchestratedRun]] = field(default_factory=dict[str, list[OrchestratedRun]])
    is_up: bool = True
    refuses: str = ""
    """Why every launch is refused; empty where none is."""
    foreign: set[str] = field(default_factory=set[str])
    """Runs that only the command that started them can end."""
    before_launch: Callable[[], object] = lambda: None
    """What else happens while a run is launched."""

    def launch(self, wanted: Launch) -> str:
        self._answer()
        if self.refuses:
            raise PermanentError(self.refuses)
        self.before_launch()
        self.launched.append(wanted)
        name = f"run-{len(self.launched)}"
        self.found.setdefault(wanted.workflow_id, []).insert(0, OrchestratedRun(name, "QUEUED"))
        return name

    def runs(self, workflow_id: str) -> list[OrchestratedRun]:
        self._answer()
        return list(self.found.get(workflow_id, []))

    def end(self, run_ids: Collection[str]) -> int:
        self._answer()
        wanted, count = set(run_ids) - self.foreign, 0
        for runs in self.found.values():
            for at, one in enumerate(runs):
                if one.id in wanted and not (one.is_over or one.is_ending):
                    runs[at], count = replace(one, status="CANCELED"), count + 1
        return count

    def health(self) -> Health:
        self._answer()
        return Health(is_loaded=True, beats=True)

    def _answer(self) -> None:
        if not self.is_up:
            raise TransientError("Dagster does not answer; start it with `tripper up`.")


@dataclass
class World:
    """What a test of the API has: the app's context, what it is asked with, and how rows get into the catalog."""

    context: ApiContext
    orchestrator: FakeOrchestrator
    client: TestClient
    """Signed in as a program."""
    stranger: TestClient
    """Without the token."""
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    @property
    def database(self) -> Database:
        return self.context.database

    def source(self, host: str = "zoo.example") -> Source:
        return self.context.catalog.sources.add(make_source(f"https://{host}/"))

    def workflow(self, status: WorkflowStatus = "running", *, source: Source | None = None) -> str:
        source = source or self.source()
        number = next(self._numbers)
        made = Workflow(
            id=f"workflow-{number}",
            source_key=source.key,
            source_url=source.url,
            status=status,
            config=source.config.model_dump(mode="json"),
            created_at=AT + timedelta(minutes=number),
        )
        self.context.catalog.workflows.start(made)
        return made.id

    def status(self, workflow_id: str) -> str:
        found = self.context.catalog.workflows.get(workflow_id)
        assert found is not None
        return found.status


def make_context(database: Database, home: Path, orchestrator: FakeOrchestrator, *, public: bool = False) -> ApiContext:
    settings = Settings(home=home, store_url=(home / "objects").as_uri(), public_search=public)
    return ApiContext(
        settings=settings,
        catalog=catalog_on(database, home),
        store=Objects(settings.objects_url),
        orchestrator=orchestrator,
        clock=lambda: AT,
        token=SecretStr(TOKEN),
        public_search=public,
    )


MakeWorld = Callable[..., World]


@pytest.fixture
def make_world(database: Database, tmp_path: Path, gazetteer: Path) -> Generator[MakeWorld]:
    clients: list[TestClient] = []
    (tmp_path / gazetteer.name).symlink_to(gazetteer)

    def made(*, public: bool = False) -> World:
        orchestrator = FakeOrchestrator()
        context = make_context(database, tmp_path, orchestrator, public=public)
        app = create_app(context)
        signed_in = TestClient(app, headers={"Authorization": f"Bearer {TOKEN}"}, follow_redirects=False)
        stranger = TestClient(app, follow_redirects=False)
        signed_in.__enter__()
        clients.append(signed_in)
        return World(context, orchestrator, signed_in, stranger)

    yield made
    for client in clients:
        client.__exit__(None, None, None)


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    return make_world()
