"""`tripper demo`: the bundled sample site, taken through the whole graph into the catalog, and asked three questions."""

import contextlib
import threading
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated

import typer

from tripper_assets.cli.catalog import find, print_hits
from tripper_assets.cli.launch import run_source
from tripper_assets.cli.output import Json, say
from tripper_assets.cli.run import finish
from tripper_assets.cli.session import Session, open_session
from tripper_assets.cli.summary import summary
from tripper_assets.demo.server import is_shown, serve
from tripper_assets.domain.search import SearchHit
from tripper_assets.domain.sources import Location, Source, SourceConfig, make_source
from tripper_assets.domain.workflows import Workflow
from tripper_assets.resources import LOOPBACK, utc_now
from tripper_assets.settings import load_settings

QUESTIONS = ("dinosaurs and fossils", "something free for toddlers", "Schwimmen und Wasser")
LOCATION = Location(
    id="demo",
    name="Freiburg im Breisgau",
    country_code="DE",
    queries=("things to do with children", "Ausflüge mit Kindern"),
)
CONFIG = SourceConfig(delay_seconds=0, timezone="Europe/Berlin", country_code="DE", auto_import=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("demo")(demo)


def demo(
    *,
    keep_files: Annotated[
        bool, typer.Option("--keep-files", help="Keep the intermediates that the import makes superfluous.")
    ] = False,
    serve_only: Annotated[bool, typer.Option("--serve", help="Only show the sample site, until Ctrl-C.")] = False,
    as_json: Json = False,
) -> None:
    """Serve the sample site on loopback, take it through the graph, import it and search it."""
    settings = load_settings()
    source = demo_source(settings.demo_port)
    with _shown(settings.demo_port):
        if serve_only:
            say(f"The sample site is at {source.url}; Ctrl-C stops it.")
            with contextlib.suppress(KeyboardInterrupt):
                wait_for_interrupt()
            return
        with open_session() as session:
            workflow = _run(session, source, keep_files=keep_files, quiet=as_json)
            hits = {text: find(session, text, limit=1) for text in QUESTIONS}
    finish(workflow, as_json=as_json)
    if not as_json:
        _tell(workflow, hits)


def _shown(port: int) -> contextlib.AbstractContextManager[object]:
    """Show the sample site, unless a `tripper up` does."""
    return contextlib.nullcontext() if is_shown(port) else serve(port, today=date.today())  # noqa: DTZ011 (the visitor's own day)


def wait_for_interrupt() -> None:
    """Wait until somebody presses Ctrl-C."""
    threading.Event().wait()


def demo_source(port: int) -> Source:
    """Return the sample site's source; its address is fixed, so that its key is."""
    return make_source(f"http://{LOOPBACK}:{port}/", CONFIG, location_id=LOCATION.id)


def _run(session: Session, source: Source, *, keep_files: bool, quiet: bool) -> Workflow:
    from tripper_assets.partitions import KEEP_FILES_TAG  # noqa: PLC0415 (dagster takes two seconds to import)

    session.catalog.sources.add_location(LOCATION)
    registered = session.catalog.sources.get(source.key) or session.catalog.sources.add(source)
    tags = {KEEP_FILES_TAG: "1"} if keep_files else {}
    return run_source(session, registered, trigger="demo", tags=tags, quiet=quiet)


def _tell(workflow: Workflow, hits: Mapping[str, Sequence[SearchHit]]) -> None:
    _tell_unchanged(workflow)
    removed = [file for file in workflow.files if file.deleted_at]
    kept = [file for file in workflow.files if not file.deleted_at]
    if removed:
        say(f"{len(removed)} intermediates were cleaned up after the import; `tripper demo --keep-files` keeps them.")
    say(f"{len(kept)} files are kept; `tripper files {workflow.id[:8]}` lists them.")
    say(f"Three searches in the catalog (as of {utc_now():%Y-%m-%d}):")
    for text, found in hits.items():
        say(f"  {text}")
        print_hits(found)
    say(
        "Next: `tripper run URL` with a site of yours, `tripper search TEXT`, `tripper status`, and `tripper up` for the graph."
    )


def _tell_unchanged(workflow: Workflow) -> None:
    told = summary(workflow)
    written = sum(told["import"].get(name, 0) for name in ("inserted", "updated", "removed"))
    if (
        workflow.import_summary
        and written == 0
        and not any(told["calls"][name] for name in ("pages", "images", "geocodes", "embeddings"))
    ):
        say("Nothing had changed: 0 page bodies, 0 image bodies, 0 geocoder queries, 0 texts embedded, 0 rows written.")
