"""How assets are stored and found again: immutable objects, materializations as the only pointers, and inputs that belong together."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Union, get_args, get_origin

import dagster as dg

from tripper_assets.clients.objects import Objects, StoredObject
from tripper_assets.domain.errors import CleanedUpError, NotFoundError, PermanentError, TripperError
from tripper_assets.domain.sources import SOURCE_KEY_PATTERN
from tripper_assets.domain.workflows import WorkflowFile
from tripper_assets.failures import is_last_attempt, verdict
from tripper_assets.formats import Encoded, decode, encode
from tripper_assets.partitions import workflow_id
from tripper_assets.previews import page_links, preview
from tripper_assets.resources import Catalog, Clock
from tripper_assets.tracking import StageName, record_failure

ANCHOR = "activities"
# Made from one id list, and of use only with that list.
KEYED_BY_ACTIVITY = frozenset(
    {"images_map", "geocoded_map", "embedding_batch", "embeddings_map", "tag_batches", "tag_votes", "activity_tags"}
)
# What a workflow submitted and waits for: another's, though newer, may hold other questions, or none.
AWAITED = frozenset({"embedding_batch", "tag_batches"})
LOOKED_BACK = 200
SHORT_HASH = 12


@dataclass(frozen=True)
class Stored:
    """A materialization, as its metadata points to the object."""

    asset: str
    uri: str
    sha256: str
    ids_sha256: str
    workflow_id: str
    run_id: str
    at: datetime


class ObjectIOManager(dg.IOManager):
    """Stores what an asset yields under ``{asset}/{source_key}/{workflow_id}/{run_id}-{sha256[:12]}.{ext}``, and loads what belongs.

    An input is the own run's materialization, else the workflow's, else the latest; an input that is keyed by activity is the newest that
    was made from the anchor's id list and is still stored, None for an optional one where there is none. Of what was submitted and is waited
    for the workflow's own comes first.
    """

    def __init__(self, objects: Objects, catalog: Catalog | None, clock: Clock, *, pages_url: str = "") -> None:
        self._objects = objects
        self._catalog = catalog
        self._clock = clock
        self._pages_url = pages_url

    def handle_output(self, context: dg.OutputContext, obj: object) -> None:
        """Store a value, write the file's row, and add what the materialization shows."""
        try:
            self._store(context, obj)
        except TripperError as error:
            self._record(context, error)
            raise verdict(error, context.step_context.previous_attempt_count) from error

    def _record(self, context: dg.OutputContext, error: TripperError) -> None:
        """Take back that the stage was completed: its work is done, and what came of it is not stored."""
        if self._catalog is not None:
            last = is_last_attempt(error, context.step_context.previous_attempt_count)
            work = StageName(workflow_id(context.step_context.dagster_run), context.asset_key.path[-1])
            record_failure(self._catalog, self._clock, work, error, last=last, counts={})

    def load_input(self, context: dg.InputContext) -> Any:  # noqa: ANN401 (the annotation decides)
        """Return the stored value that belongs to this run, as the input's annotation asks for it."""
        try:
            return self._load(context)
        except TripperError as error:
            raise verdict(error, context.step_context.previous_attempt_count) from error

    def _store(self, context: dg.OutputContext, obj: object) -> None:
        if obj is None:
            return
        encoded = encode(obj)
        run = context.step_context.dagster_run
        stored = self._objects.put(_object_key(context, run, encoded), encoded.data)
        if self._catalog is not None:
            row = _file_row(context.asset_key.path[-1], run.run_id, stored, encoded, self._clock())
            self._catalog.workflows.add_file(workflow_id(run), row)
        context.add_output_metadata(
            {
                "preview": dg.MetadataValue.md(preview(obj)),
                **page_links(self._pages_url, workflow_id(run), context.asset_key.path[-1]),
                "dagster/row_count": encoded.rows,
                "dagster/size_bytes": stored.bytes,
                "uri": dg.MetadataValue.path(stored.uri),
                "bytes": stored.bytes,
                "sha256": stored.sha256,
                "ids_sha256": encoded.ids_sha256,
                "workflow_id": workflow_id(run),
            }
        )

    def _load(self, context: dg.InputContext) -> Any:  # noqa: ANN401 (the annotation decides)
        asset = context.asset_key.path[-1]
        wanted, optional = _annotation(context.dagster_type.typing_type)
        partition = _source_key(context)
        found = self.find(context.step_context.instance, context.step_context.dagster_run, asset, partition)
        if found is None:
            if optional:
                return None
            raise NotFoundError(
                f"There is no stored {asset} of {partition} that belongs to this run; materialize {asset} first."
            )
        data = self._read(context.step_context.instance, found, partition)
        return decode(data, wanted, extension=found.uri.rsplit(".", 1)[-1], uri=found.uri)

    def find(self, instance: dg.DagsterInstance, run: dg.DagsterRun, asset: str, partition: str) -> Stored | None:
        """Return the materialization of ``asset`` that belongs to ``run``, None where there is none."""
        keyed = asset in KEYED_BY_ACTIVITY
        anchor = self.find(instance, run, ANCHOR, partition) if keyed else None
        if keyed and anchor is None:
            return None
        # Mostly the newest is the run's own; reading 200 of them each time took a third of a rerun.
        newest = _fitting(materializations(instance, asset, partition, limit=1), anchor)
        if newest and newest[0].run_id == run.run_id:
            return newest[0]
        fitting = _fitting(materializations(instance, asset, partition), anchor)
        if asset in AWAITED:
            fitting.sort(key=lambda one: one.workflow_id != workflow_id(run))
        return _newest_kept(fitting, run, instance, partition) if keyed else belonging(fitting, run)

    def _read(self, instance: dg.DagsterInstance, found: Stored, partition: str) -> bytes:
        try:
            return self._objects.get(found.uri, sha256=found.sha256)
        except NotFoundError as error:
            removed = cleaned_up_at(instance, found.asset, partition, found.uri)
            if removed is None:
                raise
            words = found.asset.replace("_", " ")
            raise CleanedUpError(
                f"The stored {words} of {partition} were cleaned up on {removed}; materialize raw_activities and what follows first."
            ) from error


def _object_key(context: dg.OutputContext, run: dg.DagsterRun, encoded: Encoded) -> str:
    asset, source_key = context.asset_key.path[-1], _source_key(context)
    digest = hashlib.sha256(encoded.data).hexdigest()[:SHORT_HASH]
    return f"{asset}/{source_key}/{workflow_id(run)}/{run.run_id}-{digest}.{encoded.extension}"


def _file_row(asset: str, run_id: str, stored: StoredObject, encoded: Encoded, at: datetime) -> WorkflowFile:
    return WorkflowFile(
        asset=asset,
        run_id=run_id,
        uri=stored.uri,
        bytes=stored.bytes,
        rows=encoded.rows,
        sha256=stored.sha256,
        ids_sha256=encoded.ids_sha256,
        created_at=at,
    )


def _fitting(stored: list[Stored], anchor: Stored | None) -> list[Stored]:
    """Return the maps that were made from the anchor's id list; without an anchor there is nothing to fit."""
    return [one for one in stored if anchor is None or one.ids_sha256 == anchor.ids_sha256]


def materializations(
    instance: dg.DagsterInstance, asset: str, partition: str, *, limit: int = LOOKED_BACK
) -> list[Stored]:
    """Return what was stored for an asset and a source, newest first; one without a URI (yielding nothing) is left out."""
    records = instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=dg.AssetKey(asset), asset_partitions=[partition]), limit=limit
    ).records
    found: list[Stored] = []
    for record in records:
        event = record.asset_materialization
        if event is not None and "uri" in event.metadata:
            text = {
                name: str(event.metadata[name].value) if name in event.metadata else ""
                for name in ("uri", "sha256", "ids_sha256", "workflow_id")
            }
            found.append(Stored(asset, **text, run_id=record.run_id, at=datetime.fromtimestamp(record.timestamp, UTC)))
    return found


def belonging(stored: list[Stored], run: dg.DagsterRun) -> Stored | None:
    """Return the own run's, else the workflow's, else the latest of ``stored`` (newest first)."""
    own = next((one for one in stored if one.run_id == run.run_id), None)
    same = next((one for one in stored if one.workflow_id == workflow_id(run)), None)
    return own or same or next(iter(stored), None)


def _newest_kept(
    fitting: list[Stored], run: dg.DagsterRun, instance: dg.DagsterInstance, partition: str
) -> Stored | None:
    """Return the first of ``fitting`` that no clean-up removed, else the first, whose reading tells when it was removed.

    A later workflow of the same activities removes its own maps after its import, and not those of a workflow that still waits.
    """
    newest = next(iter(fitting), None)
    if newest is None or newest.run_id == run.run_id or len(fitting) == 1:
        return newest
    removed = _clean_ups(instance, newest.asset, partition)
    return next((one for one in fitting if one.uri not in removed), newest)


def cleaned_up_at(instance: dg.DagsterInstance, asset: str, partition: str, uri: str) -> str | None:
    """Return the date of the observation that says that the object was removed, None where no clean-up did it."""
    return _clean_ups(instance, asset, partition).get(uri)


def _clean_ups(instance: dg.DagsterInstance, asset: str, partition: str) -> dict[str, str]:
    """Return the dates on which an asset's objects were removed, by URI."""
    records = instance.fetch_observations(
        dg.AssetRecordsFilter(asset_key=dg.AssetKey(asset), asset_partitions=[partition]), limit=LOOKED_BACK
    ).records
    events = [record.asset_observation for record in records]
    removals = [event.metadata for event in events if event and event.metadata.keys() >= {"deleted_at", "uri"}]
    return {str(one["uri"].value): str(one["deleted_at"].value)[:10] for one in reversed(removals)}


def _annotation(wanted: Any) -> tuple[Any, bool]:  # noqa: ANN401 (any annotation)
    """Return the annotation without None, and whether None was allowed."""
    parts = [one for one in get_args(wanted) if one is not type(None)]
    is_union = get_origin(wanted) is Union or type(wanted).__name__ == "UnionType"
    return (parts[0], True) if is_union and len(parts) < len(get_args(wanted)) else (wanted, False)


def _source_key(context: dg.InputContext | dg.OutputContext) -> str:
    if not context.has_partition_key:
        raise PermanentError(
            f"{context.asset_key.path[-1]} was launched without a source; give its assets partitions_def=source_partitions, "
            "and launch them with a source key as partition."
        )
    if not SOURCE_KEY_PATTERN.match(context.partition_key):
        raise PermanentError(
            f"The partition {context.partition_key[:80]!r} is no source key; register the source with `tripper sources add URL`."
        )
    return context.partition_key
