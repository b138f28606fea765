"""Which pictures an activity shows, in which order, and what stands in for those that fail."""

from collections.abc import Sequence

import pytest

from tripper_assets.clients.image_desk import media_key
from tripper_assets.clients.images import ImageCounts
from tripper_assets.domain.activities import ImageObject
from tripper_assets.domain.errors import TransientError
from tripper_assets.domain.images import KnownImage
from tripper_assets_tests.clients.loopback import Answer, LoopbackSite
from tripper_assets_tests.clients.stored_pictures_town import Town, activity, jpeg, photo


@pytest.fixture
def town(site: LoopbackSite) -> Town:
    return Town(site)


def test_pictures_are_stored_under_the_hash_of_their_bytes_best_first(town: Town) -> None:
    first, second = town.show("/a.jpg", jpeg(10)), town.show("/b.jpg", jpeg(200, (480, 360)))

    rows, counts = town.collect(activity(2, second), activity(1, first, second))

    assert [(row.activity_id[-1], row.position, row.sourceUrl) for row in rows] == [
        ("1", 0, first),
        ("1", 1, second),
        ("2", 0, second),
    ]
    assert (rows[0].width, rows[0].height, rows[0].encodingFormat, rows[0].problem) == (400, 300, "image/webp", "")
    assert rows[0].contentUrl == town.objects.uri(f"media/{rows[0].sha256[:2]}/{rows[0].sha256}.webp")
    assert len(town.objects.get(rows[0].contentUrl, sha256=rows[0].sha256)) == rows[0].bytes
    assert counts == ImageCounts(fetched=2, stored=2)


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


def test_a_smaller_copy_at_another_url_is_no_second_picture_and_the_larger_one_is_shown(town: Town) -> None:
    small, large = town.show("/a-400.jpg", photo(1, 400, 300)), town.show("/a.webp", photo(1, 1200, 900, "WEBP"))
    other = town.show("/b.jpg", photo(2, 800, 600))

    rows, _ = town.collect(activity(1, small, large, other), per_activity=2)

    assert [(row.sourceUrl, row.position, row.width) for row in rows] == [(large, 0, 1024), (other, 1, 800)]


def test_a_picture_that_stands_at_many_urls_is_a_banner_and_the_next_best_stands_in(town: Town) -> None:
    urls = [town.show(f"/{n}/header.jpg", jpeg(10)) for n in range(12)]
    own = [town.show(f"/{n}/own.jpg", jpeg(20 * n + 15)) for n in range(11)]
    activities = [activity(n, url, *own[n : n + 1]) for n, url in enumerate(urls)]

    rows, counts = town.collect(*activities, per_activity=1)

    assert [row.sourceUrl for row in rows] == own
    assert counts == ImageCounts(fetched=23, stored=11, refused=12)
    assert town.collect(*activities, per_activity=1)[0] == rows
    assert town.site.requests == []


def test_a_small_variant_is_stored_beside_its_picture(town: Town) -> None:
    rows, _ = town.collect(
        activity(1, town.show("/a.jpg", photo(1, 1200, 900)), town.show("/b.jpg", jpeg(9, (310, 400))))
    )

    small = rows[0].thumbnail
    assert small is not None
    assert (small.width, small.height) == (320, 240)
    assert small.contentUrl == town.objects.uri(media_key(small.sha256))
    assert town.objects.get(small.contentUrl, sha256=small.sha256)[8:12] == b"WEBP"
    assert rows[1].thumbnail is None


def test_a_credit_stays_with_its_picture(town: Town) -> None:
    url = town.show("/a.jpg", jpeg(10))
    image = ImageObject(sourceUrl=url, creditText="A. Painter", license="CC BY 4.0")

    rows, _ = town.collect(activity(1).model_copy(update={"image": (image,)}))

    assert (rows[0].creditText, rows[0].license) == ("A. Painter", "CC BY 4.0")


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
