"""What the catalog refers to in the object store: which of some objects a workflow, a picture or a batch still needs."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager

from sqlalchemy import text

from tripper_assets.catalog.database import Database


class References:
    """The references of one catalog."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def workflows(self, ids: Sequence[str]) -> dict[str, bool]:
        """Return those of some workflows that the catalog knows, and whether something of them goes on."""
        return {found: bool(goes_on) for found, goes_on in self._rows(_WORKFLOWS, ids)}

    def files(self, uris: Sequence[str]) -> set[str]:
        """Return those of some objects that are files of workflows, and not removed."""
        return {one for (one,) in self._rows(_FILES, uris)}

    def pictures(self, sha256s: Sequence[str]) -> set[str]:
        """Return those of some pictures, small variants too, that a page shows or an activity has, also one that was removed."""
        return {one for (one,) in self._rows(_PICTURES, sha256s)}

    def requests(self, uris: Sequence[str]) -> set[str]:
        """Return those of some objects that hold the requests of a batch."""
        return {one for (one,) in self._rows(_REQUESTS, uris)}

    @contextmanager
    def at_rest(self) -> Generator[bool]:
        """Let no run take a source until the block ends; False where one holds a source now."""
        with self._database.connection() as connection:
            connection.execute(text("LOCK TABLE tripper.source_claims IN SHARE MODE"))
            yield not connection.scalar(text("SELECT EXISTS (SELECT FROM tripper.source_claims)"))

    def _rows(self, statement: str, wanted: Sequence[str]) -> list[tuple[str, ...]]:
        with self._database.connection() as connection:
            return [tuple(row) for row in connection.execute(text(statement), {"wanted": list(wanted)})]


_WORKFLOWS = """
    SELECT id, status IN ('queued', 'running', 'waiting')
        OR EXISTS (SELECT FROM tripper.source_claims WHERE workflow_id = workflows.id)
    FROM tripper.workflows WHERE id = ANY(:wanted)
"""
_FILES = "SELECT uri FROM tripper.workflow_files WHERE uri = ANY(:wanted) AND deleted_at IS NULL"
# Containment of a whole object, and not a path: the index on the record answers that.
_PICTURES = """
    SELECT sha256 FROM tripper.media WHERE sha256 = ANY(:wanted)
    UNION SELECT thumbnail ->> 'sha256' FROM tripper.media WHERE thumbnail ->> 'sha256' = ANY(:wanted)
    UNION SELECT one FROM unnest(CAST(:wanted AS text[])) AS one WHERE EXISTS (
        SELECT FROM tripper.activities
        WHERE record @> jsonb_build_object('image', jsonb_build_array(jsonb_build_object('sha256', one)))
            OR record @> jsonb_build_object('image', jsonb_build_array(
                jsonb_build_object('thumbnail', jsonb_build_object('sha256', one))))
    )
"""
_REQUESTS = (
    "SELECT requests_uri FROM tripper.batch_submissions WHERE requests_uri = ANY(:wanted) AND collected_at IS NULL"
)
