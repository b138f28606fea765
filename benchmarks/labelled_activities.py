"""The 60 activities that were labelled by hand: 36 of the sample site, and 24 of saved pages that are not part of the project."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tripper_assets.demo.site import DemoSite
from tripper_assets.domain.activities import Activity, RawActivity
from tripper_assets.domain.identity import text_sha256
from tripper_assets.domain.sources import Source, make_source
from tripper_assets.domain.standardize import standardize
from tripper_assets.domain.tags import NUMBERS, ActivityTags
from tripper_assets.extract import extract_activities

LABELS = Path(__file__).parent / "tagging_labels.yaml"
CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpus"
"""Real pages of other people, whose texts are not ours to give away; where the folder is missing, the sample site is all there is."""
DEMO = "demo"
ORIGIN, TODAY = "http://127.0.0.1:1", date(2026, 3, 15)
READ_IN = {"liverpool-events": 2013, "city-scrapers-chi": 2019, "city-scrapers-cle": 2019}
"""The year in which a folder's pages were saved: dates that are far from it are not believed."""
KINDS = {".html": "text/html", ".json": "application/json"}


class Labelled(NamedTuple):
    """An activity with what a reader found in its text; what the text says nothing of is unknown."""

    activity: Activity
    tags: ActivityTags


def labelled_activities() -> list[Labelled]:
    """Return the activities whose pages are here, in the order of the labels.

    Raises:
        ValueError: a text is no longer the one that was labelled.
    """
    return list(_labelled())


def _labelled() -> Iterator[Labelled]:
    for row in yaml.safe_load(LABELS.read_text(encoding="utf-8")):
        document, at = row.pop("document"), row.pop("at")
        if document != DEMO and not (CORPUS / document).exists():
            continue
        activity = activity_at(document, at)
        if row.pop("read") != text_read(activity):
            message = f"Reading {document} found another text at {at} than the one that was labelled; label it again."
            raise ValueError(message)
        yield Labelled(activity, _tags(row))


def text_read(activity: Activity) -> str:
    """Return the hash of what the reader read."""
    return text_sha256(f"{activity.name}\n{activity.description}")[:16]


def activity_at(document: str, at: str | int) -> Activity:
    """Return the activity of the sample site by the last part of its address, or that of a page by its place."""
    if document == DEMO:
        return _sample_site()[f"{ORIGIN}/activity/{at}"]
    page, read_in = CORPUS / document, READ_IN[Path(document).parts[0]]
    found = _extracted(page.read_bytes(), f"https://example.org/{page.name}", KINDS[page.suffix], read_in)
    (activity,) = _standardized([found[int(at)]], make_source("https://example.org/"), read_in)
    # Those of a listing have the listing's address, and would be one activity.
    return activity.model_copy(update={"id": f"{document} {at}"})


@lru_cache(1)
def _sample_site() -> dict[str, Activity]:
    site = DemoSite(ORIGIN, TODAY)
    raw: list[RawActivity] = []
    for path in site.paths:
        answer = site.respond("GET", path, {})
        if path.startswith("/activity/"):
            raw += _extracted(answer.body, f"{ORIGIN}{path}", answer.headers["Content-Type"], TODAY.year)
    return {one.url: one for one in _standardized(raw, make_source(f"{ORIGIN}/"), TODAY.year)}


def _extracted(body: bytes, url: str, content_type: str, year: int) -> tuple[RawActivity, ...]:
    return tuple(extract_activities(body, url=url, content_type=content_type, now=_day(year)).activities)


def _standardized(raw: list[RawActivity], source: Source, year: int) -> tuple[Activity, ...]:
    return standardize(raw, source, now=_day(year)).activities


def _day(year: int) -> datetime:
    return datetime(year, TODAY.month, TODAY.day, tzinfo=UTC)


def _tags(row: dict[str, Any]) -> ActivityTags:
    ages, minutes = row.pop("ages", (None, None)), row.pop("minutes", None)
    return ActivityTags.model_validate({**row, **dict(zip(NUMBERS, (*ages, minutes, minutes), strict=True))})
