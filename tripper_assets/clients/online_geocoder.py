"""The geocoder role over the network: one server, asked one question at a time, in turns that all processes share."""

import asyncio
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Protocol, TypeVar
from urllib.parse import urlencode, urlsplit

from tripper_assets.clients.geocoders.dialect import Dialect, RefusedQuestionError
from tripper_assets.clients.http import AddressGuard, HttpClient, Reply
from tripper_assets.clients.http_errors import TooLargeError, UndecodableError
from tripper_assets.clients.politeness import retry_after_seconds
from tripper_assets.domain.activities import Geocoding
from tripper_assets.domain.candidates import judge
from tripper_assets.domain.country_shapes import CountryShapes
from tripper_assets.domain.errors import PermanentError, TransientError, error_for_status
from tripper_assets.domain.geocoders import GeocoderChoice
from tripper_assets.domain.geocoding import GeocodeAnswer, PlaceQuery

REFUSED_QUESTIONS = frozenset({400, 414, 422})
FIRST_REDIRECT, FIRST_ERROR = 300, 400
MAX_ANSWER_BYTES = 20_000_000
Answer = TypeVar("Answer")
DEFAULT_PORTS = {"http": 80, "https": 443}


class HeldTurn(Protocol):
    """A turn that is held; what it is told to rest nobody asks after it."""

    rest_seconds: float


class Turns(Protocol):
    """Turns at a service, shared with other processes."""

    def turn(self, name: str, *, rest_seconds: float, lease_seconds: float) -> AbstractContextManager[HeldTurn]:
        """Wait for a turn, and hold it while the block asks.

        Raises:
            TransientError: there is none for now.
        """
        ...


class GeocoderServer:
    """A provider's server: what goes there and comes back, with every trouble told without its key."""

    def __init__(
        self, choice: GeocoderChoice, *, turns: Turns, user_agent: str, clock: Callable[[], datetime], key: str = ""
    ) -> None:
        self.choice = choice
        self._turns, self._user_agent, self._clock, self._key = turns, user_agent, clock, key
        self._turn: HeldTurn | None = None
        parts = urlsplit(choice.url)
        self._host = parts.hostname or ""
        port = parts.port or DEFAULT_PORTS[parts.scheme]
        # The server that the operator names may be a private one; what it redirects to is not followed at all.
        self._guard = AddressGuard(frozenset({(self._host, port)}))

    @contextmanager
    def turn(self) -> Generator[None]:
        """Hold the turn at the server; who asks outside of one is asking out of turn."""
        choice = self.choice
        with self._turns.turn(
            f"geocoder {choice.url}",
            rest_seconds=choice.delay_seconds,
            lease_seconds=choice.terms.timeout_seconds + choice.delay_seconds,
        ) as held:
            self._turn = held
            try:
                yield
            finally:
                self._turn = None

    def get(self, path: str, *, key_parameter: str = "") -> bytes:
        """Return the body of a good answer.

        Raises:
            RefusedQuestionError: the server refuses this one question.
            TransientError: it is away, busy, late, redirects, or says what is no answer.
            PermanentError: it refuses us.
        """
        signed = f"{path}&{urlencode({key_parameter: self._key})}" if key_parameter else path
        return self._body(self._sent(signed, None, ""))

    def post(self, path: str, content: bytes, content_type: str) -> bytes:
        """Return the body of a good answer to a form.

        Raises:
            TripperError: as ``get``.
        """
        return self._body(self._sent(path, content, content_type))

    def _sent(self, path: str, content: bytes | None, content_type: str) -> Reply:
        try:
            return asyncio.run(self._send(self.choice.url + path, content, content_type))
        except (TransientError, TooLargeError, UndecodableError):
            # Not "from error": it shows the URL, which holds the question and the key.
            raise TransientError(f"{self.work} got no answer; a later run asks again.") from None
        except PermanentError:
            raise PermanentError(f"{self.work} was refused on our side; check TRIPPER_GEOCODER_URL.") from None

    async def _send(self, url: str, content: bytes | None, content_type: str) -> Reply:
        seconds = self.choice.terms.timeout_seconds
        # A client for each question: an idle connection that the server closes at the very moment would lose one.
        async with HttpClient(user_agent=self._user_agent, guard=self._guard, timeout_seconds=seconds) as client:
            if content is None:
                return await client.get(
                    url, max_bytes=MAX_ANSWER_BYTES, deadline_seconds=seconds, follow=lambda _: False
                )
            return await client.post(
                url,
                content=content,
                content_type=content_type,
                max_bytes=MAX_ANSWER_BYTES,
                deadline_seconds=seconds,
            )

    def _body(self, reply: Reply) -> bytes:
        if reply.status in REFUSED_QUESTIONS:
            raise RefusedQuestionError(f"{self.work} was refused with status {reply.status} for this one question.")
        if reply.status >= FIRST_ERROR:
            rest = retry_after_seconds(reply, self._clock())
            if rest and self._turn is not None:
                self._turn.rest_seconds = max(self._turn.rest_seconds, rest)
            raise error_for_status(reply.status, self.work, retry_after_seconds=rest)
        if reply.status >= FIRST_REDIRECT:
            raise TransientError(
                f"{self.work} was redirected, which is not followed; set TRIPPER_GEOCODER_URL to where the server is now."
            )
        return reply.body

    @property
    def work(self) -> str:
        """What errors say was being done."""
        return f"Asking {self.choice.terms.name} at {self._host}"


class OnlineGeocoder:
    """Asks one provider down the ladder; every answer is checked against the question before it is one."""

    is_free = False

    def __init__(self, server: GeocoderServer, dialect: Dialect, shapes: CountryShapes) -> None:
        self._server, self._dialect, self._shapes = server, dialect, shapes
        self.provider = server.choice.provider
        self.steps = server.choice.terms.steps
        self.keep_days = server.choice.terms.keep_days

    def turn(self) -> AbstractContextManager[None]:
        """Wait for the turn at the server."""
        return self._server.turn()

    def geocode(self, query: PlaceQuery) -> GeocodeAnswer:
        """Return the answer to one question; deferred where the server refuses the question as it is.

        Raises:
            TransientError: no answer, or none that can be read.
            PermanentError: the server refuses us.
        """
        terms = self._server.choice.terms
        try:
            body = self._server.get(self._dialect.path_of(query), key_parameter=self._dialect.key_parameter)
            return judge(query, read_answer(self._server, lambda: self._dialect.read(body)), terms, self._shapes)
        except RefusedQuestionError:
            return GeocodeAnswer(geocoding=Geocoding(status="deferred", provider=terms.name))


def read_answer(server: GeocoderServer, read: Callable[[], Answer]) -> Answer:
    """Return what a body says, its troubles told with the provider's name.

    Raises:
        TripperError: as the reader's.
    """
    try:
        return read()
    except RefusedQuestionError:
        raise
    except TransientError as error:
        raise TransientError(f"{server.work} failed ({error}); a later run asks again.") from error
    except PermanentError as error:
        raise PermanentError(f"{server.work} failed: {error}.") from error
