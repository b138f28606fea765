"""What a receiver gets, and what is said of one that is broken: against a server on loopback with faults."""

import base64
import hashlib
import hmac
import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from tripper_assets.clients.webhooks import Webhook
from tripper_assets.domain.errors import ConfigurationError, PermanentError, TransientError, TripperError
from tripper_assets.domain.notifications import Notification
from tripper_assets_tests.clients.loopback import Answer, LoopbackSite, serve
from tripper_assets_tests.waiting import AT_ONCE, new_port

PATH = "/services/T000/canary-of-the-path"
MESSAGE = Notification(
    id="event-7", kind="failed", workflow_id="w", text="Failed: café", blocks=({"type": "divider"},),
    at=datetime(2026, 3, 15, tzinfo=UTC),
)  # fmt: skip
STAMP = 1_773_565_200


@pytest.fixture
def site() -> Iterator[LoopbackSite]:
    with serve() as pages:
        pages.answer(PATH, Answer(200, b"ok"))
        yield pages


def webhook(site: LoopbackSite, secret: str = "", most_seconds: float = AT_ONCE) -> Webhook:
    return Webhook(SecretStr(site.url(PATH)), SecretStr(secret), seconds=lambda: STAMP + 0.9, most_seconds=most_seconds)


def test_the_body_is_what_slack_takes_and_the_id_says_which_message_it_is(site: LoopbackSite) -> None:
    webhook(site).send(MESSAGE)

    (asked,) = site.requests
    assert json.loads(asked.body) == {"text": "Failed: café", "blocks": [{"type": "divider"}]}
    assert asked.headers["content-type"] == "application/json"
    assert (asked.headers["webhook-id"], asked.headers["webhook-timestamp"]) == ("event-7", str(STAMP))
    assert "webhook-signature" not in asked.headers


@pytest.mark.parametrize(
    ("secret", "key"), [("plain-canary", b"plain-canary"), ("whsec_" + base64.b64encode(b"\0key").decode(), b"\0key")]
)
def test_a_receiver_that_has_the_secret_can_tell_who_sent_what_and_when(
    site: LoopbackSite, secret: str, key: bytes
) -> None:
    webhook(site, secret).send(MESSAGE)

    (asked,) = site.requests
    signed = b".".join([b"event-7", str(STAMP).encode(), asked.body])
    wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert asked.headers["webhook-signature"] == f"v1,{wanted}"
    assert secret not in str(asked)


def test_a_secret_that_is_cut_off_is_told_without_being_shown() -> None:
    with pytest.raises(ConfigurationError, match="TRIPPER_WEBHOOK_SECRET") as raised:
        Webhook(SecretStr("http://127.0.0.1/"), SecretStr("whsec_canary!"))

    assert "canary" not in str(raised.value)


def endless() -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\n"
    yield from (f"x-{number}: y\r\n".encode() for number in itertools.count())


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (Answer(500, b"canary-of-the-body"), TransientError, "status 500"),
        (Answer(429, b"", {"Retry-After": "7"}), TransientError, "status 429"),
        (Answer(400, b"invalid_blocks"), PermanentError, "status 400"),
        (Answer(404, b""), PermanentError, "status 404"),
        (Answer(302, b"", {"Location": "/elsewhere"}), PermanentError, "sent on elsewhere with status 302"),
        (Answer(raw=iter([b"no HTTP at all\r\n\r\n"])), TransientError, "RemoteProtocolError"),
        (Answer(raw=iter([])), TransientError, "RemoteProtocolError"),
        (Answer(raw=endless()), TransientError, "Error"),
    ],
)
def test_a_receiver_that_says_no_or_nonsense_is_told_by_its_host_alone(
    site: LoopbackSite, answer: Answer, kind: type[TripperError], said: str
) -> None:
    site.answer(PATH, answer)

    with pytest.raises(kind, match=said) as raised:
        webhook(site, "canary-secret").send(MESSAGE)

    assert f"Notifying the webhook at http://127.0.0.1:{site.port} " in str(raised.value)
    assert "canary" not in str(raised.value)
    assert site.paths == [PATH]  # a redirect is not followed


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("7", 7), ("Sun, 15 Mar 2026 09:00:07 GMT", pytest.approx(6.1)), ("9" * 5_000, 86_400), ("", None), ("soon", None),
    ],
)  # fmt: skip
def test_a_receiver_that_asks_for_time_is_given_it_for_a_day_at_most(
    site: LoopbackSite, said: str, seconds: float | None
) -> None:
    site.answer(PATH, Answer(429, b"", {"Retry-After": said}))

    with pytest.raises(TransientError) as raised:
        webhook(site).send(MESSAGE)

    assert raised.value.retry_after_seconds == seconds


def test_a_receiver_that_answers_without_end_takes_no_longer_than_it_is_given(site: LoopbackSite) -> None:
    site.answer(PATH, Answer(200, b"late", delay_seconds=2))

    with pytest.raises(TransientError, match=r"no answer within 0\.3 s"):
        webhook(site, most_seconds=0.3).send(MESSAGE)


def test_nobody_at_the_address_is_an_outage() -> None:
    gone = Webhook(SecretStr(f"http://127.0.0.1:{new_port()}{PATH}"))

    with pytest.raises(TransientError, match="ConnectError") as raised:
        gone.send(MESSAGE)

    assert "canary" not in str(raised.value)


def test_a_large_answer_is_not_read(site: LoopbackSite) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n"
    site.answer(PATH, Answer(raw=itertools.chain([head], itertools.repeat(b"x" * 65_536))))

    webhook(site).send(MESSAGE)

    assert site.paths == [PATH]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://hooks.slack.com/services/T0/B0/canary", "https://hooks.slack.com"),
        ("http://10.0.0.5:9000/canary?token=canary", "http://10.0.0.5:9000"),
    ],
)
def test_only_its_host_is_shown(url: str, shown: str) -> None:
    assert Webhook(SecretStr(url)).shown == shown
