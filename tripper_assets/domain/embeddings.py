"""What of an activity is embedded, and when a vector may be believed."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tripper_assets.domain.activities import Activity, AgeRange
from tripper_assets.domain.errors import ConfigurationError
from tripper_assets.domain.identity import text_sha256

UNIT_LENGTH_TOLERANCE = 1e-3
SEASONS = {
    12: "winter",
    1: "winter",
    2: "winter",
    3: "spring",
    4: "spring",
    5: "spring",
    6: "summer",
    7: "summer",
    8: "summer",
}
MONTH = slice(5, 7)


class EmbeddingModel(NamedTuple):
    """A model of OpenAI's with the length of its vectors."""

    name: str
    dimensions: int
    is_shortened: bool = False
    """Whether the vectors are shorter than the model's own."""

    @property
    def label(self) -> str:
        """Return what vectors are kept under: those of two lengths are those of two models."""
        return f"{self.name}/{self.dimensions}" if self.is_shortened else self.name


DIMENSIONS = {"text-embedding-3-small": 1536, "text-embedding-3-large": 3072, "text-embedding-ada-002": 1536}
MAX_TOKENS = 8191
"""What these models take of a text."""


def embedding_model(name: str, dimensions: int) -> EmbeddingModel:
    """Return a model of OpenAI's; ``dimensions`` 0 is its own length, empty ``name`` text-embedding-3-small.

    Raises:
        ConfigurationError: its length is not known and not stated, or longer than it is.
    """
    name = name or "text-embedding-3-small"
    own = DIMENSIONS.get(name, dimensions)
    if not own:
        raise ConfigurationError(
            f"How long vectors of {name} are is not known; set TRIPPER_EMBEDDING_DIMENSIONS, or TRIPPER_EMBEDDING_MODEL to one of {', '.join(DIMENSIONS)}."
        )
    if dimensions > own:
        raise ConfigurationError(
            f"TRIPPER_EMBEDDING_DIMENSIONS is {dimensions}, and {name} has {own}; set it to that or less."
        )
    return EmbeddingModel(name, dimensions or own, is_shortened=bool(dimensions) and dimensions != own)


def embedding_text(activity: Activity) -> str:
    """Return the text that stands for an activity: title, description, category, place, ages and season, a line each.

    The language stays as it is. Dates stay out beyond their season: the same festival next year means the same. Long texts are cut at each
    model's own number of tokens (256 of the local one's, 8,191 of OpenAI's), never at characters, and what matters most stands first.
    """
    parts = (
        activity.name,
        ", ".join(dict.fromkeys((*activity.category, *activity.keywords))),
        _place(activity),
        _ages(activity.ageRange),
        _season(activity.startDate),
        activity.description,
    )
    return "\n".join(part for part in parts if part)


def embedding_text_sha256(activity: Activity) -> str:
    """Return the hash that an activity's vector is cached and checked by."""
    return text_sha256(embedding_text(activity))


def vector_problem(vector: npt.NDArray[np.float32] | Sequence[float], dimensions: int) -> str:
    """Return the problem code of a vector, or empty text for a good one: as long as the model's, finite, of unit length."""
    found = np.asarray(vector, dtype=np.float32)
    if found.shape != (dimensions,):
        return "embedding_wrong_dimensions"
    if not np.isfinite(found).all():
        return "embedding_not_finite"
    length = float(np.linalg.norm(found))
    return "" if abs(length - 1) <= UNIT_LENGTH_TOLERANCE else "embedding_not_unit_length"


def _place(activity: Activity) -> str:
    if activity.location is None:
        return ""
    address = activity.location.address
    return ", ".join(part for part in (activity.location.name, address.addressLocality, address.addressRegion) if part)


def _ages(ages: AgeRange | None) -> str:
    if ages is None:
        return ""
    low, high = (f"{value:g}" if value is not None else "" for value in (ages.minValue, ages.maxValue))
    return f"ages {low}-{high}" if low and high else f"ages {low}+" if low else f"up to age {high}"


def _season(start: str) -> str:
    return SEASONS.get(int(start[MONTH]), "autumn") if start else ""
