"""Tagging: how far the voters of each source are, and asking them for what is missing."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field, StringConstraints

from tripper_assets.api.context import Context
from tripper_assets.api.replies import problems
from tripper_assets.api.security import SignedIn
from tripper_assets.api.tagging import start_tagging
from tripper_assets.catalog.tag_progress import SourceProgress, tag_progress
from tripper_assets.domain.model import Model

router = APIRouter(prefix="/v1/taggings", tags=["tagging"])
MOST_SOURCES, MOST_TAGGERS, MOST_RUNS = 100, 20, 20


class NewTagging(Model):
    """The sources whose stored activities are to be tagged."""

    sources: list[Annotated[str, StringConstraints(min_length=1, max_length=2_048)]] = Field(
        min_length=1,
        max_length=MOST_SOURCES,
        description="Keys or URLs.",
        examples=[["example-org-events-1a2b3c4d"]],
    )
    runs: int | None = Field(
        default=None,
        ge=1,
        le=MOST_RUNS,
        description="How often each remote voter is asked; null for the source's tag_runs.",
    )
    taggers: list[Annotated[str, StringConstraints(max_length=200)]] = Field(
        default=[],
        max_length=MOST_TAGGERS,
        description="Those of the source's taggers that are asked, by provider or name; empty for all.",
    )


class StartedTagging(Model):
    """A workflow that asks the voters of one source."""

    workflowId: str  # noqa: N815 (as POST /v1/workflows)
    source_key: str


class StartedTaggings(Model):
    """What was started."""

    workflows: list[StartedTagging]


class TaggingProgress(Model):
    """How far the voters of each source are, as their last round of votes counted it."""

    sources: list[SourceProgress]


@router.post("", status_code=202, summary="Tag sources", responses=problems(404, 409, 413))
def start(wanted: NewTagging, context: Context, _person: SignedIn) -> StartedTaggings:
    """Ask the voters for what is missing; what has a vote is never asked again, and the source's next workflow publishes the tags."""
    started = start_tagging(context, wanted.sources, runs=wanted.runs, taggers=wanted.taggers)
    return StartedTaggings(workflows=[StartedTagging(workflowId=one.id, source_key=one.source_key) for one in started])


@router.get("", summary="How far the voters are", responses=problems())
def progress(context: Context, _person: SignedIn) -> TaggingProgress:
    """Return for each source and voter the run that it is in, and the votes that are there, wanted and errors."""
    return TaggingProgress(sources=tag_progress(context.database))
