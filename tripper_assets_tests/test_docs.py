"""The documents say what the code does."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from benchmarks.links import LEAST_PRECISION, LEAST_RECALL
from tripper_assets.assets.crawling import crawl_counts
from tripper_assets.assets.llm import MAX_GAPS
from tripper_assets.catalog.activity_vectors import INDEX_FROM_ROWS
from tripper_assets.catalog.search import DEPTH
from tripper_assets.catalog.search_rankings import ENOUGH, EXACT_ROWS
from tripper_assets.catalog.search_words import LONGEST_QUESTION
from tripper_assets.cli import app
from tripper_assets.clients.asking_geocoders import OUTAGES_IN_A_ROW
from tripper_assets.clients.browser import RenderBudget
from tripper_assets.clients.browser_warden import MAX_PROCESS_BYTES
from tripper_assets.clients.image_desk import AT_ONCE, FRESH, MOST_SILENCES, PER_HOST
from tripper_assets.clients.imaging import MAX_BYTES, MAX_PIXELS, MIN_SIDE, SMALL_WIDTH
from tripper_assets.clients.imaging_worker import MAX_ADDRESS_BYTES, MAX_CPU_SECONDS, MAX_SECONDS
from tripper_assets.clients.lifecycle import NONCURRENT_DAYS, UPLOAD_DAYS
from tripper_assets.clients.politeness import REFUSALS_IN_A_ROW
from tripper_assets.clients.robots import CACHED_FOR, MAX_CRAWL_DELAY_SECONDS
from tripper_assets.clients.sitemaps import MAX_ALL_BYTES, MAX_ALL_SECONDS
from tripper_assets.clients.tiles import MOST_TILES
from tripper_assets.clients.webhooks import MOST_SECONDS
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.country_shapes import MARGIN_DEGREES
from tripper_assets.domain.geocoders import CENSUS, GEOCODERS, GOOGLE
from tripper_assets.domain.likeness import LEAST_SCORE
from tripper_assets.domain.notifications import TOLD_WITHIN
from tripper_assets.domain.pages import CrawlReport
from tripper_assets.domain.picture_quality import PICTURE_CHECKS
from tripper_assets.domain.picture_rules import FULL_WIDTH, MAX_BITS_APART, MAX_COLOUR_APART
from tripper_assets.domain.place_quality import PLACE_CHECKS
from tripper_assets.domain.quality import CHECKS, Expectations, LastImport, check_bundle
from tripper_assets.domain.retention import ORPHANED_AFTER, RESULTS_KEPT_FOR
from tripper_assets.domain.revisits import KEEP_UNCHECKED, KEEP_UNLINKED, SKIP_FOR
from tripper_assets.domain.search import MOST_HITS
from tripper_assets.domain.sources import SourceConfig
from tripper_assets.domain.workflows import TRANSITIONS
from tripper_assets.extract.questions import IN_KM, NEAR_KM
from tripper_assets.previews import SHEET_BYTES
from tripper_assets.tracking import SHOWN_PROBLEMS

PROJECT = Path(__file__).parent.parent
DOCUMENTS = [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))]
WORDS = {3: "three", 4: "four", 5: "five", 7: "seven", 8: "eight", 10: "ten"}
RENDERING, DAY, HOUR = RenderBudget(), timedelta(days=1), timedelta(hours=1)
SENTENCES = [
    ("crawling.md", f"and kept for {CACHED_FOR // HOUR} hours."),
    ("crawling.md", f"where robots.txt asks for it ({MAX_CRAWL_DELAY_SECONDS:g} at most)"),
    ("crawling.md", f"A host that says so {WORDS[REFUSALS_IN_A_ROW]} times in a row is left alone"),
    ("crawling.md", f"not asked for at all, for {WORDS[SKIP_FOR // DAY]} days at most"),
    ("crawling.md", f"some in each crawl, and let go after {KEEP_UNLINKED // DAY} days."),
    ("crawling.md", f"keeps what it stated for {KEEP_UNCHECKED // DAY} days."),
    ("crawling.md", f"All sitemaps of a site share {MAX_ALL_SECONDS / 60:g} minutes and {MAX_ALL_BYTES / 1e6:g} MB"),
    ("geocoding.md", f"is asked for up to {CENSUS.most_together:,} houses in one request."),
    ("geocoding.md", f"Google's answers leave our cache after {GOOGLE.keep_days} days"),
    ("geocoding.md", f"After {WORDS[OUTAGES_IN_A_ROW]} failures in a row the rest waits for the next run."),
    ("geocoding.md", f"with a margin of {MARGIN_DEGREES:g} degrees at borders"),
    ("llm.md", f"At most {MAX_GAPS:,} pages of a run; the others wait"),
    ("operations.md", f"killed run stored and never wrote down, after {ORPHANED_AFTER // DAY} days, unless"),
    ("operations.md", f"which the catalog has since it was collected, after {RESULTS_KEPT_FOR // DAY} days."),
    ("operations.md", f"(unfinished uploads and probes after {UPLOAD_DAYS} days, old"),
    ("operations.md", f"versions of removed objects after {NONCURRENT_DAYS});"),
    ("operations.md", f"`render_max_pages` ({RENDERING.pages}) pages in a crawl;"),
    ("operations.md", f"each may take {RENDERING.page_seconds:g} seconds, {RENDERING.page_bytes / 1e6:g} MB"),
    ("operations.md", f"and {RENDERING.requests} requests, all together {RENDERING.seconds / 60:g} minutes"),
    ("operations.md", f"minutes and {RENDERING.bytes / 1e6:g} MB, and the HTML `max_bytes`."),
    ("operations.md", f"what the page stated before is kept for {KEEP_UNCHECKED // DAY} days."),
    ("same-activity.md", f"The parts add to a score of 0 to 1, of which {LEAST_SCORE:g} is needed."),
    (
        "same-activity.md",
        f"at least {LEAST_PRECISION * 100:.0f} of 100 links are right, and {LEAST_RECALL * 100:.0f} of 100 pairs",
    ),
    ("dagster-ui.md", f"small pictures of up to {MOST_TILES} activities, {SHEET_BYTES // 1_000} kB at most"),
    ("dagster-ui.md", f"and the first {SHOWN_PROBLEMS} in words"),
    ("notifications.md", f"A message has arrived with a status of 200 to 299 within {MOST_SECONDS:g} seconds."),
    ("notifications.md", f"After {WORDS[TOLD_WITHIN // DAY]} days it is no news, and is given up."),
    ("search.md", f"Each gives at most {DEPTH} (twice the page, where that is more)"),
    ("search.md", f"where fewer than {WORDS[ENOUGH]} have all"),
    ("search.md", f"Of a question {LONGEST_QUESTION:,} characters are read."),
    ("search.md", f"near Freiburg ({NEAR_KM:g} km), in Freiburg ({IN_KM:g} km)"),
    ("search.md", f"a limit outside of 1 to {MOST_HITS} and a broken cursor"),
    ("search.md", f"From {INDEX_FROM_ROWS:,} vectors of a model on, an HNSW index"),
    ("search.md", f"and then by counting them ({EXACT_ROWS:,}), each is compared instead"),
    ("export.md", f"what words find, the best first, at most {MOST_HITS}"),
    ("pictures.md", f"perceptual hashes are at most {MAX_BITS_APART} of 64 bits apart"),
    ("pictures.md", f"average colours at most {MAX_COLOUR_APART} of 255;"),
    ("pictures.md", f"{WORDS[PER_HOST].capitalize()} requests go to one host at a time."),
    ("pictures.md", f"lets {WORDS[MOST_SILENCES]} requests in a row run out of time"),
    ("pictures.md", f"those on their way, {WORDS[AT_ONCE]} at most."),
    ("pictures.md", f"tried again after {FRESH // DAY} days, as the machine may have been busy"),
    ("pictures.md", f"believed for {FRESH // DAY} days."),
    ("pictures.md", f"WebP of at most {FULL_WIDTH:,} pixels in width, and of {SMALL_WIDTH} as"),
    (
        "pictures.md",
        f"{MAX_ADDRESS_BYTES // 2**20} MiB of address space, and {MAX_CPU_SECONDS} seconds of processor time and {MAX_SECONDS} seconds",
    ),
    ("pictures.md", f"more than {MAX_BYTES / 1e6:g} MB, also when unpacked"),
    (
        "pictures.md",
        f"more than {MAX_PIXELS / 1e6:g} megapixels; fewer pixels than 300 x 300, or a side under {MIN_SIDE}",
    ),
    ("operations.md", f"ends a process above {MAX_PROCESS_BYTES / 1e9:g} GB."),
    ("operations.md", f"after {WORDS[RENDERING.starts]} starts it stays away"),
]
# A row of the README: its figures in their order, each with what it is multiplied by.
Shown = tuple[str, str, float]
BESIDE = ("ours", "ratio_to_limit", "ratio_to_peer")


def _shown(name: str, *keys: str) -> tuple[Shown, ...]:
    return tuple((name, key, 1) for key in keys)


FIGURES: dict[str, tuple[Shown, ...]] = {
    "pages of 64 KB with structured data read, one core": _shown("extraction_structured", *BESIDE),
    "pages that list 30 activities in plain markup, one core": _shown("extraction_listings", *BESIDE[:2]),
    "first crawl of 1,000 such pages, read, one core": _shown("crawling_first", *BESIDE),
    "unchanged crawl of the same pages by ETag": _shown("crawling_unchanged", *BESIDE[:2]),
    "unchanged crawl of the same pages, dated by a sitemap": _shown("crawling_dated_unchanged", "ours"),
    # The ideal is ten seconds, so that this is how long it took.
    "50 hosts at once, 20 pages each, half a second apart": (
        ("crawling_50_polite_hosts", "seconds", 10), *_shown("crawling_50_polite_hosts", *BESIDE[1:]),
    ),
    "second crawl of 2,000 pages, 1 % changed, states in the catalog: processor time of the first": (
        ("crawling_1_percent_changed_cpu_dated", "ours", 100),
        ("crawling_1_percent_changed_cpu_etags", "ours", 100),
        ("crawling_1_percent_changed_bodies_dated", "ours", 100),
    ),
    "one crawl of 100,000 pages": (
        *_shown("crawling_memory_100000_pages", "ours"), *_shown("crawling_memory_10000_pages", "ours"),
    ),
    "pictures of 1600 x 1200 to WebP, one core": (
        *_shown("images_to_webp", *BESIDE[:2]), *_shown("images_1024", "ratio_to_peer"),
    ),
    "the same from the server to the store, in both sizes, with hashes": _shown("images", *BESIDE),
    "texts embedded, one core": _shown("embedding", *BESIDE),
    "10,000 records with pictures and vectors of 1,536 floats: first import": _shown("import_first", *BESIDE),
    "the same records again, nothing changed": _shown("import_unchanged", *BESIDE),
    "the same records again, one in a hundred changed": _shown("import_1_percent_changed", *BESIDE),
    "100 workflows stored in one call": _shown("import_100_workflows_in_one_call", BESIDE[0], BESIDE[2]),
    "102 questions in plain words among 100,000 activities": _shown("search_all_questions", BESIDE[0], BESIDE[2]),
    "50 of 100,000 activities listed, as records": _shown("repository_list_50", BESIDE[0], BESIDE[2]),
    "one of 100,000 activities by the API, 64 at a time": _shown("api_activity_requests", BESIDE[0], BESIDE[2]),
    "words searched in 100,000 activities by the API, 64 at a time": _shown("api_search_requests", BESIDE[0], BESIDE[2]),
    "120,000 votes become the tags of 10,000 activities, one core": _shown("consensus_votes", BESIDE[0], BESIDE[2]),
    "10,000 vectors of 1,536 floats stored": _shown("vectors_write", *BESIDE),
    "the sample site for the first time, through Dagster": _shown("graph_first", *BESIDE[:2]),
    "the sample site again, nothing changed, through Dagster": _shown("graph_rerun", *BESIDE),
    "a backfill of 50 sources with six empty assets each": _shown("backfill_empty", "ours", "ratio_to_peer"),
}  # fmt: skip


def _text(path: Path) -> str:
    """Return a document with its lines joined."""
    return " ".join(path.read_text().split())


def _anchors(path: Path) -> set[str]:
    """Return the anchors that a reader of Markdown makes of a document's headings."""
    headings = re.findall(r"^#+ +(.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _leads_somewhere(document: Path, link: str) -> bool:
    name, _, anchor = link.partition("#")
    target = document.parent / name if name else document
    return target.exists() and (not anchor or anchor in _anchors(target))


def _rows(path: Path) -> dict[str, list[str]]:
    """Return the rows of a document's tables: the first cell, and the others."""
    rows = [line.strip().strip("|").split("|") for line in path.read_text().splitlines() if line.startswith("|")]
    return {row[0].strip(): [cell.strip() for cell in row[1:]] for row in rows}


def test_the_schema_of_a_record_is_the_models() -> None:
    assert json.loads((PROJECT / "docs" / "activity.schema.json").read_text()) == Activity.model_json_schema()


def test_the_table_of_fields_names_every_field_of_a_record() -> None:
    told = (PROJECT / "docs" / "data-format.md").read_text()

    assert [name for name in Activity.model_fields if name != "tags" and f"`{name}`" not in told] == []


@pytest.mark.parametrize(("name", "checks"), [("geocoding.md", PLACE_CHECKS), ("pictures.md", PICTURE_CHECKS)])
def test_a_document_names_the_checks_of_its_subject(name: str, checks: tuple[str, ...]) -> None:
    told = _text(PROJECT / "docs" / name)

    assert [check for check in checks if f"`{check}`" not in told] == []


def test_the_table_of_providers_says_whose_data_they_give_and_how_often_they_are_asked() -> None:
    rows = _rows(PROJECT / "docs" / "geocoding.md")

    assert {name: rows[f"`{name}`"][1:] for name in GEOCODERS} == {
        one.name: [
            one.licence,
            one.attribution,
            f"{one.keep_days} days" if one.keep_days else "yes",
            f"{one.delay_seconds:g}",
        ]
        for one in GEOCODERS.values()
    }


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_that_a_document_names_exists(document: Path) -> None:
    known = set(get_command(app).commands)  # pyright: ignore[reportAttributeAccessIssue]
    named = set(re.findall(r"(?:^|[` ])tripper ([a-z]+)", document.read_text(), re.MULTILINE))

    assert named - known == set()


@pytest.mark.parametrize("document", [*DOCUMENTS, PROJECT / "CHANGELOG.md"], ids=lambda path: path.name)
def test_every_link_to_a_file_or_a_heading_leads_to_one(document: Path) -> None:
    links = re.findall(r"\]\((?!https?://)([^)]+)\)", document.read_text())

    assert [link for link in links if not _leads_somewhere(document, link)] == []


@pytest.mark.parametrize(("document", "sentence"), SENTENCES)
def test_a_number_in_a_document_is_the_codes(document: str, sentence: str) -> None:
    assert sentence in _text(PROJECT / "docs" / document)


def test_every_count_of_a_crawl_is_explained_by_its_name() -> None:
    told = set(re.findall(r"`(\w+)`", (PROJECT / "docs" / "crawling.md").read_text()))

    assert crawl_counts(CrawlReport()).keys() - told == set()


def test_the_table_of_settings_names_every_field_of_a_source_and_its_default() -> None:
    rows = _rows(PROJECT / "docs" / "crawling.md")
    told = {name: rows.get(f"`{name}`", [""])[0] for name in SourceConfig.model_fields}

    assert told == {name: _setting(value) for name, value in SourceConfig()}


def _setting(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "none" if value in (None, ()) else f"{value:g}" if isinstance(value, float) else str(value)


def test_the_figures_of_the_readme_are_those_that_were_measured() -> None:
    results = {one["name"]: one for one in json.loads((PROJECT / "benchmarks" / "results" / "latest.json").read_text())}
    ideal = results["crawling_50_polite_hosts"]
    ideal["seconds"] = 1 / ideal["ours"]
    (table,) = re.findall(r"^## How fast$(.*?)^## ", (PROJECT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    rows = [re.split(r" *\| *", line.strip("| ")) for line in table.splitlines() if line.startswith("|")][2:]

    assert [row[0] for row in rows] == list(FIGURES)
    for label, *cells in rows:
        shown = re.findall(r"(?:^|, )(\d[\d,.]*)(?= |$)", " | ".join(cells).replace(" | ", ", "))
        assert len(shown) == len(FIGURES[label]), (label, shown)
        for text, (name, key, factor) in zip(shown, FIGURES[label], strict=True):
            measured = results[name][key] * factor
            assert float(text.replace(",", "")) == pytest.approx(measured, abs=_half_a_digit(text)), (label, text)


def _half_a_digit(text: str) -> float:
    return 0.5001 * 10 ** -len(text.partition(".")[2])


def test_every_make_target_that_the_readme_names_exists() -> None:
    makefile = (PROJECT / "Makefile").read_text()

    for target in set(re.findall(r"make ([a-z-]+)", (PROJECT / "README.md").read_text())):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_every_state_of_a_workflow_that_ends_or_waits_is_explained() -> None:
    told = (PROJECT / "docs" / "operations.md").read_text()

    assert [
        state for state in TRANSITIONS if state not in ("queued", "running", "canceled") and f"`{state}`" not in told
    ] == []


def test_the_example_of_a_sources_file_is_one(tmp_path: Path) -> None:
    from tripper_assets.cli.sources import read_sources  # noqa: PLC0415 (only this test reads one)

    block = re.search(r"```yaml\n(.*?)```", (PROJECT / "README.md").read_text(), re.DOTALL)
    assert block
    (tmp_path / "sources.yaml").write_text(block[1])

    sources, locations = read_sources(tmp_path / "sources.yaml")

    assert (len(sources), len(locations)) == (1, 1)
    assert yaml.safe_load(block[1])["sources"][0]["config"]["max_pages"] == sources[0].config.max_pages


def test_the_checks_that_people_override_by_name_are_the_ones_that_run() -> None:
    results = check_bundle(
        [],
        Expectations(source_url="https://town.example/", maps={}, last=LastImport(frozenset()), allowed_removals=0.3),
    )

    assert [result.name for result in results] == list(CHECKS)


@pytest.mark.parametrize(
    "named", re.findall(r"^\* `(\S+)`$", (PROJECT / "docs" / "promises.md").read_text(), re.MULTILINE)
)
def test_each_promise_is_held_by_tests_that_there_are(named: str) -> None:
    file, _, name = named.partition("::")

    assert f"def {name}(" in (Path(__file__).parent / file).read_text(encoding="utf-8")
