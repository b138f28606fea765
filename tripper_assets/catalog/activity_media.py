"""Which pictures an imported activity has."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from tripper_assets.catalog.database import PgConnection
from tripper_assets.domain.activities import Activity, ImageObject
from tripper_assets.domain.identity import text_sha256


class MediaWriter:
    """The pictures of one import: gathered chunk by chunk, and written at its end."""

    def __init__(self, connection: PgConnection) -> None:
        self._connection = connection
        self._any = False

    def gather(self, activities: Sequence[Activity]) -> None:
        """Take the stored pictures of activities, in the record's order; each activity once."""
        if not activities:
            return
        if not self._any:
            self._connection.execute(_GATHERED)
            self._any = True
        with self._connection.cursor() as cursor, cursor.copy(_COPY) as copy:
            copy.set_types(["uuid", *_TYPES])
            for one in activities:
                for row in _rows(one.image):
                    copy.write_row((UUID(one.id), *row))

    def write(self, at: datetime) -> None:
        """Link the activities to their pictures in the place of those that they had; a picture that the catalog never saw is noted as well."""
        if self._any:
            self._connection.execute("ANALYZE gathered_media")
            self._connection.execute(_UNLINK)
            self._connection.execute(_NOTE, {"at": at})
            self._connection.execute(_LINK)


def _rows(images: Iterable[ImageObject]) -> Iterable[tuple[object, ...]]:
    """Return the stored pictures as rows, and one without a picture, which says that the activity was looked at."""
    stored = [image for image in images if image.contentUrl and image.sha256]
    yield -1, "", "", "", "", None, None, "", ""
    for place, image in enumerate(stored):
        shown = image.width, image.height, image.encodingFormat, image.blurhash
        yield place, text_sha256(image.sourceUrl), image.sourceUrl, image.contentUrl, image.sha256, *shown


_TYPES = ("int4", "text", "text", "text", "text", "int4", "int4", "text", "text")
_GATHERED = """
    CREATE TEMP TABLE gathered_media (
        activity_id uuid, position int, url_sha256 text, source_url text, content_url text, sha256 text,
        width int, height int, encoding_format text, blurhash text
    ) ON COMMIT DROP
"""
_COPY = "COPY gathered_media FROM STDIN (FORMAT BINARY)"
_UNLINK = """
    DELETE FROM tripper.activity_media AS held USING gathered_media AS new
    WHERE new.position = -1 AND held.activity_id = new.activity_id
"""
# In one order for all: two imports that share pictures wait for each other and do not lock each other up.
_NOTE = """
    INSERT INTO tripper.media
        (url_sha256, source_url, content_url, sha256, width, height, encoding_format, blurhash, checked_at, status)
    SELECT DISTINCT ON (url_sha256)
        url_sha256, source_url, content_url, sha256, width, height, encoding_format, blurhash, %(at)s, 'stored'
    FROM gathered_media WHERE position >= 0 ORDER BY url_sha256
    ON CONFLICT DO NOTHING
"""
_LINK = """
    INSERT INTO tripper.activity_media (activity_id, position, url_sha256)
    SELECT activity_id, position, url_sha256 FROM gathered_media WHERE position >= 0 ORDER BY activity_id, position
"""
