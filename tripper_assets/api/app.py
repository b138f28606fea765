"""The app: what it answers with, in which order requests are looked at, and which routes it has."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.staticfiles import StaticFiles

from tripper_assets.api import pages
from tripper_assets.api.context import ApiContext, open_context
from tripper_assets.api.headers import Limits, RequestLimits, SecurityHeaders, security_headers
from tripper_assets.api.live import Live
from tripper_assets.api.maps import tile_origins
from tripper_assets.api.metrics import CountedRequests, Metrics
from tripper_assets.api.problems import add_handlers, as_problem, response_of
from tripper_assets.api.replies import with_problem
from tripper_assets.api.routes import (
    activities,
    analytics,
    docs,
    events,
    exports,
    files,
    health,
    sources,
    taggings,
    workflows,
)

STATIC = Path(__file__).parent / "static"
# What is more particular comes first: /v1/activities/search is no id, and /v1/activities.csv is none of a list.
ROUTERS: tuple[APIRouter, ...] = (
    health.router,
    analytics.router,
    files.router,
    workflows.router,
    events.router,
    exports.router,
    activities.router,
    sources.router,
    taggings.router,
    docs.router,
)


def create_app(context: ApiContext | None = None, *, limits: Limits | None = None) -> FastAPI:
    """Return the app; without a context it opens, when it starts, what the environment names."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        async with AsyncExitStack() as stack:
            app.state.context = opened = context or stack.enter_context(open_context())
            app.state.image_origins = tile_origins(opened.settings.tile_url)
            app.state.live = Live(opened.database)
            stack.push_async_callback(app.state.live.close)
            yield

    app = FastAPI(
        title="tripper_assets",
        summary="Workflows, sources and activities: what was found, what it cost, and what to do next.",
        version="1",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    add_handlers(app)
    app.add_exception_handler(Exception, _mistake)
    for router in ROUTERS:
        app.include_router(router)
    for router in pages.routers:
        app.include_router(router, include_in_schema=False)
    described = app.openapi
    app.openapi = lambda: with_problem(described())
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.state.metrics = Metrics()
    app.add_middleware(RequestLimits, limits=limits)
    app.add_middleware(CountedRequests, metrics=app.state.metrics)
    app.add_middleware(SecurityHeaders)
    return app


async def _mistake(request: Request, error: Exception) -> Response:
    """Tell an error that nobody foresaw; this one is answered outside of the middleware, which adds the headers to all others."""
    response = response_of(request, as_problem(error))
    response.headers.update(security_headers())
    return response
