"""A crawl without the network: each page of a manifest is read again from its kept body, as at the moment when it was received."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from itertools import islice

from tripper_assets.clients.answers import TROUBLES
from tripper_assets.clients.tally import Tally
from tripper_assets.clients.visits import WALLS, ReadPage
from tripper_assets.domain.activities import Extraction
from tripper_assets.domain.errors import PermanentError
from tripper_assets.domain.model import Problem
from tripper_assets.domain.pages import Crawl, PageState
from tripper_assets.domain.snapshots import PageSnapshot, ReadBody
from tripper_assets.page_file import CrawledPages

WAVE = 16
"""Bodies in memory at a time."""
MISSING = "snapshot_missing"


async def replay(
    snapshots: Iterable[PageSnapshot],
    *,
    read_body: ReadBody,
    read_page: ReadPage,
    subject: str,
    on_progress: Callable[[int], object] = lambda _: None,
) -> Crawl:
    """Return what the pages say to today's reader; ``subject`` names the crawl in messages, ``on_progress`` hears how many are done.

    A page whose body is no longer kept states nothing, and neither does one that today's reader takes for a wall or fails on.

    Raises:
        TransientError: the bodies are not to be had now.
        PermanentError: there are pages, and no body of any of them is kept.
    """
    replayed, lines, done = _Replayed(read_page), iter(snapshots), 0
    while wave := list(islice(lines, WAVE)):
        for snapshot, body in zip(wave, await _bodies(wave, read_body), strict=True):
            replayed.take(snapshot, body)
        done += len(wave)
        on_progress(done)
    if replayed.tally.failures[MISSING] == done > 0:
        raise PermanentError(
            f"Replaying {subject} found none of its {done} page bodies, which were removed or never kept; run its source again."
        )
    return Crawl(replayed.pages, replayed.tally.report({}))


async def _bodies(wave: Sequence[PageSnapshot], read_body: ReadBody) -> list[bytes | None]:
    """Return the bodies in order; where one cannot be read, the others end before the error goes on."""
    found = await asyncio.gather(*(read_body(one.body_sha256) for one in wave), return_exceptions=True)
    failures = [one for one in found if isinstance(one, BaseException)]
    if failures:
        raise failures[0]
    return [one for one in found if not isinstance(one, BaseException)]


class _Replayed:
    """What was read so far, and what became of the rest."""

    def __init__(self, read_page: ReadPage) -> None:
        self.pages = CrawledPages({})
        self.tally = Tally()
        self._read_page = read_page

    def take(self, snapshot: PageSnapshot, body: bytes | None) -> None:
        """Read one page."""
        if body is None:
            self._fail(snapshot, MISSING, "has no kept body any more")
            return
        try:
            content_type = snapshot.headers.get("content-type")
            extraction = self._read_page(body, snapshot.address, content_type, snapshot.fetched_at)
        except Exception as error:  # noqa: BLE001 (a page is hostile text: what it breaks is this page, and it says so)
            self._fail(snapshot, "extraction_failed", f"cannot be read ({type(error).__name__}: {str(error)[:200]})")
            return
        trouble = extraction.page.trouble
        if trouble:
            self.tally.tell(Problem(code=trouble, subject=snapshot.url, message=f"{snapshot.url} {TROUBLES[trouble]}."))
        if trouble in WALLS:
            self.tally.blocked[trouble] += 1
            return
        self.tally.tell(*extraction.problems)
        self.pages.add(_state(snapshot, extraction))
        self.tally.unchanged["replayed"] += 1

    def _fail(self, snapshot: PageSnapshot, code: str, words: str) -> None:
        self.tally.failures[code] += 1
        self.tally.tell(
            Problem(code=code, subject=snapshot.url, message=f"{snapshot.url} {words}, and states nothing here.")
        )


def _state(snapshot: PageSnapshot, extraction: Extraction) -> PageState:
    return PageState(
        url=snapshot.url,
        address="" if snapshot.address == snapshot.url else snapshot.address,
        status=snapshot.status,
        body_sha256=snapshot.body_sha256,
        content_type=snapshot.headers.get("content-type", ""),
        fetched_at=snapshot.fetched_at,
        extraction=extraction,
    )
