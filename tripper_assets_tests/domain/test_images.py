from datetime import UTC, datetime

import pytest

from tripper_assets.domain.activities import Activity, ImageObject, ImageRole
from tripper_assets.domain.images import KnownImage, choose_candidates, different, url_refusal

ROOT = "https://town.example"


def activity(number: int, *images: str | ImageObject, name: str = "") -> Activity:
    candidates = tuple(ImageObject(sourceUrl=one) if isinstance(one, str) else one for one in images)
    return Activity(
        id=f"00000000-0000-5000-8000-{number:012}",
        index=number,
        source_key="town-00000000",
        source_url=ROOT,
        url=f"{ROOT}/{number}",
        type="Event",
        name=name or f"Walk {number}",
        image=candidates,
    )


def chosen(*images: str | ImageObject) -> list[str]:
    one = activity(1, *images)
    return [image.sourceUrl for image in choose_candidates([one]).by_activity[one.id]]


@pytest.mark.parametrize(
    ("url", "verdict"),
    [
        (f"{ROOT}/files/logo.png", "decoration"),
        (f"{ROOT}/files/siteLogo@2x.png", "decoration"),
        (f"{ROOT}/files/town_logo_white.png", "decoration"),
        (f"{ROOT}/icons/bus.png", "decoration"),
        (f"{ROOT}/favicon.png", "decoration"),
        (f"{ROOT}/sprite.png", "decoration"),
        (f"{ROOT}/avatar/7.jpg", "decoration"),
        (f"{ROOT}/gravatar.jpg", "decoration"),
        (f"{ROOT}/Place-Holder.jpg", "decoration"),
        (f"{ROOT}/placeholder-800x600.jpg", "decoration"),
        (f"{ROOT}/spacer.gif", "decoration"),
        (f"{ROOT}/tracking-pixel.gif", "decoration"),
        (f"{ROOT}/pixel?id=7", "decoration"),
        (f"{ROOT}/image?file=logo.png", "decoration"),
        (f"{ROOT}/image?file=%6Cogo.png", "decoration"),
        (f"{ROOT}/no-image.jpg", "decoration"),
        (f"{ROOT}/map.svg", "vector"),
        (f"{ROOT}/map.SVG?v=2", "vector"),
        ("data:image/png;base64,iVBORw0KGgo=", "not_http"),
        ("blob:https://town.example/7", "not_http"),
        ("/relative.jpg", "not_http"),
        ("https:///nowhere.jpg", "not_http"),
        ("https://[town/a.jpg", "not_http"),
        ("", "not_http"),
        (f"{ROOT}/iconic-bridge.jpg", None),
        (f"{ROOT}/logopaedie.jpg", None),
        (f"{ROOT}/pixel-art-workshop.jpg", None),
        (f"{ROOT}/point-blank-range.jpg", None),
        ("https://logo.example/photo.jpg", None),
        (f"{ROOT}/media/7", None),
    ],
)
def test_a_url_by_its_looks(url: str, verdict: str | None) -> None:
    assert url_refusal(url) == verdict


def test_candidates_keep_their_order_and_come_once() -> None:
    assert chosen(f"{ROOT}/b.jpg", f"{ROOT}/a.jpg", f"{ROOT}/b.jpg") == [f"{ROOT}/b.jpg", f"{ROOT}/a.jpg"]


def test_larger_ones_come_first_where_sizes_are_stated_and_the_others_stay_in_their_place() -> None:
    small = ImageObject(sourceUrl=f"{ROOT}/small.jpg", width=400, height=300)
    large = ImageObject(sourceUrl=f"{ROOT}/large.jpg", width=800, height=600)

    assert chosen(small, f"{ROOT}/unknown.jpg", large) == [large.sourceUrl, f"{ROOT}/unknown.jpg", small.sourceUrl]


def test_the_activitys_own_picture_comes_before_the_pages_a_lists_and_one_among_the_text() -> None:
    roles: tuple[ImageRole, ...] = ("content", "listing", "shared", "")
    images = [ImageObject(sourceUrl=f"{ROOT}/{role}.jpg", role=role) for role in roles]

    assert chosen(*images) == [f"{ROOT}/{role}.jpg" for role in reversed(roles)]


def test_within_a_role_the_larger_comes_first_and_what_is_too_small_to_keep_comes_last_of_all() -> None:
    images = [
        ImageObject(sourceUrl=f"{ROOT}/thumb.jpg", role="", width=150, height=150),
        ImageObject(sourceUrl=f"{ROOT}/share.jpg", role="shared", width=600, height=315),
        ImageObject(sourceUrl=f"{ROOT}/large-share.jpg", role="shared", width=1200, height=630),
    ]

    assert chosen(*images) == [f"{ROOT}/large-share.jpg", f"{ROOT}/share.jpg", f"{ROOT}/thumb.jpg"]


@pytest.mark.parametrize(
    ("width", "height", "count"), [(99, 400, 0), (400, 99, 0), (100, 100, 1), (0, 0, 1), (None, 50, 0)]
)
def test_a_stated_size_under_100_pixels_is_no_picture(width: int | None, height: int | None, count: int) -> None:
    assert len(chosen(ImageObject(sourceUrl=f"{ROOT}/a.jpg", width=width, height=height))) == count


def test_a_picture_on_three_of_ten_activities_is_a_banner() -> None:
    banner, shared = f"{ROOT}/town.jpg", f"{ROOT}/pair.jpg"
    activities = [
        activity(n, *([banner] if n < 3 else []), *([shared] if n > 7 else []), f"{ROOT}/{n}.jpg") for n in range(10)
    ]

    found = choose_candidates(activities)

    assert dict(found.refused) == {banner: "banner"}
    assert [one.sourceUrl for one in found.by_activity[activities[0].id]] == [f"{ROOT}/0.jpg"]
    assert [one.sourceUrl for one in found.by_activity[activities[9].id]] == [shared, f"{ROOT}/9.jpg"]


def test_nine_activities_are_too_few_to_tell_a_banner() -> None:
    activities = [activity(n, f"{ROOT}/town.jpg") for n in range(9)]

    assert choose_candidates(activities).refused == {}


def test_the_dates_of_one_series_share_its_picture() -> None:
    series = [activity(n, f"{ROOT}/story.jpg", name="Story time") for n in range(8)]
    others = [activity(n, f"{ROOT}/{n}.jpg") for n in range(8, 12)]

    found = choose_candidates([*series, *others])

    assert found.refused == {}
    assert found.urls() == [f"{ROOT}/story.jpg", *(f"{ROOT}/{n}.jpg" for n in range(8, 12))]


def test_a_picture_that_one_activity_may_show_is_not_called_refused() -> None:
    tiny = ImageObject(sourceUrl=f"{ROOT}/a.jpg", width=50, height=50)
    activities = [activity(1, tiny), activity(2, f"{ROOT}/a.jpg"), activity(3)]

    found = choose_candidates(activities)

    assert found.refused == {}
    assert [len(found.by_activity[one.id]) for one in activities] == [0, 1, 0]


def stored(name: str, width: int, hash_: str, *, blurhash: str = "L5H2EC=PM+yV") -> tuple[ImageObject, KnownImage]:
    image = ImageObject(sourceUrl=f"{ROOT}/{name}")
    known = KnownImage(
        sourceUrl=image.sourceUrl, status="stored", sha256=name, width=width, height=width, perceptual_hash=hash_, blurhash=blurhash,
        checked_at=datetime(2025, 6, 1, tzinfo=UTC),
    )  # fmt: skip
    return image, known


def kept(*pictures: tuple[ImageObject, KnownImage]) -> list[str]:
    return [known.sha256 for _, known in different(pictures)]


def test_of_copies_the_larger_one_stays_where_the_first_was() -> None:
    first, copy, other = (
        stored("a", 400, "ff00ff00ff00ff00"),
        stored("b", 900, "ff00ff00ff00ff0f"),
        stored("c", 500, "0" * 16),
    )

    assert kept(first, other, copy) == ["b", "c"]
    assert kept(copy, other, first) == ["b", "c"]


def test_nine_bits_or_another_colour_make_another_picture_and_without_a_hash_only_the_same_bytes_are_the_same() -> None:
    assert kept(stored("a", 400, "0" * 16), stored("b", 400, "0" * 13 + "1ff")) == ["a", "b"]
    assert kept(stored("a", 400, "0" * 16), stored("b", 400, "0" * 14 + "ff")) == ["a"]
    assert kept(stored("a", 400, "0" * 16), stored("b", 400, "0" * 16, blurhash="L00000fQfQfQ")) == ["a", "b"]
    assert kept(stored("a", 400, ""), stored("b", 400, ""), stored("a", 400, "")) == ["a", "b"]
