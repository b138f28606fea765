"""Finding the same activities on three sites: how right it is, and what it adds to an import."""

from datetime import UTC, datetime

from benchmarks.figure import Figure, seconds
from benchmarks.imports import catalog_database
from benchmarks.linked_sites import SITES, by_source, judged, linked_pairs, listings, truths
from tripper_assets.catalog.activities import import_snapshot
from tripper_assets.catalog.database import Database
from tripper_assets.catalog.links import Links
from tripper_assets.catalog.sources import SourceRegistry
from tripper_assets.catalog.workflows import Workflows
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.link_facts import facts_of
from tripper_assets.domain.links import link_groups
from tripper_assets.domain.model import SourceKey
from tripper_assets.domain.sources import make_source
from tripper_assets.domain.workflows import Workflow

SEEDS = (2026, 2027, 2028, 2029, 2030)
ACTIVITIES = 2_000
STORED = 4_000
LEAST_PRECISION, LEAST_RECALL = 0.98, 0.85
AT = datetime(2026, 3, 15, 9, 0, tzinfo=UTC)


def measure(seeds: tuple[int, ...] = SEEDS, stored: int = STORED) -> list[Figure]:
    """Return the least precision and recall of the seeds, and how long linking three sites takes beside importing them.

    The sites mistype names, move times, leave venues and ages out, and list near doubles: other days, times, ages, levels, other venues and
    other towns' venues of one name.
    """
    found = [_judged(seed) for seed in seeds]
    with catalog_database() as database:
        imported, linked, again = _stored(database, stored)
    precision, recall = (min(values) for values in zip(*found, strict=True))
    return [
        Figure("link_precision", "share", "higher", precision, None, "", LEAST_PRECISION, "asked for"),
        Figure("link_recall", "share", "higher", recall, None, "", LEAST_RECALL, "asked for"),
        Figure("link_three_sites", "s", "lower", linked, imported, "importing them"),
        Figure("link_nothing_new", "s", "lower", again, imported, "importing them"),
    ]


def _judged(seed: int) -> tuple[float, float]:
    records, same = listings(truths(ACTIVITIES, seed), seed)
    return judged(linked_pairs(link_groups(map(facts_of, records))), same)


def _stored(database: Database, count: int) -> tuple[float, float, float]:
    """Return the seconds of importing all sites, of linking them, and of linking them again."""
    told = by_source(listings(truths(count, SEEDS[0]), SEEDS[0])[0])
    keys: list[SourceKey] = []
    imported = 0.0
    for site in SITES:
        source = SourceRegistry(database).add(make_source(f"https://{site}.example/"))
        workflow = Workflow(id=site, source_key=source.key, source_url=source.url, status="running", config={}, created_at=AT)  # fmt: skip
        Workflows(database).start(workflow)
        records = [one.model_copy(update={"source_key": source.key}) for one in told[site]]
        imported += seconds(lambda key=source.key, records=records, site=site: _load(database, key, records, site))
        keys.append(source.key)
    links = Links(database)
    linked, again = (seconds(lambda: [links.update(key, at=AT) for key in keys]) for _ in range(2))
    return imported, linked, again


def _load(database: Database, key: SourceKey, records: list[Activity], site: str) -> None:
    import_snapshot(
        database, source_key=key, records=records, vectors=None, workflow_id=site, bundle_sha256="0" * 64, at=AT
    )
