"""The page of one activity: all that is known of it, and where each fact was read."""

from fastapi import APIRouter, Request, Response

from tripper_assets.api.activity_view import activity_values
from tripper_assets.api.context import Context
from tripper_assets.api.rendering import render
from tripper_assets.api.security import PageReader
from tripper_assets.catalog.card_reading import changes_of
from tripper_assets.catalog.repository import Repository
from tripper_assets.domain.errors import NotFoundError

router = APIRouter(include_in_schema=False)


@router.get("/activities/{activity_id}")
def activity_page(request: Request, activity_id: str, context: Context, person: PageReader) -> Response:
    """Show an activity of the catalog."""
    stored = Repository(context.database).get(activity_id, related=True)
    if stored is None:
        raise NotFoundError("The catalog has no such activity now; the search shows those that it has.")
    now = context.clock()
    values = activity_values(stored, changes_of(context.database, stored.id), today=now.astimezone().date())
    return render(request, "search/activity.html", person, page="search", now=now, map_around=None, **values)
