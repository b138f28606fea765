import io
import struct
import warnings
import zlib
from typing import Any

import blurhash as reference
import numpy as np
import pytest
import pyvips
from PIL import Image, ImageCms

from tripper_assets.clients.image_hints import blurhash, dominant_colour, perceptual_hash
from tripper_assets.clients.imaging import MAX_BYTES, NoPicture, ProcessedImage, process_image, sniff

RED, GREEN, BLUE = (200, 20, 20), (20, 200, 20), (20, 20, 200)


def picture(width: int = 640, height: int = 480, mode: str = "RGB") -> Image.Image:
    """Red on the left half, blue on the right, green along the top."""
    image = Image.new("RGB", (width, height), RED)
    image.paste(BLUE, (width // 2, 0, width, height))
    image.paste(GREEN, (0, 0, width, height // 8))
    return image.convert(mode)


def encoded(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def stored(body: bytes) -> ProcessedImage:
    found = process_image(body)
    assert isinstance(found, ProcessedImage), found
    return found


def seen(body: bytes) -> Image.Image:
    return Image.open(io.BytesIO(stored(body).full.data))


def refused(body: bytes) -> str:
    found = process_image(body)
    assert isinstance(found, NoPicture)
    return found.reason


def assert_colour(image: Image.Image, at: tuple[int, int], colour: tuple[int, int, int], within: int = 30) -> None:
    there = image.convert("RGB").getpixel(at)
    assert isinstance(there, tuple)
    assert all(abs(a - b) <= within for a, b in zip(there, colour, strict=True)), (there, colour)


def png_header(width: int, height: int) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b"")]
    body = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "AVIF"])
def test_every_kind_of_picture_becomes_a_webp_that_looks_the_same(kind: str) -> None:
    found = stored(encoded(picture(), kind)).full
    image = Image.open(io.BytesIO(found.data))

    assert image.format == "WEBP"
    assert (found.width, found.height) == image.size == (640, 480)
    assert_colour(image, (100, 300), RED)
    assert_colour(image, (500, 300), BLUE)
    assert_colour(image, (300, 20), GREEN)


SHRUNK = [
    ((2048, 1000), (1024, 500)),
    ((8192, 2048), (1024, 256)),
    ((1024, 700), (1024, 700)),
    ((300, 300), (300, 300)),
    ((600, 8192), (300, 4096)),
]


@pytest.mark.parametrize(
    ("kind", "size", "kept"),
    [
        # To make so large a WebP takes the test a second.
        pytest.param(kind, size, kept, marks=[pytest.mark.long] if kind == "WEBP" and max(size) > 4096 else [])
        for kind in ("JPEG", "WEBP")
        for size, kept in SHRUNK
    ],
)
def test_a_wide_picture_shrinks_and_a_small_one_is_never_enlarged(
    kind: str, size: tuple[int, int], kept: tuple[int, int]
) -> None:
    image = seen(encoded(picture(*size), kind))

    assert image.size == kept
    assert_colour(image, (kept[0] // 4, kept[1] // 2), RED)


def test_the_same_body_gives_the_same_bytes() -> None:
    body = encoded(picture(1600, 1200).rotate(10), quality=90)

    assert process_image(body) == process_image(body)


def test_where_a_photo_was_taken_is_not_kept() -> None:
    exif = Image.Exif()
    exif[0x010F] = "A camera"
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 8.0, 0.0), 3: "E", 4: (11.0, 34.0, 0.0)})
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    body = encoded(picture(), exif=exif, comment=b"secret", icc_profile=profile)
    assert b"A camera" in body

    image = seen(body)

    assert not image.getexif()
    assert not {"exif", "icc_profile", "xmp", "comment"} & set(image.info)
    assert not any(word in stored(body).full.data for word in (b"A camera", b"secret", b"EXIF", b"ICCP"))


TURNS = [(1, 0), (3, 180), (6, 90), (8, 270)]


@pytest.mark.parametrize(
    ("width", "orientation", "turn"),
    [
        *((640, *turned) for turned in TURNS),
        (6400, 6, 90),
        *(pytest.param(6400, *turned, marks=pytest.mark.long) for turned in TURNS if turned != (6, 90)),
    ],
)
def test_a_turned_photo_stands_upright(orientation: int, turn: int, width: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    upright = picture(width, width // 2)

    image = seen(encoded(upright.rotate(turn, expand=True), exif=exif))

    assert image.size == (min(width, 1024), min(width, 1024) // 2)
    assert_colour(image, (image.width // 4, image.height // 2), RED)
    assert_colour(image, (image.width * 3 // 4, image.height // 2), BLUE)


def test_a_mirrored_photo_stands_the_right_way_round() -> None:
    exif = Image.Exif()
    exif[0x0112] = 2

    image = seen(encoded(picture().transpose(Image.Transpose.FLIP_LEFT_RIGHT), exif=exif))

    assert_colour(image, (100, 300), RED)


def test_cmyk_grey_and_16_bits_become_8_bits_of_srgb() -> None:
    deep = pyvips.Image.new_from_array(np.full((300, 400, 3), 32_768, dtype=np.uint16)).copy(interpretation="rgb16")
    bodies = {
        "cmyk": encoded(picture(mode="CMYK")),
        "grey": encoded(picture(mode="L")),
        "grey and alpha": encoded(picture(mode="LA"), "PNG"),
        "one bit": encoded(picture(mode="1"), "PNG"),
        "deep": deep.pngsave_buffer(),
        "deep grey": encoded(Image.fromarray(np.full((300, 400), 32_768, dtype=np.uint16)), "PNG"),
    }

    images = {name: seen(body) for name, body in bodies.items()}

    assert {image.mode for image in images.values()} == {"RGB"}
    assert_colour(images["cmyk"], (500, 300), (63, 50, 116), within=40)  # the blue that a press can print
    assert_colour(images["deep"], (50, 50), (128, 128, 128), within=4)
    assert_colour(images["deep grey"], (50, 50), (128, 128, 128), within=4)


def test_a_colour_profile_is_applied_and_a_broken_one_ignored() -> None:
    plain = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = plain.replace(b"rXYZ", b"tXYZ").replace(b"bXYZ", b"rXYZ").replace(b"tXYZ", b"bXYZ")

    assert_colour(seen(encoded(picture(), icc_profile=plain)), (100, 300), RED)
    assert_colour(seen(encoded(picture(), icc_profile=swapped)), (100, 300), BLUE)
    assert_colour(seen(encoded(picture(), icc_profile=b"no profile" * 20)), (100, 300), RED)


def test_a_palette_and_what_is_transparent_become_colours_on_white() -> None:
    image = picture(mode="RGBA")
    image.paste((0, 0, 0, 0), (0, 240, 640, 480))

    for body in (encoded(image, "PNG"), encoded(image.quantize(16), "PNG"), encoded(image, "WEBP", lossless=True)):
        shown = seen(body)

        assert shown.mode == "RGB"
        assert_colour(shown, (100, 150), RED)
        assert_colour(shown, (100, 400), (255, 255, 255), within=6)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_of_an_animation_the_first_frame_is_kept(kind: str) -> None:
    frames = [Image.new("RGB", (400, 300), colour) for colour in (RED, GREEN, BLUE)]

    image = seen(encoded(frames[0], kind, save_all=True, append_images=frames[1:]))

    assert (image.size, getattr(image, "n_frames", 1)) == ((400, 300), 1)
    assert_colour(image, (100, 50), RED)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "AVIF"])
def test_half_a_picture_is_broken(kind: str) -> None:
    body = encoded(Image.effect_noise((500, 400), 80).convert("RGB"), kind)

    assert refused(body[: len(body) // 2]) == "broken"
    assert refused(body[:40]) in {"broken", "too_small"}


def test_a_progressive_jpeg_that_ends_early_is_broken() -> None:
    body = encoded(Image.effect_noise((500, 400), 80), progressive=True)

    assert refused(body[: len(body) // 2]) == "broken"


def test_a_bomb_is_refused_by_its_header() -> None:
    assert refused(png_header(30_000, 30_000)) == "too_many_pixels"
    assert refused(png_header(10_000, 5_001)) == "too_many_pixels"
    assert refused(png_header(10_000, 5_000)) == "broken"
    assert refused(png_header(0, 10)) == "broken"


def test_a_webp_bomb_is_refused_before_libvips_sees_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pyvips.Image, "webpload_buffer", None)
    lossless = b"RIFF\x1e\0\0\0WEBPVP8L\x0a\0\0\0\x2f" + (16_382 | 16_382 << 14).to_bytes(4, "little") + bytes(5)
    extended = b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + (65_535).to_bytes(3, "little") * 2

    assert refused(lossless) == "too_many_pixels"
    assert refused(extended) == "too_many_pixels"


def test_a_large_picture_within_the_limit_is_shrunk() -> None:
    body = encoded(picture(5000, 3000), quality=60)

    assert seen(body).size == (1024, 614)


@pytest.mark.parametrize("size", [(1, 1), (99, 1000), (1000, 99), (299, 300), (10_000, 800)])
def test_a_tracking_pixel_a_rule_a_thumbnail_and_a_strip_are_too_small(size: tuple[int, int]) -> None:
    assert refused(encoded(picture(*size), "PNG")) == "too_small"


@pytest.mark.parametrize("size", [(300, 300), (400, 225), (100, 900)])
def test_300_by_300_pixels_are_enough_in_whatever_shape(size: tuple[int, int]) -> None:
    assert seen(encoded(picture(*size), "PNG")).size == size


@pytest.mark.parametrize(
    ("size", "small"), [((1600, 800), (320, 160)), ((321, 642), (320, 640)), ((400, 3000), (171, 1280))]
)
def test_a_small_variant_is_320_wide(size: tuple[int, int], small: tuple[int, int]) -> None:
    found = stored(encoded(picture(*size))).small

    assert found is not None
    image = Image.open(io.BytesIO(found.data))
    assert (image.format, image.size, (found.width, found.height)) == ("WEBP", small, small)
    assert_colour(image, (small[0] // 4, small[1] // 2), RED)
    assert not {"exif", "icc_profile", "xmp"} & set(image.info)


def test_a_picture_that_is_no_wider_needs_no_small_variant() -> None:
    assert stored(encoded(picture(320, 300))).small is None


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not_an_image"),
        (b"\xff", "not_an_image"),
        (b"<!doctype html><html><body>Not found</body></html>", "not_an_image"),
        (b"%PDF-1.7 ", "not_an_image"),
        (encoded(picture(), "BMP"), "not_an_image"),
        (encoded(picture(), "TIFF"), "not_an_image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "svg_refused"),
        (b"\xef\xbb\xbf <?xml version='1.0'?><!-- x --><SVG/>", "svg_refused"),
        (b"\xff\xd8\xff\xe0 and then nothing", "broken"),
        (b"\x89PNG\r\n\x1a\n", "broken"),
        (b"GIF89a", "broken"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "broken"),
        (b"\0\0\0\x1cftypavif", "broken"),
    ],
)
def test_what_is_no_picture_says_why(body: bytes, reason: str) -> None:
    assert refused(body) == reason


def test_more_than_15_megabytes_are_not_looked_at() -> None:
    assert refused(encoded(picture()) + bytes(MAX_BYTES)) == "too_large"


def test_svg_is_not_read_even_behind_another_name() -> None:
    assert sniff(b"<svg/>") is None
    process_image(encoded(picture()))
    with pytest.raises(pyvips.Error):
        pyvips.Image.new_from_buffer(b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', "")


def test_the_dominant_colour_is_that_of_the_largest_part() -> None:
    image = Image.new("RGB", (600, 400), (10, 120, 200))
    image.paste((255, 255, 255), (0, 0, 200, 400))

    red, green, blue = bytes.fromhex(stored(encoded(image, "PNG")).dominant_colour[1:])

    assert (abs(red - 10) < 6, abs(green - 120) < 6, abs(blue - 200) < 6) == (True, True, True)
    assert dominant_colour(np.zeros((4, 4, 3), dtype=np.uint8)) == "#000000"


def test_the_blurhash_is_the_one_that_others_compute() -> None:
    random = np.random.default_rng(7)
    grids = [random.integers(0, 256, (rows, 32, 3), dtype=np.uint8) for rows in (1, 5, 20, 32)]
    grids += [np.full((32, 32, 3), colour, dtype=np.uint8) for colour in (0, 128, 255)]

    for grid in grids:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # the package's own call of Pillow
            assert blurhash(grid) == reference.encode(Image.fromarray(grid), 4, 3)


def test_an_upright_picture_has_more_waves_down_than_across() -> None:
    found = stored(encoded(picture(300, 600)))

    assert reference.is_valid_blurhash(found.blurhash)
    assert found.blurhash[0] == "T"  # (3 - 1) + (4 - 1) * 9 = 29, in base 83


def hash_of(image: Image.Image) -> int:
    return int(stored(encoded(image)).perceptual_hash, 16)


def photo(seed: int, width: int = 800, height: int = 600) -> Image.Image:
    """Soft shapes in the places that a seed tells."""
    spots = np.random.default_rng(seed).uniform(0, 255, (6, 8, 3)).astype(np.uint8)
    return Image.fromarray(spots).resize((width, height), Image.Resampling.BICUBIC)


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(1, 6))])
def test_copies_of_another_size_quality_and_format_have_nearly_the_same_hash(seed: int) -> None:
    one = hash_of(photo(seed))
    copies = [
        encoded(photo(seed).resize((480, 360)), quality=40),
        encoded(photo(seed), "WEBP", quality=30),
        encoded(photo(seed).resize((1600, 1200)), "PNG"),
    ]

    assert all((one ^ int(stored(copy).perceptual_hash, 16)).bit_count() <= 4 for copy in copies)


def test_two_pictures_have_hashes_far_apart() -> None:
    hashes = [hash_of(photo(seed)) for seed in range(12)]

    assert min((a ^ b).bit_count() for n, a in enumerate(hashes) for b in hashes[:n]) > 12


def test_a_picture_of_one_colour_has_a_hash_without_waves() -> None:
    assert {perceptual_hash(np.full((32, 32), grey, dtype=np.uint8)) for grey in (40, 128, 255)} == {"8000000000000000"}
