"""What lies below a moving map's markers, block by block."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Path, Response

from tripper_assets.api.context import Context
from tripper_assets.api.maps import ground_of
from tripper_assets.api.problems import ProblemError
from tripper_assets.api.security import PageReader
from tripper_assets.domain.map_picture import block_box, is_block
from tripper_assets.domain.map_view import CLOSEST_ZOOM

router = APIRouter(include_in_schema=False)
HEADERS = {"Cache-Control": "private, max-age=3600"}
Zoom = Annotated[int, Path(ge=0, le=CLOSEST_ZOOM)]
Number = Annotated[int, Path(ge=-1_000_000, le=1_000_000)]


@router.get("/maps/{zoom}/{column}/{row}")
def ground_block(zoom: Zoom, column: Number, row: Number, context: Context, _person: PageReader) -> Response:
    """Return land and towns of a block and what is around it, in pixels from ``west`` and ``north``."""
    if not is_block(zoom, column, row):
        raise ProblemError(404, "The world has no such block; ask for one that the map shows.")
    box, found = block_box(zoom, column, row), ground_of(context, zoom, column, row)
    towns = [{"name": one.name, "x": one.x, "y": one.y} for one in found.towns]
    told = {"west": box.west, "north": box.north, "land": found.land, "towns": towns}
    return Response(orjson.dumps(told), media_type="application/json", headers=HEADERS)
