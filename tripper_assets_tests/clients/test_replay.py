"""Pages read again from their kept bodies: as at the moment when they came, each on its own, and never more than one wave in memory."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from tripper_assets.clients.manifests import put_manifest, read_manifest, snapshot_of
from tripper_assets.clients.objects import Objects
from tripper_assets.clients.replay import WAVE, replay
from tripper_assets.domain.activities import Extraction, PageFacts, RawActivity
from tripper_assets.domain.errors import CorruptObjectError, PermanentError, TransientError
from tripper_assets.domain.model import Problem, count_by_code
from tripper_assets.domain.pages import Crawl, PageState
from tripper_assets.domain.snapshots import PageSnapshot

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)


def snapshot(number: int) -> PageSnapshot:
    url = f"https://zoo.example/{number:03d}"
    digest = sha256(f"{number}".encode()).hexdigest()
    at = AT + timedelta(days=number)
    said = {"content-type": "text/html; charset=iso-8859-1"}
    return PageSnapshot(
        url=url, address=f"{url}/index", status=200, headers=said, body_sha256=digest, body_bytes=3, fetched_at=at
    )


def read_page(body: bytes, url: str, content_type: str | None, now: datetime) -> Extraction:
    """State one activity that tells how it was read; bodies say what else is to happen."""
    match body:
        case b"crash":
            raise RecursionError("too deep")
        case b"captcha" | b"empty_shell":
            return Extraction(page=PageFacts.model_validate({"trouble": body.decode()}))
        case _:
            problem = [Problem(code="block_broken", subject=url)] if body == b"broken" else []
            named = RawActivity(page=url, name=f"{body.decode()} {content_type} {now:%d.%m.}")
            return Extraction(activities=[named], problems=problem)


def replayed(bodies: dict[int, bytes | None], on_progress: Callable[[int], object] = lambda _: None) -> Crawl:
    by_hash = {snapshot(number).body_sha256: body for number, body in bodies.items()}

    async def read_body(digest: str) -> bytes | None:
        await asyncio.sleep(0)
        return by_hash[digest]

    lines = map(snapshot, sorted(bodies))
    return asyncio.run(
        replay(lines, read_body=read_body, read_page=read_page, subject="the workflow w1", on_progress=on_progress)
    )


def test_a_page_is_read_at_its_address_as_its_type_and_as_at_its_day() -> None:
    found = replayed({1: b"Owls", 40: b"Bears"})

    assert [(one.page, one.name) for one in found.raw_activities] == [
        ("https://zoo.example/001/index", "Owls text/html; charset=iso-8859-1 02.05."),
        ("https://zoo.example/040/index", "Bears text/html; charset=iso-8859-1 10.06."),
    ]
    assert (found.report.found, found.report.done, found.report.unchanged) == (2, 2, {"replayed": 2})


def test_what_is_wrong_with_a_page_stays_with_it() -> None:
    found = replayed({1: b"Owls", 2: None, 3: b"crash", 4: b"captcha", 5: b"empty_shell", 6: b"broken"})

    assert [page.url[-3:] for page in found.pages] == ["001", "005", "006"]
    assert found.report.failures == {"extraction_failed": 1, "snapshot_missing": 1}
    assert found.report.blocked == {"captcha": 1}
    assert count_by_code(found.report.problems) == {
        "block_broken": 1,
        "captcha": 1,
        "empty_shell": 1,
        "extraction_failed": 1,
        "snapshot_missing": 1,
    }
    assert found.report.found == found.report.done == 6


def test_without_any_body_there_is_nothing_to_replay_and_without_pages_there_is_nothing_wrong() -> None:
    with pytest.raises(PermanentError, match="Replaying the workflow w1 found none of its 2 page bodies"):
        replayed({1: None, 2: None})

    assert list(replayed({}).pages) == []


def test_a_store_that_is_away_stops_the_replay_and_loses_no_page() -> None:
    async def away(_: str) -> bytes | None:
        raise TransientError("The store does not answer.")

    with pytest.raises(TransientError):
        asyncio.run(replay([snapshot(1)], read_body=away, read_page=read_page, subject="w1"))


def test_bodies_are_read_a_wave_at_a_time_and_their_number_is_told() -> None:
    told = list[int]()

    replayed(dict.fromkeys(range(2 * WAVE + 1), b"Owls"), told.append)

    assert told == [WAVE, 2 * WAVE, 2 * WAVE + 1]


def stored(objects: Objects, count: int) -> str:
    lines = map(snapshot, range(count))
    return put_manifest(objects, lines, source_key="zoo", workflow_id="w1", run_id="r1", at=AT).uri


def test_a_manifest_comes_back_as_it_was_stored_and_twice_is_the_same_object() -> None:
    objects = Objects("memory://")

    uri, again = stored(objects, 1_000), stored(objects, 1_000)

    assert uri == again
    assert list(read_manifest(objects, uri)) == list(map(snapshot, range(1_000)))
    assert list(read_manifest(objects, stored(objects, 0))) == []


@pytest.mark.parametrize("cut", [0, 1, 100, -1])
def test_a_damaged_manifest_is_refused_before_its_first_line(cut: int) -> None:
    objects = Objects("memory://")
    uri = stored(objects, 50)
    data = objects.get(uri)
    objects.delete([uri])
    objects.put(objects.key(uri), data[:cut])

    with pytest.raises(CorruptObjectError, match="not the manifest that was stored"):
        next(read_manifest(objects, uri))


def test_a_page_of_which_no_snapshot_is_known_is_described_by_its_state() -> None:
    page = PageState(
        url="https://zoo.example/a", status=203, etag='"1"', body_sha256="a" * 64, content_type="text/html", fetched_at=AT
    )  # fmt: skip

    assert snapshot_of(page, None) == PageSnapshot(
        url=page.url,
        address=page.url,
        status=203,
        headers={"content-type": "text/html", "etag": '"1"'},
        body_sha256="a" * 64,
        fetched_at=AT,
    )
