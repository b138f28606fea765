"""Stored pictures as browsers show them: WebP by the hash of their bytes, and nothing else of the store."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from tripper_assets.api.context import Context
from tripper_assets.api.security import PageReader
from tripper_assets.clients.image_desk import media_key

router = APIRouter(include_in_schema=False)
# The bytes of a hash never change; private, for who sees them has signed in.
HEADERS = {
    "Cache-Control": "private, max-age=31536000, immutable",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}
Sha256 = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]


@router.get("/media/{sha256}")
def picture(sha256: Sha256, context: Context, _person: PageReader) -> Response:
    """Return a stored picture; its bytes are checked against the hash."""
    data = context.store.get(context.store.uri(media_key(sha256)), sha256=sha256)
    return Response(data, media_type="image/webp", headers=HEADERS)
