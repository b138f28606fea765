"""A server on 127.0.0.1 that speaks OpenAI's chat completions with the SDK's own types, and answers as a test tells it to."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from openai.types import CompletionUsage
from openai.types.chat import ChatCompletion, ChatCompletionMessage
from openai.types.chat.chat_completion import Choice
from openai.types.completion_usage import CompletionTokensDetails, PromptTokensDetails

KEY = "sk-canary-7d1f"
USAGE = CompletionUsage(
    prompt_tokens=900,
    completion_tokens=100,
    total_tokens=1_000,
    prompt_tokens_details=PromptTokensDetails(cached_tokens=300),
    completion_tokens_details=CompletionTokensDetails(reasoning_tokens=40),
)


@dataclass(frozen=True)
class Reply:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict[str, str])
    delay_seconds: float = 0
    cut: bool = False
    """The connection is closed without an answer."""


def completion(
    content: str | None,
    *,
    finish_reason: Any = "stop",
    refusal: str | None = None,
    usage: CompletionUsage | None = USAGE,
) -> Reply:
    message = ChatCompletionMessage(role="assistant", content=content, refusal=refusal)
    choice = Choice(index=0, finish_reason=finish_reason, message=message)
    made = ChatCompletion(
        id="c", object="chat.completion", created=0, model="gpt-4.1-mini", choices=[choice], usage=usage
    )
    return Reply(body=made.model_dump_json().encode())


def said(**spans: Any) -> Reply:
    """Answer in the shape that is asked for."""
    shape = {"is_activity": True, "name": None, "when": None, "where": None, "ages": None, "price": None}
    return completion(json.dumps({**shape, **spans}))


def trouble(status: int, code: str = "trouble", **headers: str) -> Reply:
    error = {"error": {"message": f"Incorrect API key provided: {KEY}", "type": "error", "code": code}}
    return Reply(status, json.dumps(error).encode(), headers)


class LlmServer:
    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/v1"
        self.requests: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.busy = 0
        self.most_at_once = 0
        self.lock = threading.Lock()
        self.answer: Callable[[dict[str, Any]], Reply] = lambda _: said()

    @property
    def pages(self) -> list[str]:
        """The addresses of the pages that were asked about, in order."""
        return [page_of(request)["page_address"] for request in self.requests]

    def in_turn(self, *replies: Reply) -> None:
        """Give these replies, the last again and again."""
        waiting = list(replies)
        self.answer = lambda _: waiting.pop(0) if len(waiting) > 1 else waiting[0]

    def reply(self, path: str, request: dict[str, Any]) -> Reply:
        with self.lock:
            self.paths.append(path)
            self.requests.append(request)
            self.busy += 1
            self.most_at_once = max(self.most_at_once, self.busy)
            found = self.answer(request)
        time.sleep(found.delay_seconds)
        with self.lock:
            self.busy -= 1
        return found


def page_of(request: dict[str, Any]) -> dict[str, Any]:
    """Return the page that a request asks about."""
    return json.loads(request["messages"][1]["content"])


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server: LlmServer = self.server.told  # type: ignore[attr-defined]
        found = server.reply(self.path, request)
        if found.cut:
            self.close_connection = True
            return
        self.send_response(found.status)
        for name, value in self._headers(found).items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(found.body)
        except OSError:
            self.close_connection = True

    def _headers(self, found: Reply) -> dict[str, str]:
        return {"Content-Type": "application/json", "Content-Length": str(len(found.body)), **found.headers}

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep a connection that the client dropped out of the test's output."""


@contextmanager
def serve_llm() -> Iterator[LlmServer]:
    with _Server(("127.0.0.1", 0), _Handler) as server:
        told = LlmServer(server.server_address[1])
        server.told = told  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield told
        finally:
            server.shutdown()
            thread.join()
