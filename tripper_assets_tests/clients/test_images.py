import asyncio
import gzip
import io
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from PIL import Image

from tripper_assets.clients import images as module
from tripper_assets.clients.addresses import AddressGuard
from tripper_assets.clients.http import HttpClient
from tripper_assets.clients.images import ImageCounts, collect_images, media_key
from tripper_assets.clients.objects import Objects
from tripper_assets.domain.activities import Activity, ImageObject
from tripper_assets.domain.errors import PermanentError, TransientError
from tripper_assets.domain.images import KnownImage
from tripper_assets.domain.maps import ImageRow
from tripper_assets_tests.clients.loopback import Answer, Asked, LoopbackSite, Respond

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
SOURCE = "town-00000000"


def jpeg(shade: int, size: tuple[int, int] = (120, 90), kind: str = "JPEG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, (shade, 255 - shade, shade // 2)).save(buffer, kind)
    return buffer.getvalue()


def activity(number: int, *urls: str) -> Activity:
    return Activity(
        id=f"00000000-0000-5000-8000-{number:012}",
        index=number,
        source_key=SOURCE,
        source_url="https://town.example",
        url=f"https://town.example/{number}",
        type="Event",
        name=f"Walk {number}",
        image=tuple(ImageObject(sourceUrl=url) for url in urls),
    )


@dataclass
class Remembered:
    """Known images in a dictionary; the sizes of what was saved are kept."""

    images: dict[str, KnownImage] = field(default_factory=dict[str, KnownImage])
    batches: list[int] = field(default_factory=list[int])
    sources: set[str | None] = field(default_factory=set[str | None])

    def load(self, urls: Sequence[str]) -> dict[str, KnownImage]:
        return {url: self.images[url] for url in urls if url in self.images}

    def save(
        self, images: Sequence[KnownImage], *, workflow_id: str | None = None, source_key: str | None = None
    ) -> None:
        assert workflow_id is None
        self.images |= {image.sourceUrl: image for image in images}
        self.batches.append(len(images))
        self.sources.add(source_key)


@dataclass
class Town:
    """One source's pictures on a loopback site, with what lasts between two runs."""

    site: LoopbackSite
    objects: Objects = field(default_factory=lambda: Objects("memory://"))
    known: Remembered = field(default_factory=Remembered)
    now: datetime = NOW

    def show(self, path: str, body: bytes, *, etag: str = "", modified: str = "") -> str:
        """Answer ``path`` with a body, conditionally where it has a validator."""

        def respond(asked: Asked) -> Answer:
            said = {"ETag": etag} if etag else {}
            said |= {"Last-Modified": modified} if modified else {}
            unchanged = (etag and asked.headers.get("if-none-match") == etag) or (
                modified and asked.headers.get("if-modified-since") == modified
            )
            return Answer(304, b"", said) if unchanged else Answer(200, body, said)

        self.site.answer(path, respond)
        return self.site.url(path)

    def collect(self, *activities: Activity, per_activity: int = 3) -> tuple[tuple[ImageRow, ...], ImageCounts]:
        async def run() -> tuple[tuple[ImageRow, ...], ImageCounts]:
            guard = AddressGuard(frozenset({("127.0.0.1", self.site.port)}))
            async with HttpClient(user_agent="test", guard=guard, timeout_seconds=5) as client:
                return await collect_images(
                    activities,
                    client=client,
                    objects=self.objects,
                    known=self.known,
                    clock=lambda: self.now,
                    per_activity=per_activity,
                )

        self.site.requests.clear()
        return asyncio.run(run())


@pytest.fixture
def town(site: LoopbackSite) -> Town:
    return Town(site)


def problems(rows: Sequence[ImageRow]) -> list[tuple[int, str]]:
    return [(row.position, row.problem) for row in rows]


def test_pictures_are_stored_under_the_hash_of_their_bytes_best_first(town: Town) -> None:
    first, second = town.show("/a.jpg", jpeg(10)), town.show("/b.jpg", jpeg(200, (80, 60)))

    rows, counts = town.collect(activity(2, second), activity(1, first, second))

    assert [(row.activity_id[-1], row.position, row.sourceUrl) for row in rows] == [
        ("1", 0, first),
        ("1", 1, second),
        ("2", 0, second),
    ]
    assert (rows[0].width, rows[0].height, rows[0].encodingFormat, rows[0].problem) == (120, 90, "image/webp", "")
    assert rows[0].contentUrl == town.objects.uri(f"media/{rows[0].sha256[:2]}/{rows[0].sha256}.webp")
    assert len(town.objects.get(rows[0].contentUrl, sha256=rows[0].sha256)) == rows[0].bytes
    assert counts == ImageCounts(fetched=2, stored=2)


def test_a_picture_of_two_activities_is_asked_for_once(town: Town) -> None:
    url = town.show("/a.jpg", jpeg(10))

    rows, counts = town.collect(*(activity(number, url) for number in range(5)))

    assert town.site.paths == ["/a.jpg"]
    assert len({row.contentUrl for row in rows}) == 1
    assert (len(rows), counts.fetched, counts.stored) == (5, 1, 1)


def test_equal_bodies_of_many_urls_are_processed_once(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    processed: list[int] = []
    real = module.process_image
    monkeypatch.setattr(module, "process_image", lambda body: processed.append(len(body)) or real(body))
    urls = [town.show(f"/{number}.jpg", jpeg(10)) for number in range(6)]

    rows, counts = town.collect(*(activity(number, url) for number, url in enumerate(urls)))

    assert len(processed) == 1
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


def test_a_body_that_comes_again_unchanged_is_not_processed_again(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    url = town.show("/a.jpg", jpeg(10))
    rows, _ = town.collect(activity(1, url))
    town.now += timedelta(days=8)
    monkeypatch.setattr(module, "process_image", None)

    again, _ = town.collect(activity(1, url))

    assert again == rows


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


def test_the_next_best_stands_in_for_each_that_fails(town: Town) -> None:
    bad = town.show("/bad.jpg", b"<html>")
    gone = town.site.url("/gone.jpg")
    good = [town.show(f"/{shade}.jpg", jpeg(shade)) for shade in (10, 90, 160, 250)]

    rows, counts = town.collect(activity(1, bad, good[0], gone, *good[1:]))

    assert [(row.sourceUrl, row.position, row.problem) for row in rows] == [
        (good[0], 0, ""),
        (good[1], 1, ""),
        (good[2], 2, ""),
        (bad, 3, "not_an_image"),
        (gone, 4, "image_gone"),
    ]
    assert "/250.jpg" not in town.site.paths
    assert counts == ImageCounts(fetched=4, stored=3, rejected=1, failed=1)


def test_the_same_picture_at_another_url_is_shown_once_and_the_next_stands_in(town: Town) -> None:
    first, same, other = (
        town.show("/a.jpg", jpeg(10)),
        town.show("/a2.jpg", jpeg(10)),
        town.show("/b.jpg", jpeg(200)),
    )

    rows, _ = town.collect(activity(1, first, same, other), per_activity=2)

    assert [(row.sourceUrl, row.position) for row in rows] == [(first, 0), (other, 1)]


def test_a_list_of_dead_links_is_not_followed_to_its_end(town: Town) -> None:
    rows, counts = town.collect(activity(1, *(town.site.url(f"/{n}.jpg") for n in range(100))), per_activity=2)

    assert (len(rows), len(town.site.paths), counts.failed) == (8, 8, 8)


def test_refused_candidates_are_counted_and_never_asked_for(town: Town) -> None:
    rows, counts = town.collect(activity(1, town.site.url("/logo.png"), "data:image/png;base64,AA=="))

    assert (rows, town.site.paths) == ((), [])
    assert counts == ImageCounts(refused=2)


def test_no_activities_have_no_pictures(town: Town) -> None:
    assert town.collect() == ((), ImageCounts())


def test_a_credit_stays_with_its_picture(town: Town) -> None:
    url = town.show("/a.jpg", jpeg(10))
    image = ImageObject(sourceUrl=url, creditText="A. Painter", license="CC BY 4.0")

    rows, _ = town.collect(activity(1).model_copy(update={"image": (image,)}))

    assert (rows[0].creditText, rows[0].license) == ("A. Painter", "CC BY 4.0")


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


def test_what_was_learned_is_saved_in_batches_and_at_the_end(town: Town) -> None:
    town.site.fallback = lambda asked: Answer(200, jpeg(int(asked.path[1:-4])))

    town.collect(*(activity(n, town.site.url(f"/{n}.jpg")) for n in range(45)))

    assert town.known.batches == [20, 20, 5]
    assert len(town.known.images) == 45
    assert town.known.sources == {SOURCE}


class FullStore(Objects):
    """Takes two pictures and then no more."""

    def put(self, key: str, data: bytes):  # type: ignore[no-untyped-def]  # noqa: ANN201 (as the real one)
        if sum(1 for _ in self.list("media")) > 1:
            raise PermanentError("Storing failed: the disk is full.")
        return super().put(key, data)


def test_a_store_that_fails_stops_the_work_and_what_was_learned_is_kept(town: Town) -> None:
    full = replace(town, objects=FullStore("memory://"))
    town.site.fallback = lambda asked: Answer(200, jpeg(int(asked.path[1:-4])))

    with pytest.raises(PermanentError, match="disk is full"):
        full.collect(*(activity(n, town.site.url(f"/{n}.jpg")) for n in range(40)))

    assert 0 < len(town.known.images) <= 2
    assert town.known.batches == [len(town.known.images)]


def test_new_activities_cost_only_their_own_pictures(town: Town) -> None:
    town.site.fallback = lambda asked: Answer(200, jpeg(int(asked.path[1:-4])))
    activities = [activity(n, town.site.url(f"/{20 * n}.jpg")) for n in range(10)]
    town.collect(*activities[:6])

    _, counts = town.collect(*activities)

    assert sorted(town.site.paths) == ["/120.jpg", "/140.jpg", "/160.jpg", "/180.jpg"]
    assert counts == ImageCounts(fetched=4, reused=6, stored=10)


def test_known_images_that_cannot_be_read_stop_the_work_before_any_request(town: Town) -> None:
    def down(_: Sequence[str]) -> dict[str, KnownImage]:
        raise TransientError("The catalog is down.")

    town.known.load = down  # type: ignore[method-assign]

    with pytest.raises(TransientError, match="down"):
        town.collect(activity(1, town.show("/a.jpg", jpeg(10))))

    assert town.site.paths == []


def test_the_order_of_activities_changes_nothing(town: Town) -> None:
    town.site.fallback = lambda asked: Answer(200, jpeg(int(asked.path[1:-4])))
    activities = [activity(n, *(town.site.url(f"/{m}.jpg") for m in (n, n + 1, 200))) for n in range(8)]
    rows, _ = town.collect(*activities)

    fresh = Town(town.site)
    assert fresh.collect(*reversed(activities))[0] == rows


def test_the_event_loop_goes_on_while_pictures_are_decoded(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: set[str] = set()
    real = module.process_image

    def noted(body: bytes) -> object:
        threads.add(threading.current_thread().name)
        return real(body)

    monkeypatch.setattr(module, "process_image", noted)
    town.collect(activity(1, town.show("/a.jpg", jpeg(10))))

    assert all(name.startswith("decode") for name in threads)
