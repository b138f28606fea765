"""One source through the graph by command: what is told, what is kept, what a decision imports, and what changed since."""

import hashlib
import json
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tripper_assets.demo.server import DemoServer, serve
from tripper_assets_tests.cli.conftest import TODAY, Said, Shell
from tripper_assets_tests.clients.loopback import Answer, LoopbackSite
from tripper_assets_tests.clients.loopback import serve as serve_pages

SECRET = "canary-51c2"
SOON = TODAY + timedelta(days=30)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("config") / "config.yaml"
    path.write_text("delay_seconds: 0\ntimezone: Europe/London\ncountry_code: GB\n")
    return path


@pytest.fixture(scope="module")
def theatre(site: DemoServer) -> str:
    return f"{site.url}sites/theatre-leeds/"


@pytest.fixture(scope="module")
def waiting(module_shell: Shell, theatre: str, config: Path) -> dict[str, Any]:
    """A workflow whose bundle waits for a decision."""
    said = module_shell("run", theatre, "--config", config, "--json")
    assert said.code == 0, said.err
    return said.json


@pytest.fixture(scope="module")
def imported(module_shell: Shell, waiting: dict[str, Any]) -> Said:
    return module_shell("import", waiting["workflow_id"][:8])


@pytest.fixture
def pages() -> Generator[LoopbackSite]:
    with serve_pages() as site:
        yield site


def event(name: str, **more: object) -> Answer:
    stated = {
        "@context": "https://schema.org",
        "@type": "Event",
        "name": name,
        "startDate": f"{SOON}T10:00:00+01:00",
    }
    body = f'<html><body><h1>{name}</h1><script type="application/ld+json">{json.dumps(stated | more)}</script></body></html>'
    return Answer(200, body.encode(), {"Content-Type": "text/html"})


def test_json_is_the_promised_object_and_nothing_else(waiting: dict[str, Any]) -> None:
    assert waiting.keys() == {"workflow_id", "source_key", "status", "reason", "stages", "import", "calls"}
    assert waiting["status"] == "review"
    assert waiting["import"] == {}
    assert waiting["calls"].keys() == {"pages", "not_modified", "images", "geocodes", "embeddings", "tokens"}
    assert waiting["calls"]["embeddings"] == waiting["stages"]["activities"]["rows"] == 5
    stage = waiting["stages"]["final_jsonl"]
    assert stage.keys() >= {"rows", "bytes", "seconds", "uri", "fetched", "reused", "problems"}
    assert stage["bytes"] > 0
    assert stage["uri"].startswith("file:///")


def test_files_are_listed_with_where_they_are(module_shell: Shell, waiting: dict[str, Any]) -> None:
    said = module_shell("files", waiting["workflow_id"][:8])
    listed = module_shell("files", waiting["workflow_id"], "--json").json

    assert said.out.splitlines()[0] == "asset\trows\tbytes\tsha256\turi\tremoved"
    assert {"raw_activities", "activities", "images_map", "final_jsonl"} <= {one["asset"] for one in listed}
    for one in listed:
        body = Path(one["uri"].removeprefix("file://")).read_bytes()
        assert (len(body), hashlib.sha256(body).hexdigest()) == (one["bytes"], one["sha256"])


def test_downloads_have_the_names_and_shapes_that_consumers_know(
    module_shell: Shell, waiting: dict[str, Any], tmp_path: Path
) -> None:
    workflow = waiting["workflow_id"]

    said = module_shell("files", workflow, "--download", tmp_path / "out", "--json")

    found = {Path(one["path"]).name: json_of(Path(one["path"])) for one in said.json}
    final = next(name for name in found if name.startswith("scrape-") and name.endswith(".jsonl"))
    assert set(found) - {final} == {
        f"workflow-{workflow}-{kind}.json" for kind in ("raw-activities", "images", "geocoded", "embeddings", "ids")
    }
    ids = found[f"workflow-{workflow}-ids.json"]
    assert ids["ids_sha256"] == hashlib.sha256("".join(f"{one}\n" for one in ids["ids"]).encode()).hexdigest()
    assert [record["id"] for record in found[final]] == ids["ids"]
    geocoded, vectors = found[f"workflow-{workflow}-geocoded.json"], found[f"workflow-{workflow}-embeddings.json"]
    assert sorted(geocoded) == sorted(vectors) == ["0", "1", "2", "3", "4"]
    assert [geocoded[str(index)]["activity_id"] for index in range(5)] == ids["ids"]
    assert [len(record["embedding"]["vector"]) for record in found[final]] == [384] * 5
    assert found[final][3]["embedding"]["vector"] == vectors["3"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(found)


def json_of(path: Path) -> Any:
    text = path.read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()] if path.suffix == ".jsonl" else json.loads(text)


def test_a_download_tells_each_file_that_it_wrote(module_shell: Shell, waiting: dict[str, Any], tmp_path: Path) -> None:
    said = module_shell("files", waiting["workflow_id"], "--download", tmp_path)

    assert said.code == 0
    assert f"{tmp_path}/workflow-{waiting['workflow_id']}-images.json\t" in said.out


def test_a_download_to_what_is_no_folder_is_refused(
    module_shell: Shell, waiting: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()

    said = module_shell("files", waiting["workflow_id"], "--download", tmp_path / "file")

    assert said.code == 2
    assert f"The folder {tmp_path}/file cannot be written (File exists); give another one" in said.error


def test_a_folder_cannot_sign(module_shell: Shell, waiting: dict[str, Any]) -> None:
    said = module_shell("files", waiting["workflow_id"], "--sign", 60)

    assert said.code == 1
    assert "only S3 can; download the file instead" in said.error


def test_before_the_import_nothing_is_found_and_the_diff_says_what_it_would_add(
    module_shell: Shell, waiting: dict[str, Any], theatre: str
) -> None:
    said = module_shell("diff", theatre)

    assert (
        said.out.splitlines()[0] == f"catalog → {waiting['workflow_id']}: 5 added, 0 removed, 0 changed, 0 unchanged."
    )
    assert said.out.count("added\t") == 5


def test_an_import_approves_and_writes_the_rows(module_shell: Shell, imported: Said, waiting: dict[str, Any]) -> None:
    assert imported.code == 0
    assert "Import: 5 rows written (5 inserted, 0 updated, 0 removed), 0 unchanged, 0 rejected." in imported.out
    told = module_shell("status", waiting["workflow_id"], "--json").json
    assert told["status"] == "completed"
    assert told["reason"] == ""
    assert not any(file["deleted_at"] for file in told["files"])


@pytest.mark.usefixtures("imported")
def test_importing_the_same_bundle_again_writes_nothing(
    module_shell: Shell, waiting: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def nameless() -> str:
        message = "no name for this user"  # as in a container
        raise KeyError(message)

    monkeypatch.setattr("getpass.getuser", nameless)

    again = module_shell("import", waiting["workflow_id"], "--override", "names_usable", "--json")

    assert again.code == 0
    assert again.json["import"] | {"rejections": {}} == {
        "lines": 5, "inserted": 0, "updated": 0, "unchanged": 5, "removed": 0, "rejected": 0, "rejections": {},
    }  # fmt: skip


@pytest.mark.usefixtures("imported")
def test_a_second_run_does_nothing_anew(module_shell: Shell, theatre: str, waiting: dict[str, Any]) -> None:
    again = module_shell("run", waiting["source_key"], "--auto-import", "--json").json

    assert again["status"] == "completed"
    assert {name: again["calls"][name] for name in ("pages", "images", "geocodes", "embeddings")} == {
        "pages": 0, "images": 0, "geocodes": 0, "embeddings": 0,
    }  # fmt: skip
    assert again["import"]["unchanged"] == 5
    # A launch never changes what is registered.
    assert module_shell("sources", "show", theatre, "--json").json["config"]["auto_import"] is False
    # An automatic import removes the intermediates; the older workflow's are still there.
    gone = module_shell("files", again["workflow_id"], "--download", module_shell.home / "out")
    assert gone.code == 1
    assert "were cleaned up on" in gone.error
    assert module_shell("import", again["workflow_id"]).error.endswith(
        f"run its source again with `tripper run {waiting['source_key']}`."
    )
    against = module_shell("diff", theatre, "--against", waiting["workflow_id"])
    assert "were cleaned up on" in against.error


@pytest.mark.usefixtures("imported")
def test_what_was_imported_is_found_by_words_and_by_meaning(module_shell: Shell, theatre: str) -> None:
    found = module_shell("search", "puppets on a stage", "--limit", 2, "--past", "--json").json["activities"]
    told = module_shell("search", "puppets on a stage", "--source", theatre, "--past")

    assert len(found) == 2
    assert found[0]["url"].startswith(theatre.rstrip("/"))
    assert told.out.splitlines()[0] == "activity\twhen\twhere\turl\twhy"


def test_nothing_found_is_said(shell: Shell) -> None:
    said = shell("search", "anything")

    assert said.code == 0
    assert said.out.startswith("Nothing in the catalog matches")
    assert shell("search", "anything", "--json").json["activities"] == []


def test_status_lists_and_shows_workflows(module_shell: Shell, waiting: dict[str, Any], theatre: str) -> None:
    listed = module_shell("status")
    shown = module_shell("status", waiting["workflow_id"][:8])

    assert listed.out.splitlines()[0] == "workflow\tstatus\tsource\tcreated (UTC)\tactivities\treason"
    assert waiting["workflow_id"] in listed.out
    assert f"{theatre.rstrip('/')} ({waiting['source_key']}), started by cli" in shown.out
    assert "raw_activities\tcompleted\t" in shown.out
    assert "[" not in shown.out.replace(waiting["workflow_id"], "")
    assert {one["id"] for one in module_shell("status", "--json").json} >= {waiting["workflow_id"]}


def test_the_sample_of_another_month_is_a_change_that_the_diff_tells(shell: Shell, config: Path) -> None:
    with serve(0, TODAY) as site:
        port = site.server_address[1]
        theatre = f"{site.url}sites/theatre-leeds/"
        first = shell("run", theatre, "--config", config, "--no-auto-import", "--json").json
        assert shell("import", first["workflow_id"]).code == 0
    with serve(port, TODAY + timedelta(days=60)):
        second = shell("run", theatre, "--json").json

    told = shell("diff", first["source_key"])
    against = shell("diff", first["source_key"], "--against", first["workflow_id"], "--json").json

    assert f"catalog → {second['workflow_id']}: " in told.out
    assert told.out.splitlines()[1] == "kind\tactivity\tfield\tbefore\tafter"
    assert against["changed"] + against["added"] > 0
    assert (against["before"], against["after"]) == (first["workflow_id"], second["workflow_id"])


def test_a_comparison_with_another_source_is_refused(
    module_shell: Shell, site: DemoServer, waiting: dict[str, Any], config: Path
) -> None:
    other = f"{site.url}sites/nature-center-portland/"
    assert module_shell("sources", "add", other).code == 0
    before = module_shell("diff", other)
    ran = module_shell("run", other, "--config", config, "--json").json

    said = module_shell("diff", other, "--against", waiting["workflow_id"])

    assert before.code == 1
    assert "has no finished workflow to compare; run it with `tripper run " in before.error
    assert ran["status"] == "review"
    assert said.code == 2
    assert f"belongs to {waiting['source_key']} and not to {ran['source_key']}" in said.error


@pytest.mark.usefixtures("no_waiting")
def test_a_site_that_is_down_fails_with_its_reason_and_the_rest_is_kept(
    shell: Shell, free_port: int, config: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    said = shell("run", f"http://127.0.0.1:{free_port}/", "--config", config, "--json")

    assert said.code == 1
    assert said.error.startswith("raw_activities: ")
    assert said.json["status"] == "failed"
    assert said.json["reason"] == said.error
    shown = shell("status", said.json["workflow_id"]).out
    assert shown.count(said.error.removeprefix("raw_activities: ")) == 1
    written = capfd.readouterr()
    assert "Traceback" not in said.err + written.out + written.err


def test_a_failure_is_told_once_to_a_person(shell: Shell, theatre: str) -> None:
    said = shell("run", theatre, TRIPPER_ALLOW_PRIVATE_ADDRESSES="")

    assert said.code == 1
    assert "set TRIPPER_ALLOW_PRIVATE_ADDRESSES=" in said.error
    assert (said.out + said.err).count(said.error) == 1
    assert "raw_activities: failed in " in said.err


def test_a_damaged_object_is_named_and_nothing_is_imported(
    shell: Shell, pages: LoopbackSite, tmp_path: Path, config: Path
) -> None:
    pages.answer("/", event("Lantern Walk"))
    ran = shell("run", pages.url(), "--config", config, "--json").json
    file = Path(ran["stages"]["final_jsonl"]["uri"].removeprefix("file://"))
    file.chmod(0o644)
    file.write_bytes(file.read_bytes().replace(b"Lantern", b"Lanterm"))

    imported = shell("import", ran["workflow_id"])
    downloaded = shell("files", ran["workflow_id"], "--download", tmp_path / "out")

    assert (imported.code, downloaded.code) == (1, 1)
    assert str(file) in imported.error
    assert str(file) in downloaded.error
    assert "materialize" in imported.error
    assert not (tmp_path / "out").exists()
    assert shell("status", ran["workflow_id"], "--json").json["status"] == "review"
    assert shell("search", "lantern", "--json").json["activities"] == []


def test_a_failed_check_holds_the_bundle_until_it_is_overridden(
    shell: Shell, pages: LoopbackSite, config: Path
) -> None:
    pages.answer("/", event("Lantern Walk", typicalAgeRange="3-10"))
    pages.answer("/other", event("Kite Day"))
    shell("run", pages.url(), "--config", config, "--auto-import")
    pages.answer("/", Answer(200, b"<html><body>Nothing on.</body></html>", {"Content-Type": "text/html"}))
    held = shell("run", pages.url(), "--auto-import", "--json")

    without = shell("import", held.json["workflow_id"])
    checks = [word for word in without.error.split() if word.strip("`.") in ("not_empty", "count_against_last_import")]
    names = sorted({word.strip("`.") for word in without.error.split("--override ")[1:] for word in word.split()[:1]})
    overridden = shell("import", held.json["workflow_id"], *(part for name in names for part in ("--override", name)))

    assert held.code == 0
    assert held.json["status"] == "review"
    assert without.code == 1
    assert without.error.startswith("Held for review by ")
    assert checks
    assert overridden.code == 0
    assert "1 removed" in overridden.out


def test_a_run_of_a_removed_source_says_how_to_add_it(shell: Shell, site: DemoServer) -> None:
    added = shell("sources", "add", f"{site.url}sites/theatre-leeds/", "--json").json
    shell("sources", "remove", added[0]["key"])

    said = shell("run", added[0]["key"])

    assert said.code == 2
    assert f"There is no source {added[0]['key']}; give the URL of a site" in said.error


def test_hostile_text_of_a_page_reaches_no_terminal(shell: Shell, pages: LoopbackSite, config: Path) -> None:
    pages.answer(
        "/", event("Owls [bold]at[/bold] night :tada: \x1b[2J\u202e", description="\x9b2J" + "An evening. " * 9)
    )
    shell("run", pages.url(), "--config", config, "--auto-import")

    told = shell("search", "owls", "--past").out + shell("diff", pages.url()).out + shell("extract", pages.url()).out

    assert told.count("Owls [bold]at[/bold] night :tada:") >= 3
    assert not set(told) & set("\x1b\x9b\u202e")


def test_a_password_of_the_catalog_or_of_an_address_is_nowhere(
    shell: Shell, pages: LoopbackSite, config: Path, tmp_path: Path
) -> None:
    pages.answer("/", event("Lantern Walk"))
    url = shell.environment["TRIPPER_DATABASE_URL"].replace("postgres@", f"postgres:{SECRET}@")
    address = pages.url().replace("://", f"://me:{SECRET}@")

    said = [
        shell("run", address, "--config", config, "--json", TRIPPER_DATABASE_URL=url),
        shell("run", address, TRIPPER_DATABASE_URL=url),
        shell("doctor", "--json", TRIPPER_DATABASE_URL=url),
        shell("sources", "list", "--json"),
        shell("status", "--json"),
        shell("files", shell("status", "--json").json[0]["id"], "--download", tmp_path / "out", "--json"),
        shell("search", "lantern", "--json"),
        shell("db", "upgrade", TRIPPER_DATABASE_URL=url),
    ]

    assert SECRET in url
    assert [one.code for one in said] == [0] * len(said)
    assert not [one for one in said if SECRET in one.out + one.err]
    written = [path for path in shell.home.rglob("*") if path.is_file() and "gazetteer" not in path.name]
    assert any(path.suffix == ".db" for path in written)
    assert not [path for path in written if SECRET.encode() in path.read_bytes()]
