"""Gemini's files and batches on 127.0.0.1, with the types of google-genai."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from google.genai import types

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

STATES = {
    "pending": "BATCH_STATE_RUNNING",
    "completed": "BATCH_STATE_SUCCEEDED",
    "partly": "JOB_STATE_PARTIALLY_SUCCEEDED",
    "failed": "BATCH_STATE_FAILED",
    "canceled": "BATCH_STATE_CANCELLED",
    "expired": "BATCH_STATE_EXPIRED",
}
"""As the SDK takes them: the API's own name of a state that the SDK has no word for makes it warn."""
FINISHED = {"refused": "SAFETY", "truncated": "MAX_TOKENS", "answered": "STOP"}
UPLOADED = {"X-Goog-Upload-Status": "final"}


@dataclass
class GeminiServer(ProviderServer):
    files: dict[str, bytes] = field(default_factory=dict)

    def is_known(self, headers: dict[str, str]) -> bool:
        return headers.get("X-Goog-Api-Key") == KEY or "X-Goog-Upload-Offset" in headers

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Reply:
        kind, _, name = urlsplit(target).path.strip("/").partition("/")
        if kind != "upload":
            kind, _, name = name.partition("/")
        answers: dict[str, Callable[[], Reply]] = {
            "POST upload": lambda: self._uploaded(name, headers, body),
            "DELETE files": lambda: self._deleted(f"files/{name}"),
            "GET files": lambda: self._downloaded(f"files/{name.partition(':')[0]}"),
            "POST models": lambda: self._create(name, json.loads(body)["batch"]),
            "GET batches": lambda: self._shown(name),
            "POST batches": lambda: self._stopped(self.held[name.partition(":")[0]]),
        }
        return answers[f"{method} {kind}"]()

    def _uploaded(self, name: str, headers: dict[str, str], body: bytes) -> Reply:
        if not name.startswith("to/"):
            return self._begin(json.loads(body)["file"], headers)
        stored = types.File(name=f"files/{name.removeprefix('to/')}", size_bytes=len(body))
        self.files[str(stored.name)] += body
        is_final = "finalize" in headers["X-Goog-Upload-Command"]
        said = {"file": stored.model_dump(mode="json", exclude_none=True)}
        state = UPLOADED if is_final else {"X-Goog-Upload-Status": "active"}
        return Reply(200, json.dumps(said).encode(), state, may_be_cut=False)

    def _deleted(self, name: str) -> Reply:
        return self.error(403, "DENIED") if self.files.pop(name, None) is None else _json({})

    def _downloaded(self, name: str) -> Reply:
        return Reply(200, self.files[name]) if name in self.files else self.error(404, "NONE")

    def _shown(self, name: str) -> Reply:
        if name:
            return _json(self._batch(self.held[name]))
        return _json({"operations": [self._batch(one) for one in self.held.values() if one.listed_at <= self.clock()]})

    def _stopped(self, held: Held) -> Reply:
        return _json({}) if self.cancel(held) else self.error(400, "ENDED")

    def error(self, status: int, code: str) -> Reply:
        said = {"error": {"code": status, "message": f"API key not valid: {KEY}", "status": code}}
        return Reply(status, json.dumps(said).encode(), UPLOADED)

    def _begin(self, given: dict[str, Any], headers: dict[str, str]) -> Reply:
        name = given["name"].removeprefix("files/")
        assert len(name) <= 40
        if f"files/{name}" in self.files:
            return self.error(409, "ALREADY_EXISTS")
        self.files[f"files/{name}"] = b""
        to = f"http://{headers['Host']}/upload/to/{name}"
        return Reply(200, b"{}", {"X-Goog-Upload-Url": to, "X-Goog-Upload-Status": "active"}, may_be_cut=False)

    def _create(self, call: str, given: dict[str, Any]) -> Reply:
        data = self.files.get(given["inputConfig"]["fileName"])
        if data is None or not call.endswith(":batchGenerateContent"):
            return self.error(400, "INVALID_ARGUMENT")
        lines = [json.loads(line) for line in data.splitlines()]
        rows = [read_row(one["key"], one["request"]["contents"][-1]["parts"][0]["text"]) for one in lines]
        if self.keeps_bodies:
            self.bodies += [one["request"] for one in lines]
        return _json(self._batch(self.accept(given["displayName"], rows, len(data))))

    def _batch(self, held: Held) -> dict[str, Any]:
        self.now(held)
        metadata: dict[str, Any] = {
            "displayName": held.ours,
            "state": STATES[held.status],
            "createTime": held.created_at.isoformat(),
        }
        if held.status in ("completed", "partly", "canceled"):
            name = f"files/out-{held.name.replace('_', '-')}"
            self.files.setdefault(name, b"\n".join([*held.results, *held.errors]))
            metadata["output"] = {"responsesFile": name}
        return {"name": f"batches/{held.name}", "metadata": metadata}

    def good_row(self, row: Row, said: Answered) -> bytes:
        usage = types.GenerateContentResponseUsageMetadata(
            prompt_token_count=INPUT,
            cached_content_token_count=CACHED,
            candidates_token_count=OUTPUT - REASONING,
            thoughts_token_count=REASONING,
            total_token_count=INPUT + OUTPUT,
        )
        content = types.Content(role="model", parts=[types.Part(text=said.text)])
        candidate = types.Candidate(content=content, finish_reason=types.FinishReason(FINISHED[said.how]))
        made = types.GenerateContentResponse(candidates=[candidate], usage_metadata=usage)
        body = made.model_dump(mode="json", by_alias=True, exclude_none=True)
        return json.dumps({"key": row.custom_id, "response": body}).encode()

    def bad_row(self, custom_id: str, kind: str) -> bytes:
        code = {"busy": self.random.choice([8, 13, 14]), "expired": 4}.get(kind, 3)
        return json.dumps({"key": custom_id, "error": {"code": code, "message": KEY}}).encode()


def _json(said: dict[str, Any]) -> Reply:
    return Reply(200, json.dumps(said).encode())
