"""Changes of workflows and stages as they happen, as server-sent events."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from sse_starlette import EventSourceResponse, ServerSentEvent

from tripper_assets.api.live import Live, StageChange, Watcher, WorkflowChange
from tripper_assets.api.replies import problems
from tripper_assets.api.routes.workflows import WorkflowId
from tripper_assets.api.security import SignedIn

router = APIRouter(prefix="/v1/events", tags=["events"])
PING_SECONDS = 15
AGAIN_MILLISECONDS = 2_000
SCHEMAS = {"workflow": WorkflowChange, "stage": StageChange}
"""What `data` holds, by the name of the event."""
TOLD = (
    "Each event is a `workflow` or a `stage` with what it is now as JSON, within two seconds of the step that changed it. `id` is a number that "
    "a client sends back as Last-Event-ID (or `since`) when it comes back, and then gets all that changed meanwhile; an event may come twice."
)


@router.get(
    "",
    summary="Watch workflows",
    description=TOLD,
    response_class=Response,
    responses={**problems(), 200: {"description": "A stream of events.", "content": {"text/event-stream": {}}}},
)
async def events(
    request: Request,
    _person: SignedIn,
    *,
    workflow: Annotated[WorkflowId | None, Query(description="Only this one.")] = None,
    since: Annotated[int | None, Query(ge=0, le=2**62, description="As Last-Event-ID.")] = None,
    last_event_id: Annotated[str | None, Header(max_length=30)] = None,
) -> EventSourceResponse:
    """Send each change as it is committed."""
    live: Live = request.app.state.live
    number = int(last_event_id) if last_event_id and last_event_id.isdecimal() else since
    stack = AsyncExitStack()
    # Before the answer begins: that the catalog is down is a problem, and not a stream that ends.
    watcher = await stack.enter_async_context(live.watching(since=number, workflow_id=workflow))
    return EventSourceResponse(_told(watcher, stack), ping=PING_SECONDS, headers={"Cache-Control": "no-store"})


async def _told(watcher: Watcher, stack: AsyncExitStack) -> AsyncGenerator[ServerSentEvent]:
    async with stack:
        yield ServerSentEvent(comment="watching", retry=AGAIN_MILLISECONDS)
        async for number, told in watcher.changes():
            yield ServerSentEvent(told.model_dump_json(), event=told.kind, id=str(number))
