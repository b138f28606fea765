"""Wrong input gets one sentence that says what to do, exit code 1 or 2, no traceback, and loses nothing."""

import os
from collections.abc import Generator
from pathlib import Path

import pytest

from tripper_assets.demo.server import DemoServer
from tripper_assets_tests.cli.conftest import Shell, new_shell
from tripper_assets_tests.clients.loopback import serve
from tripper_assets_tests.conftest import FreshDatabases

SECRET = "canary-7f3a"


@pytest.fixture(scope="module")
def shell(homes: str | None, fresh_databases: FreshDatabases) -> Generator[Shell]:
    """One catalog for all of them: none of these commands may change it."""
    with new_shell(homes, fresh_databases) as shell:
        yield shell


@pytest.mark.parametrize(
    ("command", "code", "sentence"),
    [
        ("run example-org-12345678", 2, "There is no source example-org-12345678; give the URL of a site, or a key that `tripper sources list` shows."),
        ("run nonsense", 2, "There is no source nonsense; give the URL of a site"),
        ("run ftp://example.org/", 2, "'ftp://example.org/' is not an absolute http or https URL; give one like"),
        ("run http://exa[mple/", 2, "The URL 'http://exa[mple/' cannot be read; give one like"),
        ("run https://example.org/ --max-pages 0", 2, "The configuration of https://example.org/ is wrong: max_pages: Input should be greater than or equal to 1."),
        ("run https://example.org/ --location nowhere", 2, "There is no location nowhere; add it with `tripper locations add nowhere"),
        ("run https://example.org/ --config /nowhere.yaml", 2, "The configuration file /nowhere.yaml cannot be read (No such file or directory); write lines like `max_pages: 50`."),
        ("status no-such-workflow", 2, "There is no workflow no-such-workflow; `tripper status` lists them."),
        ("files no-such-workflow", 2, "There is no workflow no-such-workflow"),
        ("import no-such-workflow", 2, "There is no workflow no-such-workflow"),
        ("import no-such-workflow --override luck", 2, "There is no check luck; --override takes one of ages_valid, attributed, "),
        ("diff https://example.org/nowhere", 2, "There is no source https://example.org/nowhere; `tripper sources list` shows them"),
        ("sources show nobody", 2, "There is no source nobody; `tripper sources list` shows them"),
        ("sources remove nobody", 2, "There is no source nobody"),
        ("sources add nonsense", 2, "'nonsense' is not an absolute http or https URL"),
        ("sources add https://example.org/ --location nowhere", 2, "There is no location nowhere; add it with"),
        ("sources sync /nowhere.yaml", 2, "The sources file /nowhere.yaml cannot be read (No such file or directory); write `sources:`"),
        ("locations show nowhere", 2, "There is no location nowhere; `tripper locations list` shows them."),
        ("locations add Lyon! --name Lyon --country FR", 2, "The location Lyon! is wrong: id: String should match pattern"),
        ("locations add lyon --name Lyon --country France", 2, "The location lyon is wrong: country_code: String should match pattern"),
        ("search museum --source nobody", 2, "There is no source nobody"),
        ("search", 2, "The search asks for nothing; say what you look for, or give a filter."),
        ("search museum --near here", 2, "--near is 'here', which is no LATITUDE,LONGITUDE; write it such as 47.99,7.85."),
        ("search museum --near 91,0", 2, "A filter of the search is wrong (near.latitude: Input should be less than or equal to 90); change it."),
        ("search museum --on someday", 2, "--on is 'someday', which is no date; write it such as 2026-05-02."),
        ("search museum --age 300", 2, "A filter of the search is wrong (min_age: Input should be less than or equal to 120"),
        ("search museum --after nonsense", 2, "The cursor of the search is none; begin again without one."),
        ("extract /nowhere.html", 2, "The page /nowhere.html cannot be read (No such file or directory); give a file or a web address."),
        ("extract /", 2, "The page / cannot be read (Is a directory)"),
        ("extract /nowhere.html --at tomorrow", 2, "--at is 'tomorrow'; give a date or date-time such as 2026-06-01."),
        ("extract /nowhere.html --timezone Mars", 2, "timezone: is not an IANA time zone such as Europe/Berlin"),
        ("cleanup --older-than soon", 2, "--older-than is 'soon'; give an age such as 30d or 12h."),
        ("cleanup --status review", 2, "--status is 'review'; give one of completed, failed, canceled"),
    ],
)  # fmt: skip
def test_a_wrong_word_is_named_with_what_to_give_instead(shell: Shell, command: str, code: int, sentence: str) -> None:
    said = shell(*command.split())

    assert said.code == code
    assert sentence in said.error
    assert said.out == ""
    assert shell("sources", "list", "--json").json == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("max_page: 3\n", "The configuration of https://example.org/ is wrong: max_page: Extra inputs are not permitted."),
        ("region: {min_latitude: 95}\n", "region.min_latitude: Input should be less than or equal to 90"),
        ("exclude: ['(']\n", "exclude.0: is not a regular expression"),
        ("- a list\n", "is no YAML mapping; write lines like `max_pages: 50`."),
        ("max_pages: [1\n", "(line 2: expected ',' or ']', but got '<stream end>')"),
        ("max_pages: \x00\n", "cannot be read (unacceptable character #x0000"),
    ],
)  # fmt: skip
def test_a_wrong_configuration_file_is_refused_by_field_or_line(
    shell: Shell, tmp_path: Path, text: str, sentence: str
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)

    said = shell("run", "https://example.org/", "--config", path)

    assert said.code == 2
    assert sentence in said.error


def test_a_configuration_file_that_is_no_text_is_refused(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(b"max_pages: \xff")

    assert "cannot be read ('utf-8' codec" in shell("run", "https://example.org/", "--config", path).error


@pytest.mark.parametrize(
    ("environment", "code", "sentence"),
    [
        ({"TRIPPER_DEMO_PORT": "high"}, 2, "The environment is wrong: TRIPPER_DEMO_PORT: Input should be a valid integer"),
        ({"TRIPPER_HOME": "/proc/tripper"}, 2, "The home /proc/tripper cannot be written (No such file or directory); free it or set TRIPPER_HOME"),
        ({"TRIPPER_HOME": "/dev/null"}, 2, "The home /dev/null cannot be written (Not a directory); free it or set TRIPPER_HOME"),
        ({"TRIPPER_STORE_URL": "ftp://example.org/"}, 2, "TRIPPER_STORE_URL"),
        ({"TRIPPER_STORE_URL": "file:///proc/tripper"}, 2, "/proc/tripper"),
        ({"TRIPPER_DATABASE_URL": f"mysql://me:{SECRET}@localhost/x"}, 2, "TRIPPER_DATABASE_URL is not a PostgreSQL URL; use"),
        ({"TRIPPER_DATABASE_URL": f"postgresql://me:{SECRET}@127.0.0.1:9/x"}, 1, "does not answer"),
    ],
)  # fmt: skip
def test_a_wrong_environment_is_said_before_anything_is_begun(
    shell: Shell, environment: dict[str, str], code: int, sentence: str
) -> None:
    said = shell("run", "https://example.org/", **environment)

    assert said.code == code
    assert sentence in said.error
    assert SECRET not in said.error
    # The source is registered before the store is tried, and no workflow stays behind.
    assert shell("status", "--json").json == []
    shell("sources", "remove", "https://example.org/")


def test_a_database_without_the_schema_names_the_command_that_makes_it(shell: Shell) -> None:
    empty = shell.environment["TRIPPER_DATABASE_URL"].rsplit("?", 1)
    url = f"{empty[0].rsplit('/', 1)[0]}/postgres?{empty[1]}"

    said = shell("status", TRIPPER_DATABASE_URL=url)

    assert said.code == 2
    assert said.error.endswith("run `tripper db upgrade`.")


def test_a_private_address_is_refused_with_the_setting_that_opens_it(shell: Shell, site: DemoServer) -> None:
    said = shell("extract", site.url, TRIPPER_ALLOW_PRIVATE_ADDRESSES="")

    assert said.code == 2
    assert "TRIPPER_ALLOW_PRIVATE_ADDRESSES" in said.error


def test_a_taken_port_of_the_sample_site_is_named(shell: Shell) -> None:
    with serve() as other:
        said = shell("demo", TRIPPER_DEMO_PORT=str(other.port))

    assert said.code == 1
    assert f"port {other.port} is taken; free it, or set TRIPPER_DEMO_PORT" in said.error


def test_a_home_that_is_there_and_cannot_be_written_is_named(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere

    said = shell("status")

    assert said.code == 2
    assert f"The home {shell.home} cannot be written (Permission denied); free it or set TRIPPER_HOME" in said.error


@pytest.mark.parametrize(
    "command",
    [
        f"run http://me:{SECRET}@exa[mple/",
        f"run http://me:{SECRET}@example.org/ --max-pages 0",
        f"sources show http://me:{SECRET}@example.org/",
        f"diff http://me:{SECRET}@example.org/",
        f"extract http://me:{SECRET}@127.0.0.1:9/",
        f"search museum --source http://me:{SECRET}@example.org/",
    ],
)
def test_user_info_of_a_url_is_never_shown(shell: Shell, command: str) -> None:
    said = shell(*command.split())

    assert said.code in (1, 2)
    assert said.error
    assert SECRET not in said.out + said.err
