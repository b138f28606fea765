"""`tripper status`, `files` and `diff`: what workflows did, what they left behind, and what that changes."""

from pathlib import Path
from typing import Annotated, Any

import typer

from tripper_assets.cli.output import Json, print_json, print_table, say, size
from tripper_assets.cli.session import Session, open_session
from tripper_assets.cli.summary import print_summary
from tripper_assets.clients.objects import Objects
from tripper_assets.domain.diff import ActivityDiff, diff_records
from tripper_assets.domain.errors import CleanedUpError, ConfigurationError, NotFoundError
from tripper_assets.domain.workflows import Workflow
from tripper_assets.downloads import NAMES, downloads, newest_files, read_file

MANY = 10_000
SHOWN_CHANGES = 50


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("status")(status)
    app.command("files")(files)
    app.command("diff")(diff)


def status(
    workflow: Annotated[
        str | None, typer.Argument(help="A workflow, or the start of its id; none lists the newest.")
    ] = None,
    *,
    limit: Annotated[int, typer.Option(min=1, help="How many to list.")] = 20,
    as_json: Json = False,
) -> None:
    """Show one workflow with its stages, or list the newest."""
    with open_session() as session:
        if workflow is None:
            _list(session.catalog.workflows.list(limit=limit), as_json=as_json)
            return
        found = session.workflow(workflow)
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    say(f"{found.status}: {found.source_url} ({found.source_key}), {_started(found)}")
    print_summary(found)
    if found.kept_at:
        say(f"Kept from retention since {found.kept_at:%Y-%m-%d}.")
    if found.reason:
        say(found.reason)
    for error in (one for one in found.errors if one.message not in found.reason):
        say(f"Error in {error.stage} at {error.at:%Y-%m-%d %H:%M} UTC: {error.message}")


def _started(workflow: Workflow) -> str:
    return f"a replay of {workflow.replay_of}" if workflow.replay_of else f"started by {workflow.trigger}"


def _list(found: list[Workflow], *, as_json: bool) -> None:
    if as_json:
        print_json([one.model_dump(mode="json", exclude={"stages", "files", "errors"}) for one in found])
        return
    rows = [
        (one.id, one.status, one.source_key, f"{one.created_at:%Y-%m-%d %H:%M}", one.activities_processed, one.reason)
        for one in found
    ]
    print_table(("workflow", "status", "source", "created (UTC)", "activities", "reason"), rows)


def files(
    workflow: Annotated[str, typer.Argument(help="The workflow, or the start of its id.")],
    *,
    download: Annotated[Path | None, typer.Option(help="Write readable copies into this folder.")] = None,
    sign: Annotated[
        int | None, typer.Option(min=1, max=604_800, help="Print URLs that are open for so many seconds (S3 only).")
    ] = None,
    as_json: Json = False,
) -> None:
    """List what a workflow stored, or download it under the names that consumers know."""
    with open_session() as session:
        found = session.workflow(workflow)
        objects = Objects(session.settings.objects_url)
        if download is not None:
            _download(found, objects, download, as_json=as_json)
            return
    rows = [
        file.model_dump(mode="json") | ({"url": objects.sign(file.uri, sign)} if sign and not file.deleted_at else {})
        for file in found.files
    ]
    if as_json:
        print_json(rows)
        return
    shown = [
        (
            file.asset,
            file.rows,
            size(file.bytes),
            file.sha256[:12],
            row.get("url", file.uri),
            f"cleaned up {file.deleted_at:%Y-%m-%d}" if file.deleted_at else "",
        )
        for file, row in zip(found.files, rows, strict=True)
    ]
    print_table(("asset", "rows", "bytes", "sha256", "uri", "removed"), shown)


def _download(workflow: Workflow, objects: Objects, folder: Path, *, as_json: bool) -> None:
    gone = [file for asset, file in newest_files(workflow).items() if file.deleted_at and asset in NAMES]
    found = downloads(objects, workflow)
    if len(found) <= 1:  # the list of ids is of no use alone
        cleaned = f"were cleaned up on {gone[0].deleted_at:%Y-%m-%d}" if gone else "do not exist"
        raise CleanedUpError(
            f"The files of workflow {workflow.id} {cleaned}; run `tripper run {workflow.source_key} --no-auto-import` to make and keep them."
        )
    _write_all(folder, found)
    if as_json:
        print_json([{"path": str(folder / name), "bytes": len(data)} for name, data in found.items()])
        return
    for name, data in found.items():
        say(f"{folder / name}\t{size(len(data))}")
    for file in gone:
        say(f"Without {file.asset}, which was cleaned up on {file.deleted_at:%Y-%m-%d}.")


def _write_all(folder: Path, found: dict[str, bytes]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in found.items():
            temporary = folder / f".{name}.part"
            temporary.write_bytes(data)
            temporary.replace(folder / name)
    except OSError as error:
        raise ConfigurationError(
            f"The folder {folder} cannot be written ({error.strerror}); give another one with --download."
        ) from error


def diff(
    source: Annotated[str, typer.Argument(help="A source key or URL.")],
    *,
    against: Annotated[str | None, typer.Option(help="Compare with this workflow's final JSONL instead.")] = None,
    as_json: Json = False,
) -> None:
    """Show what the newest records of a source changed: against the import before them, or against another workflow."""
    with open_session() as session:
        found = _diff(session, source, against)
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    say(
        f"{found.before or 'nothing'} → {found.after}: {found.added} added, {found.removed} removed, {found.changed} changed, {found.unchanged} unchanged."
    )
    rows: list[tuple[Any, ...]] = []
    for one in found.activities[:SHOWN_CHANGES]:
        rows += [(one.kind, one.name, change.field, change.before, change.after) for change in one.changes] or [
            (one.kind, one.name, "", "", "")
        ]
    if rows:
        print_table(("kind", "activity", "field", "before", "after"), rows)


def _diff(session: Session, source: str, against: str | None) -> ActivityDiff:
    key = session.source(source).key
    newest = next(
        (one for one in session.catalog.workflows.list(key, limit=MANY) if "activity_diff" in newest_files(one)), None
    )
    if newest is None:
        raise NotFoundError(f"The source {key} has no finished workflow to compare; run it with `tripper run {key}`.")
    objects = Objects(session.settings.objects_url)
    if against is None:
        return read_file(objects, newest, "activity_diff", ActivityDiff)
    other = session.workflow(against)
    if other.source_key != key:
        raise ConfigurationError(
            f"The workflow {other.id} belongs to {other.source_key} and not to {key}; compare two workflows of one source."
        )
    before, after = (read_file(objects, one, "final_jsonl", list[dict[str, Any]]) for one in (other, newest))
    return diff_records(before, after, before_name=other.id, after_name=newest.id)
