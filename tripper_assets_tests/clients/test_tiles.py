"""Small pictures for a sheet: one of each activity, and none where the store has none."""

import hashlib
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from tripper_assets.clients.objects import Objects
from tripper_assets.clients.tiles import HEIGHT, MOST_TILES, WIDTH, tiles
from tripper_assets.domain.activities import Thumbnail
from tripper_assets.domain.maps import ImageRow


@pytest.fixture
def objects() -> Objects:
    return Objects("memory://")


def webp(colour: str, size: tuple[int, int] = (320, 200)) -> bytes:
    made = BytesIO()
    Image.new("RGB", size, colour).save(made, "WEBP")
    return made.getvalue()


def stored(objects: Objects, name: str, body: bytes) -> ImageRow:
    put = objects.put(f"media/aa/{name}.webp", body)
    small = Thumbnail(contentUrl=put.uri, sha256=put.sha256, width=320, height=200)
    return ImageRow(activity_id=name, position=0, sourceUrl="https://e.org/1.jpg", thumbnail=small)


def test_a_tile_is_small_and_shows_what_the_picture_shows(objects: Objects) -> None:
    row = stored(objects, "a", webp("red"))

    ((activity_id, body),) = tiles(objects, {"a": [row]})

    with Image.open(BytesIO(body)) as tile:
        red, green, blue = tile.convert("RGB").resize((1, 1)).getpixel((0, 0))
        assert (activity_id, tile.size) == ("a", (WIDTH, HEIGHT))
    assert red > 200
    assert max(green, blue) < 60
    assert len(body) < 1_000


def test_only_the_best_picture_of_each_of_a_few_activities_is_read(objects: Objects) -> None:
    body = webp("blue")
    rows = {f"{number:03}": [stored(objects, f"{number:03}", body)] * 2 for number in range(MOST_TILES + 5)}

    made = [one for one, _ in tiles(objects, rows)]

    assert made == sorted(rows)[:MOST_TILES]


def test_a_picture_that_is_gone_or_broken_or_elsewhere_has_no_tile(objects: Objects, tmp_path: Path) -> None:
    gone = stored(objects, "gone", webp("green"))
    assert gone.thumbnail is not None
    objects.delete([gone.thumbnail.contentUrl])
    broken = stored(objects, "broken", b"RIFFxxxxWEBP")
    body = webp("green")
    elsewhere = ImageRow(
        activity_id="elsewhere",
        position=0,
        sourceUrl="https://e.org/1.jpg",
        contentUrl=(tmp_path / "x.webp").as_uri(),
        sha256=hashlib.sha256(body).hexdigest(),
    )

    made = list(tiles(objects, {"gone": [gone], "broken": [broken], "elsewhere": [elsewhere], "without": []}))

    assert made == []
