"""Whether a bundle may be imported: the source's own word, a person's decision, and what the checks found."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tripper_assets.domain.quality import CheckResult, blocking


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
    decision: Literal["approved", "rejected"] | None,
    overrides: Sequence[str] = (),
    workflow_id: str = "",
) -> Verdict:
    """Return whether a bundle is imported; a decision overrides only the failed checks that it names.

    A rejected bundle is never imported, an approved one is where no other check fails; without a decision auto_import decides.
    """
    if decision == "rejected":
        return Verdict(False, f"The bundle of workflow {workflow_id} was rejected.")
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
