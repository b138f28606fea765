"""Activities of the catalog: one, a page of them, and a search in plain words."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response
from pydantic import AwareDatetime, Field

from tripper_assets.api.actions import refusing_input
from tripper_assets.api.context import Context
from tripper_assets.api.filters import AskedFilters, stated
from tripper_assets.api.problems import InputRefusedError
from tripper_assets.api.replies import json_response, problems
from tripper_assets.api.routes.workflows import Cursor, Limit
from tripper_assets.api.security import Reader
from tripper_assets.catalog.activity_reading import ActivityFilter, current_record
from tripper_assets.catalog.repository import Repository
from tripper_assets.domain.errors import NotFoundError
from tripper_assets.domain.model import Model
from tripper_assets.domain.search import Question, SearchHit
from tripper_assets.questions import ask, understood

router = APIRouter(prefix="/v1/activities", tags=["activities"])
REVALIDATED = "private, no-cache"
"""A reader may keep it, and asks each time whether it is still so: that is what the ETag is for."""
Record = dict[str, Any]


class ActivityList(Model):
    """One page of records, by id."""

    activities: list[Record]
    next: str | None = Field(default=None, description="The cursor of the next page; null on the last one.")


class SearchAnswer(Model):
    """What was found, and how the question was understood: the same fields as `tripper search --json`."""

    question: Question
    activities: list[SearchHit]
    next: str | None


class Asked(AskedFilters):
    """A question with its filters."""

    q: str = Field(
        default="", max_length=1_000, description="In plain words; dates, ages, prices and towns are filters."
    )
    literally: bool = Field(default=False, description="Take every word as a word, and none as a filter.")
    limit: int = Field(default=20, ge=1, le=200)
    cursor: str | None = Field(default=None, max_length=1_000, description="The `next` of the page before.")


@router.get("", summary="List activities", responses=problems())
def list_activities(  # noqa: PLR0913 (each is a parameter of the query)
    context: Context,
    _person: Reader,
    *,
    source: Annotated[str | None, Query(max_length=300, description="A source key.")] = None,
    activity_type: Annotated[str | None, Query(alias="type", max_length=100, examples=["Event"])] = None,
    locality: Annotated[str | None, Query(max_length=200)] = None,
    country: Annotated[str | None, Query(pattern=r"^[A-Z]{2}$")] = None,
    free: bool | None = None,
    changed_since: AwareDatetime | None = None,
    cursor: Cursor = "",
    limit: Limit = 50,
) -> ActivityList:
    """Return a page of the records that are in the catalog now, in the order of their ids."""
    where = _where(source, activity_type, locality, country, is_free=free, changed_since=changed_since)
    with refusing_input():
        page = Repository(context.database).list(where, after=cursor, limit=limit)
    return ActivityList(activities=[one.record for one in page.activities], next=page.next or None)


def _where(
    source: str | None,
    activity_type: str | None,
    locality: str | None,
    country: str | None,
    *,
    is_free: bool | None,
    changed_since: datetime | None,
) -> ActivityFilter:
    texts = (source, activity_type, locality)
    if any("\0" in one for one in texts if one):
        raise InputRefusedError("No text of the catalog has a NUL in it; leave it out.")
    return ActivityFilter(
        source_key=source,
        type=activity_type,
        locality=locality,
        country_code=country,
        is_free=is_free,
        changed_since=changed_since,
    )


@router.get("/search", summary="Search activities", responses=problems(), response_model=SearchAnswer)
def search(context: Context, _person: Reader, asked: Annotated[Asked, Query()]) -> Response:
    """Find activities by words and by meaning; what was read in the words is in `question`, and why something was found in each hit."""
    filters = AskedFilters(**asked.model_dump(exclude={"q", "literally", "limit", "cursor"}))
    given = stated(context, filters)
    if not (asked.q.strip() or given):
        raise InputRefusedError("The search asks for nothing; say in `q` what you look for, or give a filter.")
    now = context.clock()
    question = understood(
        context.settings, context.catalog, asked.q, given, now=now.astimezone(), literally=asked.literally
    )
    page = ask(context.settings, context.catalog, question, limit=asked.limit, after=asked.cursor, now=now)
    return json_response(
        {"question": question.model_dump(mode="json"), "activities": [one.model_dump(mode="json") for one in page.hits], "next": page.next}
    )  # fmt: skip


@router.get(
    "/{activity_id}",
    summary="Look at an activity",
    responses={
        **problems(404),
        200: {"description": "The record, as a line of the final JSONL.", "content": {"application/json": {"schema": {"type": "object"}}}},
        304: {"description": "It is what If-None-Match names."},
    },
    response_class=Response,
)  # fmt: skip
def get(
    activity_id: UUID, context: Context, _person: Reader, if_none_match: Annotated[str | None, Header()] = None
) -> Response:
    """Return one record with its ETag; docs/activity.schema.json says what each field means."""
    with context.database.reading() as connection:
        found = current_record(connection, str(activity_id))
    if found is None:
        raise NotFoundError(
            f"There is no activity {activity_id} in the catalog; GET /v1/activities/search finds others."
        )
    etag = f'"{found.version}"'
    headers = {"ETag": etag, "Cache-Control": REVALIDATED}
    if _is_known(if_none_match, etag):
        return Response(status_code=304, headers=headers)
    return Response(found.text, media_type="application/json", headers=headers)


def _is_known(if_none_match: str | None, etag: str) -> bool:
    """Return whether a reader has what there is (RFC 9110, section 13.1.2)."""
    if if_none_match is None:
        return False
    named = {one.strip().removeprefix("W/") for one in if_none_match.split(",")}
    return "*" in named or etag in named
