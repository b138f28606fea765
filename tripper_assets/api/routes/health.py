"""Is it alive, is it ready, and what do its numbers say: for probes and for Prometheus."""

import asyncio
import time
from collections.abc import Callable
from typing import Literal

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from tripper_assets.api.context import ApiContext, Context
from tripper_assets.api.metrics import exposition
from tripper_assets.api.problems import ProblemError
from tripper_assets.api.replies import problems
from tripper_assets.api.security import SignedIn, person_of
from tripper_assets.domain.errors import ConfigurationError, TripperError
from tripper_assets.domain.model import Model
from tripper_assets.resources import extractor, geocoder_choice, openai_model
from tripper_assets.settings import Settings
from tripper_assets.voters import taggers_off

router = APIRouter(tags=["health"])
State = Literal["ok", "degraded", "down"]
CHECK_SECONDS = 5.0
KEPT_SECONDS = 2.0
"""A probe without the token asks nobody more often than that."""


class Alive(Model):
    """It answers."""

    status: Literal["ok"] = "ok"


class PartState(Model):
    """How one part is."""

    state: State
    reason: str | None = None
    """What is wrong and how to mend it; null without the token, and where nothing is."""


class Ready(Model):
    """How all of it is: down where nothing can be answered, degraded where something cannot be done."""

    status: State
    parts: dict[str, PartState]


@router.get("/healthz", summary="Is the API alive")
def healthz() -> Alive:
    """Say that the process answers; nothing else is looked at."""
    return Alive()


@router.get(
    "/readyz",
    summary="Are the database, the store, Dagster and the providers well",
    responses={503: {"model": Ready, "description": "The database is down."}},
)
async def readyz(request: Request, response: Response, context: Context) -> Ready:
    """Say how each part is; the reasons need the token."""
    found = await _looked(request, context)
    if found.status == "down":
        response.status_code = 503
    return found if _knows(request, context) else _without_reasons(found)


def _knows(request: Request, context: ApiContext) -> bool:
    try:
        return person_of(request, context) is not None
    except ProblemError:
        return False  # a probe with an old token learns the states all the same


def _without_reasons(found: Ready) -> Ready:
    return Ready(status=found.status, parts={name: PartState(state=one.state) for name, one in found.parts.items()})


async def _looked(request: Request, context: ApiContext) -> Ready:
    held: tuple[float, Ready] | None = getattr(request.app.state, "readiness", None)
    if held is not None and time.monotonic() - held[0] < KEPT_SECONDS:
        return held[1]
    found = await _look(context)
    request.app.state.readiness = (time.monotonic(), found)
    return found


async def _look(context: ApiContext) -> Ready:
    checks: dict[str, Callable[[], PartState]] = {
        "database": lambda: _tried(context.database.check, "down"),
        "store": lambda: _tried(lambda: context.store.exists("probe"), "degraded"),
        "dagster": lambda: _dagster(context),
        "providers": lambda: _providers(context.settings),
    }
    states = await asyncio.gather(*(_within_time(name, check) for name, check in checks.items()))
    parts = dict(zip(checks, states, strict=True))
    # Without the database nothing is answered; without another part something is.
    status: State = (
        "down"
        if parts["database"].state == "down"
        else "ok"
        if all(one.state == "ok" for one in parts.values())
        else "degraded"
    )
    return Ready(status=status, parts=parts)


async def _within_time(name: str, check: Callable[[], PartState]) -> PartState:
    try:
        return await asyncio.wait_for(run_in_threadpool(check), CHECK_SECONDS)
    except TimeoutError:
        return PartState(state="down", reason=f"The {name} did not answer within {CHECK_SECONDS:g} s; look at it.")


def _tried(check: Callable[[], object], otherwise: State) -> PartState:
    try:
        check()
    except TripperError as error:
        return PartState(state=otherwise, reason=str(error))
    return PartState(state="ok")


def _dagster(context: ApiContext) -> PartState:
    try:
        health = context.orchestrator.health()
    except TripperError as error:
        return PartState(state="down", reason=str(error))
    if not health.is_loaded:
        return PartState(state="down", reason="The graph is not loaded; look at Dagster's Deployment page.")
    if not health.beats:
        return PartState(state="degraded", reason="The daemon gives no sign of life, so that runs wait; start it.")
    return PartState(state="ok")


def _providers(settings: Settings) -> PartState:
    """Return whether each provider that the settings name has what it needs; none is asked, for a probe must cost nothing."""
    wrong: list[str] = []
    checks: list[Callable[[Settings], object]] = [geocoder_choice]
    checks += [openai_model] if settings.embedder == "openai" else []
    checks += [extractor] if settings.llm else []
    for check in checks:
        try:
            check(settings)
        except ConfigurationError as error:
            wrong.append(str(error))
    wrong += taggers_off(settings).values()
    return PartState(state="degraded", reason=" ".join(wrong)) if wrong else PartState(state="ok")


@router.get("/metrics", summary="Numbers for Prometheus", response_class=Response, responses=problems())
def metrics(request: Request, context: Context, _person: SignedIn) -> Response:
    """Return what Prometheus collects: requests, workflows, error rates by source and stage, activities, and what was paid."""
    content, media_type = exposition(request.app.state.metrics, context)
    return Response(content, media_type=media_type)
