"""Activities of the catalog as CSV, GeoJSON, a calendar or JSON Lines, written while they are read."""

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import ExitStack
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from tripper_assets.api.context import ApiContext, Context
from tripper_assets.api.filters import AskedFilters, stated
from tripper_assets.api.replies import problems
from tripper_assets.api.security import Reader
from tripper_assets.catalog.exports import ExportChoice, chosen_records
from tripper_assets.domain.exports import ExportFormat, export_pieces
from tripper_assets.domain.search import MOST_HITS, search_filters
from tripper_assets.questions import ask, understood

router = APIRouter(tags=["activities"])
MEDIA_TYPES: dict[ExportFormat, str] = {
    "csv": "text/csv",
    "geojson": "application/geo+json",
    "ics": "text/calendar",
    "jsonl": "application/x-ndjson",
}
PIECE_BYTES = 64_000


class AskedExport(AskedFilters):
    """Which activities are wanted."""

    q: str = Field(default="", max_length=1_000, description="Only what these words find, the best first; at most 200.")
    town: str | None = Field(default=None, max_length=200, description="Only in this town, by its first words.")


@router.get(
    "/v1/activities.{form}",
    summary="Export activities",
    response_class=Response,
    responses={
        **problems(),
        200: {"description": "The file, streamed.", "content": {name: {} for name in MEDIA_TYPES.values()}},
    },
)
async def export(
    form: ExportFormat, context: Context, _person: Reader, asked: Annotated[AskedExport, Query()]
) -> Response:
    """Return every current activity that passes the filters; a cell of CSV is never a formula, and a calendar has only what has a day."""
    return await streamed(context, form, lambda: _choice(context, asked))


async def streamed(context: ApiContext, form: ExportFormat, choose: Callable[[], ExportChoice]) -> Response:
    """Return the chosen activities as a file; what goes wrong before its first piece is told as a problem."""
    stack = ExitStack()
    try:
        pieces = await run_in_threadpool(lambda: _opened(stack, context, form, choose()))
        first = await run_in_threadpool(_joined, pieces)
    except BaseException:
        await run_in_threadpool(stack.close)
        raise
    headers = {"Content-Disposition": f'attachment; filename="activities.{form}"'}
    return _Export(stack, _rest(first, pieces), MEDIA_TYPES[form], headers)


class _Export(StreamingResponse):
    """An answer that frees its connection when it ends, also where the reader goes away in the middle."""

    def __init__(
        self, stack: ExitStack, pieces: AsyncGenerator[bytes], media_type: str, headers: dict[str, str]
    ) -> None:
        super().__init__(pieces, media_type=media_type, headers=headers)
        self._stack = stack

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._stack.close()


def _choice(context: ApiContext, asked: AskedExport) -> ExportChoice:
    now = context.clock()
    given = stated(context, AskedFilters(**asked.model_dump(exclude={"q", "town"})))
    filters = search_filters(**given)
    choice = ExportChoice(**{name: getattr(filters, name) for name in filters.model_fields_set}, town=asked.town)
    if asked.q.strip():
        question = understood(context.settings, context.catalog, asked.q, given, now=now.astimezone())
        page = ask(context.settings, context.catalog, question, limit=MOST_HITS, now=now)
        choice = choice.model_copy(update={"ids": tuple(hit.id for hit in page.hits)})
    return choice


def _opened(stack: ExitStack, context: ApiContext, form: ExportFormat, choice: ExportChoice) -> Iterator[bytes]:
    now = context.clock()
    records = stack.enter_context(chosen_records(context.database, choice, now=now))
    return export_pieces(records, form, now=now)


def _joined(pieces: Iterator[bytes]) -> bytes:
    """Return the next pieces as one: a piece is a line, and each one that is sent costs more than it."""
    held, size = list[bytes](), 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= PIECE_BYTES:
            break
    return b"".join(held)


async def _rest(first: bytes, pieces: Iterator[bytes]) -> AsyncGenerator[bytes]:
    piece = first
    while piece:
        yield piece
        piece = await run_in_threadpool(_joined, pieces)
