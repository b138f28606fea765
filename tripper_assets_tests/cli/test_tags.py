"""`tripper tags`: sources are tagged by their voters, and how far each is."""

from contextlib import nullcontext
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from tripper_assets.cli import tags
from tripper_assets.demo.server import DemoServer
from tripper_assets.domain.errors import PermanentError
from tripper_assets.domain.sources import Source, make_source
from tripper_assets.domain.workflows import Workflow
from tripper_assets.settings import Settings
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


def test_a_source_that_a_run_works_on_keeps_no_other_from_being_tagged(monkeypatch: pytest.MonkeyPatch) -> None:
    held, free = (make_source(f"https://{name}.example/") for name in ("zoo", "farm"))
    done = Workflow(
        id="w", source_key=free.key, source_url=free.url, status="completed", config={}, created_at=datetime.now(UTC)
    )
    session = SimpleNamespace(
        source={one.key: one for one in (held, free)}.get,
        settings=Settings(),
        catalog=SimpleNamespace(database=None),
    )

    def tagged(_: object, source: Source, **__: object) -> Workflow:
        if source == held:
            raise PermanentError("Another run works on it.")
        return done

    monkeypatch.setattr(tags, "open_session", lambda: nullcontext(session))
    monkeypatch.setattr(tags, "_tagged", tagged)
    monkeypatch.setattr(tags, "tag_progress", lambda *_: [])
    told: list[str] = []
    monkeypatch.setattr(tags, "say", told.append)

    with pytest.raises(PermanentError, match="Another run works on it"):
        tags.run([held.key, free.key])

    assert told == [f"{free.key}: completed."]


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
