"""Which stored files of workflows have had their time, and what an object is by its name; pure, so that a dry run and a real one decide alike."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple, TypeAlias

from tripper_assets.domain.snapshots import PAGE_MANIFEST
from tripper_assets.domain.workflows import FINAL, INTERMEDIATES, Workflow, WorkflowFile

BODIES_KEPT_FOR = timedelta(days=1)
"""After a body was stored or last read it may still be a running crawl's or replay's, whatever is written down of it."""

ORPHANED_AFTER = timedelta(days=7)
"""Nothing that writes an object takes so long to write down whose it is, an outage of the catalog over a weekend included."""
RESULTS_KEPT_FOR = timedelta(days=30)
"""The vectors of a batch are in the catalog's cache since they were collected; a workflow that failed before that may be retried."""
RETIRED = (*INTERMEDIATES, PAGE_MANIFEST)
"""What retention removes of a workflow."""

OWNED = re.compile(r"[a-z_]+/[a-z0-9][a-z0-9-]{0,60}-[0-9a-f]{8}/(?P<owner>[^/]+)/[0-9a-f-]{36}-[0-9a-f]{12}\.[a-z.]+")
PICTURE = re.compile(r"media/[0-9a-f]{2}/(?P<owner>[0-9a-f]{64})\.webp")
RESULTS = re.compile(r"batches/(?P<owner>[0-9a-f]{32})\.parquet")
REQUESTS = re.compile(r"batches/(?P<owner>[^/]+)\.jsonl\.zst")


Kind: TypeAlias = Literal["file", "picture", "results", "requests"]
PATTERNS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("file", OWNED), ("picture", PICTURE), ("results", RESULTS), ("requests", REQUESTS),
)  # fmt: skip


class ObjectName(NamedTuple):
    """What an object is by its key, and what it belongs to: a workflow's id, a picture's SHA-256, a batch's name."""

    kind: Kind
    owner: str


def read_key(key: str) -> ObjectName | None:
    """Return what an object is, None for what this software does not store, or removes elsewhere (page bodies, probes)."""
    for kind, pattern in PATTERNS:
        if match := pattern.fullmatch(key):
            return ObjectName(kind, match["owner"])
    return None


def may_be_orphan(name: ObjectName, age: timedelta) -> bool:
    """Return whether an object is old enough that nobody will still write down whose it is."""
    return age >= (RESULTS_KEPT_FOR if name.kind == "results" else ORPHANED_AFTER)


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
    """Return what may go of the workflows that ended at least ``age`` ago; running, waiting, reviewed and kept ones keep everything."""
    found: list[Expired] = []
    for workflow in workflows:
        ended = workflow.completed_at or workflow.created_at
        if workflow.status in FINAL and workflow.kept_at is None and now - ended >= age:
            files = retired_files(workflow)
            found += [Expired(workflow, files)] if files else []
    return found


def retired_files(workflow: Workflow) -> tuple[WorkflowFile, ...]:
    """Return the workflow's files that retention removes and that are still stored."""
    return _present(workflow, *RETIRED)


def present_intermediates(workflow: Workflow) -> tuple[WorkflowFile, ...]:
    """Return the workflow's files of the five intermediate kinds that are still stored."""
    return _present(workflow, *INTERMEDIATES)


def _present(workflow: Workflow, *assets: str) -> tuple[WorkflowFile, ...]:
    return tuple(file for file in workflow.files if file.asset in assets and file.deleted_at is None)
