"""Regular expressions that people write into configurations, checked where they enter."""

import re
from typing import Annotated

from pydantic import AfterValidator


def _regular_expression(pattern: str) -> str:
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        message = f"is not a regular expression ({error})"
        raise ValueError(message) from error
    return pattern


Pattern = Annotated[str, AfterValidator(_regular_expression)]
