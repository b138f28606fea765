"""`tripper tags`: sources are tagged by their voters, and how far each is."""

import pytest

from tripper_assets.demo.server import DemoServer
from tripper_assets_tests.cli.conftest import Shell

CONFIG = "{delay_seconds: 0, timezone: Europe/London, country_code: GB}"


@pytest.mark.usefixtures("gazetteer")
def test_before_anybody_voted_it_is_said_who_would_and_who_is_off(shell: Shell) -> None:
    off = {"TRIPPER_TAGGERS": "local,openai:gpt-4.1-mini", "OPENAI_API_KEY": ""}

    status = shell("tags", "status", **off)
    data = shell("tags", "status", "--json", **off).json
    unknown = shell("tags", "run", "nobody-12345678")

    assert "tripper run URL" in status.out
    assert "openai:gpt-4.1-mini is off, for OPENAI_API_KEY is not set" in status.out
    assert (data["sources"], data["off"].keys()) == ([], {"openai:gpt-4.1-mini"})
    assert (unknown.code, unknown.error[:40]) == (2, "There is no source nobody-12345678; `tri")


@pytest.mark.long
def test_a_source_is_tagged_again_without_a_crawl(shell: Shell, site: DemoServer) -> None:
    config = shell.home.parent / "config.yaml"
    config.write_text(CONFIG)
    first = shell("run", f"{site.url}sites/theatre-leeds/", "--config", config, "--json").json
    site.answers.clear()

    said = shell("tags", "run", first["source_key"], "--runs", "2", "--json").json
    again = shell("tags", "run", first["source_key"]).out
    refused = shell("tags", "run", first["source_key"], "--provider", "groq")

    assert site.answers.total() == 0
    (line,) = said
    assert (line["status"], line["source_key"], line["off"]) == ("completed", first["source_key"], {})
    assert [(one["provider"], one["there"], one["wanted"]) for one in line["voters"]] == [("local", 5, 5)]
    assert f"{first['source_key']}: completed." in again
    assert (refused.code, refused.error[:12]) == (2, "The tagger '")
