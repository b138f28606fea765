import hashlib

import pytest

from tripper_assets.clients.image_desk import media_key
from tripper_assets_tests.api.conftest import World

PICTURE = b"RIFF\x04\x00\x00\x00WEBP<script>alert(1)</script>"


def test_a_stored_picture_is_shown_as_what_it_is_and_never_as_a_page(world: World) -> None:
    name = hashlib.sha256(PICTURE).hexdigest()
    world.context.store.put(media_key(name), PICTURE)

    shown = world.client.get(f"/media/{name}")

    assert (shown.content, shown.headers["content-type"], shown.headers["x-content-type-options"]) == (
        PICTURE,
        "image/webp",
        "nosniff",
    )
    assert "sandbox" in shown.headers["content-security-policy"]


@pytest.mark.parametrize("name", ["0" * 64, "../" * 10 + "etc/passwd", "0" * 63, "..%2f..%2fraw"])
def test_nothing_else_of_the_store_can_be_asked_for(world: World, name: str) -> None:
    assert world.client.get(f"/media/{name}").status_code in (404, 422)


def test_bytes_that_are_not_those_of_their_name_are_not_shown(world: World) -> None:
    world.context.store.put(media_key("0" * 64), PICTURE)

    assert world.client.get(f"/media/{'0' * 64}").status_code == 500
