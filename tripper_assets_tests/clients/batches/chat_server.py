"""OpenAI's and Groq's batches of chat completions on 127.0.0.1, with the types of OpenAI's SDK."""

import email
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from openai.types import Batch, BatchError, FileDeleted, FileObject
from openai.types.batch import Errors
from openai.types.chat import ChatCompletion, ChatCompletionMessage
from openai.types.chat.chat_completion import Choice
from openai.types.completion_usage import CompletionTokensDetails, CompletionUsage, PromptTokensDetails

from tripper_assets_tests.clients.batches.provider_server import (
    CACHED,
    INPUT,
    KEY,
    OUTPUT,
    REASONING,
    Answered,
    Held,
    ProviderServer,
    Reply,
    Row,
    read_row,
)

STATUSES = {"pending": "in_progress", "partly": "completed", "canceled": "cancelled"}


@dataclass
class ChatServer(ProviderServer):
    files: dict[str, tuple[FileObject, bytes]] = field(default_factory=dict)
    metadata: dict[str, dict[str, str]] = field(default_factory=dict)
    created: list[dict[str, Any]] = field(default_factory=list)
    """What the calls that create a batch held."""
    outputs: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)

    path = "/v1"

    def is_known(self, headers: dict[str, str]) -> bool:
        return headers.get("Authorization") == f"Bearer {KEY}"

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Reply:
        parts = urlsplit(target)
        query = {name: found[-1] for name, found in parse_qs(parts.query).items()}
        call, *rest = parts.path.removeprefix("/v1/").split("/")
        name = rest[0] if rest else ""
        answers: dict[str, Callable[[], Reply]] = {
            "POST files": lambda: _json(self._upload(headers, body)),
            "GET files": lambda: self._files(query) if not name else self._content(name),
            "DELETE files": lambda: self._deleted(name),
            "POST batches": lambda: self._stopped(self.held[name]) if name else self._create(json.loads(body)),
            "GET batches": lambda: _json(self._batch(self.held[name])) if name else self._batches(query),
        }
        return answers[f"{method} {call}"]()

    def _files(self, query: dict[str, str]) -> Reply:
        return self._page([one for one, _ in self.files.values() if one.purpose == "batch"], query)

    def _batches(self, query: dict[str, str]) -> Reply:
        listed = [one for one in self.held.values() if one.listed_at <= self.clock()]
        return self._page([self._batch(one) for one in listed], query)

    def _content(self, name: str) -> Reply:
        return Reply(200, self.files[name][1]) if name in self.files else self.error(404, "not_found")

    def _deleted(self, name: str) -> Reply:
        del self.files[name]
        return _json(FileDeleted(id=name, deleted=True, object="file"))

    def _stopped(self, held: Held) -> Reply:
        return _json(self._batch(held)) if self.cancel(held) else self.error(409, "ended")

    def error(self, status: int, code: str) -> Reply:
        said = {"message": f"Incorrect API key provided: {KEY}", "type": "error", "code": code, "param": None}
        return Reply(status, json.dumps({"error": said}).encode())

    def _page(self, models: list[Any], query: dict[str, str]) -> Reply:
        models = sorted(models, key=lambda one: -one.created_at)
        names = [one.id for one in models]
        start = names.index(query["after"]) + 1 if query.get("after") in names else 0
        shown = models[start : start + int(query.get("limit", 20))]
        data = [json.loads(one.model_dump_json()) for one in shown]
        page = {"object": "list", "data": data, "has_more": start + len(shown) < len(models)}
        return Reply(200, json.dumps(page).encode())

    def _upload(self, headers: dict[str, str], body: bytes) -> FileObject:
        message = email.message_from_bytes(b"Content-Type: " + headers["Content-Type"].encode() + b"\r\n\r\n" + body)
        parts = {part.get_param("name", header="content-disposition"): part for part in message.get_payload()}  # type: ignore[union-attr]
        data = parts["file"].get_payload(decode=True)  # type: ignore[union-attr]
        return self._keep(data, parts["file"].get_filename() or "", "batch")  # type: ignore[union-attr, arg-type]

    def _keep(self, data: bytes, name: str, purpose: Any) -> FileObject:
        made = FileObject(
            id=f"file-{self.random.getrandbits(64):016x}",
            bytes=len(data),
            created_at=int(self.clock().timestamp()),
            filename=name,
            object="file",
            purpose=purpose,
            status="processed",
        )
        self.files[made.id] = made, data
        return made

    def _create(self, given: dict[str, Any]) -> Reply:
        self.created.append(given)
        if given["input_file_id"] not in self.files or given["endpoint"] != "/v1/chat/completions":
            return self.error(400, "no_such_file")
        data = self.files[given["input_file_id"]][1]
        lines = [json.loads(line) for line in data.splitlines()]
        rows = [read_row(one["custom_id"], one["body"]["messages"][-1]["content"]) for one in lines]
        if self.keeps_bodies:
            self.bodies += [one["body"] for one in lines]
        made = self.accept(given["metadata"]["tripper_submission"], rows, len(data))
        self.metadata[made.name] = given["metadata"]
        return _json(self._batch(made))

    def _batch(self, held: Held) -> Batch:
        self.now(held)
        if held.status != "pending" and held.name not in self.outputs:
            files = [
                self._keep(b"\n".join(rows), "output.jsonl", "batch_output").id if rows else None
                for rows in (held.results, held.errors)
            ]
            self.outputs[held.name] = (files[0], files[1])
        output, errors = self.outputs.get(held.name, (None, None))
        trouble = BatchError(code="invalid_json_line", message=f"Our key is {KEY}.")
        return Batch(
            id=held.name,
            completion_window="24h",
            created_at=int(held.created_at.timestamp()),
            endpoint="/v1/chat/completions",
            input_file_id="file-0",
            object="batch",
            status=STATUSES.get(held.status, held.status),  # type: ignore[arg-type]
            metadata=self.metadata[held.name],
            output_file_id=output,
            error_file_id=errors,
            errors=Errors(data=[trouble], object="list") if held.status == "failed" else None,
        )

    def good_row(self, row: Row, said: Answered) -> bytes:
        is_refused = said.how == "refused"
        message = ChatCompletionMessage(
            role="assistant", content=None if is_refused else said.text, refusal=said.text if is_refused else None
        )
        made = ChatCompletion(
            id="chatcmpl-1",
            choices=[Choice(finish_reason="length" if said.how == "truncated" else "stop", index=0, message=message)],
            created=1,
            model="m",
            object="chat.completion",
            usage=CompletionUsage(
                prompt_tokens=INPUT,
                completion_tokens=OUTPUT,
                total_tokens=INPUT + OUTPUT,
                prompt_tokens_details=PromptTokensDetails(cached_tokens=CACHED),
                completion_tokens_details=CompletionTokensDetails(reasoning_tokens=REASONING),
            ),
        )
        return _row(row.custom_id, status=200, body=made.model_dump())

    def bad_row(self, custom_id: str, kind: str) -> bytes:
        if kind == "expired":
            return _row(custom_id, error="batch_expired")
        return _row(custom_id, status=400 if kind in ("refused", "canceled") else self.random.choice([429, 500, 503]))


def _json(model: Any) -> Reply:
    return Reply(200, model.model_dump_json().encode())


def _row(custom_id: str, *, status: int = 200, body: Any = None, error: str = "") -> bytes:
    answer = {"status_code": status, "request_id": "r", "body": body or {"error": {"code": "trouble", "message": KEY}}}
    told = {"code": error, "message": "This request could not be executed before the completion window expired."}
    row = {"id": "x", "custom_id": custom_id, "response": None if error else answer, "error": told if error else None}
    return json.dumps(row).encode()
