"""What assets reach the world through: the catalog, the object store, the geocoder, the embedder, the clock; opened for each run."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from tripper_assets.catalog.batches import Batches
from tripper_assets.catalog.caches import EmbeddingCacheTable, GeocodeCacheTable, MediaTable
from tripper_assets.catalog.claims import SourceClaims
from tripper_assets.catalog.database import Database
from tripper_assets.catalog.embedded_postgres import EmbeddedPostgres
from tripper_assets.catalog.pages import Pages
from tripper_assets.catalog.pending_imports import PendingImports
from tripper_assets.catalog.sources import SourceRegistry
from tripper_assets.catalog.spool import Spool
from tripper_assets.catalog.spooled_caches import (
    CACHES,
    Lenient,
    LenientGeocodes,
    LenientImages,
    LenientPages,
    SpooledCaches,
)
from tripper_assets.catalog.spooled_workflows import SpooledWorkflows
from tripper_assets.clients.embeddings import BatchProvider, LocalBatches, LocalEmbedder
from tripper_assets.clients.http import AddressGuard, HttpClient
from tripper_assets.clients.objects import Objects
from tripper_assets.domain.errors import ConfigurationError
from tripper_assets.domain.sources import DEFAULT_PORTS, Source
from tripper_assets.domain.workflows import Workflow
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
    claims: SourceClaims
    workflows: SpooledWorkflows
    batches: Batches
    pending_imports: PendingImports
    pages: Pages
    images: MediaTable
    geocodes: GeocodeCacheTable
    embeddings: EmbeddingCacheTable
    lenient: Lenient
    """Pages, images and geocodes for work that goes on while the catalog is down."""
    spool: Spool
    caches: SpooledCaches
    opened: dict[str, tuple[Source, Workflow]] = field(default_factory=dict[str, tuple[Source, Workflow]])
    """What the runs of this process work on, by run id: a run that holds its source goes on while the catalog is down."""

    def replay(self) -> None:
        """Write what could not be written while the catalog was down.

        Raises:
            TransientError: it does not answer yet.
        """
        for topic in self.spool.topics():
            if topic == CACHES:
                self.caches.replay()
            else:
                self.workflows.replay(topic)


def catalog_on(database: Database, home: Path) -> Catalog:
    """Return the parts of the catalog in ``database``; what it cannot take while it is down waits below ``home``."""
    spool = Spool(home / "spool")
    pages, images, geocodes = Pages(database), MediaTable(database), GeocodeCacheTable(database)
    caches = SpooledCaches(spool, pages, images, geocodes)
    return Catalog(
        database,
        SourceRegistry(database),
        SourceClaims(database),
        SpooledWorkflows(database, spool),
        Batches(database),
        PendingImports(database),
        pages,
        images,
        geocodes,
        EmbeddingCacheTable(database),
        Lenient(LenientPages(caches), LenientImages(images, caches), LenientGeocodes(geocodes, caches)),
        spool,
        caches,
    )


@contextmanager
def open_catalog(settings: Settings, *, migrate: bool = False, check: bool = True) -> Generator[Catalog]:
    """Open the catalog; the embedded Postgres is started where nobody did, migrated, and stopped again by its last user.

    ``migrate`` brings the schema of an external database up to date, which is otherwise only checked; without ``check`` an external
    database is not asked at all, so that a run whose database is down fails in a step, which is tried again.

    Raises:
        ConfigurationError: there is no catalog (TRIPPER_DATABASE_URL=none), or its schema is not this version's.
        TransientError: the server does not answer.
    """
    if settings.catalog == "none":
        raise ConfigurationError(
            "This needs the catalog, and TRIPPER_DATABASE_URL is none; unset it for the embedded PostgreSQL, or name a database."
        )
    if settings.catalog == "url":
        database = Database(settings.database_url.get_secret_value())
        with _opened(database, settings.home, migrate=migrate, check=check) as catalog:
            yield catalog
        return
    server = EmbeddedPostgres(settings.home)
    try:
        database = Database(server.ensure_started(), revive=server.ensure_started)
        with _opened(database, settings.home, migrate=True, check=True) as catalog:
            yield catalog
    finally:
        server.stop_if_idle()


@contextmanager
def _opened(database: Database, home: Path, *, migrate: bool, check: bool) -> Generator[Catalog]:
    try:
        if migrate:
            database.upgrade()
        if check:
            database.check()
        yield catalog_on(database, home)
    finally:
        database.dispose()


def embedding_provider(objects: Objects) -> BatchProvider:
    """Return who turns texts into vectors."""
    return LocalBatches(LocalEmbedder(), objects)


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
