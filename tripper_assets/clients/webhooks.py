"""Sending to the operator's webhook: signed, within a few seconds, without following redirects, and without its address in an error."""

import asyncio
import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol
from urllib.parse import urlsplit

import httpx2
import orjson
from pydantic import SecretStr

from tripper_assets.clients.politeness import asked_seconds
from tripper_assets.domain.errors import ConfigurationError, PermanentError, TransientError, error_for_status
from tripper_assets.domain.notifications import Notification

MOST_SECONDS = 10.0
"""For all of a delivery, however slowly the other side answers."""
BASE64_SECRET = "whsec_"  # noqa: S105 (how such a secret begins)
LONGEST_ASKED_SECONDS = 86_400
REDIRECT, REFUSED = 300, 400


class Receiver(Protocol):
    """Takes notifications."""

    def send(self, notification: Notification) -> None:
        """Hand one over; it has arrived where this returns.

        Raises:
            TransientError: it may arrive later.
            PermanentError: the other side refuses it as it is.
        """
        ...


class Webhook:
    """A Receiver at a URL of the operator's, which may be private; with a secret, each message is signed as Standard Webhooks says.

    Raises:
        ConfigurationError: the secret is none.
    """

    def __init__(
        self,
        url: SecretStr,
        secret: SecretStr | None = None,
        *,
        seconds: Callable[[], float] = time.time,
        most_seconds: float = MOST_SECONDS,
    ) -> None:
        self._url = url
        self._key = _key(secret.get_secret_value()) if secret and secret.get_secret_value() else b""
        self._seconds = seconds
        self._most_seconds = most_seconds

    @property
    def shown(self) -> str:
        """Where it is, as it may be shown: a path may hold a secret, as Slack's do."""
        parts = urlsplit(self._url.get_secret_value())
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{parts.hostname}{port}"

    @property
    def is_signed(self) -> bool:
        """Whether messages are signed."""
        return bool(self._key)

    def send(self, notification: Notification) -> None:
        """Hand one notification over.

        Raises:
            TransientError: no answer in time, or one that asks to come again.
            PermanentError: the other side refuses it, or sends on elsewhere.
        """
        body = orjson.dumps(notification.body())
        asyncio.run(self._sent(body, self._headers(notification.id, body)))

    def _headers(self, identifier: str, body: bytes) -> dict[str, str]:
        stamp = str(int(self._seconds()))
        headers = {"Content-Type": "application/json", "webhook-id": identifier, "webhook-timestamp": stamp}
        return headers | ({"webhook-signature": signature(self._key, identifier, stamp, body)} if self._key else {})

    async def _sent(self, body: bytes, headers: dict[str, str]) -> None:
        work = f"Notifying the webhook at {self.shown}"
        try:
            async with asyncio.timeout(self._most_seconds), httpx2.AsyncClient(trust_env=False, timeout=None) as client:
                request = client.build_request("POST", self._url.get_secret_value(), content=body, headers=headers)
                reply = await client.send(request, stream=True, follow_redirects=False)  # its body is nobody's
                await reply.aclose()
        except TimeoutError:
            raise TransientError(f"{work} got no answer within {self._most_seconds:g} s; it is tried again.") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:  # its text may hold the address
            raise TransientError(f"{work} failed ({type(error).__name__}); it is tried again.") from None
        _check(reply, work, datetime.fromtimestamp(self._seconds(), UTC))


def _check(reply: httpx2.Response, work: str, now: datetime) -> None:
    status = reply.status_code
    if status >= REFUSED:
        asked = asked_seconds(reply.headers.get("retry-after", ""), now)
        rest = None if asked is None else min(asked, LONGEST_ASKED_SECONDS)
        raise error_for_status(status, work, retry_after_seconds=rest)
    if status >= REDIRECT:
        raise PermanentError(
            f"{work} was sent on elsewhere with status {status}, which is not followed; set TRIPPER_WEBHOOK_URL to where it leads."
        )


def signature(key: bytes, identifier: str, stamp: str, body: bytes) -> str:
    """Return the signature of a message: ``v1,`` and the base64 of the HMAC-SHA256 over id, time and body with dots between."""
    digest = hmac.new(key, b".".join((identifier.encode(), stamp.encode(), body)), hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def _key(secret: str) -> bytes:
    if not secret.startswith(BASE64_SECRET):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(BASE64_SECRET), validate=True)
    except binascii.Error:
        raise ConfigurationError(
            f"TRIPPER_WEBHOOK_SECRET begins with {BASE64_SECRET} and is no base64 behind it; copy it again."
        ) from None
