"""One bundle as the review page works on it: read once and kept, with what is known of its activities now."""

from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from threading import Lock

import orjson

from tripper_assets.api.context import ApiContext
from tripper_assets.catalog.decisions import Decision
from tripper_assets.decisions import bundle_of, changes_of, held_by
from tripper_assets.domain.diff import ActivityDiff
from tripper_assets.domain.errors import NotFoundError
from tripper_assets.domain.model import ActivityId
from tripper_assets.domain.review import Known, Line, in_order, kinds_of, line_of, removed_lines
from tripper_assets.domain.workflows import Workflow, WorkflowFile
from tripper_assets.downloads import newest_files

KEPT = 3
"""How many bundles stay in memory: those that people look at now."""


@dataclass(frozen=True)
class Read:
    """What is stored of a bundle, which never changes."""

    lines: tuple[Line, ...]
    """Its activities, and those that were removed against the last import, by name."""
    diff: ActivityDiff | None

    @cached_property
    def by_id(self) -> dict[ActivityId, Line]:
        """Each line by its activity's id."""
        return {one.id: one for one in self.lines}


class _Kept:
    """The bundles that were read last."""

    def __init__(self) -> None:
        self._lock, self._read = Lock(), OrderedDict[tuple[str, str, str], Read]()

    def get(self, context: ApiContext, workflow: Workflow, bundle: WorkflowFile) -> Read:
        # What a bundle changes is stored after it, and anew where the graph compares it again.
        diff = newest_files(workflow).get("activity_diff")
        key = (workflow.id, bundle.sha256, diff.sha256 if diff else "")
        with self._lock:
            found = self._read.get(key)
        # Not below the lock: a slow store holds up those alone who wait for this bundle.
        found = found or _read(context, workflow, bundle)
        with self._lock:
            self._read[key] = found
            self._read.move_to_end(key)
            while len(self._read) > KEPT:
                self._read.popitem(last=False)
        return found


_kept = _Kept()


def _read(context: ApiContext, workflow: Workflow, bundle: WorkflowFile) -> Read:
    diff = changes_of(context.store, workflow)
    data = context.store.get(bundle.uri, sha256=bundle.sha256)
    lines = [line_of(orjson.loads(line), line) for line in data.splitlines() if line]
    ids = {one.id for one in lines}
    removed = [one for one in removed_lines(diff) if one.id not in ids]
    return Read(tuple(in_order([*lines, *removed])), diff)


@dataclass(frozen=True)
class Review:
    """A workflow's bundle, and what people and checks say of it now."""

    workflow: Workflow
    bundle: WorkflowFile
    read: Read
    known: Known
    decision: Decision | None
    newer: str | None
    """The newest workflow of the source whose bundle came later, None where this is it."""
    held_by: tuple[str, ...]

    @property
    def base(self) -> str:
        """The address of its page."""
        return f"/review/{self.workflow.id}"

    @property
    def is_imported(self) -> bool:
        """Whether this workflow imported its bundle."""
        return self.workflow.import_summary is not None

    def line(self, activity_id: ActivityId) -> Line:
        """Return the line of an activity.

        Raises:
            NotFoundError: the bundle has none, and the last import had none.
        """
        found = self.read.by_id.get(activity_id)
        if found is None:
            raise NotFoundError(f"There is no activity {activity_id} in the bundle of workflow {self.workflow.id}.")
        return found


def workflow_named(context: ApiContext, identifier: str) -> Workflow:
    """Return the workflow of an id, or of its unique start.

    Raises:
        NotFoundError: there is none.
    """
    found = context.catalog.workflows.get(identifier)
    if found is None:
        raise NotFoundError(f"There is no workflow {identifier[:80]}; the dashboard lists them.")
    return found


def open_review(context: ApiContext, workflow: Workflow) -> Review:
    """Return the review of a workflow's bundle.

    Raises:
        NotFoundError: it has none; CleanedUpError: not any more.
    """
    bundle = bundle_of(workflow)
    read = _kept.get(context, workflow, bundle)
    decisions, key = context.catalog.workflows, workflow.source_key
    decision = decisions.decision_for(bundle.sha256, key)
    return Review(
        workflow,
        bundle,
        read,
        _known(context, workflow, read),
        decision,
        decisions.newer_bundle(workflow.id),
        tuple(held_by(workflow)),
    )


def _known(context: ApiContext, workflow: Workflow, read: Read) -> Known:
    corrections = context.catalog.corrections
    stage = next((one for one in workflow.stages if one.asset == "final_jsonl"), None)
    checks = stage.counts.get("checks", {}) if stage else {}
    return Known(
        kinds=kinds_of(read.diff),
        changes={one.activity_id: one.changes for one in read.diff.activities} if read.diff else {},
        corrections=corrections.corrections(workflow.source_key),
        refusals=corrections.refusals(workflow.source_key),
        failing={name: frozenset(told.get("failing", ())) for name, told in checks.items()},
    )
