"""The documents say what the code does."""

import json
import re
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from tripper_assets.cli import app
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.quality import CHECKS, LastImport, check_bundle
from tripper_assets.domain.workflows import TRANSITIONS

PROJECT = Path(__file__).parent.parent
DOCUMENTS = [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))]


def test_the_schema_of_a_record_is_the_models() -> None:
    assert json.loads((PROJECT / "docs" / "activity.schema.json").read_text()) == Activity.model_json_schema()


def test_the_table_of_fields_names_every_field_of_a_record() -> None:
    told = (PROJECT / "docs" / "data-format.md").read_text()

    assert [name for name in Activity.model_fields if name != "tags" and f"`{name}`" not in told] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_that_a_document_names_exists(document: Path) -> None:
    known = set(get_command(app).commands)  # pyright: ignore[reportAttributeAccessIssue]
    named = set(re.findall(r"(?:^|[` ])tripper ([a-z]+)", document.read_text(), re.MULTILINE))

    assert named - known == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_to_a_file_leads_to_one(document: Path) -> None:
    targets = re.findall(r"\]\((?!https?://)([^)#]+)\)", document.read_text())

    assert [target for target in targets if not (document.parent / target).exists()] == []


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
        [], source_url="https://town.example/", maps={}, last=LastImport(frozenset()), allowed_removals=0.3
    )

    assert [result.name for result in results] == list(CHECKS)
