"""`tripper tags`: have sources tagged, and see how far each voter is."""

import functools
import uuid
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from tripper_assets.catalog.tag_progress import SourceProgress, tag_progress
from tripper_assets.cli.launch import GOOD, run_job
from tripper_assets.cli.output import Json, print_error, print_json, print_table, say
from tripper_assets.cli.session import Session, open_session
from tripper_assets.domain.errors import PermanentError, TripperError
from tripper_assets.domain.refinement import RefinementProgress
from tripper_assets.domain.sources import Source
from tripper_assets.domain.taggers import narrowed
from tripper_assets.domain.workflows import Workflow, queued_workflow
from tripper_assets.resources import utc_now
from tripper_assets.voters import taggers_off

tags_app = typer.Typer(help="Votes on tags.", no_args_is_help=True)
COLUMNS = ("source", "voter", "run", "votes", "wanted", "errors", "refined", "workflow", "counted (UTC)")


@tags_app.callback()
def tags() -> None:
    """Have activities tagged, and show what the votes come to."""


@tags_app.command("run")
def run(
    sources: Annotated[list[str], typer.Argument(help="The sources whose stored activities are tagged (key or URL).")],
    *,
    runs: Annotated[
        int | None,
        typer.Option(min=1, max=20, help="How often each remote voter is asked. Default: the source's tag_runs."),
    ] = None,
    provider: Annotated[
        list[str] | None,
        typer.Option(help="Ask this one of the source's voters alone, such as openai; may be repeated."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Ask the voters for what is missing; what has a vote is never asked again, and the source's next run publishes the tags."""
    with open_session() as session:
        wanted = [session.source(one) for one in sources]
        asked = {one.key: narrowed(one.config.taggers or session.settings.taggers, provider or ()) for one in wanted}
        tagged = functools.partial(_tagged, session, runs=runs, quiet=as_json)
        ended, errors = _each(wanted, lambda one: tagged(one, asked=asked[one.key]))
        found = tag_progress(session.catalog.database, [one.key for one in wanted])
        off = {one.key: taggers_off(session.settings, asked[one.key]) for one in wanted}
    if as_json:
        print_json([_as_data(one, found, off) for one in ended])
    else:
        _print(found, {name: why for reasons in off.values() for name, why in reasons.items()})
        for one in ended:
            say(f"{one.source_key}: {one.status}. {one.reason}".rstrip())
    for key, error in errors[1:]:
        print_error(f"{key}: {error}")
    if errors:
        raise errors[0][1]
    bad = next((one for one in ended if one.status not in GOOD), None)
    if bad is not None:
        raise PermanentError(bad.reason or f"The workflow {bad.id} is {bad.status}.")


def _each(
    sources: Sequence[Source], tagged: Callable[[Source], Workflow]
) -> tuple[list[Workflow], list[tuple[str, TripperError]]]:
    """Return the workflows, and by source why there is none: one source that cannot be tagged now keeps no other from it."""
    ended: list[Workflow] = []
    errors: list[tuple[str, TripperError]] = []
    for one in sources:
        try:
            ended.append(tagged(one))
        except TripperError as error:
            errors.append((one.key, error))
    return ended, errors


def _tagged(session: Session, source: Source, *, runs: int | None, asked: tuple[str, ...], quiet: bool) -> Workflow:
    from tripper_assets.partitions import TAGGERS_TAG  # noqa: PLC0415 (dagster takes two seconds to import)

    overrides: dict[str, Any] = {"tag_runs": runs} if runs else {}
    workflow = queued_workflow(source, overrides, identifier=str(uuid.uuid4()), trigger="tagging", created_at=utc_now())
    location = session.catalog.sources.get_location(source.location_id) if source.location_id else None
    tags = {TAGGERS_TAG: ",".join(asked)}
    begin = functools.partial(session.catalog.workflows.start, workflow, location)
    return run_job(session, "tag_source", workflow, tags=tags, quiet=quiet, begin=begin)


def _as_data(workflow: Workflow, found: list[SourceProgress], off: dict[str, dict[str, str]]) -> dict[str, Any]:
    mine = [one for one in found if one.source_key == workflow.source_key]
    return {
        "workflow_id": workflow.id,
        "source_key": workflow.source_key,
        "status": workflow.status,
        "voters": [voter.model_dump() for one in mine for voter in one.voters],
        "refinement": next((one.refinement.model_dump() for one in mine if one.refinement), None),
        "off": off[workflow.source_key],
    }


@tags_app.command("status")
def status(
    source: Annotated[str | None, typer.Argument(help="Only this source's voters (key or URL).")] = None,
    *,
    as_json: Json = False,
) -> None:
    """Show how far each voter is with the activities of each source, as its last round of votes counted it."""
    with open_session() as session:
        known = session.source(source) if source else None
        found = tag_progress(session.catalog.database, [known.key] if known else None)
        off = taggers_off(session.settings, known.config.taggers if known else ())
    if as_json:
        print_json({"sources": [one.model_dump(mode="json") for one in found], "off": off})
        return
    _print(found, off)
    if not found:
        say("Nobody has voted yet; `tripper run URL` has the activities of a source tagged.")


def _refined(found: RefinementProgress | None) -> str:
    return f"{found.refined} of {found.wanted}" if found else ""


def _print(found: list[SourceProgress], off: dict[str, str]) -> None:
    rows = [
        (
            one.source_key,
            f"{voter.provider} {voter.model}",
            f"{min(voter.run, voter.runs)} of {voter.runs}",
            voter.there,
            voter.wanted,
            voter.errors,
            _refined(one.refinement),
            one.status,
            f"{one.counted_at:%Y-%m-%d %H:%M}",
        )
        for one in found
        for voter in one.voters
    ]
    if rows:
        print_table(COLUMNS, rows)
    for why in off.values():
        say(why)
