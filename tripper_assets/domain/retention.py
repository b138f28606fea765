"""Which stored intermediates have had their time; pure, so that a dry run and a real one decide alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tripper_assets.domain.workflows import FINAL, INTERMEDIATES, Workflow, WorkflowFile


@dataclass(frozen=True)
class Expired:
    """The files of one workflow that may go."""

    workflow: Workflow
    files: tuple[WorkflowFile, ...]

    @property
    def bytes(self) -> int:
        """What removing them frees."""
        return sum(file.bytes for file in self.files)


def expired_files(workflows: Sequence[Workflow], *, now: datetime, age: timedelta) -> list[Expired]:
    """Return what may go of the workflows that ended at least ``age`` ago; running, waiting and reviewed ones keep everything."""
    found: list[Expired] = []
    for workflow in workflows:
        ended = workflow.completed_at or workflow.created_at
        if workflow.status in FINAL and now - ended >= age:
            files = present_intermediates(workflow)
            found += [Expired(workflow, files)] if files else []
    return found


def present_intermediates(workflow: Workflow) -> tuple[WorkflowFile, ...]:
    """Return the workflow's files of the five intermediate kinds that are still stored."""
    return tuple(file for file in workflow.files if file.asset in INTERMEDIATES and file.deleted_at is None)
