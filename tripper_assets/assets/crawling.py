"""How a crawl is written down as it goes: page states, confirmations and snapshots in batches, its manifest, and what the stage counts."""

import time
from collections.abc import Callable, Coroutine, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

from tripper_assets.clients.manifests import manifest_of, put_manifest, read_manifest, snapshot_of
from tripper_assets.clients.objects import Objects
from tripper_assets.clients.replay import replay
from tripper_assets.clients.snapshots import CrawledBodies, SnapshotStore
from tripper_assets.clients.visits import ReadPage
from tripper_assets.domain.errors import NotFoundError, TripperError
from tripper_assets.domain.model import Problem
from tripper_assets.domain.pages import Crawl, CrawlReport, KnownPage, PageState, by_url
from tripper_assets.domain.snapshots import PageSnapshot
from tripper_assets.domain.workflows import WorkflowFile
from tripper_assets.resources import Catalog, Clock
from tripper_assets.tracking import Progress, Stage

SAVED_EVERY = 25
SAVED_AFTER_SECONDS = 1.0
"""A site that is asked once a second, as most are, loses one page to a kill and not 25."""
CONFIRMED_EVERY = 500
T = TypeVar("T")


class PageSaver:
    """Saves page states as they come, so that a killed crawl begins with what it had; ``as_saved`` may mark one as not yet read to the end."""

    def __init__(
        self,
        catalog: Catalog,
        work: Stage,
        clock: Clock,
        seconds: Callable[[], float] = time.monotonic,
        *,
        as_saved: Callable[[PageState], PageState] = lambda page: page,
    ) -> None:
        self._catalog = catalog
        self._work = work
        self._clock = clock
        self._as_saved = as_saved
        self._read: list[PageState] = []
        self._confirmed: list[str] = []
        self._kept: list[PageSnapshot] = []
        self._seconds = seconds
        self._saved_at = seconds()
        self._share = 0.0
        self._report = CrawlReport()

    def __call__(self, page: KnownPage | None, report: CrawlReport) -> None:
        """Take one page; they are written 25 at a time, or after a second."""
        if isinstance(page, PageState):
            self._read.append(self._as_saved(page))
        elif page is not None:
            self._confirmed.append(page.url)
        self._report = report
        is_due = len(self._read) >= SAVED_EVERY or len(self._confirmed) >= CONFIRMED_EVERY
        if is_due or self._seconds() - self._saved_at >= SAVED_AFTER_SECONDS:
            self.flush()

    def keep(self, snapshot: PageSnapshot) -> None:
        """Take what is to be known of a body that is kept; it is written with its page."""
        self._kept.append(snapshot)

    def flush(self) -> None:
        """Write what is waiting."""
        pages, key = self._catalog.lenient.pages, self._work.source.key
        if self._kept:
            self._catalog.lenient.snapshots.save(key, self._kept, self._clock())
        if self._read:
            pages.save(key, self._read)
        if self._confirmed:
            pages.confirm(key, self._confirmed, self._clock())
        self._read, self._confirmed, self._kept = [], [], []
        self._saved_at = self._seconds()
        self._work.counts |= crawl_counts(self._report)
        self._catalog.workflows.stage_progress(
            self._work.workflow_id, self._work.asset, self._work.counts, self._report.share
        )

    def settle(self, found: Crawl, at: datetime) -> None:
        """Write what only the whole crawl tells: which pages are gone, and which something leads to."""
        pages, key = self._catalog.lenient.pages, self._work.source.key
        pages.forget(key, found.gone, at)
        for start in range(0, len(found.linked), CONFIRMED_EVERY):
            pages.linked(key, found.linked[start : start + CONFIRMED_EVERY], at)


def crawl_counts(report: CrawlReport) -> dict[str, Any]:
    """Return what the stage of a crawl counts."""
    return {
        "pages_found": report.found,
        "fetched": report.fetched,
        "reused": report.not_modified,
        "unchanged": dict(report.unchanged),
        "failed": report.failed,
        "failures": dict(report.failures),
        "blocked": dict(report.blocked),
        "gone": dict(report.gone),
        "skipped": dict(report.skipped),
        "confirmed": report.confirmed,
        "bytes_received": report.bytes_received,
    }


def kept_bodies(catalog: Catalog, objects: Objects, work: Stage, clock: Clock, saver: PageSaver) -> CrawledBodies:
    """Return where a crawl keeps the bodies of its pages, and finds those that were kept before."""

    def claim(snapshot: PageSnapshot) -> None:
        catalog.lenient.snapshots.claim(work.source.key, snapshot, clock())

    return CrawledBodies(SnapshotStore(objects, claim), on_kept=saver.keep)


def keep_manifest(found: Crawl, catalog: Catalog, objects: Objects, work: Stage, run_id: str, at: datetime) -> None:
    """Store the list of the crawl's pages among the workflow's files; a crawl that cannot be replayed is a good crawl, and says so."""
    lines = _snapshots(found, catalog, work, at)
    try:
        file = put_manifest(
            objects, lines, source_key=work.source.key, workflow_id=work.workflow_id, run_id=run_id, at=at
        )
    except TripperError as error:
        message = f"The list of the crawl's pages was not kept, so that it cannot be replayed: {error}"
        work.problems.append(Problem(code="manifest_not_kept", subject=work.source.url, message=message))
    else:
        catalog.workflows.add_file(work.workflow_id, file)


def _snapshots(found: Crawl, catalog: Catalog, work: Stage, at: datetime) -> Iterator[PageSnapshot]:
    """Yield a snapshot of each page of the result, and note that its body is used."""
    for part in _parts(by_url(found.pages)):
        bodies = [(page.url, page.body_sha256) for page in part]
        catalog.lenient.snapshots.use(work.source.key, bodies, at)
        # Of one that is not known, as the catalog is down, the page's own state says what a reader needs.
        known = catalog.lenient.snapshots.of(work.source.key, bodies)
        for page in part:
            yield snapshot_of(page, known.get(page.url))


def replay_pages(
    catalog: Catalog, objects: Objects, work: Stage, clock: Clock, read_page: ReadPage
) -> Coroutine[Any, Any, Crawl]:
    """Return the crawl that the kept pages of the workflow give that this one replays.

    Raises:
        NotFoundError: there is no such workflow of this source, or it has no manifest.
        CleanedUpError: its manifest was removed.
    """
    file = _manifest_to_replay(catalog, work)
    for part in _parts(read_manifest(objects, file.uri)):  # a clean-up leaves alone for a day what was used
        catalog.snapshots.use(work.source.key, [(one.url, one.body_sha256) for one in part], clock())
    told = Progress(catalog, work)
    return replay(
        read_manifest(objects, file.uri),
        read_body=SnapshotStore(objects).read,
        read_page=read_page,
        subject=f"the workflow {work.replay_of}",
        on_progress=lambda done: told(done, file.rows),
    )


def _manifest_to_replay(catalog: Catalog, work: Stage) -> WorkflowFile:
    crawled = catalog.workflows.get(work.replay_of or "")
    if crawled is None or crawled.source_key != work.source.key:
        raise NotFoundError(
            f"The workflow {work.replay_of} cannot be replayed, for {work.source.key} has none of that name; `tripper status` lists them."
        )
    return manifest_of(crawled)


def _parts(of: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(of)
    while part := list(islice(rest, CONFIRMED_EVERY)):
        yield part
