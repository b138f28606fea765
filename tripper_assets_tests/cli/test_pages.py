"""`tripper extract`: one page from a file or a loopback site, with where each value was read."""

from collections.abc import Generator
from pathlib import Path

import pytest

from tripper_assets_tests.cli.conftest import Said, Shell
from tripper_assets_tests.clients.loopback import Answer, LoopbackSite, serve

PAGE = """<html><body><a href="/more">more</a><script type="application/ld+json">
{"@context": "https://schema.org", "@type": "Event", "name": "Owl Night", "startDate": "2026-06-05T20:00",
 "location": {"@type": "Place", "name": "Moor"}}
</script><script type="application/ld+json">{broken</script></body></html>"""


@pytest.fixture
def shell() -> Shell:
    """Neither a home nor a catalog is needed."""
    return Shell({"TRIPPER_HOME": "/nowhere", "TRIPPER_ALLOW_PRIVATE_ADDRESSES": "1"})


@pytest.fixture
def site() -> Generator[LoopbackSite]:
    with serve() as site:
        site.answer("/owls", Answer(200, PAGE.encode(), {"Content-Type": "text/html"}))
        yield site


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "page.html"
    path.write_text(PAGE)
    return path


def test_a_file_gives_its_activities_with_provenance(shell: Shell, file: Path) -> None:
    said = shell(
        "extract", file, "--url", "https://example.org/owls", "--at", "2026-06-01", "--timezone", "Europe/London", "--json"
    )  # fmt: skip

    assert said.code == 0
    (activity,) = said.json["activities"]
    assert (activity["name"], activity["startDate"]) == ("Owl Night", "2026-06-05T20:00:00+01:00")
    assert activity["provenance"]["name"]["method"] == "json-ld"
    assert said.json["links"] == ["https://example.org/more"]
    assert [one["code"] for one in said.json["problems"]] == ["jsonld_broken"]


def test_a_person_reads_values_with_where_they_stand(shell: Shell, file: Path) -> None:
    said = shell("extract", file, "--at", "2026-06-01T10:00:00+02:00")

    lines = said.out.splitlines()
    assert lines[:2] == ["Owl Night", "field\tvalue\tmethod\tevidence\tconfidence"]
    assert "name\tOwl Night\tjson-ld\tOwl Night\t0.95" in lines
    assert any(line.startswith("jsonld_broken: ") for line in lines)
    assert lines[-1] == "1 activities, 0 links, 1 problems."


def test_a_file_of_selectors_reads_what_no_other_reader_does(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "owls.html").write_text("<div class=x><b>Owl walk</b><i>5.6.26, 20.30</i></div>")
    (tmp_path / "owls.yaml").write_text(
        "activity: div.x\nfields:\n  name: b\n  startDate: {select: i, transform: {date: {format: '%d.%m.%y, %H.%M'}}}\n"
    )

    said = shell("extract", tmp_path / "owls.html", "--selectors", tmp_path / "owls.yaml", "--json")

    (activity,) = said.json["activities"]
    assert (activity["name"], activity["startDate"]) == ("Owl walk", "2026-06-05T20:30:00")
    assert activity["provenance"]["startDate"]["method"] == "selector"
    assert activity["provenance"]["startDate"]["confidence"] == 1.0


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("fields: {name: 'h3['}", "selectors.0.fields.name.select: 'h3[' is not a CSS selector"),
        ("fields: [name]", "selectors.0.fields: Input should be a valid dictionary"),
        ("- name", "is no YAML mapping"),
    ],
)
def test_wrong_selectors_are_wrong_input_and_say_where(
    shell: Shell, file: Path, tmp_path: Path, written: str, sentence: str
) -> None:
    (tmp_path / "wrong.yaml").write_text(written)

    said = shell("extract", file, "--selectors", tmp_path / "wrong.yaml")

    assert said.code == 2
    assert sentence in said.error


def test_a_page_on_the_web_is_fetched(shell: Shell, site: LoopbackSite) -> None:
    said = shell("extract", site.url("/owls").replace("http", "HTTP"), "--json")

    assert [one["name"] for one in said.json["activities"]] == ["Owl Night"]
    assert site.paths == ["/owls"]


def failed(said: Said) -> tuple[int, str]:
    return said.code, said.error


def test_a_page_that_is_not_there_fails_with_its_status(shell: Shell, site: LoopbackSite) -> None:
    code, sentence = failed(shell("extract", site.url("/nowhere").replace("://", "://me:canary@")))

    assert code == 1
    assert sentence.startswith(f"Fetching {site.url('/nowhere')} failed with status 404")
