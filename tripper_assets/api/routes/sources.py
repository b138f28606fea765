"""Sources and locations: the registry of what is crawled, and for whom."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from tripper_assets.api.actions import check_location, refusing_input, source_of
from tripper_assets.api.context import ApiContext, Context
from tripper_assets.api.first_look import FirstLook, look_at
from tripper_assets.api.problems import ProblemError
from tripper_assets.api.replies import problems
from tripper_assets.api.routes.workflows import CONFIG, Cursor, Limit, Url
from tripper_assets.api.security import SignedIn
from tripper_assets.catalog.source_reading import SourceFilter, SourcePage, SourceView, read_sources, source_view
from tripper_assets.clients.processes import ProcessIdentity
from tripper_assets.domain.claims import SourceHeldError
from tripper_assets.domain.errors import NotFoundError, TransientError
from tripper_assets.domain.model import Model
from tripper_assets.domain.sources import Location, Source, make_source, parse_config
from tripper_assets.registering import put_source

router = APIRouter(prefix="/v1", tags=["sources"])
Key = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9-]{0,60}-[0-9a-f]{8}$", examples=["example-org-events-1a2b3c4d"])]


class NewSource(Model):
    """A site, and what differs from the defaults of how it is crawled."""

    url: Url = Field(examples=["https://example.org/events"])
    config: dict[str, Any] = Field(default={}, description=CONFIG, examples=[{"max_pages": 50}])
    location_id: str | None = Field(default=None, max_length=63, description="The location that it serves.")


class Locations(Model):
    """Every location by id."""

    locations: list[Location]


@router.get("/sources", summary="List sources", responses=problems())
def list_sources(
    context: Context,
    _person: SignedIn,
    *,
    location: Annotated[str | None, Query(max_length=63)] = None,
    cursor: Cursor = "",
    limit: Limit = 50,
) -> SourcePage:
    """Return a page of sources by key, each with its last good result, its last workflow and who works on it."""
    return read_sources(context.database, SourceFilter(location_id=location), after=cursor, limit=limit)


@router.post(
    "/sources",
    status_code=201,
    summary="Register a source",
    responses={**problems(409, 413), 200: {"model": SourceView, "description": "It was registered; what was given is changed."}},
)  # fmt: skip
def add_source(wanted: NewSource, response: Response, context: Context, _person: SignedIn) -> SourceView:
    """Register a source, or change the fields of a registered one that are given; Dagster has its partition within a minute."""
    check_location(context, wanted.location_id)
    known = source_of(context, _url(wanted.url))
    with refusing_input():
        made = put_source(context.catalog, wanted.url, wanted.config, wanted.location_id)
    if known is not None:
        response.status_code = 200
    return _view(context, made.key)


def _url(text: str) -> str:
    with refusing_input():
        return make_source(text).url


def _view(context: ApiContext, key: str) -> SourceView:
    found = source_view(context.database, key)
    if found is None:
        raise NotFoundError(f"There is no source {key}; GET /v1/sources lists them.")
    return found


@router.post(
    "/sources/preview",
    summary="Look at what a site's first page yields",
    responses=problems(409, 413, 502),
)
async def preview(wanted: NewSource, context: Context, _person: SignedIn) -> FirstLook:
    """Fetch one page as a crawl would, and return what it states; nothing is registered or kept."""
    source = await run_in_threadpool(_unregistered, wanted)
    known = await run_in_threadpool(context.catalog.sources.get, source.key)
    try:
        return await look_at(context, source, is_registered=known is not None)
    except TransientError as error:
        raise ProblemError(502, str(error)) from error


def _unregistered(wanted: NewSource) -> Source:
    with refusing_input():
        config = parse_config(wanted.config, subject="the source")
        return make_source(wanted.url, config, location_id=wanted.location_id)


@router.get("/sources/{key}", summary="Look at a source", responses=problems(404))
def get_source(key: Key, context: Context, _person: SignedIn) -> SourceView:
    """Return one source."""
    return _view(context, key)


@router.delete("/sources/{key}", status_code=204, summary="Remove a source", responses=problems(404, 409))
def remove_source(key: Key, context: Context, _person: SignedIn) -> Response:
    """Take a source out of the registry: its activities are hidden, and come back when it is registered again."""
    holder = context.catalog.claims.get(key)
    if holder is not None:
        raise SourceHeldError(holder, elsewhere=ProcessIdentity.of(holder).is_elsewhere())
    if not context.catalog.sources.remove(key):
        raise NotFoundError(f"There is no source {key}; GET /v1/sources lists them.")
    return Response(status_code=204)


@router.get("/locations", summary="List locations", responses=problems())
def list_locations(context: Context, _person: SignedIn) -> Locations:
    """Return every location."""
    return Locations(locations=context.catalog.sources.locations())


@router.post("/locations", status_code=201, summary="Add a location", responses=problems(409, 413))
def add_location(wanted: Location, context: Context, _person: SignedIn) -> Location:
    """Add a location, or change what is said of it."""
    return context.catalog.sources.add_location(wanted)
