"""The peer of the imports: dlt merges the same records into PostgreSQL by their id."""

import importlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, Self

from tripper_assets.domain.activities import Activity
from tripper_assets.domain.maps import EmbeddingsMap

JSON_COLUMNS = ("record", "vector")


class Merge:
    """A dlt pipeline that merges into the database of a socket's folder; its files on disk are gone afterwards.

    A record and its vector are one row, with the strategy and the file format that are the fastest of those that dlt offers here.
    """

    def __init__(self, *, database: str, username: str, socket: str) -> None:
        self._dlt: Any = importlib.import_module("dlt")  # installed by `make bench` only
        self._folder = tempfile.mkdtemp(prefix="tripper-dlt-")
        self._dlt.config["runtime.dlthub_telemetry"] = False
        self._dlt.config["runtime.log_level"] = "ERROR"
        # dlt wants a host and a password in its URL, and the server has neither; libpq takes the socket's folder before the host.
        url = f"postgresql://{username}:unused@localhost/{database}?host={socket}"
        destination = self._dlt.destinations.postgres(url)
        self._pipeline = self._dlt.pipeline(
            "tripper_benchmark", pipelines_dir=self._folder, destination=destination, dataset_name="dlt_merge"
        )

    def __enter__(self) -> Self:
        """Return the pipeline."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the pipeline's files."""
        shutil.rmtree(self._folder)

    def load(self, records: Sequence[Activity], vectors: EmbeddingsMap) -> None:
        """Merge a snapshot."""
        resource = self._dlt.resource(
            _rows(records, vectors),
            name="activities",
            write_disposition={"disposition": "merge", "strategy": "upsert"},
            primary_key="id",
            columns={name: {"data_type": "json"} for name in JSON_COLUMNS},
            max_table_nesting=0,
        )
        self._pipeline.run(resource, loader_file_format="csv").raise_on_failed_jobs()


def _rows(records: Sequence[Activity], vectors: EmbeddingsMap) -> Iterator[dict[str, Any]]:
    row_of = vectors.by_id()
    for one in records:
        vector = vectors.vectors[row_of[one.id]].tolist()
        yield {"id": one.id, "name": one.name, "url": one.url, "record": one.dump(), "vector": vector}
