"""Enrichment maps: rows keyed by activity id, bound to the id list that they were made from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from tripper_assets.domain.activities import Geocoding, Thumbnail
from tripper_assets.domain.consensus import TaggedActivity
from tripper_assets.domain.model import ActivityId, Model
from tripper_assets.domain.tags import Vote


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
    thumbnail: Thumbnail | None = None
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
    problems: tuple[str, ...] = ()
    """Codes of what was found and not believed, or is odd: wrong_country, axes_swapped, null_island, coordinate_shared and the like."""


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
class TagVotes:
    """The votes on the activities' texts as they are, ordered by key; an activity may have none or many."""

    row_model: ClassVar[type[Model]] = Vote
    ids_sha256: str
    rows: tuple[Vote, ...]


@dataclass(frozen=True)
class TagsMap:
    """The consensus by activity id, ordered by id; activities that nobody tagged are absent."""

    row_model: ClassVar[type[Model]] = TaggedActivity
    ids_sha256: str
    rows: tuple[TaggedActivity, ...]

    def by_id(self) -> dict[ActivityId, TaggedActivity]:
        """Return the row of each activity."""
        return {row.activity_id: row for row in self.rows}


class VectorSource(Protocol):
    """Vectors by activity id, in memory or in a file; ids and text_sha256 run in parallel with the rows."""

    @property
    def model(self) -> str:
        """The model that made them."""
        ...

    @property
    def dimensions(self) -> int:
        """The length of each vector."""
        ...

    @property
    def ids(self) -> Sequence[ActivityId]:
        """The activities, ordered by id."""
        ...

    @property
    def text_sha256(self) -> Sequence[str]:
        """Of the text that each vector is of."""
        ...

    def __len__(self) -> int:
        """Return how many vectors there are."""
        ...

    def take(self, rows: Sequence[int]) -> npt.NDArray[np.float32]:
        """Return the vectors of these rows, shape (rows, dimensions)."""
        ...


@dataclass(frozen=True)
class EmbeddingsMap:
    """Vectors by activity id; ids, text_sha256 and the rows of vectors run in parallel, ordered by id."""

    ids_sha256: str
    model: str
    ids: tuple[ActivityId, ...]
    text_sha256: tuple[str, ...]
    vectors: npt.NDArray[np.float32]
    """Shape (activities, dimensions), unit length, finite."""
    stated_sha256: tuple[str, ...] = ()
    """Of each activity's own text, where what was embedded stands for it; empty where each vector is of the text itself."""

    @property
    def dimensions(self) -> int:
        """The length of each vector."""
        return int(self.vectors.shape[1]) if self.vectors.ndim == 2 else 0  # noqa: PLR2004 (a matrix has two axes)

    def __len__(self) -> int:
        """Return how many vectors there are."""
        return len(self.vectors)

    def take(self, rows: Sequence[int]) -> npt.NDArray[np.float32]:
        """Return the vectors of these rows, shape (rows, dimensions)."""
        return self.vectors[list(rows)]

    def by_id(self) -> dict[ActivityId, int]:
        """Return the row number of each activity."""
        return {one: row for row, one in enumerate(self.ids)}


def empty_embeddings(ids_sha256: str, *, model: str, dimensions: int) -> EmbeddingsMap:
    """Return a map without vectors."""
    return EmbeddingsMap(ids_sha256, model, (), (), np.zeros((0, dimensions), dtype=np.float32))


EnrichmentMap = ImagesMap | GeocodedMap | EmbeddingsMap | TagsMap


def missing_ids(ids: Sequence[ActivityId], present: Sequence[ActivityId]) -> list[ActivityId]:
    """Return the ids that ``present`` lacks, in order."""
    known = set(present)
    return [one for one in ids if one not in known]
