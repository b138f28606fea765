"""What a sweep may remove: whatever crawls, replays and clean-ups did in whatever order, every manifest stays replayable."""

import hashlib
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from tripper_assets.catalog.database import Database
from tripper_assets.catalog.pages import Pages
from tripper_assets.catalog.snapshots import Snapshots
from tripper_assets.catalog.sources import SourceRegistry
from tripper_assets.clients.manifests import put_manifest, read_manifest
from tripper_assets.clients.objects import Objects
from tripper_assets.clients.snapshots import body_key
from tripper_assets.clients.sweep import Swept, sweep_bodies
from tripper_assets.domain.errors import TransientError
from tripper_assets.domain.pages import GonePage, PageState
from tripper_assets.domain.snapshots import PageSnapshot
from tripper_assets.domain.sources import make_source

ZOO = make_source("https://zoo.example/")
DAY = timedelta(days=1)


def sha256_of(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


@dataclass
class Zoo:
    """A source whose crawls, replays and clean-ups a test lets happen; time is moved by the sweeps, as the store's own clock cannot be."""

    rows: Snapshots
    pages: Pages
    objects: Objects = field(default_factory=lambda: Objects("memory://"))
    manifests: list[str] = field(default_factory=list[str])
    known: dict[str, PageState] = field(default_factory=dict[str, PageState])

    def crawl(self, bodies: dict[str, bytes], at: datetime, *, dies: bool = False) -> None:
        """Crawl pages with these bodies; one that dies leaves neither rows nor a manifest."""
        found = [self._keep(f"https://zoo.example/{path}", body, at) for path, body in sorted(bodies.items())]
        if dies:
            return
        states = [
            PageState(url=one.url, status=200, body_sha256=one.body_sha256, fetched_at=one.fetched_at) for one in found
        ]
        gone = [GonePage(url=url, reason="http_404") for url in self.known.keys() - {one.url for one in found}]
        self.pages.save(ZOO.key, states)
        self.pages.forget(ZOO.key, gone, at)
        self.rows.save(ZOO.key, found, at)
        self.known = {one.url: one for one in states}
        name = f"w{len(self.manifests)}-{at:%m%d%H%M%S%f}"
        file = put_manifest(self.objects, found, source_key=ZOO.key, workflow_id=name, run_id="run", at=at)
        self.manifests.append(file.uri)

    def _keep(self, url: str, body: bytes, at: datetime) -> PageSnapshot:
        kept = PageSnapshot(url=url, address=url, status=200, body_sha256=sha256_of(body), fetched_at=at)
        self.objects.create(body_key(kept.body_sha256), body)
        return kept

    def sweep(self, now: datetime, **options: bool) -> Swept:
        return sweep_bodies(self.rows, self.objects, now=now, **options)

    def has(self, sha256: str) -> bool:
        return self.objects.exists(body_key(sha256))

    def needed(self) -> set[str]:
        named = {one.body_sha256 for uri in self.manifests for one in read_manifest(self.objects, uri)}
        return named | {one.body_sha256 for one in self.known.values()}


@pytest.fixture
def zoo(database: Database) -> Zoo:
    SourceRegistry(database).add(ZOO)
    return Zoo(Snapshots(database), Pages(database))


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


def play(zoo: Zoo, dice: random.Random, now: datetime) -> None:
    for _ in range(dice.randrange(2, 9)):
        what = dice.choice(["crawl", "crawl", "crawl", "dies", "clean-up", "sweep"])
        if what in {"crawl", "dies"}:
            bodies = {f"p{number}": f"body {dice.randrange(4)} of {number}".encode() for number in range(5)}
            some = dict(dice.sample(sorted(bodies.items()), dice.randrange(1, 5)))
            zoo.crawl(some, now, dies=what == "dies")
        elif what == "clean-up" and zoo.manifests:
            zoo.objects.delete([zoo.manifests.pop(dice.randrange(len(zoo.manifests)))])
        elif what == "sweep":
            zoo.sweep(now + dice.choice([0, 2]) * DAY)
            assert all(map(zoo.has, zoo.needed()))


@pytest.mark.parametrize("seed", [*range(8), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(8, 120))])
def test_whatever_happens_what_is_needed_stays_and_all_else_goes(zoo: Zoo, now: datetime, seed: int) -> None:
    play(zoo, random.Random(seed), now)

    zoo.sweep(now + 2 * DAY)

    left = {one.key.rpartition("/")[2].removesuffix(".zst") for one in zoo.objects.list("snapshots")}
    assert left == zoo.needed()
    assert zoo.rows.unused(now + 2 * DAY) <= left


def test_the_body_of_a_crawl_of_now_stays_although_its_row_is_old(zoo: Zoo, now: datetime) -> None:
    old = now - 30 * DAY
    zoo.rows.save(ZOO.key, [zoo._keep("https://zoo.example/a", b"a", old)], old)

    swept = zoo.sweep(now)

    assert swept == Swept()
    assert zoo.has(sha256_of(b"a"))


def test_rows_without_a_body_go_and_a_body_that_comes_back_meanwhile_stays(zoo: Zoo, now: datetime) -> None:
    lost = zoo._keep("https://zoo.example/a", b"a", now)
    zoo.rows.save(ZOO.key, [lost], now)
    zoo.objects.delete([zoo.objects.uri(body_key(lost.body_sha256))])
    in_use = zoo.rows.in_use

    def comes_back(*given: object) -> set[str]:
        zoo.objects.create(body_key(lost.body_sha256), b"a")
        return in_use(*given)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zoo.rows, "in_use", comes_back)
        swept = zoo.sweep(now + 2 * DAY)

    assert swept == Swept()
    assert zoo.has(lost.body_sha256)
    assert zoo.rows.unused(now + 2 * DAY) == set()


def test_a_body_that_a_crawl_finds_while_a_sweep_is_under_way_stays(zoo: Zoo, now: datetime) -> None:
    found = zoo._keep("https://zoo.example/a", b"a", now)
    let_go = zoo.rows.let_go

    def claimed_first(*given: object) -> list[str]:
        zoo.rows.claim(ZOO.key, found, now + 2 * DAY)
        return let_go(*given)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zoo.rows, "let_go", claimed_first)
        swept = zoo.sweep(now + 2 * DAY)

    assert swept == Swept()
    assert zoo.has(found.body_sha256)


def test_a_manifest_that_cannot_be_read_now_stops_the_sweep(zoo: Zoo, now: datetime) -> None:
    zoo.crawl({"a": b"a"}, now)
    zoo.crawl({"a": b"b"}, now)

    def away(*_: object, **__: object) -> bytes:
        raise TransientError("The store does not answer.")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zoo.objects, "get", away)
        with pytest.raises(TransientError):
            zoo.sweep(now + 2 * DAY)

    assert all(map(zoo.has, zoo.needed()))


def test_a_damaged_manifest_holds_nothing_and_is_counted(zoo: Zoo, now: datetime) -> None:
    zoo.crawl({"a": b"a"}, now)
    zoo.crawl({"a": b"b"}, now)
    key = zoo.objects.key(zoo.manifests[0])
    zoo.objects.delete([zoo.manifests[0]])
    zoo.objects.put(key, b"spoilt")

    swept = zoo.sweep(now + 2 * DAY)

    assert (swept.bodies, swept.damaged_manifests) == (1, 1)
    assert (zoo.has(sha256_of(b"a")), zoo.has(sha256_of(b"b"))) == (False, True)


def test_a_second_sweep_at_the_same_time_does_nothing(zoo: Zoo, now: datetime) -> None:
    zoo._keep("https://zoo.example/a", b"a", now)

    with zoo.rows.sweeping():
        second = zoo.sweep(now + 2 * DAY)

    assert second == Swept(is_busy=True)
    assert zoo.has(sha256_of(b"a"))


def test_foreign_objects_are_left_alone(zoo: Zoo, now: datetime) -> None:
    zoo.objects.put("snapshots/readme", b"mine")
    zoo.objects.put(f"snapshots/zz/{'a' * 64}.zst", b"mine")

    assert zoo.sweep(now + 2 * DAY) == Swept()
    assert len(list(zoo.objects.list("snapshots"))) == 2
