"""What the loopback servers of all batch APIs share: batches with a fate, answers that can be told apart, and faults by seed."""

import hashlib
import json
import threading
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any, ClassVar, NamedTuple

from tripper_assets.domain.tags import tags_schema

KEY = "sk-canary-55ab"
WINDOW = timedelta(hours=24)
INPUT, OUTPUT, CACHED, REASONING = 900, 150, 100, 40
"""What each answer counts; output holds the reasoning, and input what was cached."""


@dataclass(frozen=True)
class Faults:
    """How likely what goes wrong: of a call, of a batch, of a row, of an answer."""

    busy: float = 0.0
    """429 to any call."""
    broken: float = 0.0
    """500 to any call, without anything done."""
    accepted_500: float = 0.0
    """500, or no answer at all, after something was accepted."""
    truncated: float = 0.0
    """An answer that ends in the middle."""
    late_list: float = 0.0
    """A new batch does not stand in the list for a minute."""
    failed: float = 0.0
    expired: float = 0.0
    partly: float = 0.0
    """A batch of which a part came to nothing, and which is told to have ended well."""
    stuck: float = 0.0
    canceled: float = 0.0
    """A batch that somebody cancels at the provider's own pages."""
    missing: float = 0.0
    doubled: float = 0.0
    row_busy: float = 0.0
    row_refused: float = 0.0
    """A shape that the provider does not take."""
    cut_row: float = 0.0
    stranger: float = 0.0
    """A row that nobody asked for."""
    refusal: float = 0.0
    cut_answer: float = 0.0
    """Stopped at the most tokens, in the middle of the JSON."""
    no_json: float = 0.0
    other_id: float = 0.0
    """An answer about another activity, under this one's id."""

    @classmethod
    def by(cls, random: Random) -> "Faults":
        """Return some faults, more of some kinds."""
        often = {one.name: random.choice([0, 0, 0, 0.05, 0.2]) for one in fields(cls)}
        whole = {name: random.choice([0, 0, 0, 0, 0, 0.2, 0.6]) for name in FATES}
        return cls(**often | whole)


FATES = ("failed", "expired", "partly", "stuck", "canceled")


class Row(NamedTuple):
    """A question as the server read it out of a request."""

    custom_id: str
    activity_id: str
    text: str


def read_row(custom_id: str, data: str) -> Row:
    said = json.loads(data)
    return Row(custom_id, said["activity_id"], "\n".join(said["text"]))


@dataclass
class Held:
    """A batch, and what it will come to."""

    name: str
    ours: str
    """Our id."""
    rows: list[Row]
    fate: str
    created_at: datetime
    ends_at: datetime
    listed_at: datetime
    status: str = "pending"
    results: list[bytes] = field(default_factory=list)
    errors: list[bytes] = field(default_factory=list)

    def is_open(self, now: datetime) -> bool:
        return self.status == "pending" and now < min(self.ends_at, self.created_at + WINDOW)


class Answered(NamedTuple):
    """What the model says of one row, before it is put into an API's words."""

    text: str
    how: str = "answered"
    """Or refused, or truncated."""


class CutError(Exception):
    """The connection ends here."""


class Reply(NamedTuple):
    status: int
    body: bytes
    headers: dict[str, str] = {}
    may_be_cut: bool = True


def mark(text: str) -> str:
    """Return a free tag by which a text's own answer is known."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def tags_for(activity_id: str, text: str) -> dict[str, Any]:
    """Return an answer of the asked shape that holds the text's mark."""
    shape = tags_schema()["properties"]
    said: dict[str, Any] = {name: [] if one.get("type") == "array" else None for name, one in shape.items()}
    said |= {name: one["enum"][0] for name, one in shape.items() if "enum" in one}
    quote = {"field": "setting", "quote": text.split("\n", maxsplit=1)[0]}
    return said | {"activity_id": activity_id, "free_tags": [mark(text)], "evidence": [quote]}


@dataclass
class ProviderServer(ABC):
    """One account at one provider."""

    clock: Callable[[], datetime]
    random: Random
    faults: Faults = field(default_factory=Faults)
    url: str = ""
    held: dict[str, Held] = field(default_factory=dict)
    accepted: Counter[str] = field(default_factory=Counter)
    """How often a submission became a batch, by our id."""
    asked: Counter[str] = field(default_factory=Counter)
    """How often each custom id was in an accepted batch."""
    twice: list[str] = field(default_factory=list)
    """Custom ids that were accepted while another batch worked on them."""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    """Requests as they came; only kept where ``keeps_bodies``."""
    keeps_bodies: bool = False
    sizes: list[tuple[int, int]] = field(default_factory=list)
    """Requests and bytes of each accepted batch."""
    before: Callable[[], None] = lambda: None
    """Called before each request is answered."""
    lock: threading.RLock = field(default_factory=threading.RLock)

    path: ClassVar[str] = ""
    """What the base URL ends with."""

    @abstractmethod
    def is_known(self, headers: dict[str, str]) -> bool:
        """Return whether a request bears the key."""

    @abstractmethod
    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Reply:
        """Do what is asked for."""

    @abstractmethod
    def error(self, status: int, code: str) -> Reply:
        """Return an error in the API's words."""

    @abstractmethod
    def good_row(self, row: Row, said: Answered) -> bytes:
        """Return a row of the results in the API's words."""

    @abstractmethod
    def bad_row(self, custom_id: str, kind: str) -> bytes:
        """Return the row of a request that came to nothing: busy, refused, expired or canceled."""

    def reply(self, method: str, target: str, headers: dict[str, str], body: bytes) -> tuple[Reply, bool]:
        """Return the answer, and whether its body is cut."""
        with self.lock:
            self.before()
            if not self.is_known(headers):
                return self.error(401, "invalid_api_key"), False
            if self.chance("busy"):
                return self.error(429, "rate_limit_exceeded"), False
            if self.chance("broken"):
                return self.error(500, "server_error"), False
            found = self.answer(method, target, headers, body)
            if method == "POST" and self.chance("accepted_500"):
                if self.random.random() < 0.5:
                    raise CutError
                return self.error(500, "server_error"), False
            return found, found.may_be_cut and found.status < 300 and self.chance("truncated")

    def chance(self, name: str) -> bool:
        return self.random.random() < getattr(self.faults, name)

    def accept(self, ours: str, rows: list[Row], size: int) -> Held:
        now, asked = self.clock(), [row.custom_id[:32] for row in rows]
        at_work = {row.custom_id[:32] for one in self.held.values() if one.is_open(now) for row in one.rows}
        self.twice += [one for one in asked if one in at_work]
        made = Held(
            name=f"batch_{len(self.held):06d}",
            ours=ours,
            rows=rows,
            fate=next((fate for fate in FATES if self.chance(fate)), "completed"),
            created_at=now,
            ends_at=now + timedelta(minutes=self.random.choice([1, 20, 200, 1400])),
            listed_at=now + timedelta(seconds=60 if self.chance("late_list") else 0),
        )
        if made.fate in ("expired", "stuck"):
            made.ends_at = now + (WINDOW if made.fate == "expired" else timedelta(days=400))
        self.held[made.name] = made
        self.accepted[ours] += 1
        self.asked.update(asked)
        self.sizes.append((len(rows), size))
        return made

    def now(self, held: Held) -> Held:
        """Return a batch as it is now."""
        if held.status == "pending" and self.clock() >= held.ends_at:
            held.status = {"partly": "partly", "stuck": "pending"}.get(held.fate, held.fate)
            if held.status != "failed":
                self._write(held, share=1.0 if held.fate == "completed" else 0.5)
        return held

    def cancel(self, held: Held) -> bool:
        """Stop a batch; return False where it had ended."""
        if self.now(held).status != "pending":
            return False
        held.fate, held.ends_at = "canceled", self.clock()
        self.now(held)
        return True

    def _write(self, held: Held, *, share: float) -> None:
        rows = list(held.rows)
        self.random.shuffle(rows)
        done = round(len(rows) * share)
        for row in rows[:done]:
            self._write_row(row, held)
        kind = {"expired": "expired", "canceled": "canceled"}.get(held.fate, "busy")
        held.errors += [self.bad_row(row.custom_id, kind) for row in rows[done:] if self.random.random() < 0.8]
        if self.chance("stranger"):
            held.results.append(self.good_row(Row("0" * 32, "nobody", "x"), Answered("{}")))
        if self.chance("cut_row") and held.results:
            held.results[-1] = held.results[-1][: len(held.results[-1]) // 2]

    def _write_row(self, row: Row, held: Held) -> None:
        if self.chance("missing"):
            return
        if self.chance("row_busy"):
            held.errors.append(self.bad_row(row.custom_id, "busy"))
        elif self.chance("row_refused"):
            held.errors.append(self.bad_row(row.custom_id, "refused"))
        else:
            held.results.append(self.good_row(row, self._said(row)))
            if self.chance("doubled"):
                held.results.insert(self.random.randrange(len(held.results)), held.results[-1])

    def _said(self, row: Row) -> Answered:
        if self.chance("refusal"):
            return Answered("I would rather not.", "refused")
        answered = ("other", "a day at the other's") if self.chance("other_id") else (row.activity_id, row.text)
        text = json.dumps(tags_for(*answered))
        if self.chance("cut_answer"):
            return Answered(text[: len(text) // 2], "truncated")
        return Answered(text[: len(text) // 2] if self.chance("no_json") else text)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        server: ProviderServer = self.server.told  # type: ignore[attr-defined]
        try:
            reply, is_cut = server.reply(self.command, self.path, {k.title(): v for k, v in self.headers.items()}, body)
        except CutError:
            self.close_connection = True
            return
        said = {"Content-Type": "application/json", "Content-Length": str(len(reply.body)), **reply.headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in said.items())
        shown = reply.body[: len(reply.body) // 2] if is_cut else reply.body
        try:
            self.wfile.write(f"HTTP/1.1 {reply.status} X\r\n{head}\r\n".encode() + shown)
        except OSError:
            self.close_connection = True
        self.close_connection = self.close_connection or is_cut

    do_GET = do_POST = do_DELETE = _answer  # noqa: N815 (the standard library's names)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class Door(ThreadingHTTPServer):
    """An address on 127.0.0.1 behind which one account after the other stands: a client of an SDK takes a tenth of a second to make."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    told: ProviderServer

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep a connection that the client dropped out of the test's output."""


@contextmanager
def open_door() -> Iterator[Door]:
    with Door(("127.0.0.1", 0), _Handler) as door:
        thread = threading.Thread(target=door.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield door
        finally:
            door.shutdown()
            thread.join()
