"""The form in the Launchpad: it registers a source, changes only what is filled in, and says what is wrong of a value."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from tripper_assets.catalog.database import Database
from tripper_assets.definitions import build_definitions
from tripper_assets.domain.sources import Location, Region, Source, SourceConfig, make_source, source_key
from tripper_assets.failures import MAX_RETRIES
from tripper_assets.launchpad import TEMPLATE, add_source, register_source
from tripper_assets.partitions import SOURCES
from tripper_assets.resources import Catalog, catalog_on
from tripper_assets_tests.outage import NOBODY

URL = "https://example.org/events"
KEY = source_key(URL)
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
SECRET = "canary-9d31"
# Another value than the default for each field of the form.
EVERY: dict[str, Any] = {
    "max_pages": 7,
    "max_depth": 2,
    "max_bytes": 5_000,
    "include": ["^https://example.org/events"],
    "exclude": ["/archive/", "/tag/"],
    "sitemap": "only",
    "feeds": False,
    "render_javascript": "auto",
    "render_max_pages": 5,
    "delay_seconds": 3,
    "timezone": "Europe/Paris",
    "language": "fr",
    "country_code": "FR",
    "region": {"min_latitude": 45.0, "min_longitude": 4, "max_latitude": 46.0, "max_longitude": 5},
    "selectors": [{"activity": "li", "fields": {"name": "h3", "startDate": {"select": "i", "transform": ["date"]}}}],
    "llm_extraction": "gaps",
    "llm_tokens_per_run": 9_000,
    "llm_usd_per_run": 0.1,
    "tag_runs": 3,
    "taggers": ["local", "openai:gpt-4.1-mini"],
    "tag_tokens_per_month": 9_000,
    "tag_usd_per_month": 0.5,
    "refine_tags": True,
    "embed_text": "refined",
    "auto_import": True,
    "keep_days": 30,
    "require_review_above": 0.5,
}


@pytest.fixture
def instance() -> Generator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def catalog(database: Database, tmp_path: Path) -> Catalog:
    return catalog_on(database, tmp_path)


class Form:
    """The filled-in form, launched."""

    def __init__(self, catalog: Catalog, instance: dg.DagsterInstance) -> None:
        self.catalog, self.instance = catalog, instance

    def __call__(self, url: str = URL, **fields: Any) -> dg.ExecuteInProcessResult:
        config = {"url": url, **fields}
        return add_source.execute_in_process(
            run_config={"ops": {"register_source": {"config": config}}, **QUIET},
            resources={"catalog": self.catalog},
            instance=self.instance,
            raise_on_error=False,
        )

    def source(self, url: str = URL) -> Source:
        found = self.catalog.sources.get(source_key(url))
        assert found is not None
        return found


@pytest.fixture
def form(catalog: Catalog, instance: dg.DagsterInstance) -> Form:
    return Form(catalog, instance)


def told(instance: dg.DagsterInstance, result: dg.ExecuteInProcessResult) -> str:
    """Return everything that the run's log says."""
    return "\n".join(entry.to_json() for entry in instance.all_logs(result.run_id))


def failure(result: dg.ExecuteInProcessResult) -> str:
    """Return the sentence of the step that failed."""
    (data,) = [event.step_failure_data for event in result.all_events if event.is_step_failure]
    assert data.user_failure_data is not None
    return data.user_failure_data.description or ""


def test_the_job_of_the_code_location_registers_a_source_and_its_partition(
    catalog: Catalog, instance: dg.DagsterInstance
) -> None:
    job = build_definitions({"catalog": catalog}).resolve_job_def("add_source")

    result = job.execute_in_process(
        run_config={"ops": {"register_source": {"config": {"url": f"{URL}/?utm_source=x#top"}}}, **QUIET},
        instance=instance,
    )

    assert catalog.sources.list() == [make_source(URL)]
    assert list(instance.get_dynamic_partitions(SOURCES)) == [KEY]
    (output,) = [event for event in result.all_events if event.is_successful_output]
    shown = output.step_output_data.metadata
    assert (shown["source_key"].value, shown["source_url"].value) == (KEY, URL)
    assert f"{URL} is registered as {KEY}; materialize raw_activities" in told(instance, result)


def test_the_form_offers_every_field_and_what_is_filled_in_is_registered(form: Form) -> None:
    assert EVERY.keys() == SourceConfig.model_fields.keys()
    assert EVERY["region"].keys() == Region.model_fields.keys()

    result = form(config=EVERY)

    assert result.success
    assert form.source().config == SourceConfig.model_validate(EVERY)
    defaults = SourceConfig().model_dump()
    assert not [name for name, value in form.source().config.model_dump().items() if value == defaults[name]]


def test_a_second_launch_changes_the_one_field_that_it_names_and_nothing_else(form: Form) -> None:
    form.catalog.sources.add_location(Location(id="lyon", name="Lyon", country_code="FR"))
    form(config=EVERY, location_id="lyon")

    form(config={"auto_import": False})

    assert form.source().config == SourceConfig.model_validate(EVERY | {"auto_import": False})
    assert form.source().location_id == "lyon"
    assert list(form.instance.get_dynamic_partitions(SOURCES)) == [KEY]


def test_the_form_as_it_is_shown_at_first_registers_nothing(form: Form) -> None:
    result = form(**TEMPLATE["ops"]["register_source"]["config"])

    assert not result.success
    assert form.catalog.sources.list() == []


def test_what_may_be_unsaid_can_be_unsaid_again(form: Form) -> None:
    form(config=EVERY)

    form(config={"timezone": None, "region": None, "keep_days": None})

    config = form.source().config
    assert (config.timezone, config.region, config.keep_days) == (None, None, None)
    assert config.country_code == EVERY["country_code"]


def test_a_launch_that_names_only_the_url_changes_nothing(form: Form) -> None:
    form(config=EVERY)
    before = form.source()

    form()

    assert form.source() == before


def test_a_source_moves_to_the_location_that_is_named(form: Form) -> None:
    for name in ("lyon", "bonn"):
        form.catalog.sources.add_location(Location(id=name, name=name.capitalize(), country_code="FR"))
    form(location_id="lyon")

    form(location_id="bonn")

    assert form.source().location_id == "bonn"


def test_a_removed_source_comes_back(form: Form) -> None:
    form()
    form.catalog.sources.remove(KEY)

    result = form()

    assert result.success
    assert [one.key for one in form.catalog.sources.list()] == [KEY]


@pytest.mark.parametrize(
    ("config", "place"),
    [
        ({"url": URL, "config": {"max_page": 7}}, 'Received unexpected config entry "max_page"'),
        ({"url": URL, "config": {"region": {"north": 45.0}}}, 'Received unexpected config entry "north"'),
        ({"url": URL, "auto_import": True}, 'Received unexpected config entry "auto_import"'),
        ({"url": URL, "config": {"max_pages": "many"}}, "max_pages"),
        ({"url": URL, "config": {"include": "/events/"}}, "include"),
        ({"config": {}}, 'Missing required config entry "url"'),
    ],
)
def test_a_field_that_there_is_not_is_refused_before_anything_runs(
    form: Form, config: dict[str, Any], place: str
) -> None:
    with pytest.raises(dg.DagsterInvalidConfigError) as raised:
        add_source.execute_in_process(
            run_config={"ops": {"register_source": {"config": config}}}, resources={"catalog": form.catalog}
        )

    assert place in str(raised.value)
    assert form.catalog.sources.list() == []


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"timezone": "Mars"}, "timezone: is not an IANA time zone such as Europe/Berlin."),
        ({"sitemap": "maybe"}, "sitemap: Input should be 'auto', 'only' or 'off'."),
        ({"include": ["/events/", "("]}, "include.1: is not a regular expression (missing ), unterminated subpattern at position 0)."),
        ({"max_pages": 0}, "max_pages: Input should be greater than or equal to 1."),
        ({"country_code": "fr"}, "country_code: String should match pattern '^[A-Z]{2}$'."),
        ({"region": {"min_latitude": 45.0}}, "region.min_longitude: Field required; region.max_latitude: Field required; region.max_longitude: Field required."),
        ({"region": {"min_latitude": 46.0, "min_longitude": 4.0, "max_latitude": 45.0, "max_longitude": 5.0}}, "region: min_latitude is above max_latitude."),
        ({"timezone": "Mars", "delay_seconds": 61.0}, "delay_seconds: Input should be less than or equal to 60; timezone: is not an IANA"),
    ],
)  # fmt: skip
def test_a_wrong_value_fails_the_step_with_the_field_and_what_is_wrong_and_changes_nothing(
    form: Form, config: dict[str, Any], sentence: str
) -> None:
    form(config={"max_pages": 9})
    before = form.source()

    result = form(config=config)

    assert not result.success
    assert failure(result).startswith(f"The configuration of {URL} is wrong: {sentence}")
    assert form.source() == before


@pytest.mark.parametrize(
    ("url", "fields", "sentence"),
    [
        ("example.org", {}, "'example.org' is not an absolute http or https URL; give one like https://example.org/events."),
        ("https://", {}, "'https://' is not an absolute http or https URL"),
        (URL, {"location_id": "atlantis"}, "names the location atlantis, which is not in the catalog; add it with `tripper locations add`."),
    ],
)  # fmt: skip
def test_a_wrong_url_and_an_unknown_location_fail_the_step_with_a_sentence(
    form: Form, url: str, fields: dict[str, Any], sentence: str
) -> None:
    result = form(url, **fields)

    assert not result.success
    assert sentence in failure(result)
    assert form.catalog.sources.list() == []
    assert list(form.instance.get_dynamic_partitions(SOURCES)) == []


@pytest.mark.usefixtures("no_waiting")
def test_a_catalog_that_does_not_answer_is_asked_again_and_then_told(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    form = Form(catalog_on(Database(NOBODY), tmp_path), instance)

    result = form()

    assert "does not answer" in failure(result)
    assert [event.is_step_up_for_retry for event in result.all_events].count(True) == MAX_RETRIES
    assert list(instance.get_dynamic_partitions(SOURCES)) == []


@pytest.mark.parametrize(
    ("url", "config", "succeeds"),
    [
        (f"https://me:{SECRET}@example.org/events", {}, True),
        (f"https://me:{SECRET}@example.org/events", {"timezone": "Mars"}, False),
        (f"https://me:{SECRET}@example.org:port/events", {}, False),
        (f"ftp://me:{SECRET}@example.org/events", {}, False),
    ],
)
def test_a_password_in_a_url_is_in_no_source_metadata_log_or_error(
    form: Form, url: str, config: dict[str, Any], *, succeeds: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    result = form(url, config=config)

    written = capfd.readouterr()
    assert result.success is succeeds
    assert SECRET not in told(form.instance, result)
    assert SECRET not in written.out + written.err
    assert [source.url for source in form.catalog.sources.list()] == [URL] * succeeds


def test_the_form_says_what_each_field_is_and_its_default() -> None:
    form = register_source.config_schema.config_type
    assert isinstance(form, dg.Shape)
    config = form.fields["config"].config_type
    assert isinstance(config, dg.Shape)
    fields = config.fields

    described = {name: field.description or "" for name, field in fields.items()}

    assert [name for name, field in fields.items() if field.is_required] == []
    assert described["max_pages"] == "Default: 150."
    assert described["max_bytes"] == "The cap on one page's decompressed body. Default: 10000000."
    assert [name for name, text in described.items() if "Default: " not in text] == []
