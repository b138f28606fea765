"""Kept bodies: each once, read back only as what it was, and a crawl that goes on where the store does not."""

import asyncio
import hashlib
import uuid
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import zstandard

from tripper_assets.clients.crawler import CrawlTools, crawl
from tripper_assets.clients.http import AddressGuard, HttpClient
from tripper_assets.clients.objects import Objects
from tripper_assets.clients.snapshots import TRIED_EVERY, CrawledBodies, SnapshotStore, body_key
from tripper_assets.domain.errors import TransientError
from tripper_assets.domain.model import count_by_code
from tripper_assets.domain.pages import Crawl
from tripper_assets.domain.snapshots import PageSnapshot
from tripper_assets.domain.sources import SourceConfig, make_source
from tripper_assets_tests.clients.crawled import read_page
from tripper_assets_tests.clients.loopback import LoopbackSite, serve
from tripper_assets_tests.seaweed import BUCKET, credentials

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
BODY = b"<html>" + b"<p>A walk with owls</p>" * 200 + b"</html>"


def snapshot(body: bytes = BODY, path: str = "/") -> PageSnapshot:
    url, sha256 = f"https://zoo.example{path}", hashlib.sha256(body).hexdigest()
    return PageSnapshot(url=url, address=url, status=200, body_sha256=sha256, body_bytes=len(body), fetched_at=NOW)


class Switched(Objects):
    """A store in memory that answers nobody while it is ``away``."""

    away = False
    asked = 0

    def create(self, key: str, data: bytes) -> bool:
        self._answer()
        return super().create(key, data)

    def get(self, uri: str, *, sha256: str | None = None) -> bytes:
        self._answer()
        return super().get(uri, sha256=sha256)

    def _answer(self) -> None:
        self.asked += 1
        if self.away:
            raise TransientError("The store does not answer.")


@pytest.fixture(params=["folder", "memory", "s3"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    if request.param == "s3":
        aws: pytest.MonkeyPatch = request.getfixturevalue("aws")
        for name, value in credentials(request.getfixturevalue("seaweed")).items():
            aws.setenv(name, value)
        return Objects(f"s3://{BUCKET}/snapshots-{uuid.uuid4().hex[:8]}")
    return Objects(tmp_path.as_uri() if request.param == "folder" else "memory://")


def keep(store: SnapshotStore, body: bytes = BODY, path: str = "/") -> PageSnapshot:
    kept = snapshot(body, path)
    asyncio.run(store.keep(kept, body))
    return kept


def read(store: SnapshotStore, sha256: str) -> bytes | None:
    return asyncio.run(store.read(sha256))


def listed(objects: Objects) -> list[tuple[str, Any]]:
    return [(one.key, one.modified_at) for one in objects.list("snapshots")]


def test_a_body_is_kept_once_small_and_read_back_as_it_was(objects: Objects) -> None:
    kept = keep(SnapshotStore(objects))
    before = listed(objects)

    later = SnapshotStore(objects)
    keep(later)
    keep(later, path="/the-same-on-another-page")

    assert listed(objects) == before
    (stored,) = objects.list("snapshots")
    assert stored.key == f"snapshots/{kept.body_sha256[:2]}/{kept.body_sha256}.zst"
    assert stored.bytes < len(BODY) / 10
    assert read(later, kept.body_sha256) == BODY


def test_a_body_that_is_not_kept_is_none_and_so_is_that_of_a_page_without_a_hash(objects: Objects) -> None:
    store = SnapshotStore(objects)

    assert [read(store, one) for one in ("0" * 64, "", "../../etc/passwd")] == [None, None, None]


def spoilt() -> Generator[Any]:
    packed = zstandard.ZstdCompressor(write_checksum=True).compress(BODY)
    flipped = bytearray(packed)
    flipped[len(packed) // 2] ^= 1
    yield pytest.param(b"", id="empty")
    yield pytest.param(b"no zstd at all", id="other bytes")
    yield pytest.param(zstandard.compress(b"another page"), id="another body")
    yield pytest.param(packed[:-9], id="cut")
    yield pytest.param(bytes(flipped), id="a flipped bit")
    yield pytest.param(zstandard.compress(bytes(300_000_000)), id="a bomb")


@pytest.mark.parametrize("there", list(spoilt()))
def test_a_spoilt_body_is_none_and_makes_way_for_the_true_one(there: bytes, tmp_path: Path) -> None:
    objects = Objects(tmp_path.as_uri())
    wanted = snapshot()
    objects.put(body_key(wanted.body_sha256), there)
    store = SnapshotStore(objects)

    first = read(store, wanted.body_sha256)
    keep(store)

    assert first is None
    assert read(store, wanted.body_sha256) == BODY


def test_a_body_that_is_found_is_claimed_and_kept_anew_where_it_was_just_removed(tmp_path: Path) -> None:
    objects = Objects(tmp_path.as_uri())
    kept = keep(SnapshotStore(objects))
    claimed = list[str]()

    def claim(found: PageSnapshot) -> None:
        claimed.append(found.url)
        objects.delete([objects.uri(body_key(found.body_sha256))])  # by whoever had the right to it first

    keep(SnapshotStore(objects, claim))

    assert claimed == [kept.url]
    assert read(SnapshotStore(objects), kept.body_sha256) == BODY


def crawled(site: LoopbackSite, bodies: CrawledBodies, known: Crawl | None = None, at: datetime = NOW) -> Crawl:
    async def run() -> Crawl:
        guard = AddressGuard(frozenset({("127.0.0.1", site.port)}))
        async with HttpClient(user_agent="tripper_assets/0 (+t)", guard=guard, timeout_seconds=20) as client:
            return await crawl(
                make_source(site.url("/"), SourceConfig(delay_seconds=0)),
                client=client,
                known={page.url: page for page in known.pages} if known else {},
                read_page=read_page,
                clock=lambda: at,
                tools=CrawlTools(keep_body=bodies.keep, read_body=bodies.read),
            )

    return asyncio.run(run())


@pytest.fixture
def site() -> Generator[LoopbackSite]:
    with serve() as site:
        site.page("/", *(f"/{number}" for number in range(60)), text="<h2>All</h2>")
        for number in range(60):
            site.page(f"/{number}", text=f"<h2>Walk {number}</h2>")
        yield site


def test_a_store_that_is_away_costs_a_crawl_one_problem_and_few_questions(site: LoopbackSite) -> None:
    objects = Switched("memory://")
    objects.away = True
    told = list[PageSnapshot]()
    bodies = CrawledBodies(SnapshotStore(objects), told.append)

    found = crawled(site, bodies)

    (problem,) = bodies.problems(site.url())
    assert len(found.pages) == 61
    assert count_by_code(found.report.problems) == {}
    assert (problem.code, problem.subject) == ("snapshot_not_kept", site.url())
    assert problem.message.startswith("The bodies of 61 pages were not kept")
    assert "The store does not answer." in problem.message
    # Those that were asked at once before the first answers, and then one in twenty.
    assert objects.asked <= 2 * 16 + 61 // TRIED_EVERY + 1
    assert told == []


def test_a_body_that_comes_again_is_of_the_day_when_it_first_came(site: LoopbackSite) -> None:
    site.page("/", text="<h2>Tomorrow: owls</h2>", tagged=False)
    told = list[PageSnapshot]()
    bodies = CrawledBodies(SnapshotStore(Switched("memory://")), told.append)

    first = crawled(site, bodies)
    second = crawled(site, bodies, first, NOW + timedelta(days=1))

    (page,) = second.pages
    assert (second.report.fetched, page.fetched_at, page.checked_at) == (1, NOW, NOW + timedelta(days=1))
    assert [one.fetched_at for one in told] == [NOW, NOW]


def test_a_store_that_comes_back_keeps_the_rest() -> None:
    objects = Switched("memory://")
    objects.away = True
    told = list[PageSnapshot]()
    bodies = CrawledBodies(SnapshotStore(objects), told.append)
    for number in range(TRIED_EVERY):
        asyncio.run(bodies.keep(snapshot(path=f"/{number}"), BODY))
    objects.away = False

    for number in range(TRIED_EVERY + 5):
        body = f"{number}".encode()
        asyncio.run(bodies.keep(snapshot(body), body))

    assert len(told) >= 5
    assert bodies.lost + len(told) == 2 * TRIED_EVERY + 5
    assert len(listed(objects)) == len(told)


def test_a_store_that_is_away_has_a_crawl_ask_the_site_and_a_replay_wait() -> None:
    objects = Switched("memory://")
    kept = keep(SnapshotStore(objects))
    objects.away = True

    lenient = asyncio.run(CrawledBodies(SnapshotStore(objects), print).read(kept.body_sha256))

    assert lenient is None
    with pytest.raises(TransientError):
        read(SnapshotStore(objects), kept.body_sha256)
