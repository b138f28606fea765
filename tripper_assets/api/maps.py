"""Maps on pages: the picture that templates/maps/map.html shows, the ground that static/map.js asks for, and whose tiles may be shown."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request

from tripper_assets.api.context import ApiContext, context_of
from tripper_assets.clients.gazetteer import OfflineGeocoder
from tripper_assets.clients.map_ground import TownIndex, packaged_land
from tripper_assets.domain.map_picture import Ground, MapPicture, MapStyle, block_box, draw_map, ground
from tripper_assets.domain.map_view import MapPoint
from tripper_assets.domain.search import Spot

KEPT_GROUNDS = 128


def tile_origins(tile_url: str) -> tuple[str, ...]:
    """Return the origin that map tiles come from, as a content security policy names it; none where outlines are drawn."""
    parts = urlsplit(tile_url)
    return (f"{parts.scheme}://{parts.netloc}",) if tile_url else ()


def map_of(
    request: Request, points: Iterable[Mapping[str, Any]], *, around: Spot | None = None, name: str = "places"
) -> MapPicture:
    """Return the map of points as a template has them: id, name, latitude, longitude and href; what has no place is not on it.

    ``around`` is drawn as a circle; ``name`` tells two maps of one page apart.
    """
    context = context_of(request)
    placed = [MapPoint(**one) for one in points if one["latitude"] is not None and one["longitude"] is not None]
    settings = context.settings
    style = MapStyle(settings.tile_url, settings.tile_attribution)
    return draw_map(placed, land=packaged_land(), towns=_towns(context).within, style=style, around=around, name=name)


def ground_of(context: ApiContext, zoom: int, column: int, row: int) -> Ground:
    """Return what lies below the markers of a block and around it."""
    index = _towns(context).index
    # Part of what it is kept by: without the gazetteer's index there are no towns yet, and later there are.
    return _ground(index, index.exists(), zoom, column, row)


@lru_cache(KEPT_GROUNDS)
def _ground(index: Path, is_built: bool, zoom: int, column: int, row: int) -> Ground:  # noqa: FBT001 (what it is kept by)
    del is_built
    return ground(block_box(zoom, column, row), land=packaged_land(), towns=TownIndex(index).within)


def _towns(context: ApiContext) -> TownIndex:
    return TownIndex(OfflineGeocoder(context.settings.home).index)
