"""`tripper run` and `tripper import`: one source through the graph, and a waiting bundle into the catalog."""

import functools
import getpass
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from tripper_assets.cli.launch import GOOD, run_job, run_source
from tripper_assets.cli.output import Json, print_json, say
from tripper_assets.cli.session import Session, UnknownNameError, dagster_instance, open_session, without_user_info
from tripper_assets.cli.summary import print_summary, summary
from tripper_assets.cli.yaml_files import read_mapping
from tripper_assets.domain.errors import CleanedUpError, ConfigurationError, NotFoundError, PermanentError
from tripper_assets.domain.quality import CHECKS
from tripper_assets.domain.sources import Source, make_source, parse_config
from tripper_assets.domain.workflows import Workflow, WorkflowFile
from tripper_assets.downloads import newest_files
from tripper_assets.resources import utc_now

BAD_ENDS = frozenset({"failed", "expired", "canceled"})
"""Of a batch that has to be submitted again."""
RETRIED = frozenset({"failed", "canceled"})


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("run")(run)
    app.command("import")(import_workflow)
    app.command("retry")(retry)


def run(
    url: Annotated[str, typer.Argument(help="The source: a URL, or the key of a registered one.")],
    *,
    max_pages: Annotated[int | None, typer.Option(help="How many pages at most.")] = None,
    auto_import: Annotated[
        bool | None, typer.Option("--auto-import/--no-auto-import", help="Import without a decision.")
    ] = None,
    location: Annotated[str | None, typer.Option(help="The location that a new source serves.")] = None,
    config: Annotated[Path | None, typer.Option(help="A YAML file with the source's configuration.")] = None,
    as_json: Json = False,
) -> None:
    """Take one source through the whole graph: crawl, extract, enrich, join, and import if that is allowed."""
    given: dict[str, Any] = {"max_pages": max_pages, "auto_import": auto_import}
    overrides = _read_config(config) | {name: value for name, value in given.items() if value is not None}
    with open_session() as session:
        source = _source(session, url, overrides, location)
        finish(run_source(session, source, overrides, trigger="cli", quiet=as_json), as_json=as_json)


def import_workflow(
    workflow: Annotated[str, typer.Argument(help="The workflow, or the start of its id.")],
    *,
    override: Annotated[list[str] | None, typer.Option(help="A failed check to override by name.")] = None,
    as_json: Json = False,
) -> None:
    """Approve a workflow's final JSONL as it is, and import it."""
    overrides = _known_checks(override or [])
    with open_session() as session:
        found = session.workflow(workflow)
        approve = functools.partial(
            session.catalog.workflows.decide,
            found.id,
            _bundle(found).sha256,
            decision="approved",
            by=_person(),
            at=utc_now(),
            overrides=overrides,
            reason="tripper import",
        )
        imported = run_job(session, "import_source", found, quiet=as_json, begin=approve)
        finish(imported, as_json=as_json, wanted=frozenset({"completed"}))


def retry(
    workflow: Annotated[str, typer.Argument(help="The workflow, or the start of its id.")], *, as_json: Json = False
) -> None:
    """Go on with a failed or canceled workflow: what it stored is used, and what it lacks is done."""
    with open_session() as session:
        found = session.workflow(workflow)
        bad = {one.asset for one in session.catalog.batches.of_workflow(found.id) if one.status in BAD_ENDS}
        left = _left_to_do(found, bad)
        # A run that fails before its first step, as it reads what was stored, says so of a running workflow only.
        again = functools.partial(session.catalog.workflows.set_status, found.id, "running")
        finish(run_job(session, "run_source", found, assets=left, quiet=as_json, begin=again), as_json=as_json)


def _left_to_do(workflow: Workflow, bad: set[str]) -> list[str]:
    """Return the assets to run again: those that are not done, or ``bad``, and all that is made from them.

    Raises:
        PermanentError: the workflow did not end badly.
        CleanedUpError: what it stored was removed.
    """
    if workflow.status not in RETRIED:
        raise PermanentError(
            f"The workflow {workflow.id} is {workflow.status}, and only a failed or canceled one is retried; "
            f"`tripper run {workflow.source_key}` starts a new one."
        )
    gone = next((file for file in newest_files(workflow).values() if file.deleted_at), None)
    if gone is not None:
        raise CleanedUpError(
            f"The stored {gone.asset.replace('_', ' ')} of workflow {workflow.id} were cleaned up on {gone.deleted_at:%Y-%m-%d}; "
            f"start a new one with `tripper run {workflow.source_key}`."
        )
    from tripper_assets.jobs import left_to_do  # noqa: PLC0415 (dagster takes two seconds to import)

    return left_to_do(_done(workflow) - bad)


def _done(workflow: Workflow) -> set[str]:
    """Return the assets whose stage is completed and whose value was stored by the same run: a store may refuse what a stage made."""
    from tripper_assets.io_managers import materializations  # noqa: PLC0415 (dagster takes two seconds to import)

    with dagster_instance() as instance:
        return {
            stage.asset
            for stage in workflow.stages
            if stage.status == "completed"
            and any(
                one.workflow_id == workflow.id and stage.run_id in ("", one.run_id)
                for one in materializations(instance, stage.asset, workflow.source_key)
            )
        }


def finish(workflow: Workflow, *, as_json: bool, wanted: frozenset[str] = GOOD) -> None:
    """Print what came out.

    Raises:
        PermanentError: the workflow ended in another state than those ``wanted``; says why.
    """
    if as_json:
        print_json(summary(workflow))
    else:
        print_summary(workflow)
    if workflow.status not in wanted:
        raise PermanentError(workflow.reason or f"The workflow {workflow.id} is {workflow.status}.")
    if workflow.reason and not as_json:
        say(workflow.reason)


def _bundle(workflow: Workflow) -> WorkflowFile:
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


def _known_checks(names: list[str]) -> tuple[str, ...]:
    for name in names:
        if name not in CHECKS:
            raise ConfigurationError(f"There is no check {name}; --override takes one of {', '.join(sorted(CHECKS))}.")
    return tuple(names)


def _person() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return f"user {os.getuid()}"


def _source(session: Session, url: str, overrides: dict[str, Any], location: str | None) -> Source:
    """Return the registered source, or register a new one; a launch never changes one that is registered."""
    known = session.catalog.sources.get(url)
    if known is not None:
        return known
    if "://" not in url:
        raise UnknownNameError(
            f"There is no source {url}; give the URL of a site, or a key that `tripper sources list` shows."
        )
    if location is not None and session.catalog.sources.get_location(location) is None:
        raise UnknownNameError(
            f"There is no location {location}; add it with `tripper locations add {location} --name NAME --country CODE`."
        )
    made = make_source(url, parse_config(overrides, subject=without_user_info(url)), location_id=location)
    return session.catalog.sources.get(made.key) or session.catalog.sources.add(made)


def _read_config(path: Path | None) -> dict[str, Any]:
    return read_mapping(path, name="configuration file", example="lines like `max_pages: 50`") if path else {}
