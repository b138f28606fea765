"""What people decided on a bundle, the final JSONL that waits for its import; workflows.py is the door to this."""

from datetime import datetime
from typing import Annotated

from pydantic import StringConstraints
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tripper_assets.catalog.models import DecisionRow, SourceRow
from tripper_assets.domain.errors import PermanentError
from tripper_assets.domain.model import Model, SourceKey
from tripper_assets.domain.publishing import DecisionWord

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Decision(Model):
    """One decision; overrides names the checks that the person let pass."""

    workflow_id: str
    bundle_sha256: Sha256
    decision: DecisionWord
    by: str
    at: datetime
    overrides: tuple[str, ...] = ()
    reason: str = ""


def decide(session: Session, wanted: Decision, *, source_key: SourceKey) -> tuple[Decision, bool]:
    """Return the decision that counts for the bundle now, and whether it was written just now; one bundle is decided by one at a time.

    Raises:
        PermanentError: the bundle was imported and is now rejected.
    """
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(wanted.bundle_sha256, 0))))
    known = decision_for(session, wanted.bundle_sha256)
    if known and known.decision == wanted.decision and set(wanted.overrides) <= set(known.overrides):
        return known, False
    if wanted.decision == "rejected" and imported_bundle(session, source_key) == wanted.bundle_sha256:
        raise PermanentError(
            f"The bundle of workflow {wanted.workflow_id} was imported already and cannot be rejected any more; "
            "import an earlier one instead."
        )
    if known and known.decision == wanted.decision:
        wanted = wanted.model_copy(update={"overrides": tuple(sorted({*known.overrides, *wanted.overrides}))})
    session.add(DecisionRow(**wanted.model_dump(mode="python") | {"overrides": list(wanted.overrides)}))
    return wanted, True


def decision_for(session: Session, bundle_sha256: str) -> Decision | None:
    """Return the last decision on a bundle, None where there is none."""
    newest = select(DecisionRow).where(DecisionRow.bundle_sha256 == bundle_sha256).order_by(DecisionRow.id.desc())
    row = session.scalar(newest.limit(1))
    return Decision.model_validate({name: getattr(row, name) for name in Decision.model_fields}) if row else None


def imported_bundle(session: Session, source_key: SourceKey) -> str | None:
    """Return the SHA-256 of the source's imported bundle, None before its first import."""
    return session.scalar(select(SourceRow.bundle_sha256).where(SourceRow.key == source_key)) or None
