"""Real pages of many publishers, served as one site: a run ends by itself, imports what it could read, and accounts for the rest."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Generator, Mapping
from datetime import UTC, datetime
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import dagster as dg
import pytest
from typer.testing import CliRunner

from tripper_assets import definitions
from tripper_assets.catalog.activities import current_activities
from tripper_assets.catalog.database import Database
from tripper_assets.cli import app

CORPUS = Path(__file__).resolve().parents[1] / ".." / "shared" / "corpus"
FOLDERS = (
    "city-scrapers-chi",
    "city-scrapers-cle",
    "extruct",
    "icalendar",
    "liverpool-events",
    "schemaorg-examples",
)
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".jsonld": "application/ld+json",
    ".ics": "text/calendar; charset=utf-8",
    ".xml": "application/xml",
}
SPRING_OF_2019 = datetime(2019, 6, 1, tzinfo=UTC)

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of real pages is not beside the checkout")


class Site(ThreadingHTTPServer):
    """One site of all documents: an index, one list for each folder, and the documents with a type for each suffix."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.pages = _pages()
        self.answers: Counter[int] = Counter()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Site  # pyright: ignore[reportIncompatibleVariableOverride] (only Site makes handlers)
    wbufsize = -1  # headers and body in one packet, which no delayed acknowledgement holds up

    def do_GET(self) -> None:
        body, content_type = self.server.pages.get(unquote(urlsplit(self.path).path), (b"", ""))
        self.server.answers[200 if content_type else 404] += 1
        self.send_response(200 if content_type else 404)
        self.send_header("Content-Type", content_type or "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the standard library's signature)
        pass


def _documents(folder: str) -> list[Path]:
    """Return the pages of a folder; what is expected of them is no page."""
    found = sorted(path for path in (CORPUS / folder).rglob("*") if path.suffix in TYPES)
    return [path for path in found if not any("expected" in part for part in path.relative_to(CORPUS).parts)]


def _pages() -> dict[str, tuple[bytes, str]]:
    documents = {f"/{path.relative_to(CORPUS)}": path for folder in FOLDERS for path in _documents(folder)}
    pages = {path: (document.read_bytes(), TYPES[document.suffix]) for path, document in documents.items()}
    lists = {f"/{folder}": [path for path in documents if path.startswith(f"/{folder}/")] for folder in FOLDERS}
    return pages | {path: (_index(links), TYPES[".html"]) for path, links in {"/": list(lists), **lists}.items()}


def _index(links: list[str]) -> bytes:
    items = "".join(f'<li><a href="{quote(link)}">{escape(link.rsplit("/", 1)[-1])}</a></li>' for link in links)
    return f"<!doctype html><title>Index</title><h1>Index</h1><ul>{items}</ul>".encode()


@pytest.fixture
def site() -> Generator[Site]:
    with Site() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, gazetteer: Path) -> Path:
    home = tmp_path_factory.mktemp("home")
    (home / gazetteer.name).symlink_to(gazetteer)
    return home


@pytest.fixture
def tripper(monkeypatch: pytest.MonkeyPatch, home: Path, database_url: str) -> Callable[..., str]:
    """The command line in this process, with a catalog of its own."""
    for name in ("DAGSTER_HOME", "TRIPPER_HOME"):
        monkeypatch.setenv(name, str(home))  # commands set both; this brings back what was there
    monkeypatch.setenv("TRIPPER_DATABASE_URL", database_url)
    monkeypatch.setenv("TRIPPER_ALLOW_PRIVATE_ADDRESSES", "1")

    def call(*arguments: str) -> str:
        done = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.stdout

    return call


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "source.yaml"
    path.write_text("delay_seconds: 0\nmax_pages: 10000\nauto_import: true\n")
    return path


def _run(tripper: Callable[..., str], site: Site, config: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what the run printed, and what `tripper status` says of each stage's counts."""
    printed = json.loads(tripper("run", site.url, "--config", str(config), "--json"))
    status = json.loads(tripper("status", printed["workflow_id"], "--json"))
    return printed, {stage["asset"]: stage["counts"] for stage in status["stages"]}


def _at(moment: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every run of this test happen at ``moment``."""
    build = definitions.build_definitions
    clock = dg.ResourceDefinition.hardcoded_resource(lambda: moment)

    def built(overrides: Mapping[str, object] | None = None) -> dg.Definitions:
        return build({**(overrides or {}), "clock": clock})

    monkeypatch.setattr(definitions, "build_definitions", built)


def _assert_accounted_for(printed: dict[str, Any], counts: dict[str, Any]) -> None:
    """Every page and every stated activity is imported, or told of by reason."""
    crawl, activities = counts["raw_activities"], counts["activities"]
    pages = crawl["fetched"] + crawl["reused"] + crawl["failed"] + sum(crawl["skipped"].values())
    refused = {code: count for code, count in crawl["problems_by_code"].items() if code.startswith("http_")}
    by_reason = activities["rejected_by_reason"]
    assert crawl["pages_found"] == pages
    assert sum(refused.values()) == crawl["failed"]
    assert activities["raw_activities"] == crawl["rows"]
    assert activities["rows"] + activities["folded"] + activities["rejected"] == crawl["rows"]
    assert sum(by_reason.values()) == activities["rejected"]
    told = printed["stages"]["activities"]["problems_by_code"]
    assert {reason: told[f"rejected_{reason}"] for reason in by_reason} == by_reason
    assert printed["import"]["inserted"] + printed["import"]["rejected"] == activities["rows"]


def test_real_pages_are_imported_and_all_else_is_told_of_by_reason(
    tripper: Callable[..., str], site: Site, config: Path
) -> None:
    printed, counts = _run(tripper, site, config)

    assert printed["status"] == "completed", printed["reason"]
    assert printed["import"]["inserted"] > 0
    assert counts["raw_activities"]["fetched"] >= len(site.pages)
    assert counts["raw_activities"]["problems_by_code"]["calendar_broken"] == 2
    assert counts["activities"]["rejected_by_reason"]["date_out_of_range"] > 300  # most of these pages are years old
    _assert_accounted_for(printed, counts)
    told = tripper("status", printed["workflow_id"])
    assert "rejected_date_out_of_range" in told
    assert "http_404" in told


@pytest.mark.long
def test_what_was_ahead_when_the_pages_were_new_is_in_the_catalog(
    tripper: Callable[..., str], site: Site, config: Path, monkeypatch: pytest.MonkeyPatch, database: Database
) -> None:
    _at(SPRING_OF_2019, monkeypatch)

    printed, counts = _run(tripper, site, config)

    assert printed["status"] == "completed", printed["reason"]
    assert printed["import"]["inserted"] > 250
    assert counts["final_jsonl"]["failed_checks"] < 8
    _assert_accounted_for(printed, counts)
    rows = current_activities(database, printed["source_key"])
    found = {(row["name"], row.get("startDate", "")) for row in rows}
    assert found >= {
        ("Howard Street SSA #19 Commissioners Meeting", "2019-11-20"),
        ("CPD 006th District C.A.P.S Business Subcommittee Meetings", "2019-10-08T18:00:00-05:00"),
        ("SSA #69 Commissioners Meeting", "2019-11-12T09:30:00-05:00"),
        ("Cuyahoga County Public Defender", "2019-09-04"),
        ("My Neighbour Totoro (Subtitled)", "2019-09-07"),
        ("Reifenwechsel", "2020-04-03T10:20:00+02:00"),
        ("Story Time Reading", "2020-07-24T16:00:00+00:00"),
    }
