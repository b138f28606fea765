"""What is asked for, how often, and what is remembered of it when servers, stores and the run fail."""

import gzip
import threading
import time
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from tripper_assets.clients.http import HttpClient, Reply
from tripper_assets.clients.http_errors import TimedOutError
from tripper_assets.clients.image_desk import media_key
from tripper_assets.clients.images import ImageCounts
from tripper_assets.clients.imaging import NoPicture, ProcessedImage
from tripper_assets.clients.imaging_processes import CRASHED, NO_MEMORY, TIMED_OUT
from tripper_assets.clients.objects import Objects
from tripper_assets.domain.errors import PermanentError
from tripper_assets_tests.clients.loopback import Answer, Asked, LoopbackSite, Respond
from tripper_assets_tests.clients.stored_pictures_town import (
    NOW,
    SOURCE,
    InThisProcess,
    Town,
    activity,
    jpeg,
    photo,
    problems,
)

SILENT: list[str] = []


async def never_answered(_client: HttpClient, url: str, **_options: object) -> Reply:
    SILENT.append(url)
    raise TimedOutError(f"Fetching {url} waited too long for an answer; try again later.")


@pytest.fixture
def town(site: LoopbackSite) -> Town:
    return Town(site)


def test_a_picture_of_two_activities_is_asked_for_once(town: Town) -> None:
    url = town.show("/a.jpg", jpeg(10))

    rows, counts = town.collect(*(activity(number, url) for number in range(5)))

    assert town.site.paths == ["/a.jpg"]
    assert len({row.contentUrl for row in rows}) == 1
    assert (len(rows), counts.fetched, counts.stored) == (5, 1, 1)


def test_equal_bodies_of_many_urls_are_processed_once(town: Town) -> None:
    urls = [town.show(f"/{number}.jpg", jpeg(10)) for number in range(6)]

    rows, counts = town.collect(*(activity(number, url) for number, url in enumerate(urls)))

    assert len(town.processor.processed) == 1
    assert [row.sourceUrl for row in rows] == urls
    assert (counts.fetched, counts.stored) == (6, 1)


def test_a_second_run_asks_conditionally_and_receives_no_body(town: Town) -> None:
    by_etag = town.show("/a.jpg", jpeg(10), etag='"a"')
    by_date = town.show("/b.jpg", jpeg(90), modified="Sun, 01 Jun 2025 10:00:00 GMT")
    without = town.show("/c.jpg", jpeg(200))
    one = activity(1, by_etag, by_date, without)
    rows, _ = town.collect(one)

    again, counts = town.collect(one)

    assert again == rows
    assert sorted(town.site.paths) == ["/a.jpg", "/b.jpg"]
    assert counts == ImageCounts(not_modified=2, reused=1, stored=3)


def test_what_a_304_says_anew_is_kept_and_the_rest_stays(town: Town) -> None:
    url = town.show("/a.jpg", jpeg(10), etag='"a"')
    town.collect(activity(1, url))
    town.site.answer("/a.jpg", Answer(304, b"", {"ETag": '"b"'}))
    town.now += timedelta(hours=1)
    before = town.known.images[url]

    town.collect(activity(1, url))

    assert town.known.images[url] == before.model_copy(update={"etag": '"b"', "checked_at": town.now})


def test_a_picture_without_validators_is_asked_for_again_after_seven_days(town: Town) -> None:
    url = town.show("/a.jpg", jpeg(10))
    town.collect(activity(1, url))

    town.now = NOW + timedelta(days=6, hours=23)
    assert town.collect(activity(1, url))[1] == ImageCounts(reused=1, stored=1)
    town.now = NOW + timedelta(days=7)
    assert town.collect(activity(1, url))[1] == ImageCounts(fetched=1, stored=1)
    assert town.known.images[url].checked_at == town.now


def test_a_body_that_comes_again_unchanged_is_not_processed_again(town: Town) -> None:
    url = town.show("/a.jpg", jpeg(10))
    rows, _ = town.collect(activity(1, url))
    town.now += timedelta(days=8)

    again, counts = town.collect(activity(1, url))

    assert again == rows
    assert (counts.fetched, len(town.processor.processed)) == (1, 1)


def test_a_new_picture_at_the_same_url_takes_the_place_of_the_old(town: Town) -> None:
    url = town.show("/a.jpg", jpeg(10), etag='"a"')
    old, _ = town.collect(activity(1, url))
    town.show("/a.jpg", jpeg(200), etag='"b"')

    new, counts = town.collect(activity(1, url))

    assert new[0].sha256 != old[0].sha256
    assert town.known.images[url].etag == '"b"'
    assert counts == ImageCounts(fetched=1, stored=1)


@pytest.mark.parametrize("etag", ['"a"', ""])
def test_a_stored_picture_that_is_gone_is_fetched_as_a_whole(town: Town, etag: str) -> None:
    url = town.show("/a.jpg", jpeg(10), etag=etag)
    rows, _ = town.collect(activity(1, url))
    town.objects.delete([rows[0].contentUrl])

    again, counts = town.collect(activity(1, url))

    assert "if-none-match" not in town.site.requests[0].headers
    assert again == rows
    assert town.objects.exists(media_key(rows[0].sha256))
    assert counts.fetched == 1


def test_a_store_that_moved_gives_the_new_address(town: Town) -> None:
    url = town.show("/a.jpg", jpeg(10), etag='"a"')
    rows, _ = town.collect(activity(1, url))
    town.known.images[url] = town.known.images[url].model_copy(update={"contentUrl": "s3://old/media/x.webp"})

    again, _ = town.collect(activity(1, url))

    assert again == rows


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (Answer(404), "image_gone"),
        (Answer(410), "image_gone"),
        (Answer(403), "image_forbidden"),
        (Answer(400), "image_unreachable"),
        (Answer(503), "image_unreachable"),
        (Answer(304), "image_unreachable"),
        (Answer(raw=iter([b"nonsense\r\n\r\n"])), "image_unreachable"),
        (Answer(200, gzip.compress(jpeg(10))[:99], {"Content-Encoding": "gzip"}), "broken"),
        (Answer(302, b"", {"Location": "http://127.0.0.2:9/a.jpg"}), "image_refused_address"),
        (Answer(302, b"", {"Location": "file:///etc/passwd"}), "image_refused_address"),
        (Answer(302, b"", {"Location": "/loop.jpg"}), "image_unreachable"),
    ],
)
def test_a_url_that_fails_has_a_row_that_says_why_and_harms_no_other(town: Town, answer: Answer, problem: str) -> None:
    bad, good = town.site.url("/loop.jpg"), town.show("/good.jpg", jpeg(10))
    town.site.answer("/loop.jpg", answer)

    rows, counts = town.collect(activity(1, bad), activity(2, good))

    assert problems(rows) == [(0, problem), (0, "")]
    assert (rows[0].sourceUrl, rows[0].contentUrl, rows[0].width) == (bad, "", None)
    assert counts == ImageCounts(fetched=1, stored=1, failed=1)
    assert bad not in town.known.images


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<html>Please log in</html>", "not_an_image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "svg_refused"),
        (b"", "not_an_image"),
        (jpeg(10)[:300], "broken"),
        (jpeg(10, (1, 1), "PNG"), "too_small"),
    ],
)
@pytest.mark.parametrize("etag", ['"a"', ""])
def test_what_is_no_picture_is_remembered_and_stays_rejected_without_another_body(
    town: Town, body: bytes, reason: str, etag: str
) -> None:
    url = town.show("/a.jpg", body, etag=etag)

    first, cost = town.collect(activity(1, url))
    again, counts = town.collect(activity(1, url))

    assert problems(first) == [(0, reason)]
    assert again == first
    assert (cost.fetched, cost.rejected, cost.failed) == (1, 1, 0)
    assert counts == (ImageCounts(not_modified=1, rejected=1) if etag else ImageCounts(reused=1, rejected=1))


@dataclass
class Overloaded(InThisProcess):
    """Says of the first picture what a machine without time or memory says."""

    verdict: NoPicture = TIMED_OUT

    async def process(self, body: bytes) -> ProcessedImage | NoPicture:
        found = await super().process(body)
        return self.verdict if len(self.processed) == 1 else found


@pytest.mark.parametrize("verdict", [CRASHED, TIMED_OUT, NoPicture(NO_MEMORY)], ids=lambda one: one.reason)
def test_a_picture_that_a_busy_machine_could_not_decode_is_tried_again_after_seven_days(
    town: Town, verdict: NoPicture
) -> None:
    busy = replace(town, processor=Overloaded(verdict=verdict))
    one = activity(1, town.show("/a.jpg", jpeg(10), etag='"a"'))

    assert problems(busy.collect(one)[0]) == [(0, verdict.reason)]
    assert busy.collect(one)[1] == ImageCounts(reused=1, rejected=1)
    busy.now += timedelta(days=7)
    rows, counts = busy.collect(one)
    assert problems(rows) == [(0, "")]
    assert counts == ImageCounts(fetched=1, stored=1)


def test_a_body_over_15_megabytes_is_rejected_and_not_asked_for_soon(town: Town) -> None:
    url = town.site.url("/a.jpg")
    town.site.answer("/a.jpg", Answer(raw=iter([b"HTTP/1.1 200 OK\r\nContent-Length: 15000001\r\n\r\n"])))

    rows, counts = town.collect(activity(1, url))

    assert problems(rows) == [(0, "too_large")]
    assert counts == ImageCounts(rejected=1)
    assert town.collect(activity(1, url))[1] == ImageCounts(reused=1, rejected=1)
    assert town.site.requests == []


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_that_is_down_takes_no_stored_picture_away(town: Town, status: int) -> None:
    url = town.show("/a.jpg", jpeg(10), etag='"a"')
    rows, _ = town.collect(activity(1, url))
    town.site.answer("/a.jpg", Answer(status))

    again, counts = town.collect(activity(1, url))

    assert again == rows
    assert counts == ImageCounts(reused=1, stored=1)
    assert town.known.images[url].checked_at == NOW


def test_a_lost_connection_takes_no_stored_picture_away_but_a_removal_does(town: Town) -> None:
    url = town.show("/a.jpg", jpeg(10), etag='"a"')
    rows, _ = town.collect(activity(1, url))

    town.site.answer("/a.jpg", lambda _: Answer(raw=iter([])))
    assert town.collect(activity(1, url))[0] == rows
    town.site.answer("/a.jpg", Answer(404))
    assert problems(town.collect(activity(1, url))[0]) == [(0, "image_gone")]


def test_a_small_variant_that_is_gone_is_made_anew(town: Town) -> None:
    one = activity(1, town.show("/a.jpg", photo(1, 1200, 900), etag='"a"'))
    rows, _ = town.collect(one)
    assert rows[0].thumbnail
    town.objects.delete([rows[0].thumbnail.contentUrl])

    again, counts = town.collect(one)

    assert (again, counts.fetched) == (rows, 1)
    assert town.objects.exists(media_key(rows[0].thumbnail.sha256))


def test_what_an_older_version_stored_too_small_is_shown_no_more_and_not_asked_for(town: Town) -> None:
    url = town.show("/a.jpg", jpeg(10))
    town.collect(activity(1, url))
    town.known.images[url] = town.known.images[url].model_copy(update={"width": 120, "height": 90})

    rows, counts = town.collect(activity(1, url))

    assert problems(rows) == [(0, "too_small")]
    assert counts == ImageCounts(reused=1, rejected=1)


def test_a_host_that_lets_every_request_run_out_of_time_is_not_asked_two_hundred_times(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HttpClient, "get", never_answered)

    rows, counts = town.collect(*(activity(n, town.site.url(f"/{n}.jpg")) for n in range(200)))

    assert {row.problem for row in rows} == {"image_unreachable"}
    assert counts == ImageCounts(failed=200)
    assert len(SILENT) <= 8
    assert town.known.images == {}


@dataclass
class Busy:
    """Counts how many requests are answered at a time."""

    inside: int = 0
    most: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def slowly(self, respond: Respond) -> Respond:
        def waiting(asked: Asked) -> Answer:
            with self.lock:
                self.inside += 1
                self.most = max(self.most, self.inside)
            time.sleep(0.03)
            with self.lock:
                self.inside -= 1
            return respond(asked)

        return waiting


def test_one_host_is_asked_for_four_pictures_at_a_time(town: Town) -> None:
    busy = Busy()
    town.site.fallback = busy.slowly(lambda asked: Answer(200, jpeg(int(asked.path[1:-4]))))

    _, counts = town.collect(*(activity(n, town.site.url(f"/{n}.jpg")) for n in range(24)))

    assert busy.most == 4
    assert counts.fetched == 24


def test_what_cost_a_body_is_saved_at_once_and_what_did_not_in_batches(town: Town) -> None:
    activities = [activity(n, town.show(f"/{n}.jpg", jpeg(5 * n), etag=f'"{n}"')) for n in range(45)]

    town.collect(*activities)
    at_once = list(town.known.batches)
    town.known.batches.clear()
    town.collect(*activities)

    assert (sum(at_once), max(at_once) <= 8) == (45, True)
    assert town.known.batches == [20, 20, 5]
    assert town.known.sources == {SOURCE}


class FullStore(Objects):
    """Takes twelve files and then no more."""

    def put(self, key: str, data: bytes):  # type: ignore[no-untyped-def]  # noqa: ANN201 (as the real one)
        if sum(1 for _ in self.list("media")) > 11:
            raise PermanentError("Storing failed: the disk is full.")
        return super().put(key, data)


def test_a_store_that_fails_stops_the_work_and_what_was_learned_is_kept(town: Town) -> None:
    full = replace(town, objects=FullStore("memory://"))
    town.site.fallback = lambda asked: Answer(200, jpeg(int(asked.path[1:-4])))

    with pytest.raises(PermanentError, match="disk is full"):
        full.collect(*(activity(n, town.site.url(f"/{n}.jpg")) for n in range(40)))

    assert 0 < len(town.known.images) <= 12
    assert sum(town.known.batches) == len(town.known.images)
