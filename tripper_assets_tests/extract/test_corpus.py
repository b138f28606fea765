from datetime import UTC, datetime
from pathlib import Path

import pytest

from tripper_assets.extract import extract_activities

CORPUS = Path(__file__).resolve().parents[2] / ".." / "shared" / "corpus"
NOW = datetime(2024, 1, 1, tzinfo=UTC)
KINDS = {".html": "text/html", ".json": "application/json", ".ics": "text/calendar", ".xml": "application/xml"}
FOLDERS = (
    "city-scrapers-chi",
    "city-scrapers-cle",
    "liverpool-events",
    "extruct",
    "json-ld-html",
    "microformats",
    "schemaorg-examples",
    "icalendar",
    "alltheplaces-ld",
)

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of real pages is not beside the checkout")


def documents(folder: str) -> list[Path]:
    return sorted(path for path in (CORPUS / folder).rglob("*") if path.suffix in KINDS and path.is_file())


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_document_raises(folder: str) -> None:
    for path in documents(folder):
        extraction = extract_activities(
            path.read_bytes(), url=f"https://example.org/{path.name}", content_type=KINDS[path.suffix], now=NOW
        )

        assert all(activity.name and activity.provenance for activity in extraction.activities), path


def test_no_recipe_is_an_activity() -> None:
    for path in documents("recipe-pages"):
        extraction = extract_activities(
            path.read_bytes(), url=f"https://{path.name.split('--')[0]}/", content_type=KINDS[path.suffix], now=NOW
        )

        assert path.suffix != ".html" or extraction.activities == [], path


def test_nearly_every_calendar_is_read_whole() -> None:
    paths = documents("icalendar")
    broken = {
        path.name
        for path in paths
        if any(
            problem.code == "calendar_broken"
            for problem in extract_activities(
                path.read_bytes(), url="https://example.org/a.ics", content_type="text/calendar", now=NOW
            ).problems
        )
    }

    assert len(broken) <= len(paths) * 0.02
