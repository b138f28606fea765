"""What assets reach the world through: the catalog, the object store, the geocoder, the embedder, the clock; opened for each run."""

from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from tripper_assets.catalog.batches import Batches
from tripper_assets.catalog.caches import EmbeddingCacheTable, GeocodeCacheTable, MediaTable
from tripper_assets.catalog.claims import SourceClaims
from tripper_assets.catalog.corrections import Corrections
from tripper_assets.catalog.database import Database
from tripper_assets.catalog.embedded_postgres import EmbeddedPostgres
from tripper_assets.catalog.file_tables import FileClaims, FileSources
from tripper_assets.catalog.file_workflows import FileWorkflows
from tripper_assets.catalog.manners import RateLimits, RobotsTable
from tripper_assets.catalog.notifications import Notifications
from tripper_assets.catalog.pages import Pages
from tripper_assets.catalog.pending_imports import PendingImports
from tripper_assets.catalog.references import References
from tripper_assets.catalog.retention import Retention
from tripper_assets.catalog.snapshots import Snapshots
from tripper_assets.catalog.sources import SourceRegistry
from tripper_assets.catalog.spool import Spool
from tripper_assets.catalog.spooled_caches import (
    CACHES,
    Lenient,
    LenientGeocodes,
    LenientImages,
    LenientPages,
    LenientSnapshots,
    SpooledCaches,
)
from tripper_assets.catalog.spooled_workflows import SpooledWorkflows
from tripper_assets.catalog.submissions import Submissions
from tripper_assets.catalog.tag_votes import LenientVotes, TagVoteTable
from tripper_assets.catalog.turns import ServiceTurns
from tripper_assets.catalog.usage import PaidCallTable
from tripper_assets.catalog.without_database import NoBatches, NoDatabase, NoPages, NoPendingImports, NoSpool
from tripper_assets.clients.asking_geocoders import Geocoder
from tripper_assets.clients.batches.machine import BatchMachine
from tripper_assets.clients.batches.openai import LIMITS, OpenAIBatches
from tripper_assets.clients.browser import Browser, RenderBudget
from tripper_assets.clients.browser_process import BrowserSetup
from tripper_assets.clients.census_geocoder import CensusGeocoder
from tripper_assets.clients.country_shapes import country_shapes
from tripper_assets.clients.embeddings import Embedder, EmbeddingProvider
from tripper_assets.clients.gazetteer import OfflineGeocoder
from tripper_assets.clients.geocoders.google import GOOGLE
from tripper_assets.clients.geocoders.nominatim import NOMINATIM
from tripper_assets.clients.geocoders.pelias import PELIAS
from tripper_assets.clients.geocoders.photon import PHOTON
from tripper_assets.clients.http import AddressGuard, HttpClient
from tripper_assets.clients.instant_batches import InstantBatches
from tripper_assets.clients.llm import Extractor
from tripper_assets.clients.llm_openai import OpenAIExtractor
from tripper_assets.clients.local_embedder import LocalEmbedder, usable_threads
from tripper_assets.clients.objects import Objects
from tripper_assets.clients.online_geocoder import GeocoderServer, OnlineGeocoder
from tripper_assets.clients.openai_embeddings import OpenAIEmbedder, OpenAIEmbeddings
from tripper_assets.clients.webhooks import Webhook
from tripper_assets.domain.embeddings import EmbeddingModel, embedding_model
from tripper_assets.domain.errors import ConfigurationError
from tripper_assets.domain.geocoders import GeocoderChoice, choose_geocoder
from tripper_assets.domain.llm import Usage, parse_llm, price_of
from tripper_assets.domain.prices import MILLION, embedding_price
from tripper_assets.domain.sources import DEFAULT_PORTS, Source
from tripper_assets.domain.workflows import Workflow
from tripper_assets.settings import Settings

Clock = Callable[[], datetime]
LOOPBACK = "127.0.0.1"
DIALECTS = {"nominatim": NOMINATIM, "photon": PHOTON, "pelias": PELIAS, "google": GOOGLE}


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
    corrections: Corrections
    notifications: Notifications
    pages: Pages
    snapshots: Snapshots
    retention: Retention
    references: References
    robots: RobotsTable
    rate_limits: RateLimits
    images: MediaTable
    geocodes: GeocodeCacheTable
    embeddings: EmbeddingCacheTable
    votes: TagVoteTable
    lenient: Lenient
    """Pages, their snapshots, images and geocodes for work that goes on while the catalog is down."""
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
    return _catalog(database, Spool(home / "spool"))


def catalog_without_database(home: Path) -> Catalog:
    """Return what goes on without a database: sources, claims and workflows in files below ``home``, and nothing else is remembered."""
    database, folder = NoDatabase(), home / "without_database"
    return replace(
        _catalog(database, NoSpool()),
        sources=FileSources(folder, database),
        claims=FileClaims(folder, database),
        workflows=FileWorkflows(folder / "workflows", utc_now),
        batches=NoBatches(database),
        pending_imports=NoPendingImports(database),
        pages=NoPages(database),
    )


def _catalog(database: Database, spool: Spool) -> Catalog:
    pages, snapshots = Pages(database), Snapshots(database)
    images, geocodes = MediaTable(database), GeocodeCacheTable(database)
    caches = SpooledCaches(spool, pages, snapshots, images, geocodes)
    lenient = Lenient(
        LenientPages(caches),
        LenientSnapshots(snapshots, caches, spool),
        LenientImages(images, caches),
        LenientGeocodes(geocodes, caches),
        LenientVotes(TagVoteTable(database)),
    )
    return Catalog(
        database,
        SourceRegistry(database),
        SourceClaims(database),
        SpooledWorkflows(database, spool),
        Batches(database),
        PendingImports(database),
        Corrections(database),
        Notifications(database),
        pages,
        snapshots,
        Retention(database),
        References(database),
        RobotsTable(database),
        RateLimits(database),
        images,
        geocodes,
        EmbeddingCacheTable(database),
        TagVoteTable(database),
        lenient,
        spool,
        caches,
    )


@contextmanager
def open_catalog(settings: Settings, *, migrate: bool = False, check: bool = True) -> Generator[Catalog]:
    """Open the catalog; the embedded Postgres is started where nobody did, migrated, and stopped again by its last user.

    Where TRIPPER_DATABASE_URL is none it is a catalog whose parts need no database, or say that they do.

    ``migrate`` brings the schema of an external database up to date, which is otherwise only checked; without ``check`` an external
    database is not asked at all, so that a run whose database is down fails in a step, which is tried again.

    Raises:
        ConfigurationError: its schema is not this version's.
        TransientError: the server does not answer.
    """
    if settings.catalog == "none":
        without = catalog_without_database(settings.home)
        if migrate:
            without.database.upgrade()
        yield without
        return
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


def embedding_provider(
    settings: Settings, objects: Objects, catalog: Catalog | None, clock: Clock
) -> EmbeddingProvider:
    """Return who turns texts into vectors; only openai needs the catalog.

    Raises:
        ConfigurationError: TRIPPER_EMBEDDER is openai, and the key, the model's length or its price is missing.
    """
    if settings.embedder == "local":
        return InstantBatches(_local_embedder(settings), objects)
    assert catalog is not None  # noqa: S101 (the wiring gives it)
    model, embedder = openai_model(settings), _openai_embedder(settings, catalog, clock)
    queue = LIMITS._replace(tokens=settings.embedding_queue_tokens)
    machine = BatchMachine(
        OpenAIBatches(api_key=_openai_key(settings), base_url=settings.openai_base_url or None, limits=queue),
        Submissions(catalog.database),
        objects,
        model=model.label,
        cost=lambda usage, at: usage.total * _price(settings, model, at, batch=True),
        clock=clock,
    )
    direct = InstantBatches(embedder, objects, name="openai", is_free=False)
    return OpenAIEmbeddings(model, machine, direct, direct_texts=settings.embedding_direct_texts)


def query_embedder(settings: Settings, catalog: Catalog, clock: Clock) -> Embedder:
    """Return who turns what a person searches into a vector: the same model that embeds the activities.

    Raises:
        ConfigurationError: as ``embedding_provider``.
    """
    if settings.embedder == "local":
        return _local_embedder(settings)
    return _openai_embedder(settings, catalog, clock)


def _local_embedder(settings: Settings) -> LocalEmbedder:
    if settings.embedding_model or settings.embedding_dimensions:
        raise ConfigurationError(
            "TRIPPER_EMBEDDING_MODEL and TRIPPER_EMBEDDING_DIMENSIONS are of TRIPPER_EMBEDDER=openai; set that, or unset them."
        )
    return LocalEmbedder(threads=usable_threads())


def _openai_embedder(settings: Settings, catalog: Catalog, clock: Clock) -> OpenAIEmbedder:
    model = openai_model(settings)

    def cost(usage: Usage) -> float:
        return usage.total * _price(settings, model, clock(), batch=False)

    return OpenAIEmbedder(
        model,
        PaidCallTable(catalog.database, "openai", clock),
        api_key=_openai_key(settings),
        base_url=settings.openai_base_url or None,
        cost=cost,
    )


def openai_model(settings: Settings) -> EmbeddingModel:
    """Return the model that the settings name.

    Raises:
        ConfigurationError: the key, its length or its price is missing.
    """
    _openai_key(settings)
    model = embedding_model(settings.embedding_model, settings.embedding_dimensions)
    embedding_price("openai", model.name, settings.embedding_price)
    return model


def _price(settings: Settings, model: EmbeddingModel, at: datetime, *, batch: bool) -> float:
    """Return US dollars for a token."""
    found = embedding_price("openai", model.name, settings.embedding_price, at.date())
    return found.price.input / MILLION * (found.batch_share if batch else 1)


def _openai_key(settings: Settings) -> str:
    key = settings.openai_api_key.get_secret_value()
    if not key:
        raise ConfigurationError("TRIPPER_EMBEDDER is openai, and OPENAI_API_KEY is not set; set it.")
    return key


def webhook(settings: Settings) -> Webhook | None:
    """Return where people are told, None where nobody is.

    Raises:
        ConfigurationError: TRIPPER_WEBHOOK_SECRET is none.
    """
    if not settings.webhook_url.get_secret_value():
        return None
    return Webhook(settings.webhook_url, settings.webhook_secret)


def extractor(settings: Settings) -> Extractor:
    """Return the language model that TRIPPER_LLM names.

    Raises:
        ConfigurationError: it names none, or the key or the price is missing.
    """
    if not settings.llm:
        raise ConfigurationError(
            "The source has llm_extraction: gaps, and TRIPPER_LLM is not set; set it, such as openai:gpt-6-luna, or switch llm_extraction off."
        )
    name = parse_llm(settings.llm)
    key = settings.openai_api_key.get_secret_value()
    if not key:
        raise ConfigurationError(f"TRIPPER_LLM is {settings.llm}, and OPENAI_API_KEY is not set; set it.")
    price = price_of(name.model, settings.llm_price)
    return OpenAIExtractor(name.model, price, api_key=key, base_url=settings.openai_base_url or None)


def geocoder_choice(settings: Settings) -> GeocoderChoice | None:
    """Return the server that is asked where places are, None for the offline gazetteer.

    Raises:
        ConfigurationError: the server, the key or the contact that it needs is missing.
    """
    if settings.geocoder == "offline":
        return None
    return choose_geocoder(
        settings.geocoder,
        settings.geocoder_url,
        delay_seconds=settings.geocoder_delay_seconds,
        contact=settings.contact,
        has_key=bool(settings.google_api_key.get_secret_value()),
    )


def geocoder(settings: Settings, database: Database) -> Geocoder:
    """Return who answers where places are, as TRIPPER_GEOCODER says.

    Raises:
        ConfigurationError: the server, the key or the contact that it needs is missing.
    """
    gazetteer = OfflineGeocoder(settings.home)
    choice = geocoder_choice(settings)
    if choice is None:
        return gazetteer
    key = settings.google_api_key.get_secret_value()
    turns = ServiceTurns(database)
    server = GeocoderServer(choice, turns=turns, user_agent=settings.full_user_agent, clock=utc_now, key=key)
    if settings.geocoder == "census":
        return CensusGeocoder(server, country_shapes(), gazetteer)
    return OnlineGeocoder(server, DIALECTS[settings.geocoder], country_shapes())


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


@asynccontextmanager
async def page_renderer(settings: Settings, source: Source, client: HttpClient) -> AsyncGenerator[Browser | None]:
    """Give a browser that reaches what ``client`` does, None where the source wants none; at the end no process of it is left.

    Raises:
        ConfigurationError: the source wants one, and Playwright or Chromium is missing.
    """
    config = source.config
    if config.render_javascript == "never":
        yield None
        return
    setup = BrowserSetup(settings.chromium_path, client.user_agent, config.language or "", config.timezone or "")
    budget = RenderBudget(pages=config.render_max_pages, html_bytes=config.max_bytes)
    async with Browser(setup, client.guard, budget) as browser:
        yield browser
