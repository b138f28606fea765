import pytest
from fastapi.testclient import TestClient

from tripper_assets.api.app import create_app
from tripper_assets.api.pages.sign_in import here
from tripper_assets_tests.api.conftest import TOKEN, World


def test_the_token_begins_a_session_that_goes_on_where_somebody_wanted_to_go(world: World) -> None:
    with TestClient(create_app(world.context), follow_redirects=False) as person:
        done = person.post("/sign-in", data={"token": f" {TOKEN} ", "next": "/review/w1"})
        seen = person.get("/")
        out = person.post("/sign-out", headers={"x-csrf-token": seen.text.split('name="csrf_token" value="')[1][:64]})
        after = person.get("/")

    cookie = done.headers["set-cookie"].lower()
    assert (done.status_code, done.headers["location"]) == (303, "/review/w1")
    assert ("httponly" in cookie, "samesite=strict" in cookie, TOKEN in cookie) == (True, True, False)
    assert (seen.status_code, out.status_code, after.status_code) == (200, 303, 303)


def test_a_wrong_token_is_told_so_and_begins_nothing(world: World) -> None:
    page = world.stranger.post("/sign-in", data={"token": "wrong"})

    assert page.status_code == 401
    assert "set-cookie" not in page.headers
    assert "That is not the token" in page.text


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "", "/a\nb"]
)
def test_nobody_is_sent_to_another_site(elsewhere: str) -> None:
    assert here(elsewhere) == "/"
