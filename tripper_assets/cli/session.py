"""What a command works in: settings, the Dagster instance with its home, the catalog, and workflows that announce their stages."""

import errno
import os
import warnings
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tripper_assets.catalog.database import Database
from tripper_assets.catalog.file_workflows import FileWorkflows
from tripper_assets.catalog.spool import Spool
from tripper_assets.catalog.spooled_workflows import SpooledWorkflows
from tripper_assets.catalog.workflows import Workflows
from tripper_assets.cli.instance_file import instance_file
from tripper_assets.clients.processes import ProcessIdentity
from tripper_assets.domain.errors import ConfigurationError, NotFoundError
from tripper_assets.domain.sources import USER_INFO, Source, source_key
from tripper_assets.domain.workflows import StageStatus, Workflow, WorkflowError
from tripper_assets.resources import Catalog, open_catalog
from tripper_assets.settings import PROJECT_FOLDER, Settings, load_settings

if TYPE_CHECKING:
    import dagster as dg

Listener = Callable[[str, str, Mapping[str, Any]], None]
"""Hears (asset, started | progress | error | completed | skipped | failed, counts, or the message of an error)."""


class Announcing(Workflows):
    """Workflows that tell a listener of each stage as it is written down, wherever that is."""

    _listener: Listener

    def stage_started(self, workflow_id: str, asset: str, at: datetime, *, run_id: str = "") -> None:
        """Write it down, then tell."""
        super().stage_started(workflow_id, asset, at, run_id=run_id)
        self._listener(asset, "started", {})

    def stage_progress(self, workflow_id: str, asset: str, counts: Mapping[str, Any], share: float = 0.0) -> None:
        """Write it down, then tell."""
        super().stage_progress(workflow_id, asset, counts, share)
        self._listener(asset, "progress", counts)

    def add_error(self, workflow_id: str, error: WorkflowError) -> None:
        """Write it down, then tell."""
        super().add_error(workflow_id, error)
        self._listener(error.stage, "error", {"message": error.message})

    def stage_ended(
        self, workflow_id: str, asset: str, status: StageStatus, at: datetime, counts: Mapping[str, Any]
    ) -> None:
        """Write it down, then tell."""
        super().stage_ended(workflow_id, asset, status, at, counts)
        self._listener(asset, status, counts)


class AnnouncedWorkflows(Announcing, SpooledWorkflows):
    """Workflows of a catalog, announced."""

    def __init__(self, database: Database, spool: Spool, listener: Listener) -> None:
        SpooledWorkflows.__init__(self, database, spool)
        self._listener = listener


class AnnouncedFileWorkflows(Announcing, FileWorkflows):
    """Workflows in files, announced."""

    def __init__(self, told: FileWorkflows, listener: Listener) -> None:
        FileWorkflows.__init__(self, told.folder, told.clock)
        self._listener = listener


class UnknownNameError(NotFoundError):
    """Somebody typed the name of a source, workflow or location that does not exist: wrong input, and no failed work."""


@dataclass(frozen=True)
class Session:
    """The settings and the open catalog of one command."""

    settings: Settings
    catalog: Catalog

    def announcing(self, listener: Listener) -> "Session":
        """Return a session whose stages are told to ``listener``."""
        held = self.catalog.workflows
        if isinstance(held, FileWorkflows):
            workflows: SpooledWorkflows = AnnouncedFileWorkflows(held, listener)
        else:
            workflows = AnnouncedWorkflows(self.catalog.database, self.catalog.spool, listener)
        return replace(self, catalog=replace(self.catalog, workflows=workflows))

    def source(self, key_or_url: str) -> Source:
        """Return the registered source of a key or a URL.

        Raises:
            UnknownNameError: it is not in the registry.
        """
        found = self.catalog.sources.get(key_or_url) or _by_url(self.catalog, key_or_url)
        if found is None:
            raise UnknownNameError(
                f"There is no source {without_user_info(key_or_url)}; `tripper sources list` shows them, `tripper sources add URL` adds one."
            )
        return found

    def workflow(self, identifier: str) -> Workflow:
        """Return the workflow of an id, or of the unique start of one.

        Raises:
            UnknownNameError: there is none.
        """
        found = self.catalog.workflows.get(identifier)
        if found is None:
            raise UnknownNameError(f"There is no workflow {identifier}; `tripper status` lists them.")
        return found


def without_user_info(url: str) -> str:
    """Return a URL as a message may show it: user info may hold a password."""
    return USER_INFO.sub("//", url)


def _by_url(catalog: Catalog, url: str) -> Source | None:
    try:
        return catalog.sources.get(source_key(url))
    except ConfigurationError:
        return None


@contextmanager
def open_session(*, migrate: bool = False) -> Generator[Session]:
    """Open what a command works in, and close it in order."""
    settings = load_settings()
    prepare_home(settings)
    with open_catalog(settings, migrate=migrate) as catalog:
        _settle(catalog)
        yield Session(settings, catalog)


def _settle(catalog: Catalog) -> None:
    """Write what waited while the catalog was down, and end what killed processes left: the first command that looks tells the truth."""
    catalog.replay()
    if any(ProcessIdentity.of(one).is_gone() for one in catalog.claims.list()):
        from tripper_assets.dead_runs import settle  # noqa: PLC0415 (dagster takes two seconds to import)

        with dagster_instance() as instance:
            settle(instance, catalog)


def prepare_home(settings: Settings) -> None:
    """Make the home and Dagster's home in it, with the project's dagster.yaml, and tell Dagster where it is.

    Raises:
        ConfigurationError: the home cannot be written.
    """
    wanted = PROJECT_FOLDER / "dagster.yaml"
    there = settings.dagster_home / "dagster.yaml"
    try:
        settings.dagster_home.mkdir(parents=True, exist_ok=True)
        if wanted.exists():
            said = instance_file(wanted.read_text(encoding="utf-8"), home=settings.dagster_home, log=settings.log_file)
            _write_whole(said, there)
        if not os.access(settings.dagster_home, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise ConfigurationError(
            f"The home {settings.home} cannot be written ({error.strerror}); free it or set TRIPPER_HOME to another folder."
        ) from error
    os.environ["DAGSTER_HOME"] = str(settings.dagster_home)
    os.environ["TRIPPER_HOME"] = str(settings.home)


def _write_whole(text: str, target: Path) -> None:
    if target.exists() and target.read_text(encoding="utf-8") == text:
        return
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(target)


@contextmanager
def dagster_instance() -> Generator["dg.DagsterInstance"]:
    """Open the instance in DAGSTER_HOME."""
    import dagster as dg  # noqa: PLC0415 (two seconds that only commands that run something pay)

    # Dagster calls handlers that its file names a beta, once in each process; docs/operations.md promises no more of the log than a test holds.
    warnings.filterwarnings("ignore", "Handling yaml-defined logging", category=dg.BetaWarning)
    with dg.DagsterInstance.get() as instance:
        yield instance
