"""One tick of the sensor that tells people: off without a webhook, and no secret in what it says."""

from collections.abc import Iterator

import dagster as dg
import pytest

from tripper_assets.resources import Catalog, utc_now
from tripper_assets.sensors import notification_sensor
from tripper_assets_tests.clients.loopback import Answer, LoopbackSite, serve
from tripper_assets_tests.sensors.ticks import workflow


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackSite]:
    with serve() as pages:
        pages.answer("/canary-hook", Answer(200))
        monkeypatch.setenv("TRIPPER_WEBHOOK_URL", pages.url("/canary-hook"))
        monkeypatch.setenv("TRIPPER_WEBHOOK_SECRET", "canary-secret")
        yield pages


def tick(instance: dg.DagsterInstance) -> str:
    with dg.build_sensor_context(instance=instance) as context:
        said = notification_sensor(context)
        assert isinstance(said, dg.SkipReason)
        return said.skip_message or ""


def fail(catalog: Catalog, name: str) -> None:
    workflow(catalog, name)
    catalog.workflows.set_status(name, "failed", "raw_activities: It is down.", at=utc_now())


def test_nobody_is_told_without_a_webhook(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIPPER_DATABASE_URL", "postgresql://nobody@127.0.0.1:9/x")  # which is not asked

    assert tick(instance) == "Nobody is told of anything, for TRIPPER_WEBHOOK_URL is not set."


def test_a_failure_is_told_at_the_next_tick_and_once(
    catalog: Catalog, site: LoopbackSite, instance: dg.DagsterInstance
) -> None:
    first = tick(instance)
    fail(catalog, "w")

    second, third = tick(instance), tick(instance)

    assert (first, second, third) == ("There is nothing to tell.", "1 messages arrived.", "There is nothing to tell.")
    assert [asked.path for asked in site.requests] == ["/canary-hook"]
    assert b"review/w" in site.requests[0].body


def test_a_receiver_that_is_down_is_told_of_without_a_secret(
    catalog: Catalog, site: LoopbackSite, instance: dg.DagsterInstance, capfd: pytest.CaptureFixture[str]
) -> None:
    tick(instance)
    fail(catalog, "w")
    site.answer("/canary-hook", Answer(500, b"canary-body"))

    said = tick(instance)

    assert said == "1 did not arrive and are sent again, as the log says."
    logged = "".join(capfd.readouterr())
    assert "failed with status 500" in logged
    assert "canary" not in said + logged


def test_where_there_is_no_catalog_that_is_said(
    site: LoopbackSite, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRIPPER_DATABASE_URL", "none")

    assert tick(instance).startswith("Telling anybody needs the catalog")
    assert site.requests == []
