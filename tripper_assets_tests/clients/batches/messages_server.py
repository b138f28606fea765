"""Anthropic's Message Batches on 127.0.0.1, with the types of its SDK."""

import json
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from anthropic.types import Message, OutputTokensDetails, TextBlock, Usage
from anthropic.types.messages import (
    MessageBatch,
    MessageBatchCanceledResult,
    MessageBatchErroredResult,
    MessageBatchExpiredResult,
    MessageBatchIndividualResponse,
    MessageBatchRequestCounts,
    MessageBatchSucceededResult,
)
from anthropic.types.shared import ErrorResponse, InvalidRequestError, OverloadedError

from tripper_assets_tests.clients.batches.provider_server import (
    CACHED,
    INPUT,
    KEY,
    OUTPUT,
    REASONING,
    WINDOW,
    Answered,
    Held,
    ProviderServer,
    Reply,
    Row,
    read_row,
)

STOPPED = {"refused": "refusal", "truncated": "max_tokens", "answered": "end_turn"}


class MessagesServer(ProviderServer):
    def is_known(self, headers: dict[str, str]) -> bool:
        return headers.get("Authorization") == f"Bearer {KEY}"

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Reply:
        match (method, *urlsplit(target).path.removeprefix("/v1/messages/").split("/")):
            case ("GET", "batches"):
                return self._page(headers)
            case ("POST", "batches"):
                return self._create(json.loads(body)["requests"], len(body))
            case ("GET", "batches", name):
                return _json(self._batch(self.held[name], headers))
            case ("GET", "batches", name, "results"):
                held = self.held[name]
                return Reply(200, b"\n".join([*held.results, *held.errors]))
            case ("POST", "batches", name, "cancel"):
                is_stopped = self.cancel(self.held[name])
                return _json(self._batch(self.held[name], headers)) if is_stopped else self.error(400, "ended")
        return self.error(404, "no_such_call")

    def error(self, status: int, code: str) -> Reply:
        said = {"type": "error", "error": {"type": code, "message": f"invalid x-api-key {KEY}"}}
        return Reply(status, json.dumps(said).encode())

    def _create(self, requests: list[dict[str, Any]], size: int) -> Reply:
        ids = {one["custom_id"][32:] for one in requests}
        rows = [read_row(one["custom_id"], one["params"]["messages"][-1]["content"]) for one in requests]
        if self.keeps_bodies:
            self.bodies += [one["params"] for one in requests]
        return _json(self._batch(self.accept(*ids, rows, size), {}))

    def _page(self, headers: dict[str, str]) -> Reply:
        listed = [self._batch(one, headers) for one in self.held.values() if one.listed_at <= self.clock()]
        data = [json.loads(one.model_dump_json()) for one in reversed(listed)]
        return Reply(200, json.dumps({"data": data, "has_more": False}).encode())

    def now(self, held: Held) -> Held:
        if held.fate == "failed":  # a batch of theirs never fails as a whole
            held.fate = "partly"
        return super().now(held)

    def _batch(self, held: Held, headers: dict[str, str]) -> MessageBatch:
        self.now(held)
        ended = held.status != "pending"
        counts = MessageBatchRequestCounts(canceled=0, errored=0, expired=0, processing=len(held.rows), succeeded=0)
        url = f"http://{headers.get('Host')}/v1/messages/batches/{held.name}/results"
        stopped: datetime | None = held.ends_at if held.fate == "canceled" and ended else None
        return MessageBatch(
            id=held.name,
            created_at=held.created_at,
            expires_at=held.created_at + WINDOW,
            ended_at=held.ends_at if ended else None,
            cancel_initiated_at=stopped,
            processing_status="ended" if ended else "in_progress",
            request_counts=counts,
            results_url=url if ended else None,
            type="message_batch",
        )

    def good_row(self, row: Row, said: Answered) -> bytes:
        usage = Usage(
            input_tokens=INPUT - CACHED - 10,
            cache_read_input_tokens=CACHED,
            cache_creation_input_tokens=10,
            output_tokens=OUTPUT,
            output_tokens_details=OutputTokensDetails(thinking_tokens=REASONING),
        )
        message = Message(
            id="msg_1",
            content=[TextBlock(type="text", text=said.text)],
            model="m",
            role="assistant",
            stop_reason=STOPPED[said.how],  # type: ignore[arg-type]
            type="message",
            usage=usage,
        )
        return _row(row.custom_id, MessageBatchSucceededResult(message=message, type="succeeded"))

    def bad_row(self, custom_id: str, kind: str) -> bytes:
        if kind == "expired":
            return _row(custom_id, MessageBatchExpiredResult(type="expired"))
        if kind == "canceled":
            return _row(custom_id, MessageBatchCanceledResult(type="canceled"))
        error: Any = (
            OverloadedError(message=KEY, type="overloaded_error")
            if kind == "busy"
            else InvalidRequestError(message=KEY, type="invalid_request_error")
        )
        said = ErrorResponse(error=error, type="error")
        return _row(custom_id, MessageBatchErroredResult(error=said, type="errored"))


def _json(model: Any) -> Reply:
    return Reply(200, model.model_dump_json().encode())


def _row(custom_id: str, result: Any) -> bytes:
    return MessageBatchIndividualResponse(custom_id=custom_id, result=result).model_dump_json().encode()
