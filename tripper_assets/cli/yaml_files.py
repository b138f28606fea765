"""YAML files that people write: read whole, or refused with the line that cannot be read."""

from pathlib import Path
from typing import Any

import yaml

from tripper_assets.domain.errors import ConfigurationError


def read_mapping(path: Path, *, name: str, example: str) -> dict[str, Any]:
    """Return the mapping in a file, empty for an empty file; ``name`` and ``example`` stand in the errors.

    Raises:
        ConfigurationError: the file cannot be read, is no YAML or no mapping.
    """
    try:
        values: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise ConfigurationError(f"The {name} {path} cannot be read ({_reason(error)}); write {example}.") from error
    if not isinstance(values, dict | None):
        raise ConfigurationError(f"The {name} {path} is no YAML mapping; write {example}.")
    return {str(key): value for key, value in (values or {}).items()}


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        return f"line {error.problem_mark.line + 1}: {error.problem or error.context}"
    return str(error).split("\n", 1)[0]
