"""Who may ask: the token alone, a session that was signed in with it, and no page of another site."""

import hmac
import logging
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from tripper_assets.api import security
from tripper_assets.api.app import create_app
from tripper_assets.api.headers import Limits
from tripper_assets.api.security import COOKIE, new_session, session_of
from tripper_assets.domain.model import Model
from tripper_assets_tests.api.conftest import TOKEN, MakeWorld, World

OPEN = ("/healthz", "/readyz", "/docs", "/openapi.json")
PUBLIC = ("/v1/activities", "/v1/activities.csv", "/v1/activities/search?q=zoo")
WITH_SESSION = {"Sec-Fetch-Site": "same-origin", "Origin": "http://testserver"}


def addresses() -> list[tuple[str, str]]:
    paths = create_app().openapi()["paths"]
    names = {
        "workflow_id": "workflow-0",
        "kind": "final_jsonl",
        "key": "a-00000000",
        "form": "csv",
        "activity_id": "0" * 32,
    }
    return [(method, path.format(**names)) for path, item in paths.items() for method in item if path not in OPEN]


def session(world: World) -> TestClient:
    client = TestClient(world.client.app, follow_redirects=False)
    client.cookies.set(COOKIE, new_session(world.context))
    return client


def csrf(client: TestClient, world: World) -> str:
    person = session_of(world.context, client.cookies[COOKIE])
    assert person is not None
    return person.csrf


def test_every_route_but_the_open_ones_needs_the_token(world: World) -> None:
    patient = TestClient(create_app(world.context, limits=Limits(refusals_a_minute=1_000)))
    with patient as stranger:
        answers = [
            (method, path, stranger.request(method, path, headers=headers))
            for method, path in addresses()
            for headers in (
                {},
                {"Authorization": "Bearer guessed"},
                {"Authorization": TOKEN},
                {"Cookie": f"{COOKIE}=x"},
            )
        ]

    assert len(answers) > 80
    for method, path, said in answers:
        assert said.status_code == 401, (method, path)
        assert said.headers["content-type"] == "application/problem+json"
        assert said.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("path", OPEN[:2])
def test_health_is_told_to_all_and_the_reasons_to_those_with_the_token(world: World, path: str) -> None:
    world.orchestrator.is_up = False

    told, all_told = world.stranger.get(path), world.client.get(path)

    assert told.status_code == 200
    assert "tripper up" not in told.text
    assert ("tripper up" in all_told.text) == (path == "/readyz")


def test_the_token_is_compared_without_telling_how_much_of_it_is_right(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[tuple[bytes, bytes]] = []

    def noted(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return one == other

    with monkeypatch.context() as patch:
        patch.setattr(security.hmac, "compare_digest", noted)
        fits = [security.token_fits(world.context, given) for given in (TOKEN, TOKEN[:-1], "", "é" * 10_000, "\udcff")]

    assert fits == [True, False, False, False, False]
    assert {len(one) for pair in compared for one in pair} == {32}  # digests: of one length, whatever was given
    assert security.hmac.compare_digest is hmac.compare_digest


def test_the_search_is_open_to_all_where_the_operator_says_so(make_world: MakeWorld) -> None:
    world = make_world(public=True)

    for path in PUBLIC:
        assert world.stranger.get(path).status_code == 200, path
    assert world.stranger.get("/v1/workflows").status_code == 401
    assert world.stranger.get(PUBLIC[0], headers={"Authorization": "Bearer guessed"}).status_code == 401


def test_a_session_reads_and_its_forms_need_its_own_token(world: World) -> None:
    client, url = session(world), {"url": "https://zoo.example/"}
    right = csrf(client, world)

    read = client.get("/v1/workflows")
    without = client.post("/v1/sources", json=url, headers=WITH_SESSION)
    others = client.post("/v1/sources", json=url, headers={**WITH_SESSION, "X-CSRF-Token": "0" * 64})
    done = client.post("/v1/sources", json=url, headers={**WITH_SESSION, "X-CSRF-Token": right})

    assert read.status_code == 200
    assert (without.status_code, others.status_code, done.status_code) == (403, 403, 201)


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"}]
)  # fmt: skip
def test_a_form_of_another_site_is_refused_even_with_the_right_token(world: World, headers: dict[str, str]) -> None:
    client = session(world)

    said = client.post(
        "/v1/sources", json={"url": "https://zoo.example/"}, headers={**headers, "X-CSRF-Token": csrf(client, world)}
    )

    assert said.status_code == 403
    assert world.context.catalog.sources.list() == []


def test_a_session_ends_is_nobodys_with_another_token_and_cannot_be_made_up(world: World) -> None:
    value = new_session(world.context)
    until, number, seal = value.split(".")
    context = world.context

    def known(cookie: str, **changes: Any) -> bool:
        return session_of(replace(context, **changes), cookie) is not None

    assert known(value)
    assert not known(value, clock=lambda: context.clock() + timedelta(days=8))
    assert not known(value, token=SecretStr("another-token-0123456789"))
    for made_up in (
        "",
        ".",
        "a.b.c",
        f"{int(until) + 9}.{number}.{seal}",
        f"{until}.{number}.{'0' * 64}",
        "é.é.é",
        value * 9,
    ):
        assert not known(made_up)
    assert TOKEN not in value


def test_the_link_of_the_start_signs_in_and_leaves_no_token_in_the_address(world: World) -> None:
    said = world.stranger.get(f"/review/nothing?token={TOKEN}")
    wrong = world.stranger.get("/review/nothing?token=guessed")

    assert (said.status_code, said.headers["location"]) == (303, "/review/nothing")
    cookie = said.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert TOKEN not in cookie
    assert wrong.status_code == 401


def test_neither_the_token_nor_a_session_is_ever_in_a_log_or_an_answer(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client = session(world)
    secrets = [TOKEN, client.cookies[COOKIE]]

    answers = [
        world.client.request(method, path, headers={"Authorization": f"Bearer {TOKEN}"}).text
        for method, path in addresses()
        if path != "/v1/events"
    ]
    answers += [client.get(path).text for path in ("/v1/workflows", "/metrics", "/readyz", "/nothing")]

    for secret in secrets:
        assert secret not in "".join(answers)
        assert secret not in "".join(one.getMessage() for one in caplog.records if one.name != "httpx2")
    assert TOKEN not in repr(world.context)


# Limits


def test_who_guesses_the_token_waits_and_others_do_not(world: World) -> None:
    app = create_app(world.context, limits=Limits(refusals_a_minute=3))
    with TestClient(app) as guesser, TestClient(app, client=("192.0.2.7", 1)) as other:
        said = [guesser.get("/v1/workflows", headers={"Authorization": f"Bearer {n}"}) for n in range(4)]
        right = guesser.get("/v1/workflows", headers={"Authorization": f"Bearer {TOKEN}"})
        elsewhere = other.get("/v1/workflows", headers={"Authorization": f"Bearer {TOKEN}"})

    assert [one.status_code for one in said] == [401, 401, 401, 429]
    assert (right.status_code, elsewhere.status_code) == (429, 200)
    assert said[-1].headers["retry-after"] == "60"
    assert said[-1].headers["content-type"] == "application/problem+json"
    assert said[-1].headers["x-content-type-options"] == "nosniff"


def test_strangers_ask_so_often_and_programs_as_often_as_they_want(make_world: MakeWorld) -> None:
    world = make_world(public=True)
    with TestClient(create_app(world.context, limits=Limits(strangers_a_minute=3))) as client:
        strangers = [client.get("/v1/activities").status_code for _ in range(4)]
        programs = [
            client.get("/v1/activities", headers={"Authorization": f"Bearer {TOKEN}"}).status_code for _ in range(9)
        ]

    assert strangers == [200, 200, 200, 429]
    assert programs == [200] * 9


def test_a_body_that_is_too_large_is_refused_whether_it_says_its_length_or_not(world: World) -> None:
    large = b'{"url": "' + b"x" * 1_100_000 + b'"}'
    kind = {"Content-Type": "application/json"}

    told = world.client.post("/v1/sources", content=large, headers=kind)
    untold = world.client.post("/v1/sources", content=iter([large[:600_000], large[600_000:]]), headers=kind)

    assert [one.status_code for one in (told, untold)] == [413, 413]
    assert told.json()["detail"] == "The body is larger than 1000000 bytes; send less."


def test_every_answer_has_the_headers_that_hold_a_browser_also_one_that_nobody_foresaw(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Model:
        raise RuntimeError("canary")

    monkeypatch.setattr("tripper_assets.api.routes.workflows.read_workflows", broken)
    with TestClient(world.client.app, raise_server_exceptions=False) as client:
        mistake = client.get("/v1/workflows", headers={"Authorization": f"Bearer {TOKEN}"})

    assert mistake.status_code == 500
    assert "canary" not in mistake.text
    for said in (mistake, world.client.get("/docs"), world.stranger.get("/v1/workflows"), world.client.get("/nothing")):
        policy = said.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert said.headers["x-content-type-options"] == "nosniff"
