import io

import pytest
from PIL import Image

from tripper_assets.domain.webp import WebPFacts, webp_facts


def webp(size: tuple[int, int] = (400, 300), mode: str = "RGB", **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size, (200, 20, 20, 90)[: len(mode)]).save(buffer, "WEBP", **options)
    return buffer.getvalue()


@pytest.mark.parametrize("size", [(400, 300), (1, 1), (1023, 4096), (321, 7)])
@pytest.mark.parametrize("options", [{}, {"lossless": True}], ids=["lossy", "lossless"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_file_tells_its_size(size: tuple[int, int], options: dict[str, object], mode: str) -> None:
    assert webp_facts(webp(size, mode, **options)) == WebPFacts(*size)


def test_what_a_file_carries_besides_its_picture_is_named() -> None:
    exif = Image.Exif()
    exif[0x010F] = "A camera"

    found = webp_facts(webp(exif=exif, xmp=b"<x/>", icc_profile=b"profile"))

    assert found == WebPFacts(400, 300, ("ICCP", "EXIF", "XMP"))


def test_a_chunk_behind_the_picture_of_a_simple_file_is_seen() -> None:
    simple = webp()
    longer = simple + b"SECR\x02\x00\x00\x00ab"
    longer = longer[:4] + (len(longer) - 8).to_bytes(4, "little") + longer[8:]

    assert webp_facts(longer) == WebPFacts(400, 300, ("SECR",))


@pytest.mark.parametrize(
    "data", [b"", b"RIFF", webp()[:-2], webp() + b"x", b"RIFF\x04\x00\x00\x00WEBP", b"\xff\xd8\xff" * 9, webp()[:20] + b"\0" * (len(webp()) - 20)]
)  # fmt: skip
def test_what_is_no_whole_file_tells_nothing(data: bytes) -> None:
    assert webp_facts(data) is None
