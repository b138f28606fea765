"""One source through the graph with its files on a real S3 server, which refuses three of ten requests of the first run."""

import hashlib
import json
import urllib.request
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tripper_assets.clients.objects import Objects
from tripper_assets.demo.server import DemoServer
from tripper_assets_tests.cli.conftest import Shell, new_shell
from tripper_assets_tests.clients.faulty_s3 import Bursts, FaultyS3, in_front_of
from tripper_assets_tests.conftest import FreshDatabases
from tripper_assets_tests.seaweed import BUCKET, SECRET, credentials, use_only

STORE = f"s3://{BUCKET}/graph"


@pytest.fixture(scope="module", autouse=True)
def _no_aws_but_ours(tmp_path_factory: pytest.TempPathFactory) -> Generator[None]:
    with pytest.MonkeyPatch.context() as patch:
        use_only(patch, tmp_path_factory.mktemp("aws"))
        yield


@pytest.fixture(scope="module")
def proxy(seaweed: str) -> Generator[FaultyS3]:
    with in_front_of(seaweed) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def folder_shell(module_shell: Shell) -> Shell:
    """A shell that keeps files in a folder."""
    return module_shell


@pytest.fixture(scope="module")
def s3_shell(homes: str | None, fresh_databases: FreshDatabases, gazetteer: Path, proxy: FaultyS3) -> Generator[Shell]:
    """A shell with a catalog of its own that keeps files on S3."""
    with new_shell(homes, fresh_databases) as shell:
        (shell.home / gazetteer.name).symlink_to(gazetteer)
        yield replace(
            shell, environment=shell.environment | {"TRIPPER_STORE_URL": STORE, **credentials(proxy.endpoint)}
        )


@pytest.fixture(scope="module")
def theatre(site: DemoServer) -> str:
    return f"{site.url}sites/theatre-leeds/"


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("config") / "config.yaml"
    path.write_text("delay_seconds: 0\ntimezone: Europe/London\ncountry_code: GB\n")
    return path


@pytest.fixture(scope="module")
def bursts() -> Bursts:
    return Bursts(5)


@pytest.fixture(scope="module")
def waiting(s3_shell: Shell, proxy: FaultyS3, bursts: Bursts, theatre: str, config: Path) -> dict[str, Any]:
    """A workflow on S3 whose bundle waits for a decision."""
    proxy.fault = bursts
    said = s3_shell("run", theatre, "--config", config, "--json")
    proxy.heal()
    assert said.code == 0, said.err
    return said.json


@pytest.fixture(scope="module")
def files(s3_shell: Shell, waiting: dict[str, Any]) -> list[dict[str, Any]]:
    return s3_shell("files", waiting["workflow_id"], "--sign", 60, "--json").json


@pytest.mark.long
def test_a_run_whose_store_refuses_three_of_ten_requests_goes_through(
    waiting: dict[str, Any], bursts: Bursts, proxy: FaultyS3
) -> None:
    assert len(bursts.statuses) > 5
    assert len(proxy.requests) > len(bursts.statuses)
    assert waiting["status"] == "review"
    assert waiting["stages"]["final_jsonl"]["rows"] == 5
    assert waiting["stages"]["final_jsonl"]["uri"].startswith(f"{STORE}/final_jsonl/")


def test_files_on_s3_can_be_read_by_a_signed_url_without_credentials(files: list[dict[str, Any]]) -> None:
    assert {"raw_activities", "activities", "images_map", "final_jsonl"} <= {one["asset"] for one in files}
    for one in files:
        assert one["uri"].startswith(f"{STORE}/")
        assert SECRET not in one["url"]
        with urllib.request.urlopen(one["url"], timeout=5) as answer:  # noqa: S310 (our own server)
            body = answer.read()
        assert (len(body), hashlib.sha256(body).hexdigest()) == (one["bytes"], one["sha256"])


@pytest.mark.long
def test_a_replay_on_s3_gives_the_same_records_and_asks_nobody(
    s3_shell: Shell, waiting: dict[str, Any], site: DemoServer, tmp_path: Path
) -> None:
    site.answers.clear()

    again = s3_shell("run", "--replay", waiting["workflow_id"], "--json").json

    assert site.answers.total() == 0
    one, two = (records(s3_shell, run["workflow_id"], tmp_path / run["workflow_id"]) for run in (waiting, again))
    assert one == two
    assert len(one) == 5


@pytest.mark.long
def test_the_records_are_those_of_a_run_on_a_folder(
    s3_shell: Shell, folder_shell: Shell, waiting: dict[str, Any], theatre: str, config: Path, tmp_path: Path
) -> None:
    on_folder = folder_shell("run", theatre, "--config", config, "--json").json

    there = records(s3_shell, waiting["workflow_id"], tmp_path / "s3")
    here = records(folder_shell, on_folder["workflow_id"], tmp_path / "folder")

    pictures = places_of_pictures(there)
    assert len(pictures) == len(places_of_pictures(here)) > 0
    assert all(uri.startswith(f"{STORE}/") for uri in pictures)
    assert len(there) == 5
    assert there == here


def records(shell: Shell, workflow: str, folder: Path) -> list[dict[str, Any]]:
    assert shell("files", workflow, "--download", folder).code == 0
    return [json.loads(line) for line in next(folder.glob("scrape-*.jsonl")).read_text(encoding="utf-8").splitlines()]


def places_of_pictures(found: list[dict[str, Any]]) -> list[str]:
    """Take out where pictures are stored, and the hash that covers it."""
    assert all(record.pop("content_sha256") for record in found)
    images = [image for record in found for image in record["image"]]
    return [file.pop("contentUrl") for image in images for file in (image, image["thumbnail"])]


def test_a_bundle_on_s3_is_imported_and_a_second_run_fetches_nothing(
    s3_shell: Shell, waiting: dict[str, Any], proxy: FaultyS3
) -> None:
    imported = s3_shell("import", waiting["workflow_id"], "--json")
    again = s3_shell("run", waiting["source_key"], "--auto-import", "--json")

    assert imported.code == again.code == 0, imported.err + again.err
    assert imported.json["import"]["inserted"] == 5
    assert {name: again.json["calls"][name] for name in ("pages", "images", "geocodes", "embeddings")} == {
        "pages": 0, "images": 0, "geocodes": 0, "embeddings": 0,
    }  # fmt: skip
    assert again.json["import"]["unchanged"] == 5
    # The second run cleaned up its intermediates, on S3 too.
    gone = s3_shell("files", again.json["workflow_id"], "--json").json
    removed = [one["uri"] for one in gone if one["deleted_at"]]
    assert len(removed) == 5
    assert not set(removed) & stored(proxy)


def stored(proxy: FaultyS3) -> set[str]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in credentials(proxy.endpoint).items():
            patch.setenv(name, value)
        return {one.uri for one in Objects(STORE).list()}


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("AWS_SECRET_ACCESS_KEY", f"not-{SECRET}", "status 403, SignatureDoesNotMatch"),
        ("TRIPPER_STORE_URL", "s3://no-such-bucket/graph", "status 404, NoSuchBucket"),
    ],
)
def test_a_wrong_setting_of_s3_ends_a_run_before_there_is_a_workflow(
    s3_shell: Shell, waiting: dict[str, Any], theatre: str, name: str, value: str, code: str
) -> None:
    before = s3_shell("status", "--json").json

    said = s3_shell("run", theatre, **{name: value})
    told = s3_shell("doctor", "--json", **{name: value})

    assert waiting["workflow_id"] in {one["id"] for one in before}
    assert said.code == 2
    assert said.error.startswith("Writing to the store s3://")
    assert code in said.error
    assert s3_shell("status", "--json").json == before
    assert [one["part"] for one in told.json if one["state"] == "down"] == ["store"]
    assert SECRET not in said.out + said.err + told.out + told.err


def test_the_secret_of_s3_is_in_no_file_of_the_home(s3_shell: Shell, waiting: dict[str, Any]) -> None:
    assert waiting
    written = [path for path in s3_shell.home.rglob("*") if path.is_file() and "gazetteer" not in path.name]

    assert any(path.suffix == ".db" for path in written)
    assert not [path for path in written if SECRET.encode() in path.read_bytes()]
