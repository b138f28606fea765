import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tripper_assets.clients.objects import Objects
from tripper_assets.domain.errors import ConfigurationError
from tripper_assets.settings import (
    PROJECT_FOLDER,
    Settings,
    env_example,
    environment_of,
    load_settings,
    variable,
)

SECRET = "s3cret-canary"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in [name for name in os.environ if name.startswith("TRIPPER_")]:
        monkeypatch.delenv(name)
    return monkeypatch


def test_nothing_needs_to_be_set() -> None:
    settings = load_settings()

    assert settings.home == PROJECT_FOLDER / ".tripper"
    assert settings.dagster_home == settings.home / "dagster"
    assert settings.objects_url == (settings.home / "objects").as_uri()
    assert settings.catalog == "embedded"
    assert settings.executor == "in_process"
    assert settings.allow_private_addresses == ()
    assert settings.full_user_agent == "tripper_assets/0.1"


@pytest.mark.parametrize(
    ("home", "absolute"),
    [("/var/tripper", Path("/var/tripper")), ("data", PROJECT_FOLDER / "data"), ("", PROJECT_FOLDER / ".tripper")],
)
def test_the_home_never_depends_on_the_current_folder(
    home: str, absolute: Path, environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment.setenv("TRIPPER_HOME", home)
    environment.chdir(tmp_path)

    assert load_settings().home == absolute


def test_without_a_checkout_the_home_stands_in_the_users_folder(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment.setattr("tripper_assets.settings.PROJECT_FOLDER", tmp_path)

    assert load_settings().home == Path.home() / ".tripper"


@pytest.mark.parametrize("name", ["plain", "with space", "100%", "a#b?c", "ä", "%41"])
def test_the_default_store_stands_in_the_home_whatever_the_home_is_called(name: str, tmp_path: Path) -> None:
    # "#" once cut the folder's name off, and the objects stood elsewhere.
    settings = Settings(home=tmp_path / name)

    Objects(settings.objects_url).put("a", b"x")

    assert (tmp_path / name / "objects" / "a").read_bytes() == b"x"
    assert unquote(urlsplit(settings.objects_url).path) == str(tmp_path / name / "objects")


def test_a_named_store_is_taken_as_it_is(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("TRIPPER_STORE_URL", "s3://bucket/prefix")

    assert load_settings().objects_url == "s3://bucket/prefix"


@pytest.mark.parametrize(
    ("url", "catalog"),
    [("", "embedded"), ("none", "none"), (f"postgresql+psycopg://me:{SECRET}@db/tripper", "url")],
)
def test_the_catalog_is_embedded_or_named_or_none(url: str, catalog: str, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("TRIPPER_DATABASE_URL", url)

    settings = load_settings()

    assert settings.catalog == catalog
    assert SECRET not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("TRIPPER_GEOCODER", SECRET, "TRIPPER_GEOCODER: "),
        ("TRIPPER_EXECUTOR", SECRET, "TRIPPER_EXECUTOR: "),
        ("TRIPPER_DEMO_PORT", SECRET, "TRIPPER_DEMO_PORT: "),
        ("TRIPPER_DEMO_PORT", "70000", "TRIPPER_DEMO_PORT: "),
        ("TRIPPER_RETENTION_DAYS", "-1", "TRIPPER_RETENTION_DAYS: "),
        (
            "TRIPPER_ALLOW_PRIVATE_ADDRESSES",
            SECRET,
            "TRIPPER_ALLOW_PRIVATE_ADDRESSES: is neither 1 nor a comma list of host:port",
        ),
        ("TRIPPER_ALLOW_PRIVATE_ADDRESSES", "1,127.0.0.1:80", "TRIPPER_ALLOW_PRIVATE_ADDRESSES: is neither"),
        ("TRIPPER_ALLOW_PRIVATE_ADDRESSES", "127.0.0.1:0", "TRIPPER_ALLOW_PRIVATE_ADDRESSES: is neither"),
        ("TRIPPER_ALLOW_PRIVATE_ADDRESSES", "127.0.0.1:99999", "TRIPPER_ALLOW_PRIVATE_ADDRESSES: is neither"),
        ("TRIPPER_ALLOW_PRIVATE_ADDRESSES", "127.0.0.1:²", "TRIPPER_ALLOW_PRIVATE_ADDRESSES: is neither"),
        ("TRIPPER_ALLOW_PRIVATE_ADDRESSES", ":80", "TRIPPER_ALLOW_PRIVATE_ADDRESSES: is neither"),
    ],
)
def test_a_wrong_variable_is_named_and_its_value_is_not(
    name: str, value: str, said: str, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv(name, value)

    with pytest.raises(ConfigurationError, match=r"^The environment is wrong: ") as caught:
        load_settings()

    assert said in str(caught.value)
    assert SECRET not in str(caught.value)


def test_every_wrong_variable_is_named(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("TRIPPER_GEOCODER", "x")
    environment.setenv("TRIPPER_DEMO_PORT", "x")

    with pytest.raises(ConfigurationError, match=r"TRIPPER_GEOCODER: .*; TRIPPER_DEMO_PORT: "):
        load_settings()


def test_an_empty_variable_is_one_that_nobody_set(environment: pytest.MonkeyPatch) -> None:
    # A compose file hands TRIPPER_GEOCODER=${TRIPPER_GEOCODER} on as an empty text.
    for name in Settings.model_fields:
        environment.setenv(variable(name), "")

    assert load_settings() == Settings()


@pytest.mark.parametrize(
    ("value", "opened"),
    [
        ("", set()),
        ("1", {("intranet", 8080)}),
        ("127.0.0.1:8765", {("127.0.0.1", 8765)}),
        (" 127.0.0.1:8765 , [::1]:80,", {("127.0.0.1", 8765), ("::1", 80)}),
    ],
)
def test_private_addresses_are_opened_one_by_one(
    value: str, opened: set[tuple[str, int]], environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("TRIPPER_ALLOW_PRIVATE_ADDRESSES", value)

    assert load_settings().open_addresses("intranet", 8080) == opened


def test_the_contact_is_a_part_of_the_user_agent() -> None:
    settings = Settings(user_agent="town-guide/2", contact="https://guide.example/bot")

    assert settings.full_user_agent == "town-guide/2 (+https://guide.example/bot)"


def test_a_child_process_gets_the_absolute_home(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("TRIPPER_HOME", "data")
    environment.setenv("TRIPPER_CONTACT", "me@example.org")

    handed = environment_of(load_settings())

    assert handed["TRIPPER_HOME"] == str(PROJECT_FOLDER / "data")
    assert handed["DAGSTER_HOME"] == str(PROJECT_FOLDER / "data" / "dagster")
    assert handed["TRIPPER_CONTACT"] == "me@example.org"
    assert handed["PATH"] == os.environ["PATH"]


# .env.example


def test_the_example_in_the_checkout_is_the_generated_one() -> None:
    # Write it anew: python -c "from tripper_assets.settings import env_example; print(env_example(), end='')" > .env.example
    assert (PROJECT_FOLDER / ".env.example").read_text(encoding="utf-8") == env_example()


def test_the_example_names_every_setting_with_what_it_does() -> None:
    lines = env_example().splitlines()

    for name, field in Settings.model_fields.items():
        assert field.description
        assert any(line.startswith(f"# {variable(name)}=") for line in lines), name
        assert f"# {field.description}" in lines


def test_the_example_sets_nothing_and_its_defaults_are_good(environment: pytest.MonkeyPatch) -> None:
    lines = env_example().splitlines()
    assert all(not line or line.startswith("#") for line in lines)

    for line in lines:
        name, equals, value = line.removeprefix("# ").partition("=")
        if equals and name.isupper() and " " not in name:
            environment.setenv(name, value)

    assert load_settings() == Settings()


def test_a_webhook_is_told_of_what_a_person_must_act_on_and_of_imports_where_that_is_wanted(
    environment: pytest.MonkeyPatch,
) -> None:
    by_default = load_settings().webhook_events
    environment.setenv("TRIPPER_WEBHOOK_EVENTS", "failed, imported")

    assert by_default == ("failed", "review", "guard")
    assert load_settings().webhook_events == ("failed", "imported")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://e.org/canary", "canary", "http://", "https://user:canary@e.org/", "http:///canary", "http://e.org:canary/",
        "http://e.org:99999/canary", "http://e.org:0/canary", "http://[::canary/", "http://:80/canary",
    ],
)  # fmt: skip
def test_a_webhook_that_is_no_web_address_is_named_and_not_shown(url: str, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("TRIPPER_WEBHOOK_URL", url)

    with pytest.raises(ConfigurationError, match="TRIPPER_WEBHOOK_URL") as raised:
        load_settings()

    assert "canary" not in str(raised.value)


@pytest.mark.parametrize(
    ("public", "port", "pages"),
    [
        ("", "3003", "http://127.0.0.1:3003"),
        ("", "4000", "http://127.0.0.1:4000"),
        ("https://t.org/x/", "", "https://t.org/x"),
    ],
)
def test_links_lead_to_where_people_reach_the_pages(
    public: str, port: str, pages: str, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("TRIPPER_PUBLIC_URL", public)
    environment.setenv("TRIPPER_API_PORT", port)

    assert load_settings().pages_url == pages
