"""`tripper run` and `tripper import`: one source through the graph, and a waiting bundle into the catalog."""

import getpass
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from tripper_assets.cli.launch import new_workflow, run_job
from tripper_assets.cli.output import Json, print_json
from tripper_assets.cli.session import Session, open_session
from tripper_assets.cli.summary import print_summary, summary
from tripper_assets.domain.errors import ConfigurationError, NotFoundError
from tripper_assets.domain.sources import Source, make_source, parse_config
from tripper_assets.domain.workflows import Workflow
from tripper_assets.resources import utc_now

GOOD = frozenset({"completed", "review", "waiting"})


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("run")(run)
    app.command("import")(import_workflow)


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
        values = source.config.model_dump(mode="json") | overrides
        workflow = new_workflow(session, source, parse_config(values, subject=source.url), trigger="cli")
        finish(run_job(session, "run_source", workflow, quiet=as_json), as_json=as_json)


def import_workflow(
    workflow: Annotated[str, typer.Argument(help="The workflow, or the start of its id.")],
    *,
    override: Annotated[list[str] | None, typer.Option(help="A failed check to override by name.")] = None,
    as_json: Json = False,
) -> None:
    """Approve a workflow's final JSONL as it is, and import it."""
    with open_session() as session:
        found = session.workflow(workflow)
        bundle = next((file for file in reversed(found.files) if file.asset == "final_jsonl"), None)
        if bundle is None:
            raise NotFoundError(
                f"The workflow {found.id} has no final JSONL to import; run its source again with `tripper run {found.source_url}`."
            )
        session.catalog.workflows.decide(
            found.id,
            bundle.sha256,
            decision="approved",
            by=getpass.getuser(),
            at=utc_now(),
            overrides=tuple(override or ()),
            reason="tripper import",
        )
        finish(run_job(session, "import_source", found, quiet=as_json), as_json=as_json)


def finish(workflow: Workflow, *, as_json: bool) -> None:
    """Print what came out, and end with exit code 1 where the workflow failed."""
    if as_json:
        print_json(summary(workflow))
    else:
        print_summary(workflow)
    if workflow.status not in GOOD:
        raise typer.Exit(1)


def _source(session: Session, url: str, overrides: dict[str, Any], location: str | None) -> Source:
    """Return the registered source, or register a new one; a launch never changes one that is registered."""
    known = session.catalog.sources.get(url)
    if known is not None:
        return known
    if location is not None and session.catalog.sources.get_location(location) is None:
        raise NotFoundError(
            f"There is no location {location}; add it with `tripper locations add {location} --name NAME --country CODE`."
        )
    made = make_source(url, parse_config(overrides, subject=url), location_id=location)
    return session.catalog.sources.get(made.key) or session.catalog.sources.add(made)


def _read_config(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        values: Any = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigurationError(
            f"The configuration file {path} cannot be read ({str(error).splitlines()[0]}); give a YAML mapping."
        ) from error
    if not isinstance(values, dict):
        raise ConfigurationError(f"The configuration file {path} is no YAML mapping; write lines like `max_pages: 50`.")
    return dict(values)
