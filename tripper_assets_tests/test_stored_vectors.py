from pathlib import Path

import numpy as np
import pytest

from tripper_assets import formats
from tripper_assets.domain.identity import ids_sha256
from tripper_assets.domain.maps import EmbeddingsMap
from tripper_assets.formats import encode
from tripper_assets.stored_vectors import StoredVectors


def test_vectors_come_from_their_file_as_they_were_whatever_the_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(formats.VECTOR_WRITE, "row_group_size", 4)
    ids = tuple(f"{number:032x}" for number in range(11))
    written = EmbeddingsMap(ids_sha256(ids), "tiny", ids, ids, np.arange(33, dtype=np.float32).reshape(11, 3))
    path = tmp_path / "vectors.parquet"
    path.write_bytes(encode(written).data)

    stored = StoredVectors(path)

    assert (len(stored), stored.model, stored.dimensions) == (11, "tiny", 3)
    assert (tuple(stored.ids), tuple(stored.text_sha256)) == (ids, ids)
    for rows in (range(11), [10, 0, 5, 4, 3], [7], []):
        assert np.array_equal(stored.take(rows), written.vectors[list(rows)])
