"""A thousand pictures of every sort, and bombs among them: each becomes what it should or has a reason, and memory stays small."""

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tripper_assets.domain.webp import webp_facts
from tripper_assets_tests.clients.hostile_images import KINDS, Colour, Hostile, hostile_images
from tripper_assets_tests.clients.loopback import Answer, Asked, LoopbackSite

RUN = "tripper_assets_tests.clients.hostile_run"
MOST_BYTES = 600_000_000
APART = 30


def collected(site: LoopbackSite, images: list[Hostile], folder: Path) -> dict[str, Any]:
    def respond(asked: Asked) -> Answer:
        image = images[int(asked.path.strip("/").removesuffix(".jpg"))]
        return Answer(200, image.body, {"Content-Type": "image/jpeg", **dict(image.headers)})

    site.fallback = respond
    run = [sys.executable, "-m", RUN, str(site.port), str(len(images)), str(folder)]
    done = subprocess.run(run, cwd=Path(__file__).parents[2], capture_output=True, check=True, timeout=1_500)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def near(image: Image.Image, at: float, colour: Colour) -> bool:
    seen = image.getpixel((round(image.width * at), image.height // 2))
    assert isinstance(seen, tuple)
    return all(abs(a - b) <= APART for a, b in zip(seen, colour, strict=True))


def check(row: dict[str, Any], wanted: Hostile) -> str:
    """Return what is wrong with what became of a picture, empty where nothing is."""
    if row.get("problem", "") != wanted.reason:
        return f"{wanted.kind}: {row.get('problem')} and not {wanted.reason}"
    if wanted.reason:
        return ""
    data = Path(row["contentUrl"].removeprefix("file://")).read_bytes()
    image = Image.open(io.BytesIO(data))
    facts = webp_facts(data)
    good = (
        image.size == wanted.size == (row["width"], row["height"])
        and near(image, 0.2, wanted.left)
        and near(image, 0.8, wanted.right)
    )
    return (
        ""
        if good and facts and not facts.metadata and b"SECRET" not in data
        else f"{wanted.kind}: {facts} {image.size}"
    )


def check_all(site: LoopbackSite, folder: Path, count: int, bombs: int) -> int:
    images = hostile_images(count, bombs)

    told = collected(site, images, folder)

    by_number = {int(row["activity_id"][-12:]): row for row in told["rows"]}
    assert sorted(by_number) == list(range(count))
    assert [wrong for number, image in enumerate(images) if (wrong := check(by_number[number], image))] == []
    peak: int = told["peak"]
    return peak


def test_every_sort_of_picture_becomes_what_it_should_or_has_a_reason(site: LoopbackSite, tmp_path: Path) -> None:
    assert check_all(site, tmp_path, len(KINDS) + 8, 8) < MOST_BYTES


@pytest.mark.long
@pytest.mark.timeout(1_800)
def test_a_thousand_pictures_with_fifty_bombs_take_less_than_600_megabytes(site: LoopbackSite, tmp_path: Path) -> None:
    assert check_all(site, tmp_path, 1_000, 50) < MOST_BYTES
