"""`tripper tags`: who voted on the activities' tags, and how often."""

from typing import Annotated

import typer

from tripper_assets.catalog.tag_votes import vote_counts
from tripper_assets.cli.output import Json, print_json, print_table, say
from tripper_assets.cli.session import open_session

tags_app = typer.Typer(help="Votes on tags.", no_args_is_help=True)
COLUMNS = ("provider", "model", "prompt_version", "activities", "votes", "errors", "tokens", "last_at")


@tags_app.callback()
def tags() -> None:
    """Show what the votes on tags come to."""


@tags_app.command("status")
def status(
    source: Annotated[
        str | None, typer.Argument(help="Only the votes on this source's activities (key or URL).")
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """Count activities, votes, errors and tokens for each voter."""
    with open_session() as session:
        key = session.source(source).key if source else None
        found = vote_counts(session.catalog.database, key)
    if as_json:
        print_json([one.model_dump(mode="json") for one in found])
    elif found:
        rows = [[getattr(one, name) for name in COLUMNS[:-1]] + [f"{one.last_at:%Y-%m-%d %H:%M}"] for one in found]
        print_table([name.replace("_", " ") for name in COLUMNS], rows)
    else:
        say("Nobody has voted yet; `tripper run URL` has the activities of a source tagged.")
