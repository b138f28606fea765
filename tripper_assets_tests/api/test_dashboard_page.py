import re
from dataclasses import replace
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from tripper_assets.api.app import create_app
from tripper_assets.api.dashboard_view import bars, freshness_of
from tripper_assets.catalog.dashboard_reading import DaySpending
from tripper_assets.demo.server import serve
from tripper_assets.domain.sources import make_source
from tripper_assets.domain.workflows import WorkflowError
from tripper_assets_tests.api.conftest import AT, TOKEN, World

HTML, PART = {"Accept": "text/html"}, {"HX-Request": "true"}


def test_states_are_counted_and_lead_to_their_workflows(world: World) -> None:
    failed, running = world.workflow("failed"), world.workflow("running")

    page = world.client.get("/").text
    only = world.client.get("/?status=failed").text

    assert [int(one) for one in re.findall(r'class="figure-value">(\d+)<', page)] == [1, 0, 0, 0, 1, 0, 0]
    assert f'id="w-{failed}"' in only
    assert f'id="w-{running}"' not in only


def test_a_running_stage_shows_its_share_and_its_workflow_can_be_canceled(world: World) -> None:
    workflow = world.workflow("running")
    world.context.catalog.workflows.stage_started(workflow, "raw_activities", AT, run_id="run-7")
    world.context.catalog.workflows.stage_progress(workflow, "raw_activities", {"pages": 3}, 0.4)

    part = world.client.get("/dashboard/live").text

    assert '<progress class="running" max="1" value="0.4" aria-label="Crawl">' in part
    assert f'action="/workflows/{workflow}/cancel"' in part
    assert "<html" not in part


def test_a_failure_says_why_and_what_to_do_and_can_be_retried(world: World) -> None:
    workflow = world.workflow("running")
    sentence = "Geocoding failed with status 503; try again with `tripper retry`."
    catalog = world.context.catalog.workflows
    catalog.add_error(workflow, WorkflowError(stage="geocoded_map", kind="TransientError", message=sentence, at=AT))
    catalog.set_status(workflow, "failed", sentence, at=AT)

    page = world.client.get("/").text

    assert "Geocoding failed with status 503; try again with <code>tripper retry</code>." in page
    assert f'action="/workflows/{workflow}/retry"' in page


def test_a_workflows_own_page_tells_its_stages_problems_and_run(world: World) -> None:
    workflow = world.workflow("running")
    catalog = world.context.catalog.workflows
    catalog.stage_started(workflow, "raw_activities", AT, run_id="run-7")
    catalog.stage_ended(
        workflow,
        "raw_activities",
        "completed",
        AT + timedelta(seconds=90),
        {"rows": 12, "problems_by_code": {"http_404": 2}},
    )

    page = world.client.get(f"/workflows/{workflow}").text

    assert "2 http 404" in page
    assert "1 min 30 s" in page
    assert 'href="http://127.0.0.1:3000/runs/run-7"' in page


def test_run_queues_a_workflow_of_the_source(world: World) -> None:
    source = world.source()

    done = world.client.post(f"/sources/{source.key}/run")

    assert done.headers["location"] == "/?said=started"
    assert [(one.job, one.source_key) for one in world.orchestrator.launched] == [("scrape_source", source.key)]


def test_canceling_ends_the_run(world: World) -> None:
    source = world.source()
    world.client.post(f"/sources/{source.key}/run")
    workflow = world.orchestrator.launched[0].workflow_id

    done = world.client.post(f"/workflows/{workflow}/cancel")

    assert done.status_code == 303
    assert world.status(workflow) == "canceled"


def test_while_dagster_is_down_nothing_begins_and_the_page_says_what_to_start(world: World) -> None:
    source = world.source()
    world.orchestrator.is_up = False

    done = world.client.post(f"/sources/{source.key}/run", headers=HTML)
    health = world.client.get("/dashboard/health").text

    assert done.status_code == 503
    assert "start it with <code>tripper up</code>" in done.text
    assert "Dagster does not answer" in health
    assert world.client.get("/v1/workflows").json()["workflows"] == []


def test_a_look_shows_what_a_first_page_yields_and_keeps_nothing(world: World) -> None:
    with serve(0, today=AT.date()) as site:
        settings = world.context.settings.model_copy(update={"demo_port": site.server_port})
        token = {"Authorization": f"Bearer {TOKEN}"}
        with TestClient(create_app(replace(world.context, settings=settings)), headers=token) as client:
            form = {"url": f"http://127.0.0.1:{site.server_port}/sites/theatre-leeds/", "delay_seconds": "0"}
            part = client.post("/sources/look", data=form, headers=PART).text

    assert re.search(r"<b>[1-9]\d* activit", part)
    assert re.search(r"\d+ links? to follow", part)
    assert world.context.catalog.sources.list() == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://169.254.169.254/latest/", "http://[::1]/"])
def test_a_look_reaches_no_private_address(world: World, url: str) -> None:
    part = world.client.post("/sources/look", data={"url": url}, headers=PART)

    assert part.status_code == 200
    assert "notice warn" in part.text
    assert "activities</b>" not in part.text


@pytest.mark.parametrize(
    ("form", "said"),
    [({"url": "javascript:alert(1)"}, "URL"), ({"url": "https://zoo.example/", "max_pages": "0"}, "max_pages")],
)
def test_what_cannot_be_a_source_is_refused_with_a_sentence(world: World, form: dict[str, str], said: str) -> None:
    page = world.client.post("/sources", data=form | {"run": "true"})

    assert page.status_code == 422
    assert said in page.text
    assert (world.context.catalog.sources.list(), world.orchestrator.launched) == ([], [])


def test_a_source_is_added_with_what_the_form_says_and_run(world: World) -> None:
    form = {
        "url": "zoo.example/events/",
        "max_pages": "7",
        "delay_seconds": "0.5",
        "auto_import": "true",
        "run": "true",
    }

    world.client.post("/sources", data=form)

    (source,) = world.context.catalog.sources.list()
    assert (source.url, source.config.max_pages, source.config.delay_seconds, source.config.auto_import) == (
        "https://zoo.example/events",
        7,
        0.5,
        True,
    )
    assert [one.source_key for one in world.orchestrator.launched] == [source.key]


def test_a_source_is_only_added_where_that_is_wanted(world: World) -> None:
    world.client.post("/sources", data={"url": "https://zoo.example/", "run": "false"})

    assert [one.key for one in world.context.catalog.sources.list()] == [make_source("https://zoo.example/").key]
    assert world.orchestrator.launched == []


def test_costs_stand_by_day_and_provider(world: World) -> None:
    call = """INSERT INTO tripper.llm_usage (purpose, provider, model, prompt_sha256, content_sha256, status, total_tokens, usd, at)
        VALUES ('embeddings', :provider, 'm', '', '', 'paid', 1500, 0.25, :at)"""
    with world.database.session() as session:
        for provider, days in (("openai", 0), ("openai", 1), ("groq", 0), ("openai", 40)):
            session.execute(text(call), {"provider": provider, "at": AT - timedelta(days=days)})

    page = world.client.get("/").text

    assert "$0.75" in page
    assert "4,500 tokens" in page
    assert len(re.findall(r"<td>(?:openai|groq)<br>", page)) == 3
    assert page.count("m, 1 request for embeddings") == 3


def test_a_source_is_fresh_for_two_days_and_stale_after_a_week() -> None:
    ages = (timedelta(days=2), timedelta(days=2, seconds=1), timedelta(days=8))

    assert [freshness_of(AT - age, AT) for age in ages] == ["fresh", "ageing", "stale"]
    assert freshness_of(None, AT) == "never"


def test_the_day_that_cost_most_has_the_highest_bar() -> None:
    days = [
        DaySpending(day=AT.date() - timedelta(days=ago), provider="p", model="m", requests=1, tokens=1, usd=usd)
        for ago, usd in ((0, 1.0), (2, 4.0))
    ]

    found = bars(days, today=AT.date(), days=3)

    assert [one.height for one in found] == [56, 1.0, 14]
