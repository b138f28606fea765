"""Which pictures an imported activity has."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from tripper_assets.catalog.database import PgConnection
from tripper_assets.domain.activities import Activity, ImageObject
from tripper_assets.domain.identity import text_sha256


def put_media(connection: PgConnection, activities: Sequence[Activity], at: datetime) -> None:
    """Link the activities to their stored pictures, in the record's order; a picture that the catalog never saw is noted as well."""
    stored = [(one.id, [image for image in one.image if image.contentUrl and image.sha256]) for one in activities]
    pictures = {text_sha256(image.sourceUrl): image for _, images in stored for image in images}
    links = [
        (UUID(one), place, text_sha256(image.sourceUrl)) for one, images in stored for place, image in enumerate(images)
    ]
    if not activities:
        return
    connection.execute(
        "DELETE FROM tripper.activity_media WHERE activity_id = ANY(%s)", [[UUID(one) for one, _ in stored]]
    )
    if links:
        _note_pictures(connection, pictures, at)
        connection.execute(_LINK, list(map(list, zip(*links, strict=True))))


def _note_pictures(connection: PgConnection, pictures: dict[str, ImageObject], at: datetime) -> None:
    # In one order for all: two imports that share pictures wait for each other and do not lock each other up.
    rows = [(found, *_columns(image), at) for found, image in sorted(pictures.items())]
    with connection.cursor() as cursor:
        cursor.executemany(_NOTE, rows)


def _columns(image: ImageObject) -> tuple[str, str, str, int | None, int | None, str, str]:
    return (
        image.sourceUrl,
        image.contentUrl,
        image.sha256,
        image.width,
        image.height,
        image.encodingFormat,
        image.blurhash,
    )


_NOTE = """
    INSERT INTO tripper.media
        (url_sha256, source_url, content_url, sha256, width, height, encoding_format, blurhash, checked_at, status)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, 'stored')
    ON CONFLICT DO NOTHING
"""
_LINK = """
    INSERT INTO tripper.activity_media (activity_id, position, url_sha256)
    SELECT * FROM unnest(%s::uuid[], %s::int[], %s::text[])
"""
