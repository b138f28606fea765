"""The memory of building batch files: 100,000 requests beside 10,000, each in a process of its own; and how fast they are built."""

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.crawl_memory import peak_bytes
from benchmarks.figure import Figure
from benchmarks.one_core import answered
from benchmarks.sample_pages import WORDS
from tripper_assets.clients.batches.machine import BatchMachine
from tripper_assets.clients.batches.openai import OpenAIBatches
from tripper_assets.clients.objects import Objects
from tripper_assets.clients.openai_embeddings import cut, request_body
from tripper_assets.domain.batch_requests import Request
from tripper_assets.domain.batches import Origin, Submission
from tripper_assets.domain.embeddings import EmbeddingModel

FEW, MANY = 10_000, 100_000
MODEL = EmbeddingModel("text-embedding-3-small", 1536)
MIB = 2**20


class _BuiltError(Exception):
    """The intents are made: nothing is asked in a benchmark."""


class _NoCatalog:
    """Takes the intents, and ends the submission there."""

    planned: list[Submission]

    def of_batch(self, batch_id: str) -> list[Submission]:
        del batch_id
        return []

    def open(self, submissions: list[Submission], *, deadline_at: datetime) -> None:
        del deadline_at
        self.planned = submissions
        raise _BuiltError


def measure() -> list[Figure]:
    """Return the peak memory, beside that of a tenth of the requests, and requests a second."""
    few, many = (answered("batch_files", count=count) for count in (FEW, MANY))
    return [
        Figure(
            "batch_files_memory", "MiB", "lower", many["bytes"] / MIB,
            None, "", few["bytes"] / MIB, "a tenth of the requests",
        ),
        Figure("batch_files", "requests/s", "higher", MANY / many["seconds"]),
    ]  # fmt: skip


def _requests(count: int) -> Iterator[Request]:
    for number in range(count):
        words = " ".join(WORDS[(number + place * 7) % len(WORDS)] for place in range(10 + number * 37 % 120))
        kept, tokens = cut(f"{words} {number}")
        yield Request(custom_id=f"{number:032x}", body=request_body(MODEL, [kept]), tokens=tokens)


def _build(count: int) -> dict[str, float]:
    catalog, began = _NoCatalog(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        machine = BatchMachine(
            OpenAIBatches(api_key="none"),
            catalog,  # type: ignore[arg-type] (as much of a ledger as building needs)
            Objects(Path(folder).as_uri()),
            model=MODEL.label,
            cost=lambda _usage, _at: 0.0,
            clock=lambda: datetime.now(UTC),
        )
        try:
            machine.submit("benchmark", _requests(count), Origin("w", "s", "embedding_batch", "embeddings"))
        except _BuiltError:
            if sum(one.requests for one in catalog.planned) != count:
                raise ValueError("requests are missing: the figure would say nothing") from None
    return {"bytes": peak_bytes(), "seconds": time.process_time() - began}


if __name__ == "__main__":
    print(json.dumps(_build(json.loads(sys.argv[1])["count"])))
