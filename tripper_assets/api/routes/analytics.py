"""Counts: one location's as older consumers know them, and statistics and costs of all."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query

from tripper_assets.api.context import Context
from tripper_assets.api.replies import problems
from tripper_assets.api.security import SignedIn
from tripper_assets.catalog.statistics import (
    location_analytics,
    location_statistics,
    source_statistics,
    stage_statistics,
)
from tripper_assets.catalog.usage import By, UsageSum, usage_by
from tripper_assets.domain.errors import NotFoundError
from tripper_assets.domain.model import Model
from tripper_assets.domain.statistics import LocationStatistics, SourceStatistics, StageStatistics

router = APIRouter(tags=["analytics"])


class AnalyticsData(Model):
    """The counts of one location."""

    locationId: str  # noqa: N815 (the consumers' own name, as those below)
    totalMediaItems: int  # noqa: N815
    activeWorkflows: int  # noqa: N815
    """Queued, running, or waiting for a provider."""
    completedWorkflows: int  # noqa: N815
    generatedAt: str  # noqa: N815
    """ISO 8601 in UTC with milliseconds, such as 2026-05-01T12:00:00.000Z."""


class Analytics(Model):
    """What older consumers know, to the byte."""

    status: Literal["success"] = "success"
    data: AnalyticsData


@router.get("/analytics", summary="The counts of one location", responses=problems(404))
def analytics(
    context: Context,
    _person: SignedIn,
    location: Annotated[
        str, Query(alias="locationId", min_length=1, max_length=63, pattern=r"^[a-z0-9][a-z0-9-]*$", examples=["leeds"])
    ],
) -> Analytics:
    """Return how many pictures a location has, and how many workflows are under way and completed."""
    found = location_analytics(context.database, location)
    if found is None:
        raise NotFoundError(f"There is no location {location}; GET /v1/locations lists them.")
    now = context.clock().strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
    return Analytics(
        data=AnalyticsData(
            locationId=found.location_id,
            totalMediaItems=found.total_media_items,
            activeWorkflows=found.active_workflows,
            completedWorkflows=found.completed_workflows,
            generatedAt=f"{now}Z",
        )
    )


class Statistics(Model):
    """One line for each source, location or stage."""

    by: Literal["source", "location", "stage"]
    lines: list[SourceStatistics] | list[LocationStatistics] | list[StageStatistics]


@router.get("/v1/stats", summary="How the work goes", responses=problems())
def stats(context: Context, _person: SignedIn, by: Literal["source", "location", "stage"] = "source") -> Statistics:
    """Count workflows, activities and pictures, with success and error rates and how long the work took."""
    reads: dict[str, Any] = {
        "source": source_statistics,
        "location": location_statistics,
        "stage": stage_statistics,
    }
    return Statistics(by=by, lines=reads[by](context.database))


class UsageReport(Model):
    """What was paid, one line for each provider and model, source, purpose, or day in UTC."""

    by: By
    lines: list[UsageSum]


@router.get("/v1/usage", summary="What was paid to providers", responses=problems())
def usage(context: Context, _person: SignedIn, by: By = "provider") -> UsageReport:
    """Sum requests, tokens and US dollars; what is open is in them at the most that it can cost."""
    return UsageReport(by=by, lines=usage_by(context.database, by))
