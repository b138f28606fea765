"""What stands in for the catalog's parts where TRIPPER_DATABASE_URL is none, and may be forgotten: everything but sources, claims and workflows."""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from tripper_assets.catalog.batches import Batches
from tripper_assets.catalog.database import Database
from tripper_assets.catalog.pages import Pages
from tripper_assets.catalog.pending_imports import PendingImport, PendingImports
from tripper_assets.catalog.spool import Line, Page, Spool
from tripper_assets.domain.batches import Batch
from tripper_assets.domain.errors import TransientError
from tripper_assets.domain.model import SourceKey
from tripper_assets.page_file import PageFile

NEEDED = "the catalog, and TRIPPER_DATABASE_URL is none; unset it for the embedded PostgreSQL, or name a database"


class NoCatalogError(TransientError):
    """Something needs a database, and the operator said that there is none.

    Transient, because whoever goes on without a catalog that is down goes on without one that there is not.
    """


class NoDatabase(Database):
    """The database that there is not: whoever asks it is told what is needed."""

    is_absent = True

    def __init__(self) -> None:
        super().__init__("postgresql+psycopg://none")

    @property
    def shown_url(self) -> str:
        """What TRIPPER_DATABASE_URL says."""
        return "none"

    @contextmanager
    def session(self) -> Generator[Session]:
        """Refuse."""
        raise NoCatalogError(f"This needs {NEEDED}.")
        yield

    @contextmanager
    def connection(self) -> Generator[Connection]:
        """Refuse."""
        raise NoCatalogError(f"This needs {NEEDED}.")
        yield

    def upgrade(self) -> None:
        """Refuse."""
        raise NoCatalogError(f"A schema needs {NEEDED}.")


class NoSpool(Spool):
    """Keeps nothing: there is no catalog that it would be written into."""

    def __init__(self) -> None:
        super().__init__(Path())

    def topics(self) -> list[str]:
        """Return none."""
        return []

    def holds(self, topic: str) -> bool:
        """Return that nothing waits."""
        del topic
        return False

    def add(self, topic: str, line: Line) -> None:
        """Forget the line."""

    def empty(self, topic: str, write: Callable[[Page], Sequence[Line]]) -> None:
        """Have nothing to hand over."""


class NoPages(Pages):
    """No page is known: each crawl is a first one."""

    def load(self, source_key: SourceKey) -> PageFile:
        """Return no page."""
        del source_key
        return PageFile()


class NoBatches(Batches):
    """No batch is awaited: what is paid for needs a catalog before it is asked for."""

    def of_workflow(self, workflow_id: str) -> list[Batch]:
        """Return none."""
        del workflow_id
        return []

    def of_canceled(self) -> list[Batch]:
        """Return none."""
        return []

    def awaited(self, limit: int, *, after: str = "") -> list[Batch]:
        """Return none."""
        del limit, after
        return []


class NoPendingImports(PendingImports):
    """Nothing is to be imported anywhere."""

    def list(self, limit: int = 1000) -> list[PendingImport]:
        """Return none."""
        del limit
        return []
