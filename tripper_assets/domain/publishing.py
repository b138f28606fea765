"""Whether a bundle may be imported: the source's own word, a person's decision, and what the checks found."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tripper_assets.domain.model import Model, SourceKey
from tripper_assets.domain.quality import CheckResult, blocking

DecisionWord = Literal["approved", "rejected"]


@dataclass(frozen=True)
class Verdict:
    """Import, or wait for a person, and why."""

    publish: bool
    reason: str
    """One sentence; empty where the bundle is imported."""
    failed_checks: tuple[str, ...] = ()


def publish_verdict(
    results: Sequence[CheckResult],
    *,
    auto_import: bool,
    decision: DecisionWord | None,
    overrides: Sequence[str] = (),
    workflow_id: str = "",
    newer: str | None = None,
) -> Verdict:
    """Return whether a bundle is imported; a decision overrides only the failed checks that it names.

    A rejected bundle is never imported, an approved one is where no other check fails; without a decision auto_import decides.
    ``newer`` is a workflow of the source whose bundle came later, and later than the decision: this one is stale then.
    """
    if decision == "rejected":
        return Verdict(False, f"The bundle of workflow {workflow_id} was rejected.")
    if newer is not None and (decision == "approved" or auto_import):
        return Verdict(
            False,
            f"The workflow {newer} has a newer bundle of this source; to import this older one all the same: `tripper import {workflow_id}`.",
        )
    failed = blocking(results, overrides if decision == "approved" else ())
    if failed:
        count = f"{len(failed)} failed check{'s' if len(failed) > 1 else ''}"
        said = " ".join(f"{one.name}: {one.sentence}" for one in failed)
        # Those that were overridden already too: the next decision stands alone.
        options = " ".join(f"--override {one.name}" for one in blocking(results))
        return Verdict(
            False,
            f"Held for review by {count}. {said} To import all the same: `tripper import {workflow_id} {options}`.",
            tuple(one.name for one in failed),
        )
    if decision == "approved" or auto_import:
        return Verdict(True, "")
    return Verdict(False, f"Waits for a decision, for auto_import is off; `tripper import {workflow_id}` imports it.")


class PendingImport(Model):
    """A bundle that waits for its import, and what is said of it."""

    workflow_id: str
    source_key: SourceKey
    bundle_sha256: str
    auto_import: bool
    """The launch's own word where it said one, else the registry's of today."""
    decision: DecisionWord | None = None
    """The last one on this bundle; None where nobody decided."""
    overrides: tuple[str, ...] = ()
    """The checks that the decision lets pass."""
    held_by: tuple[str, ...] = ()
    """The checks that held the last attempt."""
    repeated: bool = False
    """Whether an earlier workflow had the same bundle."""
    superseded: bool = False
    """Whether a newer workflow of the source has a bundle of its own, which the decision, where there is one, did not know."""

    @property
    def run_key(self) -> str:
        """What asks for this import once; a decision that lets more checks pass asks anew.

        A site that has not changed has the same bundle in its next workflow, and that one is asked for too.
        """
        again = (self.workflow_id,) if self.repeated else ()
        return ":".join(("import", self.bundle_sha256, *again, *sorted(self.overrides)))


def automatic_import(pending: PendingImport) -> str:
    """Return why a bundle is not imported without a person, empty where it is."""
    if pending.decision is not None:
        return f"was {pending.decision} by a person"
    if not pending.auto_import:
        return "waits for a decision"
    if pending.superseded:
        return "has a newer bundle after it"
    return "is held by its checks" if pending.held_by else ""


def decided_import(pending: PendingImport) -> str:
    """Return why a bundle is not imported on a person's word, empty where it is."""
    if pending.decision != "approved":
        return "was rejected" if pending.decision else "waits for a decision"
    if pending.superseded:
        return "has a newer bundle after it, of which the decision did not know"
    return "is held by checks that the decision does not name" if set(pending.held_by) - set(pending.overrides) else ""
