"""What a person decides on a bundle or on single activities of it, done: written down for every later import, and at once in the catalog where the activity is."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from tripper_assets.catalog.activities import change_activity, find_activity, take_activities
from tripper_assets.catalog.decisions import Decision
from tripper_assets.clients.objects import Objects
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.corrections import (
    Correction,
    Refusal,
    corrected,
    stated_sha256,
    uncorrected,
    with_corrections,
)
from tripper_assets.domain.diff import ActivityDiff
from tripper_assets.domain.errors import CleanedUpError, ConfigurationError, ConflictError, NotFoundError
from tripper_assets.domain.model import ActivityId
from tripper_assets.domain.quality import CHECKS
from tripper_assets.domain.workflows import Workflow, WorkflowFile
from tripper_assets.downloads import newest_files, read_file
from tripper_assets.resources import Catalog


def bundle_of(workflow: Workflow) -> WorkflowFile:
    """Return a workflow's final JSONL.

    Raises:
        NotFoundError: it has none; CleanedUpError: not any more.
    """
    bundle = newest_files(workflow).get("final_jsonl")
    again = f"run its source again with `tripper run {workflow.source_key}`"
    if bundle is None:
        raise NotFoundError(f"The workflow {workflow.id} has no final JSONL to import; {again}.")
    if bundle.deleted_at is not None:
        after = ", after it was imported" if workflow.import_summary else ""
        raise CleanedUpError(
            f"The final JSONL of workflow {workflow.id} was cleaned up on {bundle.deleted_at:%Y-%m-%d}{after}; {again}."
        )
    return bundle


def known_checks(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of checks as they were given.

    Raises:
        ConfigurationError: there is no such check.
    """
    for name in names:
        if name not in CHECKS:
            raise ConfigurationError(f"There is no check {name}; --override takes one of {', '.join(sorted(CHECKS))}.")
    return tuple(names)


def check_seen(workflow: Workflow, bundle_sha256: str) -> None:
    """Check that what a person saw is the workflow's bundle still.

    Raises:
        ConflictError: it is another one now.
        NotFoundError: it has none; CleanedUpError: not any more.
    """
    if bundle_of(workflow).sha256 != bundle_sha256:
        raise ConflictError(
            f"The bundle of workflow {workflow.id} is not the one that was seen; look at it anew and decide then."
        )


def changes_of(objects: Objects, workflow: Workflow) -> ActivityDiff | None:
    """Return what a workflow's bundle changes, None where that was not written, or was cleaned up."""
    file = newest_files(workflow).get("activity_diff")
    if file is None or file.deleted_at is not None:
        return None
    return read_file(objects, workflow, "activity_diff", ActivityDiff)


def held_by(workflow: Workflow) -> list[str]:
    """Return the names of the checks that hold a workflow's bundle."""
    stages = {one.asset: one.counts.get("held_by", []) for one in workflow.stages}
    return stages.get("imported_activities") or stages.get("final_jsonl") or []


def reject_bundle(catalog: Catalog, workflow: Workflow, *, by: str, at: datetime, reason: str) -> Decision:
    """Let a workflow's bundle never be imported; what was imported before stays.

    Raises:
        NotFoundError: it has none; CleanedUpError: not any more.
        PermanentError: it was imported already.
    """
    decision = catalog.workflows.decide(
        workflow.id, bundle_of(workflow).sha256, decision="rejected", by=by, at=at, reason=reason
    )
    if workflow.status == "review":
        catalog.workflows.set_status(workflow.id, "review", f"Rejected by {decision.by}: {reason}")
    return decision


@dataclass(frozen=True)
class Decider:
    """A person who decides on the activities of one workflow's source, and when."""

    catalog: Catalog
    objects: Objects
    workflow: Workflow
    by: str
    at: datetime

    def correct(self, activity_id: ActivityId, field: str, value: Any, reason: str) -> bool:  # noqa: ANN401 (any JSON value)
        """Let a value hold for a field, None for "not stated", and return whether the catalog has it now.

        Raises:
            ConfigurationError: the field cannot be corrected, or the value is none for it; nothing is written.
            NotFoundError: there is no such activity.
        """
        stated = self.stated(activity_id)
        corrected(stated, field, value)
        correction = Correction(
            activity_id=activity_id, field=field, value=value, by=self.by, at=self.at, reason=reason
        )
        before = self.catalog.corrections.stated(activity_id)
        held = find_activity(self.catalog.database, activity_id)
        # What comes back in the catalog is what stood there, whatever an older or newer workflow's bundle says.
        own = uncorrected(held, before) if held else stated
        self.catalog.corrections.correct(self.workflow.source_key, correction, stated=own.dump().get(field))
        return self._rewrite(activity_id, before)

    def end_correction(self, activity_id: ActivityId, field: str) -> bool:
        """Let the publisher's own word count again, and return whether the catalog has it now.

        Raises:
            NotFoundError: no correction of the field holds.
        """
        before = self.catalog.corrections.stated(activity_id)
        if not self.catalog.corrections.withdraw(activity_id, field, by=self.by, at=self.at):
            raise NotFoundError(
                f"No correction of {field} of {activity_id} holds; `tripper review {self.workflow.source_key}` lists those that do."
            )
        return self._rewrite(activity_id, before)

    def refuse(self, activity_id: ActivityId, reason: str) -> bool:
        """Keep an activity out until its publisher says something else of it, and return whether it was in the catalog.

        Raises:
            NotFoundError: there is no such activity.
        """
        return self.refuse_all([activity_id], reason) == 1

    def refuse_all(self, activity_ids: Sequence[ActivityId], reason: str) -> int:
        """Keep activities out as ``refuse`` does, and return how many were in the catalog; done again after an interruption, it goes on.

        Raises:
            NotFoundError: there is no such activity; nothing is written.
        """
        refusals = [
            Refusal(
                activity_id=one, stated_sha256=stated_sha256(self.stated(one)), by=self.by, at=self.at, reason=reason
            )
            for one in activity_ids
        ]
        self.catalog.corrections.refuse(self.workflow.source_key, refusals)
        return take_activities(self.catalog.database, activity_ids, at=self.at)

    def keep_only(self, activity_ids: Collection[ActivityId], reason: str) -> None:
        """Let these activities of the bundle be published, and keep all others of it out.

        Raises:
            ConfigurationError: there is none, or one is not of the bundle; nothing is written.
        """
        wanted = set(activity_ids)
        if not wanted or wanted - self._bundled.keys():
            raise ConfigurationError(
                f"Of the {len(wanted)} activities to publish alone, {len(wanted - self._bundled.keys())} are not in the bundle of "
                f"workflow {self.workflow.id}; name at least one, and only those that it has."
            )
        self.catalog.corrections.allow_all(wanted, by=self.by, at=self.at)
        self.refuse_all([one for one in self._bundled if one not in wanted], reason)

    def allow(self, activity_id: ActivityId) -> None:
        """Let an activity that was refused be published by the next import.

        Raises:
            NotFoundError: it is not refused.
        """
        if not self.catalog.corrections.allow(activity_id, by=self.by, at=self.at):
            raise NotFoundError(
                f"The activity {activity_id} is not rejected; `tripper review {self.workflow.source_key}` lists those that are."
            )

    def stated(self, activity_id: ActivityId) -> Activity:
        """Return an activity as its publisher states it: of the workflow's bundle, else of the catalog without what people corrected.

        Raises:
            NotFoundError: neither has it.
        """
        key = self.workflow.source_key
        found = self._bundled.get(activity_id)
        if found is not None:
            return found
        held = find_activity(self.catalog.database, activity_id)
        if held is None or held["source_key"] != key:
            raise NotFoundError(
                f"There is no activity {activity_id} in {key}; `tripper review {key}` and `tripper search` show ids."
            )
        return uncorrected(held, self.catalog.corrections.stated(activity_id))

    @cached_property
    def _bundled(self) -> dict[ActivityId, Activity]:
        """The records of the workflow's bundle, read once however many are decided on; empty where it is not stored any more."""
        bundle = newest_files(self.workflow).get("final_jsonl")
        if bundle is None or bundle.deleted_at is not None:
            return {}
        records: list[Activity] = read_file(self.objects, self.workflow, "final_jsonl", list[Activity])
        return {one.id: one for one in records}

    def _rewrite(self, activity_id: ActivityId, before: dict[str, Any]) -> bool:
        """Bring the catalog's row in line with the corrections that hold; ``before`` is what was stated of those that its record has.

        The row is the last import's, whatever the workflow's bundle says.
        """
        holding = self.catalog.corrections.corrections(self.workflow.source_key).get(activity_id, [])

        def change(record: dict[str, Any]) -> Activity:
            return with_corrections(uncorrected(record, before), holding)[0]

        return change_activity(self.catalog.database, activity_id, change, at=self.at)
