"""The dashboard: workflows as they go on, sources and how fresh they are, what it cost, and the buttons that start, retry and cancel."""

from typing import Annotated, Any, get_args

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, StringConstraints
from starlette.concurrency import run_in_threadpool

from tripper_assets.api import actions
from tripper_assets.api import dashboard_view as view
from tripper_assets.api.context import ApiContext, Context
from tripper_assets.api.first_look import FirstLook, look_at
from tripper_assets.api.problems import InputRefusedError
from tripper_assets.api.rendering import Notices, render
from tripper_assets.api.reviewing import workflow_named
from tripper_assets.api.security import PageSignedIn, Person
from tripper_assets.api.tagging import start_tagging
from tripper_assets.catalog.dashboard_reading import batches_of, count_catalog, spending_by_day, spending_of
from tripper_assets.catalog.source_reading import read_sources
from tripper_assets.catalog.tag_progress import tag_progress
from tripper_assets.catalog.workflow_reading import (
    WorkflowFilter,
    WorkflowView,
    read_workflows,
    workflow_counts,
    workflow_views,
)
from tripper_assets.domain.errors import ConfigurationError, TripperError
from tripper_assets.domain.sources import Source, make_source, parse_config
from tripper_assets.domain.taggers import LOCAL, parse_taggers
from tripper_assets.domain.workflows import WorkflowStatus
from tripper_assets.downloads import newest_files
from tripper_assets.voters import taggers_off

router = APIRouter(include_in_schema=False)
SEE_OTHER, UNPROCESSABLE = 303, 422
SHOWN, SOURCES, MOST_ACTIVE, DAYS = 20, 50, 30, 14
SAID = {
    "started": "The workflow is queued; it begins within seconds.",
    "retried": "The workflow goes on where it stopped.",
    "canceled": "The workflow ends as soon as its run notices.",
    "tagging": "The voters are asked; Tags shows how far they are.",
    "added": "The source is added; Run starts its first workflow.",
}


class Listing(BaseModel):
    """What the dashboard shows."""

    status: str = ""
    after: str = ""
    source: str = ""
    sources_after: str = ""
    said: str = ""


class NewSource(BaseModel):
    """A site that somebody wants to add."""

    model_config = ConfigDict(str_strip_whitespace=True)
    url: Annotated[str, StringConstraints(max_length=2_048)]
    max_pages: str = ""
    auto_import: bool = False
    timezone: str = ""
    country_code: str = ""
    delay_seconds: str = ""
    location: str = ""
    run: bool = False

    @property
    def config(self) -> dict[str, Any]:
        """What the form says of the source's configuration; what is empty stays as it is by default."""
        stated = {name: getattr(self, name) for name in ("max_pages", "timezone", "country_code", "delay_seconds")}
        return {"auto_import": self.auto_import, **{name: value for name, value in stated.items() if value}}


class Tagging(BaseModel):
    """Which sources somebody wants to have tagged."""

    sources: list[str] = []
    runs: str = ""
    """How often each remote voter is asked; empty for the source's own."""
    tagger: str = ""

    @property
    def taggers(self) -> list[str]:
        """Who is asked; empty for all."""
        return [self.tagger] if self.tagger else []


@router.get("/")
def dashboard(
    request: Request, context: Context, person: PageSignedIn, listing: Annotated[Listing, Query()]
) -> Response:
    """Show it all."""
    notices: Notices = [("good", SAID[listing.said])] if listing.said in SAID else ()
    return _page(request, context, person, listing, notices=notices)


def _page(
    request: Request, context: ApiContext, person: Person, listing: Listing, *, status: int = 200, **more: Any,  # noqa: ANN401 (what the template names)
) -> Response:  # fmt: skip
    values: dict[str, Any] = {
        "look": None,
        "trouble": "",
        "new": NewSource(url=""),
        "wrong": "",
        **_live(context, listing),
        **_costs(context),
        **_voters(context, listing),
        **more,
    }
    locations = context.catalog.sources.locations()
    return render(
        request, "dashboard/page.html", person, status=status, page="dashboard", locations=locations, **values
    )


@router.get("/dashboard/live")
def live(request: Request, context: Context, person: PageSignedIn, listing: Annotated[Listing, Query()]) -> Response:
    """Return the part of the dashboard that changes."""
    return render(request, "dashboard/live.html", person, **_live(context, listing))


@router.get("/dashboard/health")
def health(request: Request, context: Context, person: PageSignedIn) -> Response:
    """Return what is wrong with what runs the graph; nothing where all is well."""
    try:
        found = context.orchestrator.health()
    except TripperError as error:
        return render(request, "dashboard/health.html", person, trouble=str(error))
    trouble = "" if found.is_loaded else "Dagster has not loaded the graph; its Deployment page says why."
    if found.is_loaded and not found.beats:
        trouble = (
            "Dagster's daemon gives no sign of life: runs are queued and do not begin; start it with `tripper up`."
        )
    return render(request, "dashboard/health.html", person, trouble=trouble)


def _live(context: ApiContext, listing: Listing) -> dict[str, Any]:
    database, now = context.database, context.clock()
    wanted = _statuses(listing.status)
    source_key = listing.source or None
    listed = read_workflows(
        database, WorkflowFilter(status=wanted, source_key=source_key), after=listing.after, limit=SHOWN
    )
    active = read_workflows(database, WorkflowFilter(status=view.ACTIVE), limit=MOST_ACTIVE).workflows
    sources = read_sources(database, after=listing.sources_after, limit=SOURCES)
    counts = workflow_counts(database)
    cards = _cards(context, {one.id: one for one in (*active, *listed.workflows)})
    return {
        "now": now,
        "listing": listing,
        "counts": counts,
        "cards": view.CARDS,
        "activities": count_catalog(database),
        "headline": view.headline(counts),
        "active": [cards[one.id] for one in active],
        "listed": [cards[one.id] for one in listed.workflows],
        "next": listed.next,
        "sources": [view.source_card(one, now) for one in sources.sources],
        "sources_next": sources.next,
        "tagging": tag_progress(database, [one.key for one in sources.sources]),
    }


def _statuses(status: str) -> tuple[WorkflowStatus, ...]:
    return tuple(one for one in get_args(WorkflowStatus) if one == status)


def _cards(context: ApiContext, views: dict[str, WorkflowView]) -> dict[str, view.WorkflowCard]:
    ids = list(views)
    spending, batches = spending_of(context.database, ids), batches_of(context.database, ids)
    shown: dict[str, Any] = {"now": context.clock(), "dagster_url": context.settings.dagster_url}
    return {name: view.card_of(one, spending=spending, batches=batches, **shown) for name, one in views.items()}


def _voters(context: ApiContext, listing: Listing) -> dict[str, Any]:
    shown = read_sources(context.database, after=listing.sources_after, limit=SOURCES).sources
    return {
        "tag_sources": shown,
        "taggers": [str(one) for one in parse_taggers(context.settings.taggers) if one.provider != LOCAL],
        "taggers_off": list(taggers_off(context.settings).values()),
    }


def _costs(context: ApiContext) -> dict[str, Any]:
    now = context.clock()
    spending = spending_by_day(context.database, now=now, days=DAYS)
    return {
        "spending": spending,
        "bars": view.bars(spending, today=now.date(), days=DAYS),
        "days": DAYS,
        "spent": sum(one.usd for one in spending),
        "tokens": sum(one.tokens for one in spending),
    }


@router.get("/workflows/{workflow}")
def workflow_page(
    request: Request, workflow: str, context: Context, person: PageSignedIn, said: Annotated[str, Query()] = ""
) -> Response:
    """Show one workflow: what each stage did, what went wrong, what it stored and what it cost."""
    found = workflow_named(context, workflow)
    views = {one.id: one for one in workflow_views(context.database, [found.id])}
    card = _cards(context, views)[found.id]
    notices: Notices = [("good", SAID[said])] if said in SAID else ()
    template = (
        "dashboard/workflow_part.html" if request.headers.get("hx-request") == "true" else "dashboard/workflow.html"
    )
    return render(
        request,
        template,
        person,
        notices=notices,
        card=card,
        workflow=found,
        view=views[found.id],
        files=sorted(newest_files(found).values(), key=lambda one: one.created_at),
        now=context.clock(),
    )


@router.post("/sources/look")
async def look_first(
    request: Request, context: Context, person: PageSignedIn, form: Annotated[NewSource, Form()]
) -> Response:
    """Show what a site's first page yields, before it is added."""
    source, wrong = _wanted(form)
    look, trouble = await _first_look(context, source) if source else (None, "")
    status = UNPROCESSABLE if wrong else 200
    if request.headers.get("hx-request") == "true":
        locations = context.catalog.sources.locations()
        return render(
            request,
            "dashboard/add.html",
            person,
            status=status,
            look=look,
            trouble=trouble,
            new=form,
            wrong=wrong,
            locations=locations,
        )
    return _page(request, context, person, Listing(), status=status, look=look, trouble=trouble, new=form, wrong=wrong)


async def _first_look(context: ApiContext, source: Source) -> tuple[FirstLook | None, str]:
    """Return what a source's own page states, or why nothing could be read."""
    known = await run_in_threadpool(context.catalog.sources.get, source.key)
    try:
        return await look_at(context, source, is_registered=known is not None), ""
    except TripperError as error:
        return None, str(error)


def _wanted(form: NewSource) -> tuple[Source | None, str]:
    """Return the source that a form describes, or what is wrong with it."""
    url = form.url if "://" in form.url or not form.url else f"https://{form.url}"
    try:
        return make_source(url, parse_config(form.config, subject="the new source")), ""
    except ConfigurationError as error:
        return None, str(error)


@router.post("/sources")
def add_source(
    request: Request, context: Context, person: PageSignedIn, form: Annotated[NewSource, Form()]
) -> Response:
    """Add a source, and start its first workflow where that is wanted."""
    source, wrong = _wanted(form)
    if source is None:
        return _page(request, context, person, Listing(), status=UNPROCESSABLE, new=form, wrong=wrong)
    location = form.location or None
    if form.run:
        actions.start_workflow(context, source.url, form.config, location_id=location, trigger="dashboard")
        return RedirectResponse("/?said=started", SEE_OTHER)
    actions.check_location(context, location)
    context.catalog.sources.add(source.model_copy(update={"location_id": location}))
    return RedirectResponse("/?said=added", SEE_OTHER)


@router.post("/sources/{key}/run")
def run_source(key: str, context: Context, _person: PageSignedIn) -> Response:
    """Start a workflow of a source."""
    actions.start_workflow(context, key, {}, trigger="dashboard")
    return RedirectResponse("/?said=started", SEE_OTHER)


@router.post("/taggings")
def tag(context: Context, _person: PageSignedIn, form: Annotated[Tagging, Form()]) -> Response:
    """Have the voters of the chosen sources asked for what is missing."""
    if not form.sources:
        raise InputRefusedError("No source is chosen; tick those whose activities are to be tagged.")
    start_tagging(context, form.sources, runs=form.runs or None, taggers=form.taggers)
    return RedirectResponse("/?said=tagging", SEE_OTHER)


@router.post("/workflows/{workflow}/retry")
def retry(workflow: str, context: Context, _person: PageSignedIn) -> Response:
    """Let a failed or canceled workflow go on."""
    found = actions.retry_workflow(context, workflow_named(context, workflow))
    return RedirectResponse(f"/workflows/{found.id}?said=retried", SEE_OTHER)


@router.post("/workflows/{workflow}/cancel")
def cancel(workflow: str, context: Context, _person: PageSignedIn) -> Response:
    """End a workflow."""
    found = actions.cancel_workflow(context, workflow_named(context, workflow))
    return RedirectResponse(f"/workflows/{found.id}?said=canceled", SEE_OTHER)
