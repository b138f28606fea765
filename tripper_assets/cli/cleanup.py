"""`tripper cleanup` and `tripper keep`: what of the store has had its time, and what stays whatever its age."""

import re
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

import typer

from tripper_assets.cli.output import Json, print_json, say, size
from tripper_assets.cli.run import person
from tripper_assets.cli.session import dagster_instance, open_session
from tripper_assets.clients.lifecycle import apply_rules, lifecycle_rules
from tripper_assets.clients.objects import Objects
from tripper_assets.clients.sweep import Swept
from tripper_assets.domain.errors import ConfigurationError
from tripper_assets.domain.retention import retired_files
from tripper_assets.domain.workflows import WorkflowStatus
from tripper_assets.resources import utc_now
from tripper_assets.settings import load_settings

AGE = re.compile(r"([0-9]{1,9})([dh])")
HOURS_A_DAY = 24
LONGEST_HOURS = 1000 * 365 * HOURS_A_DAY


class Lifecycle(StrEnum):
    """What is done with the bucket's rules."""

    PRINT = "print"
    APPLY = "apply"


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("cleanup")(cleanup)
    app.command("keep")(keep)


def cleanup(
    *,
    older_than: Annotated[
        str | None,
        typer.Option(help="An age such as 30d or 12h; default: the source's keep_days, else TRIPPER_RETENTION_DAYS."),
    ] = None,
    status: Annotated[str, typer.Option(help="Only workflows in this state.")] = "completed",
    source: Annotated[str | None, typer.Option(help="Only this source (key or URL).")] = None,
    workflow: Annotated[
        str | None,
        typer.Option(help="The files of this one alone, whatever its age; one in review is then canceled."),
    ] = None,
    unknown: Annotated[
        bool,
        typer.Option(
            "--unknown", help="Also remove old files of workflows that this catalog does not know; another one may."
        ),
    ] = False,
    lifecycle: Annotated[
        Lifecycle | None,
        typer.Option(help="Only print the rules that suit the S3 bucket, or add them to the bucket's own."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: Json = False,
) -> None:
    """Remove the intermediates of old workflows, and keep their rows; what the catalog serves is never touched.

    With its workflow's files goes the list of pages that a replay needs, and then the page bodies, pictures and files that nothing needs
    any more. Workflows that run, wait, are in review, or that `tripper keep` names keep everything.
    """
    if lifecycle is not None:
        _lifecycle(lifecycle, as_json=as_json)
        return
    if workflow is not None:
        _give_up(workflow, dry_run=dry_run, as_json=as_json)
        return
    from tripper_assets.cleanup import Chosen, clean_up  # noqa: PLC0415 (dagster takes two seconds to import)

    with open_session() as session, dagster_instance() as instance:
        chosen = Chosen(
            retention_days=session.settings.retention_days,
            age=_age(older_than) if older_than else None,
            status=_status(status),
            source_key=session.source(source).key if source else None,
            unknown=unknown,
        )
        removed = clean_up(
            session.catalog,
            Objects(session.settings.objects_url),
            chosen=chosen,
            now=utc_now(),
            report=instance.report_runless_asset_event,
            dry_run=dry_run,
        )
    if as_json:
        print_json({**removed.counts(), "dry_run": dry_run})
        return
    words = "Would remove" if dry_run else "Removed"
    say(f"{words} {removed.files} files ({size(removed.bytes)}) of {removed.workflows} workflows.")
    if removed.half_written:
        say(f"Removed {removed.half_written} half-written files that killed processes had left.")
    _tell_swept(removed.swept, words)
    _tell_orphans(removed.counts(), words, unknown=unknown, is_busy=removed.orphans.is_busy)


def _give_up(name: str, *, dry_run: bool, as_json: bool) -> None:
    from tripper_assets.cleanup import give_up  # noqa: PLC0415 (dagster takes two seconds to import)

    with open_session() as session, dagster_instance() as instance:
        found = session.workflow(name)
        objects, report = Objects(session.settings.objects_url), instance.report_runless_asset_event
        gone = [] if dry_run else give_up(session.catalog, objects, found, by=person(), now=utc_now(), report=report)
        files = retired_files(found) if dry_run else [file for one in gone for file in one.files]
    count, size_of_all = len(files), sum(file.bytes for file in files)
    if as_json:
        print_json({"workflows": 1, "files": count, "bytes": size_of_all, "dry_run": dry_run})
    else:
        say(f"{'Would remove' if dry_run else 'Removed'} {count} files ({size(size_of_all)}) of {found.id}.")


def _tell_swept(swept: Swept, words: str) -> None:
    if swept.bodies:
        say(f"{words} {swept.bodies} page bodies ({size(swept.bytes)}) that no page and no kept workflow needs.")
    if swept.damaged_manifests:
        say(f"{swept.damaged_manifests} lists of pages are damaged, and their workflows cannot be replayed.")
    if swept.is_busy:
        say("Page bodies were left alone, for another clean-up is at work.")


def _tell_orphans(counts: dict[str, int], words: str, *, unknown: bool, is_busy: bool) -> None:
    kinds = {"files": "files of workflows", "pictures": "pictures", "batches": "files of batches"}
    found = [f"{counts[f'orphaned_{name}']} {said}" for name, said in kinds.items() if counts[f"orphaned_{name}"]]
    if found:
        say(f"{words} {', '.join(found)} ({size(counts['orphaned_bytes'])}) that nothing refers to.")
    if counts["unknown_files"] and not unknown:
        say(
            f"{counts['unknown_files']} old files are of {counts['unknown_workflows']} workflows that this catalog does not know, and no "
            "picture was looked at: another catalog may use this store. If none does, --unknown removes them."
        )
    if is_busy:
        say("Pictures were left alone, for a run is at work that may need one of them.")


def _lifecycle(wanted: Lifecycle, *, as_json: bool) -> None:
    url = load_settings().objects_url
    if wanted is Lifecycle.PRINT:
        print_json({"Rules": lifecycle_rules(url)})
        return
    rules = apply_rules(url)
    if as_json:
        print_json({"Rules": rules})
    else:
        say(
            f"The bucket of {url} has {len(rules)} lifecycle rules now: {', '.join(str(rule.get('ID', '')) for rule in rules)}."
        )


def keep(
    workflow: Annotated[str, typer.Argument(help="The workflow, or the start of its id.")],
    *,
    release: Annotated[bool, typer.Option("--release", help="Let retention have its files again.")] = False,
    reason: Annotated[str, typer.Option(help="Why, for whoever asks later.")] = "",
) -> None:
    """Keep a workflow's files whatever their age, until they are released."""
    with open_session() as session:
        found, retention = session.workflow(workflow), session.catalog.retention
        if release:
            retention.release(found.id, by=person(), at=utc_now())
        else:
            retention.keep(found.id, by=person(), at=utc_now(), reason=reason)
        gone = [file for file in found.files if file.deleted_at]
    say(f"Retention {'may remove' if release else 'leaves alone'} the files of {found.id}.")
    if gone and not release:
        say(f"{len(gone)} of its {len(found.files)} files were cleaned up before.")


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
