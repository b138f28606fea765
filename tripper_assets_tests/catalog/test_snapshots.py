"""Rows of kept bodies: which page had which, when it was last read, and who may remove it."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from tripper_assets.catalog.database import Database
from tripper_assets.catalog.pages import Pages
from tripper_assets.catalog.snapshots import Snapshots
from tripper_assets.catalog.sources import SourceRegistry
from tripper_assets.catalog.spool import Outage
from tripper_assets.domain.errors import TransientError
from tripper_assets.domain.pages import GonePage, PageState
from tripper_assets.domain.snapshots import PageSnapshot
from tripper_assets.domain.sources import make_source
from tripper_assets.resources import catalog_on
from tripper_assets_tests.outage import NOBODY

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ZOO = make_source("https://zoo.example/")
A, B, C = "a" * 64, "b" * 64, "c" * 64


@pytest.fixture
def snapshots(database: Database) -> Snapshots:
    SourceRegistry(database).add(ZOO)
    return Snapshots(database)


def snapshot(body: str, path: str = "/owls", at: datetime = AT) -> PageSnapshot:
    url = f"https://zoo.example{path}"
    said = {"content-type": "text/html", "link": "</next>; rel=next"}
    return PageSnapshot(
        url=url, address=f"{url}/", status=200, headers=said, body_sha256=body, body_bytes=9, fetched_at=at
    )


def used_at(database: Database) -> dict[tuple[str, str], datetime]:
    with database.connection() as connection:
        rows = connection.execute(text("SELECT url, body_sha256, used_at FROM tripper.page_snapshots"))
        return {(url.removeprefix("https://zoo.example"), body): at for url, body, at in rows}


def test_a_snapshot_comes_back_as_it_was_saved(snapshots: Snapshots) -> None:
    snapshots.save(ZOO.key, [snapshot(A), snapshot(B), snapshot(B, "/bears")], AT)

    owls, bears, foxes = (f"https://zoo.example/{name}" for name in ("owls", "bears", "foxes"))
    assert snapshots.of(ZOO.key, [(owls, A), (bears, B), (foxes, C)]) == {
        owls: snapshot(A),
        bears: snapshot(B, "/bears"),
    }
    assert snapshots.of(ZOO.key, []) == {}


def test_the_same_body_again_says_when_and_never_an_earlier_moment(snapshots: Snapshots, database: Database) -> None:
    snapshots.save(ZOO.key, [snapshot(A), snapshot(A)], AT + DAY)

    snapshots.save(ZOO.key, [snapshot(A)], AT)

    assert used_at(database) == {("/owls", A): AT + DAY}


def test_use_is_noted_twice_a_day_for_what_is_known(snapshots: Snapshots, database: Database) -> None:
    snapshots.save(ZOO.key, [snapshot(A), snapshot(B, "/bears")], AT)
    url = "https://zoo.example/owls"

    snapshots.use(ZOO.key, [(url, A), (url, C)], AT + timedelta(hours=11))
    early = used_at(database)
    snapshots.use(ZOO.key, [(url, A)], AT + timedelta(hours=13))

    assert early == {("/owls", A): AT, ("/bears", B): AT}
    assert used_at(database) == {("/owls", A): AT + timedelta(hours=13), ("/bears", B): AT}


def test_what_a_page_has_now_or_a_workflow_read_lately_is_in_use(snapshots: Snapshots, database: Database) -> None:
    pages = Pages(database)
    for path, body in (("/owls", A), ("/bears", B)):
        pages.save(ZOO.key, [PageState(url=f"https://zoo.example{path}", status=200, body_sha256=body, fetched_at=AT)])
    pages.forget(ZOO.key, [GonePage(url="https://zoo.example/bears", reason="http_404")], AT)
    snapshots.save(ZOO.key, [snapshot(A), snapshot(B, "/bears"), snapshot(C, "/foxes")], AT)
    snapshots.claim(ZOO.key, snapshot(C, "/other"), AT + 2 * DAY)

    assert snapshots.unused(AT + DAY) == {B}
    assert snapshots.in_use([A, B, C, "d" * 64], AT + DAY) == {A, C}
    assert snapshots.unused(AT + 3 * DAY) == {B, C}


def test_bodies_go_with_their_rows_but_for_those_that_were_claimed(snapshots: Snapshots, database: Database) -> None:
    snapshots.save(ZOO.key, [snapshot(A), snapshot(A, "/bears"), snapshot(B)], AT)
    snapshots.claim(ZOO.key, snapshot(B, "/foxes"), AT + 2 * DAY)
    removed = list[str]()

    gone = snapshots.let_go([A, B, C], AT + DAY, removed.extend)

    assert gone == removed == [A, C]
    assert used_at(database).keys() == {("/owls", B), ("/foxes", B)}


def test_a_crawl_that_finds_a_body_which_is_going_waits_until_it_is_gone(
    snapshots: Snapshots, database: Database
) -> None:
    snapshots.save(ZOO.key, [snapshot(A)], AT)
    order = list[str]()

    def claim() -> None:
        snapshots.claim(ZOO.key, snapshot(A, "/bears"), AT + 2 * DAY)
        order.append("claimed")

    claiming = threading.Thread(target=claim)

    def remove(_: list[str]) -> None:
        claiming.start()
        claiming.join(0.3)
        order.append("removed")

    snapshots.let_go([A], AT + DAY, remove)
    claiming.join()

    assert order == ["removed", "claimed"]
    assert used_at(database).keys() == {("/bears", A)}


def test_bodies_whose_removal_fails_keep_their_rows(snapshots: Snapshots, database: Database) -> None:
    snapshots.save(ZOO.key, [snapshot(A)], AT)

    def fail(_: list[str]) -> None:
        raise TransientError("The store does not answer.")

    with pytest.raises(TransientError):
        snapshots.let_go([A], AT + DAY, fail)

    assert used_at(database).keys() == {("/owls", A)}


def test_one_sweeps_at_a_time(snapshots: Snapshots) -> None:
    with snapshots.sweeping() as first, snapshots.sweeping() as second:
        assert (first, second) == (True, False)
    with snapshots.sweeping() as third:
        assert third


def test_what_a_crawl_learns_while_the_catalog_is_down_is_written_afterwards(
    snapshots: Snapshots, database: Database, tmp_path: Path
) -> None:
    snapshots.save(ZOO.key, [snapshot(B, "/bears")], AT)
    down = catalog_on(Database(NOBODY), tmp_path)
    down.spool.outage = Outage(pause_seconds=0)

    down.lenient.snapshots.save(ZOO.key, [snapshot(A)], AT)
    down.lenient.snapshots.use(ZOO.key, [("https://zoo.example/bears", B)], AT + DAY)
    down.lenient.snapshots.claim(ZOO.key, snapshot(B, "/bears"), AT)
    assert down.lenient.snapshots.of(ZOO.key, [("https://zoo.example/bears", B)]) == {}
    catalog_on(database, tmp_path).replay()

    assert used_at(database) == {("/owls", A): AT, ("/bears", B): AT + DAY}
    assert snapshots.of(ZOO.key, [("https://zoo.example/owls", A)]) == {"https://zoo.example/owls": snapshot(A)}
