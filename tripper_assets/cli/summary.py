"""What came out of a workflow, as one object for programs and as a table for people."""

from typing import Any

from tripper_assets.cli.output import print_table, say, size
from tripper_assets.domain.workflows import Workflow, WorkflowFile, WorkflowStage
from tripper_assets.domain.yields import not_asked


def summary(workflow: Workflow) -> dict[str, Any]:
    """Return the object that `run --json` and `demo --json` print."""
    newest = {file.asset: file for file in sorted(workflow.files, key=lambda file: file.created_at)}
    result = workflow.import_summary.model_dump(exclude={"rejections"}) if workflow.import_summary else {}
    return {
        "workflow_id": workflow.id,
        "source_key": workflow.source_key,
        "status": workflow.status,
        "reason": workflow.reason,
        "stages": {stage.asset: _stage(stage, newest.get(stage.asset)) for stage in workflow.stages},
        "import": result,
        "calls": calls(workflow),
    }


def calls(workflow: Workflow) -> dict[str, int]:
    """Return what was really done anew: bodies received, 304s, provider queries, texts embedded, tokens."""
    counts = {stage.asset: stage.counts for stage in workflow.stages}

    def count(asset: str, name: str) -> int:
        return int(counts.get(asset, {}).get(name, 0))

    return {
        "pages": count("raw_activities", "fetched"),
        "not_modified": count("raw_activities", "reused"),
        "images": count("images_map", "fetched"),
        "geocodes": count("geocoded_map", "queries"),
        "embeddings": count("embedding_batch", "fetched"),
        "tokens": count("embeddings_map", "tokens") + count("raw_activities", "tokens"),
    }


def _stage(stage: WorkflowStage, file: WorkflowFile | None) -> dict[str, Any]:
    seconds = (stage.ended_at - stage.started_at).total_seconds() if stage.ended_at else None
    return {
        "status": stage.status,
        "progress": round(stage.progress, 3),
        "rows": stage.counts.get("rows", 0),
        "bytes": file.bytes if file else 0,
        "seconds": seconds,
        "uri": file.uri if file else "",
        "fetched": stage.counts.get("fetched", 0),
        "reused": stage.counts.get("reused", 0),
        "problems": stage.counts.get("problems", 0),
        "problems_by_code": stage.counts.get("problems_by_code", {}),
    }


def print_summary(workflow: Workflow) -> None:
    """Print what came out: the stages, the calls, the import and the problems."""
    told = summary(workflow)
    rows = [
        (
            asset,
            f"running {one['progress']:.0%}" if one["status"] == "running" else one["status"],
            one["rows"],
            one["fetched"],
            one["reused"],
            one["problems"],
            size(one["bytes"]),
            f"{one['seconds'] or 0:.1f}",
        )
        for asset, one in told["stages"].items()
    ]
    print_table(
        ("stage", "status", "rows", "fetched", "reused", "problems", "stored", "seconds"),
        rows,
        title=f"Workflow {workflow.id}",
    )
    done = told["calls"]
    crawl = next((stage.counts for stage in workflow.stages if stage.asset == "raw_activities"), {})
    skipped = f", {not_asked(crawl)} not asked for" if not_asked(crawl) else ""
    say(
        f"Done anew: {done['pages']} page bodies ({done['not_modified']} unchanged{skipped}), {done['images']} image bodies, "
        f"{done['geocodes']} geocoder queries, {done['embeddings']} texts embedded."
    )
    _print_import(told["import"])
    _print_problems(told["stages"])


def _print_import(result: dict[str, Any]) -> None:
    if not result:
        return
    written = result["inserted"] + result["updated"] + result["removed"]
    say(
        f"Import: {written} rows written ({result['inserted']} inserted, {result['updated']} updated, {result['removed']} removed), "
        f"{result['unchanged']} unchanged, {result['rejected']} rejected."
    )


def _print_problems(stages: dict[str, Any]) -> None:
    for asset, one in stages.items():
        if one["problems_by_code"]:
            listed = ", ".join(f"{count} {code}" for code, count in one["problems_by_code"].items())
            say(f"Problems in {asset}: {listed}.")
