"""What is worth keeping and may be lost: page states, pictures and places, for as long as the catalog is down."""

import contextlib
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from tripper_assets.catalog.caches import EmbeddingCacheTable, GeocodeCacheTable, MediaTable
from tripper_assets.catalog.pages import Pages
from tripper_assets.catalog.snapshots import Body, Snapshots
from tripper_assets.catalog.spool import Line, Page, Spool
from tripper_assets.catalog.spool_lines import as_call, as_line
from tripper_assets.catalog.tag_votes import LenientVotes
from tripper_assets.domain.errors import ConfigurationError, PermanentError, TransientError
from tripper_assets.domain.geocoding import GeocodeAnswer
from tripper_assets.domain.images import KnownImage
from tripper_assets.domain.model import SourceKey
from tripper_assets.domain.pages import GonePage, PageState
from tripper_assets.domain.snapshots import PageSnapshot

Result = TypeVar("Result")
CACHES = "/caches"
"""The topic of all sources; no id of a workflow has a slash."""


class SpooledCaches:
    """The writes of caches while the catalog is down; losing one costs a second request, and no more, so that order means little."""

    def __init__(
        self, spool: Spool, pages: Pages, snapshots: Snapshots, images: MediaTable, geocodes: GeocodeCacheTable
    ) -> None:
        self._spool = spool
        self._calls: Mapping[str, Callable[..., object]] = {
            "save_pages": pages.save,
            "confirm_pages": pages.confirm,
            "linked_pages": pages.linked,
            "forget_pages": pages.forget,
            "save_snapshots": snapshots.save,
            "use_snapshots": snapshots.use,
            "save_images": images.save,
            "save_geocodes": geocodes.save,
        }

    def write(self, call: str, **given: Any) -> None:  # noqa: ANN401 (the arguments of many methods)
        """Write now, or when the catalog answers again."""
        if not self._spool.outage.goes_on:
            try:
                self.replay()
                self._calls[call](**given)
            except TransientError:
                self._spool.outage.begin()
            else:
                return
        self._spool.add(CACHES, as_line(call, given))

    def replay(self) -> None:
        """Write what waits.

        Raises:
            TransientError: the catalog does not answer yet.
        """
        self._spool.empty(CACHES, self._replay)

    def _replay(self, page: Page) -> Sequence[Line]:
        refused: list[Line] = []
        for line in page.lines:
            try:
                as_call(line, self._calls)()
            except ConfigurationError:
                raise  # `tripper db upgrade` mends it, and then nothing is refused
            except PermanentError as error:
                refused.append(line | {"refused": str(error)})
        return refused


class LenientPages:
    """Page states that wait in the spool while the catalog is down; reading them needs it, for unread is not unknown."""

    def __init__(self, writes: SpooledCaches) -> None:
        self._writes = writes

    def save(self, source_key: SourceKey, states: Sequence[PageState]) -> None:
        """Keep states of pages."""
        self._writes.write("save_pages", source_key=source_key, states=list(states))

    def confirm(self, source_key: SourceKey, urls: Sequence[str], at: datetime) -> None:
        """Note that the site said that pages are as they were read."""
        self._writes.write("confirm_pages", source_key=source_key, urls=list(urls), at=at)

    def linked(self, source_key: SourceKey, urls: Sequence[str], at: datetime) -> None:
        """Note that something leads to pages."""
        self._writes.write("linked_pages", source_key=source_key, urls=list(urls), at=at)

    def forget(self, source_key: SourceKey, gone: Sequence[GonePage], at: datetime) -> None:
        """Note that pages are gone, and why."""
        self._writes.write("forget_pages", source_key=source_key, gone=list(gone), at=at)


class LenientSnapshots:
    """Snapshots of pages that wait in the spool while the catalog is down; meanwhile none is known, and nobody can remove a body."""

    def __init__(self, snapshots: Snapshots, writes: SpooledCaches, spool: Spool) -> None:
        self._snapshots, self._writes, self._spool = snapshots, writes, spool

    def save(self, source_key: SourceKey, snapshots: Sequence[PageSnapshot], at: datetime) -> None:
        """Keep what is known of bodies that are kept."""
        self._writes.write("save_snapshots", source_key=source_key, snapshots=list(snapshots), at=at)

    def use(self, source_key: SourceKey, bodies: Sequence[Body], at: datetime) -> None:
        """Note that a workflow reads pages with these bodies."""
        self._writes.write("use_snapshots", source_key=source_key, bodies=list(bodies), at=at)

    def claim(self, source_key: SourceKey, snapshot: PageSnapshot, at: datetime) -> None:
        """Note that a page has a body that is kept already, after whoever may be removing it."""
        self._asked(lambda: self._snapshots.claim(source_key, snapshot, at))

    def of(self, source_key: SourceKey, bodies: Sequence[Body]) -> dict[str, PageSnapshot]:
        """Return what is known of pages with these bodies, by URL."""
        return self._asked(lambda: self._snapshots.of(source_key, bodies)) or {}

    def _asked(self, ask: Callable[[], Result]) -> Result | None:
        if not self._spool.outage.goes_on:
            try:
                return ask()
            except TransientError:
                self._spool.outage.begin()
        return None


class LenientImages:
    """Known pictures: while the catalog is down none is known, and they are fetched again."""

    def __init__(self, images: MediaTable, writes: SpooledCaches) -> None:
        self._images, self._writes = images, writes

    def load(self, urls: Sequence[str]) -> dict[str, KnownImage]:
        """Return what is known by URL."""
        try:
            return self._images.load(urls)
        except TransientError:
            return {}

    def save(
        self, images: Sequence[KnownImage], *, workflow_id: str | None = None, source_key: SourceKey | None = None
    ) -> None:
        """Keep what became of pictures."""
        self._writes.write("save_images", images=list(images), workflow_id=workflow_id, source_key=source_key)


class LenientGeocodes:
    """Known places: while the catalog is down none is known; only for a geocoder that costs nothing and may be asked again."""

    def __init__(self, geocodes: GeocodeCacheTable, writes: SpooledCaches) -> None:
        self._geocodes, self._writes = geocodes, writes

    def load(self, provider: str, queries: Sequence[str]) -> dict[str, GeocodeAnswer]:
        """Return the known answers."""
        try:
            return self._geocodes.load(provider, queries)
        except TransientError:
            return {}

    def save(self, provider: str, answers: Mapping[str, GeocodeAnswer]) -> None:
        """Keep the answers."""
        self._writes.write("save_geocodes", provider=provider, answers=dict(answers))


class LenientEmbeddings:
    """Known vectors: while the catalog is down none is known and none is kept; only for a provider that costs nothing.

    Nothing is lost: the local provider's results are objects of the store, and are found there by the next run.
    """

    def __init__(self, embeddings: EmbeddingCacheTable) -> None:
        self._embeddings = embeddings

    def known(self, model: str, text_sha256s: Collection[str]) -> set[str]:
        """Return the hashes of the texts whose vectors are known."""
        try:
            return self._embeddings.known(model, text_sha256s)
        except TransientError:
            return set()

    def load(self, model: str, text_sha256s: Sequence[str]) -> dict[str, npt.NDArray[np.float32]]:
        """Return the known vectors."""
        try:
            return self._embeddings.load(model, text_sha256s)
        except TransientError:
            return {}

    def save(self, model: str, vectors: Mapping[str, npt.NDArray[np.float32]]) -> None:
        """Keep the vectors, if the catalog answers."""
        with contextlib.suppress(TransientError):
            self._embeddings.save(model, vectors)


class Lenient(NamedTuple):
    """The caches of a catalog that work goes on with while it is down."""

    pages: LenientPages
    snapshots: LenientSnapshots
    images: LenientImages
    geocodes: LenientGeocodes
    votes: LenientVotes
