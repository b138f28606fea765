"""Pages by URL in a temporary file, once there are many: a crawl of 100,000 pages needs an index of them in memory and no more."""

import json
import weakref
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from tempfile import SpooledTemporaryFile
from typing import IO, Any, cast

import orjson
from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from tripper_assets.domain.activities import Extraction
from tripper_assets.domain.model import Problem
from tripper_assets.domain.pages import KnownPage, PageState
from tripper_assets.domain.urls import page_url

MAX_IN_MEMORY_BYTES = 16_000_000
IN_HEADER = frozenset({"links", "page"})
"""What of an extraction is needed of an unchanged page too: the rest is read only where its activities are."""


@dataclass(frozen=True)
class StoredPage:
    """A page as it lies in the file: what a crawl needs of an unchanged one is at hand, its activities are read when they are asked for."""

    header: Mapping[str, Any]
    body: bytes

    @property
    def url(self) -> str:
        """The normalised URL that the page is known by."""
        return self.header["url"]

    @property
    def address(self) -> str:
        """The URL that answered; empty where it is the same."""
        return self.header.get("address", "")

    @property
    def status(self) -> int:
        """The HTTP status of the last answer with a body."""
        return self.header["status"]

    @property
    def etag(self) -> str:
        """The validator for If-None-Match."""
        return self.header.get("etag", "")

    @property
    def last_modified(self) -> str:
        """The validator for If-Modified-Since."""
        return self.header.get("last_modified", "")

    @property
    def body_sha256(self) -> str:
        """Of the body without Content-Encoding."""
        return self.header.get("body_sha256", "")

    @property
    def content_type(self) -> str:
        """As the site stated it."""
        return self.header.get("content_type", "")

    @property
    def fetched_at(self) -> datetime:
        """When the body was received."""
        return datetime.fromisoformat(self.header["fetched_at"])

    @property
    def checked_at(self) -> datetime | None:
        """When the site last gave the body or said that it is unchanged."""
        return _moment(self.header.get("checked_at"))

    @property
    def linked_at(self) -> datetime | None:
        """When something last led here."""
        return _moment(self.header.get("linked_at"))

    @property
    def extraction_version(self) -> str:
        """Of the reader that made the extraction."""
        return self.header["extraction_version"]

    @property
    def links(self) -> list[str]:
        """The links worth following."""
        return self.header.get("links", [])

    @property
    def paging(self) -> list[str]:
        """Those of its links that go on with its own list."""
        return self.header.get("page", {}).get("paging", [])

    @property
    def stated(self) -> int:
        """How many activities the page states."""
        return self.header.get("stated", 0)

    @property
    def extraction(self) -> Extraction:
        """All that the page states; what this version cannot read is a problem, and the page says nothing else."""
        said = {name: self.header[name] for name in IN_HEADER if name in self.header}
        try:
            return Extraction.model_validate(orjson.loads(self.body) | said)
        except ValidationError:
            message = f"What is known of {self.url} was written by another version and cannot be read; the page is fetched anew when it changes."
            return Extraction(problems=[Problem(code="state_unreadable", subject=self.url, message=message)])


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def record_of(page: PageState) -> tuple[bytes, bytes]:
    """Return a page as the two JSON texts of its record: header and body."""
    try:
        body = page.extraction.model_dump_json(exclude=set(IN_HEADER), exclude_defaults=True).encode()
    except PydanticSerializationError:
        # A lone surrogate, which JSON can hold only as an escape.
        body = json.dumps(
            page.extraction.model_dump(mode="json", exclude=set(IN_HEADER), exclude_defaults=True)
        ).encode()
    header = page.model_dump(mode="json", exclude={"extraction"}, exclude_defaults=True) | {
        "extraction_version": page.extraction_version,
        "links": page.extraction.links,
        "page": page.extraction.page.model_dump(mode="json", exclude_defaults=True),
        "stated": page.stated,
    }
    return json.dumps(header).encode(), body


def _new_file() -> IO[bytes]:
    return cast("IO[bytes]", SpooledTemporaryFile(MAX_IN_MEMORY_BYTES))


@dataclass(eq=False)
class PageFile(Mapping[str, KnownPage]):
    """A mapping from normalised URL to page; written at its end, read anywhere, and gone with the process.

    A record that is written again counts from then on; the room of the old one is not used again.
    """

    _file: IO[bytes] = field(default_factory=_new_file)
    _places: dict[str, tuple[int, int, int]] = field(default_factory=dict[str, tuple[int, int, int]])
    _end: int = 0

    def __post_init__(self) -> None:
        weakref.finalize(self, self._file.close)

    def add(self, page: PageState) -> None:
        """Write a page down."""
        self.add_record(page.url, *record_of(page))

    def add_record(self, url: str, header: bytes, body: bytes) -> None:
        """Write a page down as the JSON texts of ``record_of``."""
        self._file.seek(self._end)
        self._file.write(header)
        self._file.write(body)
        self._places[url] = (self._end, len(header), len(body))
        self._end += len(header) + len(body)

    def forget(self, url: str) -> None:
        """Leave a page out from now on."""
        self._places.pop(url, None)

    def __getitem__(self, url: str) -> StoredPage:
        start, header, body = self._places[url]
        self._file.seek(start)
        record = self._file.read(header + body)
        return StoredPage(orjson.loads(record[:header]), record[header:])

    def __contains__(self, url: object) -> bool:
        return url in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


@dataclass(eq=False)
class CrawledPages(Collection[KnownPage]):
    """The pages of a crawl's result in the order of their URLs: new ones as they were read, the others where they were known."""

    known: Mapping[str, KnownPage]
    read: PageFile = field(default_factory=PageFile)
    _kept: set[str] = field(default_factory=set[str])

    def add(self, page: PageState) -> None:
        """Take a page that was read."""
        self._kept.discard(page.url)
        self.read.add(page)

    def keep(self, url: str) -> None:
        """Take a known page as it is known."""
        self._kept.add(url)

    def drop(self, url: str) -> None:
        """Leave a page out after all."""
        self._kept.discard(url)
        self.read.forget(url)

    def __contains__(self, url: object) -> bool:
        return url in self._kept or url in self.read

    def __len__(self) -> int:
        return len(self._kept) + len(self.read)

    def __iter__(self) -> Iterator[KnownPage]:
        find: Callable[[str], KnownPage] = self.get
        return map(find, sorted([*self._kept, *self.read]))

    def get(self, url: str) -> KnownPage:
        """Return one page of the result."""
        return self.known[url] if url in self._kept else self.read[url]


def aliases_of(known: Mapping[str, KnownPage]) -> dict[str, str]:
    """Return by which other URLs known pages answered, as those that name another one as canonical do, to the URL that each is known by."""
    found: dict[str, str] = {}
    for url, page in known.items():
        asked = page_url(page.address) if page.address else None
        if asked is not None and asked.identity != url and asked.identity not in known:
            found[asked.identity] = url
    return found
