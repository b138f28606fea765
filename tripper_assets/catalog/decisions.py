"""What people decided on a bundle, the final JSONL that waits for its import; workflows.py is the door to this."""

from datetime import datetime
from typing import Annotated

from pydantic import StringConstraints
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tripper_assets.catalog.models import DecisionRow, FileRow, SourceRow, WorkflowRow
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
    known = decision_for(session, wanted.bundle_sha256, source_key)
    same = known is not None and known.decision == wanted.decision and set(wanted.overrides) <= set(known.overrides)
    # Said again after a newer bundle came, it is another decision: whoever says it wants the older one back.
    if known and same and newer_bundle(session, wanted.workflow_id, since=known.at) is None:
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


def decision_for(session: Session, bundle_sha256: str, source_key: SourceKey) -> Decision | None:
    """Return the last decision on a source's bundle, None where there is none; the empty bundle is the same for all sources."""
    newest = (
        select(DecisionRow)
        .join(WorkflowRow, WorkflowRow.id == DecisionRow.workflow_id)
        .where(DecisionRow.bundle_sha256 == bundle_sha256, WorkflowRow.source_key == source_key)
        .order_by(DecisionRow.id.desc())
    )
    row = session.scalar(newest.limit(1))
    return Decision.model_validate({name: getattr(row, name) for name in Decision.model_fields}) if row else None


def newer_bundle(session: Session, workflow_id: str, *, since: datetime | None = None) -> str | None:
    """Return the newest workflow of the same source that was created later and has a bundle, None where there is none.

    ``since`` leaves out bundles that were stored before: a person who decided later knew of them.
    """
    own = select(WorkflowRow.source_key, WorkflowRow.created_at).where(WorkflowRow.id == workflow_id).subquery()
    newer = (
        select(WorkflowRow.id)
        .join(own, (own.c.source_key == WorkflowRow.source_key) & (WorkflowRow.created_at > own.c.created_at))
        .join(FileRow, (FileRow.workflow_id == WorkflowRow.id) & (FileRow.asset == "final_jsonl"))
        .order_by(WorkflowRow.created_at.desc())
    )
    if since is not None:
        newer = newer.where(FileRow.created_at > since)
    return session.scalar(newer.limit(1))


def check_newest(session: Session, workflow_id: str, source_key: SourceKey) -> None:
    """Check that a workflow's bundle is its source's newest.

    Raises:
        PermanentError: it is not, and what can be done.
    """
    newer = newer_bundle(session, workflow_id)
    if newer is not None:
        raise PermanentError(
            f"The workflow {workflow_id} cannot be approved any more, for {newer} has a newer bundle of this source: look at that one "
            f"with `tripper review {source_key}`, or import this older one all the same with `tripper import {workflow_id}`."
        )


def imported_bundle(session: Session, source_key: SourceKey) -> str | None:
    """Return the SHA-256 of the source's imported bundle, None before its first import."""
    return session.scalar(select(SourceRow.bundle_sha256).where(SourceRow.key == source_key)) or None
