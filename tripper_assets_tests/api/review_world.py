"""Bundles that wait for a decision, stored as the graph stores them."""

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from tripper_assets.catalog.activities import import_snapshot
from tripper_assets.domain.activities import Activity, Place, PostalAddress, Provenance, Quality
from tripper_assets.domain.diff import diff_records
from tripper_assets.domain.identity import activity_id
from tripper_assets.domain.sources import Source
from tripper_assets.domain.workflows import WorkflowFile
from tripper_assets.formats import encode
from tripper_assets_tests.api.conftest import AT, World


def an_activity(source: Source, name: str, **fields: Any) -> Activity:
    """Return an activity that states little else than its name, read from JSON-LD."""
    url = f"{source.url}{len(name)}"
    told: dict[str, Any] = {
        "id": activity_id(source.key, f"id:{name}"),
        "index": 0,
        "source_key": source.key,
        "source_url": source.url,
        "url": url,
        "type": "Event",
        "name": name,
        "startDate": "2026-06-06T15:00:00+02:00",
        "location": Place(name="Stadtpark", address=PostalAddress(addressLocality="Freiburg", addressCountry="DE")),
        "provenance": {"name": Provenance(method="json-ld", page=url, evidence=f"name: {name}"[:200])},
        "quality": Quality(score=0.5, problems=("image_missing",)),
    }
    return Activity.model_validate(told | fields)


def imported(world: World, source: Source, records: Sequence[Activity]) -> None:
    """Let the catalog hold these records of the source."""
    workflow = world.workflow("completed", source=source)
    import_snapshot(
        world.database,
        source_key=source.key,
        records=records,
        vectors=None,
        workflow_id=workflow,
        bundle_sha256="0" * 64,
        at=AT,
    )


def bundle(
    world: World,
    source: Source,
    records: Sequence[Activity],
    *,
    before: Sequence[Activity] = (),
    failed: dict[str, Any] | None = None,
    workflow: str = "",
    is_compared: bool = True,
) -> tuple[str, str]:
    """Store a bundle and, where it is compared already, what it changes; return its workflow's id and its hash."""
    name = workflow or world.workflow("review", source=source)
    diff = diff_records(
        [one.dump() for one in before], [one.dump() for one in records], before_name="catalog", after_name=name
    )
    sha256 = _store(world, name, source, "final_jsonl", list(records))
    if is_compared:
        _store(world, name, source, "activity_diff", diff)
    counts = {"rows": len(records), "held_by": list(failed or {}), "checks": failed or {}}
    world.context.catalog.workflows.stage_ended(name, "final_jsonl", "completed", AT, counts)
    return name, sha256


def _store(world: World, workflow: str, source: Source, asset: str, value: object) -> str:
    made = encode(value)
    digest = hashlib.sha256(made.data).hexdigest()
    stored = world.context.store.put(f"{asset}/{source.key}/{workflow}/run-{digest[:12]}.{made.extension}", made.data)
    files = world.context.catalog.workflows.get(workflow)
    assert files is not None
    at = AT + timedelta(seconds=len(files.files))
    file = WorkflowFile(
        asset=asset, run_id="run", uri=stored.uri, bytes=stored.bytes, rows=made.rows, sha256=digest, created_at=at
    )
    world.context.catalog.workflows.add_file(workflow, file)
    return digest
