"""A shell for tests: the commands in this process, with a home and a catalog of their own."""

import io
import json
import os
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from tripper_assets.catalog.embedded_postgres import EmbeddedPostgres
from tripper_assets.cli import main
from tripper_assets.demo.server import DemoServer, serve
from tripper_assets_tests.cli.pages_of_dagster import Up
from tripper_assets_tests.conftest import FreshDatabases
from tripper_assets_tests.waiting import new_port

TODAY = date.today()  # noqa: DTZ011 (commands read the clock, and the sample dates lie ahead of it)


@dataclass(frozen=True)
class Said:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> str:
        """The one sentence of a command that failed, after what the stages told."""
        lines = [line for line in self.err.splitlines() if line.startswith("error: ")]
        assert len(lines) == 1, self.err
        assert "Traceback" not in self.err + self.out
        return lines[0].removeprefix("error: ")


@dataclass(frozen=True)
class Shell:
    """Calls commands with an environment; they find nothing of the person's own."""

    environment: dict[str, str] = field(default_factory=dict[str, str])

    def __call__(self, *arguments: object, **environment: str) -> Said:
        out, err = io.BytesIO(), io.BytesIO()
        written = [io.TextIOWrapper(stream, encoding="utf-8", write_through=True) for stream in (out, err)]
        with pytest.MonkeyPatch.context() as patch:
            for name in [name for name in os.environ if name.startswith(("TRIPPER_", "DAGSTER_"))]:
                patch.delenv(name)
            # Commands tell Dagster and their children where the home is; afterwards nobody shall know.
            patch.setenv("DAGSTER_HOME", "")
            for name, value in {**self.environment, **environment}.items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", ["tripper", *map(str, arguments)])
            with redirect_stdout(written[0]), redirect_stderr(written[1]), pytest.raises(SystemExit) as ended:
                main()
        code = ended.value.code
        return Said(code if isinstance(code, int) else 0, out.getvalue().decode(), err.getvalue().decode())

    @property
    def home(self) -> Path:
        return Path(self.environment["TRIPPER_HOME"])


@contextmanager
def dagster_instance(shell: Shell) -> Generator[dg.DagsterInstance]:
    """Open the instance that the shell's commands write to."""
    folder = str(shell.home / "dagster")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", folder)
        with dg.DagsterInstance.from_config(folder) as instance:
            yield instance


@contextmanager
def new_shell(folder: str | None, fresh_databases: FreshDatabases) -> Generator[Shell]:
    """Yield a shell with a home in ``folder`` and a catalog of its own; private addresses of sources are open."""
    with tempfile.TemporaryDirectory(prefix="tripper-home-", dir=folder) as home, fresh_databases() as url:
        yield Shell({"TRIPPER_HOME": home, "TRIPPER_DATABASE_URL": url, "TRIPPER_ALLOW_PRIVATE_ADDRESSES": "1"})


@pytest.fixture
def shell(homes: str | None, fresh_databases: FreshDatabases, gazetteer: Path) -> Generator[Shell]:
    with new_shell(homes, fresh_databases) as shell:
        (shell.home / gazetteer.name).symlink_to(gazetteer)
        yield shell


@pytest.fixture(scope="module")
def module_shell(homes: str | None, fresh_databases: FreshDatabases, gazetteer: Path) -> Generator[Shell]:
    with new_shell(homes, fresh_databases) as shell:
        (shell.home / gazetteer.name).symlink_to(gazetteer)
        yield shell


@pytest.fixture(scope="module")
def site() -> Generator[DemoServer]:
    """The sample sites; the small ones have five activities each."""
    with serve(0, TODAY) as server:
        yield server


@pytest.fixture
def free_port() -> int:
    return new_port()


@pytest.fixture
def up(homes: str | None) -> Generator[Up]:
    with tempfile.TemporaryDirectory(prefix="tripper-tests-", dir=homes) as folder:
        home = Path(folder)
        home.chmod(0o755)
        yield Up(home)
        EmbeddedPostgres(home).stop()
