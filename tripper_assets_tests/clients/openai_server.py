"""A server on 127.0.0.1 that speaks OpenAI's files, batches and embeddings with the SDK's own types, and goes wrong by seed."""

import base64
import email
import hashlib
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import numpy.typing as npt
from openai.types import Batch, BatchError, CreateEmbeddingResponse, Embedding, FileDeleted, FileObject
from openai.types.batch import Errors
from openai.types.create_embedding_response import Usage

KEY = "sk-canary-55ab"
WINDOW = timedelta(hours=24)
NAN = float("nan")


def vector_for(text: str, dimensions: int) -> npt.NDArray[np.float32]:
    """Return the one vector of a text."""
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    vector = np.random.default_rng(seed).standard_normal(dimensions).astype(np.float32)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


@dataclass(frozen=True)
class Faults:
    """How likely what goes wrong: of a call, of a batch, of a row."""

    busy: float = 0.0
    """429 to any call."""
    broken: float = 0.0
    """500 to any call, without anything done."""
    accepted_500: float = 0.0
    """500, or no answer at all, after a batch or a file was accepted."""
    truncated: float = 0.0
    """An answer that ends in the middle."""
    late_list: float = 0.0
    """A new batch does not stand in the list for a minute."""
    failed: float = 0.0
    queue_full: float = 0.0
    """A batch that fails as a whole, for the account's queue is full."""
    expired: float = 0.0
    stuck: float = 0.0
    canceled: float = 0.0
    """A batch that somebody cancels at the provider's own pages."""
    missing: float = 0.0
    doubled: float = 0.0
    row_busy: float = 0.0
    """A row of the error file that may succeed another time."""
    row_refused: float = 0.0
    nan: float = 0.0
    wrong_length: float = 0.0
    other_model: float = 0.0
    cut_row: float = 0.0
    stranger: float = 0.0
    """A row that nobody asked for."""

    @classmethod
    def by(cls, random: Random) -> "Faults":
        """Return some faults, more of some kinds."""
        often = {one.name: random.choice([0, 0, 0.05, 0.3]) for one in fields(cls)}
        whole = {
            name: random.choice([0, 0, 0, 0.3, 0.8])
            for name in ("failed", "queue_full", "expired", "stuck", "canceled")
        }
        return cls(**often | whole)


@dataclass
class Held:
    """A batch, and what it will come to."""

    batch: Batch
    rows: list[dict[str, Any]]
    fate: str
    ends_at: datetime
    listed_at: datetime


class _CutError(Exception):
    """The connection ends here."""


@dataclass
class OpenAIServer:
    clock: Callable[[], datetime]
    random: Random
    faults: Faults = field(default_factory=Faults)
    dimensions: int = 8
    url: str = ""
    files: dict[str, tuple[FileObject, bytes]] = field(default_factory=dict)
    held: dict[str, Held] = field(default_factory=dict)
    accepted: Counter[str] = field(default_factory=Counter)
    """How often a submission of ours became a batch, by our id."""
    asked: Counter[str] = field(default_factory=Counter)
    """How often each custom id was in an accepted batch."""
    calls: Counter[str] = field(default_factory=Counter)
    embedded: list[str] = field(default_factory=list)
    """The texts of calls that are answered at once."""
    before: Callable[[str], None] = lambda _: None
    """Told of each call before it is answered."""
    lock: threading.RLock = field(default_factory=threading.RLock)

    def reply(self, method: str, target: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes, bool]:
        """Return status, body, and whether the body is cut."""
        parts = urlsplit(target)
        path = parts.path.removeprefix("/v1/").split("/")
        call = f"{method} {path[0]}" + (f" {path[2]}" if len(path) > 2 else "" if len(path) == 1 else " one")
        self.before(call)
        with self.lock:
            self.calls[call] += 1
            if headers.get("Authorization") != f"Bearer {KEY}":
                return _error(401, "invalid_api_key")
            if self._chance("busy"):
                return _error(429, "rate_limit_exceeded")
            if self._chance("broken"):
                return _error(500, "server_error")
            query = {name: found[-1] for name, found in parse_qs(parts.query).items()}
            found = self._done(call, path, query, headers, body)
            if call in ("POST batches", "POST files") and self._chance("accepted_500"):
                if self.random.random() < 0.5:
                    raise _CutError
                return _error(500, "server_error")
            return found

    def _chance(self, name: str) -> bool:
        return self.random.random() < getattr(self.faults, name)

    def _done(
        self, call: str, path: list[str], query: dict[str, str], headers: dict[str, str], body: bytes
    ) -> tuple[int, bytes, bool]:
        answers: dict[str, Callable[[], tuple[int, bytes, bool]]] = {
            "POST files": lambda: self._json(self._upload(headers, body)),
            "GET files": lambda: self._page([one for one, _ in self.files.values() if one.purpose == "batch"], query),
            "GET files content": lambda: self._content(path[1]),
            "DELETE files one": lambda: self._delete(path[1]),
            "POST batches": lambda: self._create(json.loads(body)),
            "GET batches": lambda: self._page(self._listed(), query),
            "GET batches one": lambda: self._json(self._now(self.held[path[1]])),
            "POST batches cancel": lambda: self._canceled(self.held[path[1]]),
            "POST embeddings": lambda: self._embed(json.loads(body)),
        }
        return answers[call]() if call in answers else _error(404, "no_such_call")

    def _delete(self, name: str) -> tuple[int, bytes, bool]:
        del self.files[name]
        return self._json(FileDeleted(id=name, deleted=True, object="file"))

    def _listed(self) -> list[Batch]:
        return [self._now(one) for one in self.held.values() if one.listed_at <= self.clock()]

    def _json(self, model: Any) -> tuple[int, bytes, bool]:
        return 200, model.model_dump_json().encode(), self._chance("truncated")

    def _page(self, models: list[Any], query: dict[str, str]) -> tuple[int, bytes, bool]:
        models = sorted(models, key=lambda one: -one.created_at)
        names = [one.id for one in models]
        start = names.index(query["after"]) + 1 if query.get("after") in names else 0
        shown = models[start : start + int(query.get("limit", 20))]
        page = {
            "object": "list",
            "data": [json.loads(one.model_dump_json()) for one in shown],
            "has_more": start + len(shown) < len(models),
            "first_id": shown[0].id if shown else None,
            "last_id": shown[-1].id if shown else None,
        }
        return 200, json.dumps(page).encode(), self._chance("truncated")

    def _upload(self, headers: dict[str, str], body: bytes) -> FileObject:
        message = email.message_from_bytes(b"Content-Type: " + headers["Content-Type"].encode() + b"\r\n\r\n" + body)
        parts = {part.get_param("name", header="content-disposition"): part for part in message.get_payload()}  # type: ignore[union-attr]
        assert parts["purpose"].get_payload() == "batch"  # type: ignore[union-attr]
        data = parts["file"].get_payload(decode=True)  # type: ignore[union-attr]
        assert isinstance(data, bytes)
        return self._keep(data, parts["file"].get_filename() or "", "batch")  # type: ignore[union-attr]

    def _keep(self, data: bytes, name: str, purpose: Any) -> FileObject:
        made = FileObject(
            id=f"file-{len(self.files) + self.calls.total():06d}{self.random.getrandbits(32):08x}",
            bytes=len(data),
            created_at=int(self.clock().timestamp()),
            filename=name,
            object="file",
            purpose=purpose,
            status="processed",
        )
        self.files[made.id] = made, data
        return made

    def _content(self, name: str) -> tuple[int, bytes, bool]:
        if name not in self.files:
            return _error(404, "not_found")
        return 200, self.files[name][1], self._chance("truncated")

    def _create(self, given: dict[str, Any]) -> tuple[int, bytes, bool]:
        if given["input_file_id"] not in self.files:
            return _error(400, "no_such_file")
        rows = [json.loads(line) for line in self.files[given["input_file_id"]][1].splitlines()]
        now = self.clock()
        made = Batch(
            id=f"batch_{len(self.held):06d}",
            completion_window=given["completion_window"],
            created_at=int(now.timestamp()),
            endpoint=given["endpoint"],
            input_file_id=given["input_file_id"],
            object="batch",
            status="validating",
            metadata=given["metadata"],
        )
        ends_at = now + timedelta(minutes=self.random.choice([1, 20, 200, 1400]))
        listed_at = now + timedelta(seconds=60 if self._chance("late_list") else 0)
        self.held[made.id] = Held(made, rows, self._fate(), ends_at, listed_at)
        self.accepted[given["metadata"]["tripper_submission"]] += 1
        self.asked.update(row["custom_id"] for row in rows)
        return self._json(made)

    def _fate(self) -> str:
        for fate in ("failed", "queue_full", "expired", "stuck", "canceled"):
            if self._chance(fate):
                return fate
        return "completed"

    def _now(self, held: Held) -> Batch:
        """Return a batch as it is now."""
        batch, now = held.batch, self.clock()
        if batch.status in ("failed", "completed", "expired", "cancelled"):
            return batch
        if held.fate == "expired":
            held.ends_at = datetime.fromtimestamp(batch.created_at, now.tzinfo) + WINDOW
        if held.fate != "stuck" and now >= held.ends_at:
            return self._ended(held)
        batch.status = "in_progress"
        return batch

    def _ended(self, held: Held) -> Batch:
        batch = held.batch
        if held.fate in ("failed", "queue_full"):
            code = "token_limit_exceeded" if held.fate == "queue_full" else "invalid_json_line"
            batch.errors = Errors(data=[BatchError(code=code, message=f"Our key is {KEY}.")], object="list")
            batch.status = "failed"
            return batch
        self._write(held, share=1.0 if held.fate == "completed" else 0.5)
        batch.status = "cancelled" if held.fate == "canceled" else held.fate  # type: ignore[assignment]
        return batch

    def _canceled(self, held: Held) -> tuple[int, bytes, bool]:
        if self._now(held).status in ("failed", "completed", "expired", "cancelled"):
            return _error(409, "batch_ended")
        held.fate, held.ends_at = "canceled", self.clock()
        return self._json(self._now(held))

    def _write(self, held: Held, *, share: float) -> None:
        """Write the output file and the error file; what is not in the share has expired, or is left out."""
        good: list[bytes] = []
        bad: list[bytes] = []
        rows = list(held.rows)
        self.random.shuffle(rows)
        done = round(len(rows) * share)
        for row in rows[:done]:
            self._write_row(row, good, bad)
        if held.fate == "expired":
            bad += [_row(row["custom_id"], error="batch_expired") for row in rows[done:] if self.random.random() < 0.8]
        if self._chance("stranger"):
            good.append(_row("0" * 32, body=self._answer("nobody's", "text-embedding-3-small")))
        if self._chance("cut_row") and good:
            good[-1] = good[-1][: len(good[-1]) // 2]
        if good:
            held.batch.output_file_id = self._keep(b"\n".join(good), "output.jsonl", "batch_output").id
        if bad:
            held.batch.error_file_id = self._keep(b"\n".join(bad) + b"\n", "errors.jsonl", "batch_output").id

    def _write_row(self, row: dict[str, Any], good: list[bytes], bad: list[bytes]) -> None:
        name, (text,), model = row["custom_id"], row["body"]["input"], row["body"]["model"]
        if self._chance("missing"):
            return
        if self._chance("row_busy"):
            bad.append(_row(name, status=self.random.choice([429, 500, 503])))
        elif self._chance("row_refused"):
            bad.append(_row(name, status=400))
        else:
            model = "text-of-another" if self._chance("other_model") else model
            good.append(_row(name, body=self._answer(text, model)))
            if self._chance("doubled"):
                good.insert(self.random.randrange(len(good)), good[-1])

    def _answer(self, text: str, model: str) -> dict[str, Any]:
        vector = vector_for(text, self.dimensions)
        if self._chance("nan"):
            vector[0] = NAN
        if self._chance("wrong_length"):
            vector = vector[:-1]
        return _embeddings([vector], model, tokens=len(text.split()))

    def _embed(self, given: dict[str, Any]) -> tuple[int, bytes, bool]:
        self.embedded += given["input"]
        vectors = [vector_for(text, given.get("dimensions", self.dimensions)) for text in given["input"]]
        tokens = sum(len(text.split()) for text in given["input"])
        return 200, json.dumps(_embeddings(vectors, given["model"], tokens=tokens)).encode(), self._chance("truncated")


def _embeddings(vectors: list[npt.NDArray[np.float32]], model: str, *, tokens: int) -> dict[str, Any]:
    made = CreateEmbeddingResponse(
        data=[Embedding(embedding=[], index=index, object="embedding") for index in range(len(vectors))],
        model=model,
        object="list",
        usage=Usage(prompt_tokens=tokens, total_tokens=tokens),
    ).model_dump()
    for row, vector in zip(made["data"], vectors, strict=True):
        row["embedding"] = base64.b64encode(vector.astype("<f4").tobytes()).decode()
    return made


def _row(custom_id: str, *, status: int = 200, body: Any = None, error: str = "") -> bytes:
    answer = {"status_code": status, "request_id": "r", "body": body or {"error": {"code": "trouble", "message": KEY}}}
    told = {"code": error, "message": "This request could not be executed before the completion window expired."}
    row = {"id": "x", "custom_id": custom_id, "response": None if error else answer, "error": told if error else None}
    return json.dumps(row).encode()


def _error(status: int, code: str) -> tuple[int, bytes, bool]:
    said = {"error": {"message": f"Incorrect API key provided: {KEY}", "type": "error", "code": code, "param": None}}
    return status, json.dumps(said).encode(), False


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        server: OpenAIServer = self.server.told  # type: ignore[attr-defined]
        try:
            status, answer, cut = server.reply(
                self.command, self.path, {name.title(): found for name, found in self.headers.items()}, body
            )
        except _CutError:
            self.close_connection = True
            return
        head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(answer)}\r\n\r\n"
        try:
            self.wfile.write(head.encode() + (answer[: len(answer) // 2] if cut else answer))
        except OSError:
            self.close_connection = True
        self.close_connection = self.close_connection or cut

    do_GET = do_POST = do_DELETE = _answer  # noqa: N815 (the standard library's names)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep a connection that the client dropped out of the test's output."""


@contextmanager
def serve_openai(
    clock: Callable[[], datetime], random: Random, faults: Faults | None = None, *, dimensions: int = 8
) -> Iterator[OpenAIServer]:
    told = OpenAIServer(clock, random, faults or Faults(), dimensions)
    with _Server(("127.0.0.1", 0), _Handler) as server:
        told.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        server.told = told  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield told
        finally:
            server.shutdown()
            thread.join()
