"""The base of every frozen model, and the two values that say no: a problem and a rejection."""

from typing import Any, TypeAlias

from pydantic import BaseModel, ConfigDict

# Aliases and not NewTypes: Dagster cannot read a NewType in an asset's annotation.
ActivityId: TypeAlias = str
"""A UUIDv5 as text, stable for one activity of one source."""
SourceKey: TypeAlias = str
"""A readable slug of host and path plus 8 hex digits; the partition key of a source."""


class Model(BaseModel):
    """A frozen value that refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    def dump(self) -> dict[str, Any]:
        """Return the JSON form, with empty fields left out (None, empty text, list or object; False and 0 stay)."""
        return without_empty(self.model_dump(mode="json"))


class Problem(Model):
    """Something that is wrong with one subject (a page, an activity, an image) and harms nothing else."""

    code: str
    """A stable snake_case word that problems are counted by."""
    subject: str
    """The id or URL that the problem is about."""
    message: str = ""
    """One sentence for a person; never holds a secret."""


class Rejection(Model):
    """The verdict on an input that is ordinary and of no use here; it is counted by its reason."""

    reason: str
    subject: str
    message: str = ""


def without_empty(value: dict[str, Any]) -> dict[str, Any]:
    """Return ``value`` without the keys whose value is None, empty text or an empty list or object, at every depth."""
    kept: dict[str, Any] = {}
    for key, item in value.items():
        # One pass and few calls: every record goes through here at each stage, and two passes were half of an import's own time.
        found = _pruned(item) if isinstance(item, (dict, list, tuple)) else item
        if found or found == 0:
            kept[key] = found
    return kept


def _pruned(value: Any) -> Any:  # noqa: ANN401 (any JSON value goes in and comes out)
    if isinstance(value, dict):
        return without_empty(value)
    if isinstance(value, (list, tuple)):
        return [_pruned(item) for item in value]
    return value


def count_by_code(problems: list[Problem] | tuple[Problem, ...]) -> dict[str, int]:
    """Return how often each problem code occurs, by falling count and then by code."""
    counts: dict[str, int] = {}
    for problem in problems:
        counts[problem.code] = counts.get(problem.code, 0) + 1
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
