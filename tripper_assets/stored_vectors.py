"""Vectors that stay in their file: an import of very many reads them a row group at a time."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from tripper_assets.domain.model import ActivityId

KEPT_GROUPS = 1
"""An import is ordered as the file, and goes on in the group that it ended in."""

READ_BYTES = 65_536
"""Without it a group is read whole before it is unpacked."""


class StoredVectors:
    """The vectors of an embeddings_map's Parquet file; one that is looked for in another order is read more often, and found all the same.

    Raises:
        OSError: the file cannot be read; pyarrow's own errors are of that kind.
    """

    def __init__(self, path: Path) -> None:
        self._file = pq.ParquetFile(path, pre_buffer=False, buffer_size=READ_BYTES)
        schema = self._file.schema_arrow
        self.model = (schema.metadata or {}).get(b"model", b"").decode()
        self.dimensions = int(schema.field("vector").type.list_size)
        names = self._file.read(columns=["activity_id", "text_sha256"])
        self.ids: Sequence[ActivityId] = list(map(str, names.column("activity_id").to_pylist()))
        self.text_sha256: Sequence[str] = list(map(str, names.column("text_sha256").to_pylist()))
        sizes = [self._file.metadata.row_group(number).num_rows for number in range(self._file.num_row_groups)]
        self._starts = np.cumsum([0, *sizes])
        self._group = lru_cache(KEPT_GROUPS)(self._read_group)

    def __len__(self) -> int:
        """Return how many vectors there are."""
        return int(self._starts[-1])

    def take(self, rows: Sequence[int]) -> npt.NDArray[np.float32]:
        """Return the vectors of these rows, shape (rows, dimensions)."""
        wanted = np.asarray(rows, dtype=np.int64)
        groups = np.searchsorted(self._starts, wanted, side="right") - 1
        found = np.empty((len(wanted), self.dimensions), dtype=np.float32)
        for group in np.unique(groups):
            here = groups == group
            found[here] = self._group(int(group))[wanted[here] - self._starts[group]]
        return found

    def _read_group(self, number: int) -> npt.NDArray[np.float32]:
        column: Any = self._file.read_row_group(number, columns=["vector"], use_threads=False).column("vector")
        # What Arrow unpacked in is given back at once: its pool kept 140 MB of it otherwise.
        pa.default_memory_pool().release_unused()
        return column.combine_chunks().flatten().to_numpy(zero_copy_only=False).reshape(-1, self.dimensions)
