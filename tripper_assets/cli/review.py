"""`tripper review`, `approve`, `reject` and `correct`: what a person sees of a source's newest records, and what they decide on them."""

import functools
from collections.abc import Generator
from contextlib import contextmanager
from typing import Annotated, Any

import orjson
import typer

from tripper_assets.cli.launch import run_job
from tripper_assets.cli.output import Json, print_json, print_table, say
from tripper_assets.cli.run import finish, person
from tripper_assets.cli.session import Session, UnknownNameError, open_session
from tripper_assets.cli.up_lock import running_up
from tripper_assets.clients.objects import Objects
from tripper_assets.decisions import Decider, bundle_of, changes_of, held_by, known_checks, reject_bundle
from tripper_assets.domain.corrections import Correction, Refusal
from tripper_assets.domain.diff import ActivityDiff
from tripper_assets.domain.errors import ConfigurationError, NotFoundError
from tripper_assets.domain.workflows import Workflow
from tripper_assets.downloads import newest_files
from tripper_assets.resources import utc_now

SHOWN = 30
LOOKED_AT = 200

Reason = Annotated[str, typer.Option(help="Why, for those who read the history.")]
WorkflowName = Annotated[str, typer.Argument(help="The workflow, or the start of its id.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("review")(review)
    app.command("approve")(approve)
    app.command("reject")(reject)
    app.command("correct")(correct)


def review(source: Annotated[str, typer.Argument(help="A source key or URL.")], *, as_json: Json = False) -> None:
    """Show what the newest records of a source would change, what holds them, and what people decided on single activities."""
    with open_session() as session:
        key = session.source(source).key
        found = _newest(session, key)
        changes = changes_of(Objects(session.settings.objects_url), found)
        corrections = [one for some in session.catalog.corrections.corrections(key).values() for one in some]
        refusals = list(session.catalog.corrections.refusals(key).values())
        decision = session.catalog.workflows.decision_for(bundle_of(found).sha256, key)
        newer = session.catalog.workflows.newer_bundle(found.id, since=decision.at if decision else None)
    if as_json:
        print_json(
            {
                "workflow_id": found.id,
                "status": found.status,
                "reason": found.reason,
                "bundle_sha256": bundle_of(found).sha256,
                "decision": decision.model_dump(mode="json") if decision else None,
                "held_by": held_by(found),
                "newer": newer,
                "changes": changes.model_dump(mode="json") if changes else None,
                "corrections": [one.model_dump(mode="json") for one in corrections],
                "refusals": [one.model_dump(mode="json") for one in refusals],
            }
        )
        return
    _tell(found, changes)
    _tell_single(corrections, refusals)
    if found.status == "review":
        say(f"Decide with `tripper approve {found.id}` or `tripper reject {found.id} --reason TEXT`.")


def _newest(session: Session, source_key: str) -> Workflow:
    """Return the newest workflow of a source that has a bundle still."""
    for one in session.catalog.workflows.list(source_key, limit=LOOKED_AT):
        bundle = newest_files(one).get("final_jsonl")
        if bundle is not None and bundle.deleted_at is None:
            return one
    raise NotFoundError(
        f"The source {source_key} has no stored final JSONL to review; run it with `tripper run {source_key} --no-auto-import`."
    )


def _tell(workflow: Workflow, changes: ActivityDiff | None) -> None:
    say(f"{workflow.status}: workflow {workflow.id}, {workflow.created_at:%Y-%m-%d %H:%M} UTC")
    if workflow.reason:
        say(workflow.reason)
    if changes is None:
        return
    say(f"{changes.added} added, {changes.removed} removed, {changes.changed} changed, {changes.unchanged} unchanged")
    rows = [
        (one.kind, one.activity_id, one.name, ", ".join(change.field for change in one.changes))
        for one in changes.activities[:SHOWN]
    ]
    if rows:
        print_table(("kind", "id", "activity", "fields"), rows)
    if len(changes.activities) > SHOWN:
        say(f"… and {len(changes.activities) - SHOWN} more; `tripper diff {workflow.source_key}` shows each field.")


def _tell_single(corrections: list[Correction], refusals: list[Refusal]) -> None:
    if corrections:
        rows = [(one.activity_id, one.field, _shown(one.value), one.by, one.reason) for one in corrections]
        print_table(("corrected", "field", "value", "by", "reason"), rows)
    if refusals:
        rows = [(one.activity_id, one.by, f"{one.at:%Y-%m-%d}", one.reason) for one in refusals]
        print_table(("rejected", "by", "on", "reason"), rows)


def _shown(value: Any) -> str:  # noqa: ANN401 (any JSON value)
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def approve(
    workflow: WorkflowName,
    *,
    override: Annotated[list[str] | None, typer.Option(help="A failed check to override by name.")] = None,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Approve a workflow's final JSONL and import it: by `tripper up` where that runs, else here. A newer one refuses it."""
    overrides = known_checks(override or [])
    with open_session() as session:
        found = session.workflow(workflow)
        bundle = bundle_of(found)
        decide = functools.partial(
            session.catalog.workflows.approve_newest,
            found.id,
            bundle.sha256,
            by=person(),
            at=utc_now(),
            overrides=overrides,
            reason=reason,
        )
        if running_up(session.settings.home) is None:
            imported = run_job(session, "import_source", found, quiet=as_json, begin=decide)
            finish(imported, as_json=as_json, wanted=frozenset({"completed"}))
            return
        decision = decide()
    if as_json:
        print_json(decision.model_dump(mode="json"))
    else:
        say(f"Approved; `tripper up` imports it within a minute, and `tripper status {found.id}` shows when it has.")


def reject(
    workflow: WorkflowName,
    *,
    reason: Annotated[str, typer.Option(help="Why, for those who read the history.")],
    activity: Annotated[
        list[str] | None,
        typer.Option(help="Reject only this activity: it stays out until its publisher says something else of it."),
    ] = None,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="Let the activities that were rejected be published again.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Reject a workflow's final JSONL, which is then never imported, or single activities of it."""
    with open_session() as session:
        found = session.workflow(workflow)
        if activity:
            person_of = _decider(session, found)
            done = [_reject_one(person_of, one, reason, withdraw=withdraw) for one in dict.fromkeys(activity)]
        else:
            done = [_reject_all(session, found, reason, withdraw=withdraw)]
    _tell_done(done, as_json=as_json)


def _decider(session: Session, workflow: Workflow) -> Decider:
    return Decider(session.catalog, Objects(session.settings.objects_url), workflow, by=person(), at=utc_now())


def _tell_done(done: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json(done)
        return
    for one in done:
        say(one["said"])


def _reject_all(session: Session, workflow: Workflow, reason: str, *, withdraw: bool) -> dict[str, Any]:
    if withdraw:
        raise ConfigurationError(
            "--withdraw takes back what was said of an --activity; a rejected bundle is approved with `tripper approve`."
        )
    decision = reject_bundle(session.catalog, workflow, by=person(), at=utc_now(), reason=reason)
    said = f"The workflow {workflow.id} is rejected; what was imported before stays."
    return {**decision.model_dump(mode="json"), "said": said}


def _reject_one(decider: Decider, activity_id: str, reason: str, *, withdraw: bool) -> dict[str, Any]:
    if withdraw:
        decider.allow(activity_id)
        return {"activity_id": activity_id, "said": f"{activity_id} is published again by the next import."}
    with _unknown_is_wrong_input():
        taken = decider.refuse(activity_id, reason)
    where = "is taken out of the catalog, and stays out" if taken else "stays out of the catalog"
    said = f"{activity_id} {where} until its publisher says something else of it."
    return {"activity_id": activity_id, "reason": reason, "taken_out": taken, "said": said}


@contextmanager
def _unknown_is_wrong_input() -> Generator[None]:
    try:
        yield
    except NotFoundError as error:
        raise UnknownNameError(str(error)) from error


def correct(
    workflow: WorkflowName,
    activity: Annotated[str, typer.Argument(help="The activity's id.")],
    field: Annotated[str, typer.Argument(help="The field, such as name, startDate or ageRange.")],
    value: Annotated[str | None, typer.Argument(help="JSON, or plain text for a field of text; null for none.")] = None,
    *,
    remove: Annotated[
        bool, typer.Option("--remove", help="End the correction: the publisher's own word counts again.")
    ] = False,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Correct one field of an activity: the value holds at once and in every later run, until the correction is removed."""
    if (value is None) == (not remove):
        raise ConfigurationError("Give a value, or --remove to end the correction.")
    with open_session() as session, _unknown_is_wrong_input():
        decider = _decider(session, session.workflow(workflow))
        if remove:
            is_there = decider.end_correction(activity, field)
            said = f"{field} of {activity} is what its publisher says"
        else:
            is_there = decider.correct(activity, field, _value(value or ""), reason)
            said = f"{field} of {activity} is {value}"
    when = "in the catalog now and in every later import" if is_there else "from the next import on"
    done = {"activity_id": activity, "field": field, "in_catalog": is_there, "said": f"{said}, {when}."}
    _tell_done([done], as_json=as_json)


def _value(text: str) -> Any:  # noqa: ANN401 (any JSON value)
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
