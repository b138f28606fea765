"""What assets reach the world through: the catalog, the object store, the geocoder, the embedder, the clock; opened for each run."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from tripper_assets.catalog.caches import EmbeddingCacheTable, GeocodeCacheTable, MediaTable
from tripper_assets.catalog.database import Database
from tripper_assets.catalog.embedded_postgres import EmbeddedPostgres
from tripper_assets.catalog.pages import Pages
from tripper_assets.catalog.sources import SourceRegistry
from tripper_assets.catalog.workflows import Workflows
from tripper_assets.clients.http import AddressGuard, HttpClient
from tripper_assets.domain.errors import ConfigurationError
from tripper_assets.domain.sources import DEFAULT_PORTS, Source
from tripper_assets.settings import Settings

Clock = Callable[[], datetime]
LOOPBACK = "127.0.0.1"


def utc_now() -> datetime:
    """Return the present moment with its zone."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Catalog:
    """The catalog's parts over one database."""

    database: Database
    sources: SourceRegistry
    workflows: Workflows
    pages: Pages
    images: MediaTable
    geocodes: GeocodeCacheTable
    embeddings: EmbeddingCacheTable


def catalog_on(database: Database) -> Catalog:
    """Return the parts of the catalog in ``database``."""
    return Catalog(
        database,
        SourceRegistry(database),
        Workflows(database),
        Pages(database),
        MediaTable(database),
        GeocodeCacheTable(database),
        EmbeddingCacheTable(database),
    )


@contextmanager
def open_catalog(settings: Settings, *, migrate: bool = False) -> Generator[Catalog]:
    """Open the catalog; the embedded Postgres is started where nobody did, migrated, and stopped again by its last user.

    ``migrate`` brings the schema of an external database up to date, which is otherwise only checked.

    Raises:
        ConfigurationError: there is no catalog (TRIPPER_DATABASE_URL=none), or its schema is not this version's.
        TransientError: the server does not answer.
    """
    if settings.catalog == "none":
        raise ConfigurationError(
            "This needs the catalog, and TRIPPER_DATABASE_URL is none; unset it for the embedded PostgreSQL, or name a database."
        )
    if settings.catalog == "url":
        with _opened(settings.database_url.get_secret_value(), migrate=migrate) as catalog:
            yield catalog
        return
    server = EmbeddedPostgres(settings.home)
    try:
        with _opened(server.ensure_started(), migrate=True) as catalog:
            yield catalog
    finally:
        server.stop_if_idle()


@contextmanager
def _opened(url: str, *, migrate: bool) -> Generator[Catalog]:
    database = Database(url)
    try:
        if migrate:
            database.upgrade()
        database.check()
        yield catalog_on(database)
    finally:
        database.dispose()


def http_client(settings: Settings, source: Source) -> HttpClient:
    """Return a client that reaches public addresses, and of the private ones only those that the operator opened for this source.

    The bundled sample site has a fixed loopback address; a source there may reach it, and nothing else on this machine.
    """
    parts = urlsplit(source.url)
    host, port = parts.hostname or "", parts.port or DEFAULT_PORTS[parts.scheme]
    allowed = set(settings.open_addresses(host, port))
    if (host, port) == (LOOPBACK, settings.demo_port):
        allowed.add((host, port))
    return HttpClient(user_agent=settings.full_user_agent, guard=AddressGuard(frozenset(allowed)))
