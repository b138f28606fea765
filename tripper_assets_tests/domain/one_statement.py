"""One statement of a page, and what cleaning makes of it."""

from datetime import UTC, datetime

from tripper_assets.domain.activities import (
    RawActivity,
)
from tripper_assets.domain.cleaning import Cleaned, clean
from tripper_assets.domain.model import Rejection
from tripper_assets.domain.sources import SourceConfig, make_source

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
PAGE = "https://town.example/events/theatre"
SOURCE = make_source("https://town.example/events")
BERLIN = make_source("https://town.example/events", SourceConfig(timezone="Europe/Berlin"))
GERMAN = make_source("https://town.example/events", SourceConfig(country_code="DE", language="de-AT"))


def raw(**fields: object) -> RawActivity:
    return RawActivity.model_validate({"page": PAGE, "name": "Kindertheater", **fields})


def cleaned(activity: RawActivity, source: object = SOURCE) -> Cleaned:
    found = clean(activity, source, now=NOW)  # pyright: ignore[reportArgumentType]
    assert isinstance(found, Cleaned)
    return found


def rejected(activity: RawActivity) -> Rejection:
    found = clean(activity, SOURCE, now=NOW)
    assert isinstance(found, Rejection)
    return found
