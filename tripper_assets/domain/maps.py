"""Enrichment maps: rows keyed by activity id, bound to the id list that they were made from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from tripper_assets.domain.activities import Geocoding
from tripper_assets.domain.model import ActivityId, Model


class ImageRow(Model):
    """One stored picture of one activity, or the reason why a candidate is none."""

    activity_id: ActivityId
    position: int
    """0 is the best picture."""
    sourceUrl: str
    contentUrl: str = ""
    """The URI of the stored WebP; empty where problem says why."""
    sha256: str = ""
    """Of the stored WebP."""
    width: int | None = None
    height: int | None = None
    encodingFormat: str = ""
    bytes: int | None = None
    blurhash: str = ""
    creditText: str = ""
    license: str = ""
    problem: str = ""
    """A problem code, or empty."""


class PlaceRow(Model):
    """Where one activity is: coordinates where geocoding.status is ok, and how they were found."""

    activity_id: ActivityId
    latitude: float | None = None
    longitude: float | None = None
    geocoding: Geocoding


@dataclass(frozen=True)
class ImagesMap:
    """Pictures by activity id, ordered by id and position."""

    row_model: ClassVar[type[Model]] = ImageRow
    ids_sha256: str
    rows: tuple[ImageRow, ...]

    def by_id(self) -> dict[ActivityId, list[ImageRow]]:
        """Return the stored pictures of each activity, best first; activities without one are absent."""
        found: dict[ActivityId, list[ImageRow]] = {}
        for row in sorted(self.rows, key=lambda row: (row.activity_id, row.position)):
            if not row.problem:
                found.setdefault(row.activity_id, []).append(row)
        return found


@dataclass(frozen=True)
class GeocodedMap:
    """Places by activity id, ordered by id, one row for each activity."""

    row_model: ClassVar[type[Model]] = PlaceRow
    ids_sha256: str
    rows: tuple[PlaceRow, ...]

    def by_id(self) -> dict[ActivityId, PlaceRow]:
        """Return the row of each activity."""
        return {row.activity_id: row for row in self.rows}


@dataclass(frozen=True)
class EmbeddingsMap:
    """Vectors by activity id; ids, text_sha256 and the rows of vectors run in parallel, ordered by id."""

    ids_sha256: str
    model: str
    ids: tuple[ActivityId, ...]
    text_sha256: tuple[str, ...]
    vectors: npt.NDArray[np.float32]
    """Shape (activities, dimensions), unit length, finite."""

    @property
    def dimensions(self) -> int:
        """The length of each vector."""
        return int(self.vectors.shape[1]) if self.vectors.ndim == 2 else 0  # noqa: PLR2004 (a matrix has two axes)

    def by_id(self) -> dict[ActivityId, int]:
        """Return the row number of each activity."""
        return {one: row for row, one in enumerate(self.ids)}


def empty_embeddings(ids_sha256: str, *, model: str, dimensions: int) -> EmbeddingsMap:
    """Return a map without vectors."""
    return EmbeddingsMap(ids_sha256, model, (), (), np.zeros((0, dimensions), dtype=np.float32))


EnrichmentMap = ImagesMap | GeocodedMap | EmbeddingsMap


def missing_ids(ids: Sequence[ActivityId], present: Sequence[ActivityId]) -> list[ActivityId]:
    """Return the ids that ``present`` lacks, in order."""
    known = set(present)
    return [one for one in ids if one not in known]
