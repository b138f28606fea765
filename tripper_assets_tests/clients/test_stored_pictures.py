import io

import pytest
from PIL import Image

from tripper_assets.clients.objects import Objects
from tripper_assets.clients.stored_pictures import look_at_pictures
from tripper_assets.domain.activities import Activity, ImageObject, Thumbnail
from tripper_assets.domain.errors import TransientError
from tripper_assets.domain.identity import activity_id
from tripper_assets.domain.webp import WebPFacts


def stored(objects: Objects, width: int) -> Thumbnail:
    buffer = io.BytesIO()
    Image.new("RGB", (width, 300)).save(buffer, "WEBP")
    one = objects.put(f"media/{width}.webp", buffer.getvalue())
    return Thumbnail(contentUrl=one.uri, sha256=one.sha256, width=width, height=300)


def shows(*files: Thumbnail) -> Activity:
    home = "https://town.example/"
    images = tuple(ImageObject(sourceUrl=home, **file.model_dump(), thumbnail=file) for file in files)
    return Activity(
        id=activity_id("town", home), index=0, source_key="town", source_url=home, url=home, type="Event", name="Walk", image=images
    )  # fmt: skip


class Counting(Objects):
    """Remembers what was read."""

    def __init__(self) -> None:
        super().__init__("memory://")
        self.read: list[str] = []

    def get(self, uri: str, *, sha256: str | None = None) -> bytes:
        self.read.append(uri)
        return super().get(uri, sha256=sha256)


def test_each_file_is_read_once_and_tells_its_size() -> None:
    objects = Counting()
    one, two = stored(objects, 400), stored(objects, 500)

    found = look_at_pictures(objects, [shows(one, two), shows(two)])

    assert found == {one.contentUrl: WebPFacts(400, 300), two.contentUrl: WebPFacts(500, 300)}
    assert sorted(objects.read) == sorted(found)


def test_a_file_that_is_gone_changed_or_elsewhere_tells_nothing() -> None:
    objects = Objects("memory://")
    gone, other, text = stored(objects, 400), stored(objects, 500), objects.put("media/text.webp", b"text")
    objects.delete([gone.contentUrl])
    changed = other.model_copy(update={"sha256": "0" * 64})
    elsewhere = other.model_copy(update={"contentUrl": "s3://other/a.webp"})
    no_picture = other.model_copy(update={"contentUrl": text.uri, "sha256": text.sha256})

    found = look_at_pictures(objects, [shows(gone, changed, elsewhere, no_picture)])

    assert list(found.values()) == [None] * 4


def test_a_store_that_is_down_is_no_missing_picture() -> None:
    class Down(Objects):
        def get(self, uri: str, *, sha256: str | None = None) -> bytes:
            raise TransientError(f"Reading {uri} of {sha256} failed.")

    objects = Down("memory://")

    with pytest.raises(TransientError):
        look_at_pictures(objects, [shows(stored(objects, 400))])
