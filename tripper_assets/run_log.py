"""What a run's log looks like to programs: one JSON object a line, which the dagster.yaml of a home asks for."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from typing_extensions import override

from tripper_assets.partitions import PARTITION_TAG, workflow_of

if TYPE_CHECKING:
    from dagster import DagsterEvent


class JsonLines(logging.Formatter):
    """One line for each record: time (RFC 3339, UTC), level, message, and where they are known workflow_id, source_key, run_id, step, event and error."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        said = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            **_of_run(getattr(record, "dagster_meta", None) or {"orig_message": record.getMessage()}),
        }
        # Texts of pages may hold lone surrogates, which no JSON can.
        return orjson.dumps(
            {name: value.encode(errors="replace").decode() for name, value in said.items() if value}
        ).decode()


def _of_run(meta: Mapping[str, Any]) -> dict[str, str]:
    tags, event, run_id = meta.get("job_tags") or {}, meta.get("dagster_event"), meta.get("run_id") or ""
    return {
        "message": str(meta["orig_message"]),
        "workflow_id": workflow_of(tags, run_id),
        "source_key": tags.get(PARTITION_TAG, ""),
        "run_id": run_id,
        "step": meta.get("step_key") or "",
        "event": event.event_type_value if event else "",
        "error": _cause(event) if event and event.is_failure else "",
    }


def _cause(event: "DagsterEvent") -> str:
    """Return the sentence of a failure; its stack stands in Dagster's event log."""
    error = getattr(event.event_specific_data, "error", None)
    while error and error.cause:
        error = error.cause
    return error.message.strip() if error else ""


class JsonLinesFile(logging.Handler):
    """Appends to a file that is opened for each line: Dagster closes no handler, and another program may move the file away meanwhile."""

    def __init__(self, path: str, level: int | str = logging.NOTSET) -> None:
        super().__init__(level)
        self._path = Path(path)
        self.setFormatter(JsonLines())

    @override
    def emit(self, record: logging.LogRecord) -> None:
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(f"{self.format(record)}\n")
        except OSError:
            self.handleError(record)  # a full disk ends no run
