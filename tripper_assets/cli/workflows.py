"""`tripper status`, `files`, `diff` and `cleanup`: what workflows did, what they left behind, and what may go."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from tripper_assets.cli.output import Json, print_json, print_table, say, size
from tripper_assets.cli.session import Session, open_session
from tripper_assets.cli.summary import print_summary
from tripper_assets.clients.objects import Objects
from tripper_assets.domain.diff import ActivityDiff, diff_records
from tripper_assets.domain.errors import CleanedUpError, ConfigurationError, NotFoundError
from tripper_assets.domain.retention import Expired, expired_files
from tripper_assets.domain.sources import parse_config
from tripper_assets.domain.workflows import Workflow, WorkflowStatus
from tripper_assets.downloads import NAMES, downloads, newest_files, read_file
from tripper_assets.resources import utc_now

AGE = re.compile(r"([0-9]{1,9})([dh])")
HOURS_A_DAY = 24
LONGEST_HOURS = 1000 * 365 * HOURS_A_DAY
MANY = 10_000
SHOWN_CHANGES = 50
HALF_WRITTEN_AGE = timedelta(days=1)
"""No write takes so long; what is older was left by a killed process."""


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("status")(status)
    app.command("files")(files)
    app.command("diff")(diff)
    app.command("cleanup")(cleanup)


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
    say(f"{found.status}: {found.source_url} ({found.source_key}), started by {found.trigger}")
    print_summary(found)
    if found.reason:
        say(found.reason)
    for error in (one for one in found.errors if one.message not in found.reason):
        say(f"Error in {error.stage} at {error.at:%Y-%m-%d %H:%M} UTC: {error.message}")


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


def cleanup(
    *,
    older_than: Annotated[
        str | None,
        typer.Option(help="An age such as 30d or 12h; default: the source's keep_days, else TRIPPER_RETENTION_DAYS."),
    ] = None,
    status: Annotated[str, typer.Option(help="Only workflows in this state.")] = "completed",
    source: Annotated[str | None, typer.Option(help="Only this source (key or URL).")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: Json = False,
) -> None:
    """Remove the intermediates of old workflows, and keep their rows; what the catalog serves is never touched."""
    with open_session() as session:
        age = _age(older_than) if older_than else None
        key = session.source(source).key if source else None
        workflows = session.catalog.workflows.list(key, status=_status(status), limit=MANY)
        expired = _expired(workflows, age, session.settings.retention_days)
        swept = 0
        if not dry_run:
            _remove(session, expired)
            swept = Objects(session.settings.objects_url).sweep_uploads(HALF_WRITTEN_AGE, utc_now())
    removed = sum(len(one.files) for one in expired)
    if as_json:
        print_json(
            {
                "workflows": len(expired),
                "files": removed,
                "bytes": sum(one.bytes for one in expired),
                "half_written": swept,
                "dry_run": dry_run,
            }
        )
    else:
        say(
            f"{'Would remove' if dry_run else 'Removed'} {removed} files ({size(sum(one.bytes for one in expired))}) of {len(expired)} workflows."
        )
        if swept:
            say(f"Removed {swept} half-written files that killed processes had left.")


def _expired(workflows: list[Workflow], age: timedelta | None, retention_days: int) -> list[Expired]:
    """Return what may go: by the age that was asked for, else by the source's keep_days, else by TRIPPER_RETENTION_DAYS."""
    now = utc_now()
    found: list[Expired] = []
    for workflow in workflows:
        kept_days = parse_config(workflow.config, subject=f"workflow {workflow.id}").keep_days
        own = timedelta(days=retention_days if kept_days is None else kept_days)
        found += expired_files([workflow], now=now, age=own if age is None else age)
    return found


def _remove(session: Session, expired: list[Expired]) -> None:
    from tripper_assets.cleanup import remove_files  # noqa: PLC0415 (dagster takes two seconds to import)
    from tripper_assets.cli.session import dagster_instance  # noqa: PLC0415 (same)

    objects = Objects(session.settings.objects_url)
    with dagster_instance() as instance:
        for one in expired:
            remove_files(
                one.workflow,
                one.files,
                catalog=session.catalog,
                objects=objects,
                at=utc_now(),
                report=instance.report_runless_asset_event,
            )


def _age(text: str) -> timedelta:
    match = AGE.fullmatch(text)
    if not match:
        raise ConfigurationError(f"--older-than is {text!r}; give an age such as 30d or 12h.")
    hours = int(match[1]) * (HOURS_A_DAY if match[2] == "d" else 1)
    return timedelta(hours=min(hours, LONGEST_HOURS))


def _status(text: str) -> WorkflowStatus:
    known: dict[str, WorkflowStatus] = {one: one for one in ("completed", "failed", "canceled")}
    if text not in known:
        raise ConfigurationError(
            f"--status is {text!r}; give one of {', '.join(known)}: files of other workflows are still needed."
        )
    return known[text]
