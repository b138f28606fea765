"""The claims on sources: one row for each source that a run works on."""

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from tripper_assets.catalog.database import Database
from tripper_assets.catalog.models import ClaimRow
from tripper_assets.domain.claims import Claim
from tripper_assets.domain.model import SourceKey


class SourceClaims:
    """The claims of one catalog."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, claim: Claim) -> Claim | None:
        """Take a source for a run, and return None; or return the claim of the other run that holds it.

        A run that holds the source already keeps it.

        Raises:
            TransientError: the catalog does not answer.
        """
        values = claim.model_dump(mode="python")
        # Changing nothing tells a row of our own from another one's.
        mine = (
            insert(ClaimRow)
            .values(values)
            .on_conflict_do_update(
                index_elements=["source_key"],
                set_={"run_id": claim.run_id},
                where=ClaimRow.run_id == claim.run_id,
            )
        )
        with self._database.session() as session:
            if session.scalar(mine.returning(ClaimRow.run_id)) is not None:
                return None
            row = session.get(ClaimRow, claim.source_key)
            held = _claim(row) if row else None
        return held or self.take(claim)  # freed between the two statements

    def release(self, run_id: str) -> None:
        """Free what a run holds; asking twice changes nothing."""
        with self._database.session() as session:
            session.execute(delete(ClaimRow).where(ClaimRow.run_id == run_id))

    def get(self, source_key: SourceKey) -> Claim | None:
        """Return the claim on a source, None where it is free."""
        with self._database.session() as session:
            row = session.get(ClaimRow, source_key)
            return _claim(row) if row else None

    def list(self) -> list[Claim]:
        """Return every claim by source."""
        with self._database.session() as session:
            return [_claim(row) for row in session.scalars(select(ClaimRow).order_by(ClaimRow.source_key))]


def _claim(row: ClaimRow) -> Claim:
    return Claim.model_validate({name: getattr(row, name) for name in Claim.model_fields})
