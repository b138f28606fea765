"""What every request is answered with: settings, the catalog, the object store, the orchestrator, the clock, and the token."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from pydantic import SecretStr

from tripper_assets.api.addresses import token_of
from tripper_assets.catalog.database import Database
from tripper_assets.clients.objects import Objects
from tripper_assets.clients.orchestrator import DagsterWebserver, Orchestrator
from tripper_assets.resources import Catalog, Clock, open_catalog, utc_now
from tripper_assets.settings import Settings, load_settings


@dataclass(frozen=True)
class ApiContext:
    """Opened once for a process, and closed with it."""

    settings: Settings
    catalog: Catalog
    store: Objects
    orchestrator: Orchestrator
    clock: Clock
    token: SecretStr
    """What people and programs sign in with; never empty."""
    public_search: bool = False
    """Whether the search and the activities are open to all."""

    @property
    def database(self) -> Database:
        """The catalog's database."""
        return self.catalog.database


@contextmanager
def open_context(settings: Settings | None = None) -> Generator[ApiContext]:
    """Open what the environment names, and close it in order.

    Raises:
        ConfigurationError: the environment, the store or the catalog's schema is wrong.
        TransientError: the catalog does not answer.
    """
    settings = settings or load_settings()
    with open_catalog(settings) as catalog:
        yield ApiContext(
            settings=settings,
            catalog=catalog,
            store=Objects(settings.objects_url),
            orchestrator=DagsterWebserver(settings.dagster_url),
            clock=utc_now,
            token=token_of(settings),
            public_search=settings.public_search,
        )


def context_of(request: Request) -> ApiContext:
    """Return what the app of a request was opened with."""
    context = request.app.state.context
    assert isinstance(context, ApiContext)  # noqa: S101 (the lifespan set it)
    return context


Context = Annotated[ApiContext, Depends(context_of)]
