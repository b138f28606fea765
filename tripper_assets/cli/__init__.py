"""The command `tripper`: what people type; each command opens what it needs, calls the stages and prints what came out."""

import sys

import typer

from tripper_assets.cli import (
    api,
    backfill,
    catalog,
    cleanup,
    demo,
    doctor,
    export,
    links,
    pages,
    review,
    run,
    sources,
    statistics,
    tags,
    up,
    usage,
    workflows,
)
from tripper_assets.cli.output import accept_any_text, print_error
from tripper_assets.cli.session import UnknownNameError
from tripper_assets.domain.errors import AddressRefusedError, ConfigurationError, QuestionRefusedError, TripperError
from tripper_assets.interrupts import ends_as_interrupted

FAILED, WRONG_INPUT, INTERRUPTED = 1, 2, 130

app = typer.Typer(
    help="Turn source URLs into reviewed, searchable things to do with children.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for module in (
    demo,
    run,
    review,
    backfill,
    workflows,
    cleanup,
    catalog,
    export,
    links,
    statistics,
    pages,
    usage,
    doctor,
    up,
    api,
):
    module.register(app)
app.add_typer(sources.sources_app, name="sources")
app.add_typer(sources.locations_app, name="locations")
app.add_typer(doctor.db_app, name="db")
app.add_typer(tags.tags_app, name="tags")


def main() -> None:
    """Run the command line; an error of the project is one sentence on standard error, exit code 1, or 2 for wrong input."""
    accept_any_text()
    try:
        with ends_as_interrupted():
            app()
    except (ConfigurationError, UnknownNameError, AddressRefusedError, QuestionRefusedError) as error:
        print_error(str(error))
        sys.exit(WRONG_INPUT)
    except TripperError as error:
        print_error(str(error))
        sys.exit(FAILED)
    except SystemExit as ended:
        if ended.code == INTERRUPTED:  # typer's word for Ctrl-C
            print_error("Interrupted; what was stored stays, and the same command goes on from there.")
        raise
