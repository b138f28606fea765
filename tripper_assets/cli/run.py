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
from tripper_assets.clients.manifests import manifest_of
from tripper_assets.decisions import bundle_of, known_checks
from tripper_assets.domain.errors import ConfigurationError, PermanentError
from tripper_assets.domain.sources import Source, make_source, parse_config
from tripper_assets.domain.workflows import Workflow
from tripper_assets.downloads import newest_files
from tripper_assets.resources import utc_now
from tripper_assets.retries import assets_left, check_retriable

LOOKED_BACK = 200


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("run")(run)
    app.command("import")(import_workflow)
    app.command("retry")(retry)


def run(
    url: Annotated[
        str | None,
        typer.Argument(help="The source: a URL, or the key of a registered one; with --replay it may be left out."),
    ] = None,
    *,
    max_pages: Annotated[int | None, typer.Option(help="How many pages at most.")] = None,
    auto_import: Annotated[
        bool | None, typer.Option("--auto-import/--no-auto-import", help="Import without a decision.")
    ] = None,
    location: Annotated[str | None, typer.Option(help="The location that a new source serves.")] = None,
    config: Annotated[Path | None, typer.Option(help="A YAML file with the source's configuration.")] = None,
    replay: Annotated[
        str | None,
        typer.Option(
            help="Read the pages that this workflow kept again, with today's readers and the source's configuration of today, and ask no host.",
            metavar="WORKFLOW",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Take one source through the whole graph: crawl, extract, enrich, join, and import if that is allowed."""
    given: dict[str, Any] = {"max_pages": max_pages, "auto_import": auto_import}
    overrides = _read_config(config) | {name: value for name, value in given.items() if value is not None}
    with open_session() as session:
        if replay is not None:
            finish(_replay(session, replay, url, overrides, quiet=as_json), as_json=as_json)
            return
        if url is None:
            raise ConfigurationError("Nothing is named to run; give a URL, the key of a source, or --replay WORKFLOW.")
        source = _source(session, url, overrides, location)
        finish(run_source(session, source, overrides, trigger="cli", quiet=as_json), as_json=as_json)


def _replay(session: Session, name: str, url: str | None, overrides: dict[str, Any], *, quiet: bool) -> Workflow:
    """Run a workflow's source on the pages that it kept; a replay of a replay reads what the crawl before them kept.

    Raises:
        UnknownNameError: there is no such workflow.
        ConfigurationError: it is another source's than ``url`` names.
        NotFoundError: it cannot be replayed; CleanedUpError: not any more.
    """
    named = session.workflow(name)
    crawled = session.workflow(named.replay_of) if named.replay_of else named
    source = session.source(crawled.source_key)
    if url is not None and session.source(url).key != source.key:
        raise ConfigurationError(
            f"The workflow {named.id} belongs to {source.key} and not to {without_user_info(url)}; leave the source out."
        )
    manifest_of(crawled)
    allowed = {} if _is_newest_crawl(session, crawled) else {"auto_import": False}
    return run_source(session, source, allowed | overrides, trigger="replay", quiet=quiet, replay_of=crawled.id)


def _is_newest_crawl(session: Session, crawled: Workflow) -> bool:
    """Return whether the source gave no other bundle since: pages of last year are not to take the place of today's by themselves."""
    newer = session.catalog.workflows.list(crawled.source_key, limit=LOOKED_BACK)
    return all(
        one.created_at <= crawled.created_at or one.replay_of is not None or "final_jsonl" not in newest_files(one)
        for one in newer
    )


def import_workflow(
    workflow: Annotated[str, typer.Argument(help="The workflow, or the start of its id.")],
    *,
    override: Annotated[list[str] | None, typer.Option(help="A failed check to override by name.")] = None,
    as_json: Json = False,
) -> None:
    """Approve a workflow's final JSONL as it is, and import it."""
    overrides = known_checks(override or [])
    with open_session() as session:
        found = session.workflow(workflow)
        approve = functools.partial(
            session.catalog.workflows.decide,
            found.id,
            bundle_of(found).sha256,
            decision="approved",
            by=person(),
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
        check_retriable(found)
        left = assets_left(found, _stored(found), session.catalog.batches.of_workflow(found.id))
        # A run that fails before its first step, as it reads what was stored, says so of a running workflow only.
        again = functools.partial(session.catalog.workflows.set_status, found.id, "running")
        retried = run_job(
            session, "run_source", found, assets=left, tags=tags_of_voters(found), quiet=as_json, begin=again
        )
        finish(retried, as_json=as_json)


def tags_of_voters(workflow: Workflow) -> dict[str, str]:
    """Return the tag that says which voters a workflow asks, of its newest run that has one; nothing where it asks all."""
    import dagster as dg  # noqa: PLC0415 (two seconds to import)

    from tripper_assets.partitions import TAGGERS_TAG, WORKFLOW_TAG  # noqa: PLC0415 (same)

    with dagster_instance() as instance:
        runs = instance.get_runs(dg.RunsFilter(tags={WORKFLOW_TAG: workflow.id}))
        asked = next((one.tags[TAGGERS_TAG] for one in runs if TAGGERS_TAG in one.tags), "")
    return {TAGGERS_TAG: asked} if asked else {}


def _stored(workflow: Workflow) -> set[tuple[str, str]]:
    """Return asset and run of each value of a workflow that Dagster knows of."""
    from tripper_assets.io_managers import materializations  # noqa: PLC0415 (dagster takes two seconds to import)

    with dagster_instance() as instance:
        return {
            (stage.asset, one.run_id)
            for stage in workflow.stages
            for one in materializations(instance, stage.asset, workflow.source_key)
            if one.workflow_id == workflow.id
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


def person() -> str:
    """Return who gives the command."""
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
