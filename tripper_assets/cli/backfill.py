"""`tripper backfill`: many sources through the whole graph, each in a run of its own, so that one that fails holds no other."""

from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from tripper_assets.cli.launch import GOOD, run_source
from tripper_assets.cli.output import Json, print_json, print_table, say
from tripper_assets.cli.session import Session, UnknownNameError, dagster_instance, open_session
from tripper_assets.cli.up_lock import running_up
from tripper_assets.cli.webserver import Webserver
from tripper_assets.domain.errors import ConfigurationError, PermanentError, TripperError
from tripper_assets.domain.graph import MADE_FROM
from tripper_assets.domain.sources import Source

TRIGGER = "backfill"


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("backfill")(backfill)


def backfill(
    sources: Annotated[
        list[str] | None, typer.Argument(help="Source keys or URLs; none takes what the options name.")
    ] = None,
    *,
    location: Annotated[str | None, typer.Option(help="Only sources that serve this location.")] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only sources whose last workflow failed.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Every registered source.")] = False,
    as_json: Json = False,
) -> None:
    """Run many sources: in the queue of `tripper up` where it runs, else here, one after another."""
    with open_session() as session:
        chosen = _chosen(session, sources or [], location, failed=failed, every=every)
        running = running_up(session.settings.home)
        if running is None:
            _finish([_run(session, source, quiet=as_json) for source in chosen], as_json=as_json)
            return
    _queue(chosen, Webserver(urlsplit(running.address).port or 0), as_json=as_json)


def _chosen(session: Session, names: list[str], location: str | None, *, failed: bool, every: bool) -> list[Source]:
    """Return the sources that every option agrees on.

    Raises:
        ConfigurationError: nothing was asked for.
        UnknownNameError: a source or location is unknown, or no source is left.
    """
    if not (names or location or failed or every):
        raise ConfigurationError("Nothing is named to run; give sources, --location, --failed or --all.")
    if location is not None and session.catalog.sources.get_location(location) is None:
        raise UnknownNameError(f"There is no location {location}; `tripper locations list` shows them.")
    found = [session.source(name) for name in names] if names else session.catalog.sources.list()
    left = [
        one
        for one in {source.key: source for source in found}.values()
        if location in (None, one.location_id) and (not failed or _has_failed(session, one))
    ]
    if not left:
        raise UnknownNameError("No registered source is what was asked for; `tripper sources list` shows them.")
    return left


def _has_failed(session: Session, source: Source) -> bool:
    newest = session.catalog.workflows.list(source.key, limit=1)
    return bool(newest) and newest[0].status in ("failed", "canceled")


def _run(session: Session, source: Source, *, quiet: bool) -> dict[str, Any]:
    """Run one source, and return what came of it: its own failure is told and stops no other."""
    if not quiet:
        say(source.url)
    try:
        done = run_source(session, source, trigger=TRIGGER, quiet=quiet)
    except TripperError as error:
        return {"source_key": source.key, "workflow_id": "", "status": "failed", "activities": 0, "reason": str(error)}
    return {
        "source_key": source.key,
        "workflow_id": done.id,
        "status": done.status,
        "activities": next((one.counts.get("rows", 0) for one in done.stages if one.asset == "activities"), 0),
        "reason": done.reason,
    }


def _finish(done: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json(done)
    else:
        columns = ("source_key", "workflow_id", "status", "activities", "reason")
        print_table(
            ("source", "workflow", "status", "activities", "reason"), [[one[name] for name in columns] for one in done]
        )
    bad = sum(one["status"] not in GOOD for one in done)
    if bad:
        raise PermanentError(f"{bad} of {len(done)} sources failed; `tripper backfill --failed` runs those again.")


def _queue(chosen: list[Source], webserver: Webserver, *, as_json: bool) -> None:
    from tripper_assets.partitions import SOURCES, TRIGGER_TAG  # noqa: PLC0415 (same)

    keys = [source.key for source in chosen]
    with dagster_instance() as instance:
        instance.add_dynamic_partitions(SOURCES, keys)
    identifier = webserver.backfill(list(MADE_FROM), keys, {TRIGGER_TAG: TRIGGER})
    address = f"{webserver.address}/runs/b/{identifier}"
    if as_json:
        print_json({"backfill_id": identifier, "address": address, "sources": keys})
    else:
        say(f"{len(keys)} sources are in the queue of `tripper up`; {address} shows them.")
