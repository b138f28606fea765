"""How a call stands as a line of the spool, and becomes a call again."""

import inspect
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from pydantic import BaseModel

from tripper_assets.catalog.spool import Line
from tripper_assets.domain.errors import PermanentError
from tripper_assets.domain.geocoding import GeocodeAnswer
from tripper_assets.domain.images import KnownImage
from tripper_assets.domain.pages import GonePage, PageState
from tripper_assets.domain.snapshots import PageSnapshot
from tripper_assets.domain.workflows import WorkflowError, WorkflowFile

READERS: Mapping[str, Callable[[Any], Any]] = {
    "at": lambda value: value and datetime.fromisoformat(value),
    "file": WorkflowFile.model_validate,
    "error": WorkflowError.model_validate,
    "states": lambda values: [PageState.model_validate(value) for value in values],
    "gone": lambda values: [GonePage.model_validate(value) for value in values],
    "snapshots": lambda values: [PageSnapshot.model_validate(value) for value in values],
    "bodies": lambda values: [(url, sha256) for url, sha256 in values],
    "images": lambda values: [KnownImage.model_validate(value) for value in values],
    "answers": lambda values: {key: GeocodeAnswer.model_validate(value) for key, value in values.items()},
}


def as_line(call: str, arguments: Mapping[str, Any]) -> Line:
    """Return the line of a call, as JSON has it."""
    return {"call": call, "arguments": {name: _plain(value) for name, value in arguments.items()}}


def _plain(value: Any) -> Any:  # noqa: ANN401 (any argument)
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, (list, tuple)) else value


def as_call(line: Line, known: Mapping[str, Callable[..., object]]) -> Callable[[], object]:
    """Return the call that a line stands for, one of those that are ``known`` by name.

    Raises:
        PermanentError: another version wrote the line, and this one cannot read it.
    """
    try:
        call = known[line["call"]]
        given = {name: READERS.get(name, _same)(value) for name, value in line["arguments"].items()}
        inspect.signature(call).bind(**given)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        # The cause stays out of the sentence: pydantic's words hold the value.
        raise PermanentError(
            f"The line {line.get('call')!r} cannot be read by this version ({type(error).__name__}), for another one wrote it."
        ) from error
    return partial(call, **given)


def _same(value: Any) -> Any:  # noqa: ANN401 (what JSON has is what the call takes)
    return value
