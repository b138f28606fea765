"""`tripper links`, `link` and `unlink`: which activities several sites tell of, and a person's word on it."""

from collections.abc import Sequence
from typing import Annotated

import typer

from tripper_assets.catalog.links import LinkedGroup, Links, LinkTally
from tripper_assets.cli.output import Json, print_json, print_table, say
from tripper_assets.cli.run import person
from tripper_assets.cli.session import Session, open_session
from tripper_assets.resources import utc_now

ID = typer.Argument(help="The id of an activity, as `tripper search --json` and `tripper links` show it.")


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("links")(links)
    app.command("link")(link)
    app.command("unlink")(unlink)


def links(
    source: Annotated[str | None, typer.Argument(help="Only groups with an activity of this source (key or URL).")] = None,
    *,
    update: Annotated[bool, typer.Option("--update", help="First compare what changed since it was compared last.")] = False,
    after: Annotated[str, typer.Option(help="The last group of the page before.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many groups.")] = 50,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Show the activities that several sites tell of; the first of each group stands for it."""
    with open_session() as session:
        key = session.source(source).key if source else None
        if update:
            _update(session, [key] if key else [one.key for one in session.catalog.sources.list()])
        groups = Links(session.catalog.database).list(key, after=after, limit=limit)
    if as_json:
        print_json([one.model_dump(mode="json") for one in groups])
    elif groups:
        _print(groups)
    else:
        say(
            "No two sites tell of one activity; `tripper links --update` compares what was imported since the last time."
        )


def _update(session: Session, keys: Sequence[str]) -> list[LinkTally]:
    return [Links(session.catalog.database).update(key, at=utc_now()) for key in keys]


def _print(groups: Sequence[LinkedGroup]) -> None:
    rows = [
        (one.id if number == 0 else "", member.name, member.source_key, f"{member.score:.2f}", member.id)
        for one in groups
        for number, member in enumerate(one.members)
    ]
    print_table(("group", "activity", "source", "score", "id"), rows)


def link(
    first: Annotated[str, ID],
    second: Annotated[str, ID],
    *,
    reason: Annotated[str, typer.Option(help="Why they are one.")] = "",
) -> None:
    """Say that two activities are one, whatever they look like."""
    with open_session() as session:
        Links(session.catalog.database).say(first, second, is_same=True, by=person(), at=utc_now(), reason=reason)
    say(f"{first} and {second} are one; `tripper unlink {second}` parts them again.")


def unlink(
    activity: Annotated[str, ID],
    *,
    reason: Annotated[str, typer.Option(help="Why it is another one.")] = "",
) -> None:
    """Say that an activity is none of those that it is linked with; later comparisons keep to it."""
    with open_session() as session:
        parted = Links(session.catalog.database).part(activity, by=person(), at=utc_now(), reason=reason)
    say(
        f"{activity} is parted from {parted}."
        if parted
        else f"{activity} is linked with none; `tripper links` shows the groups."
    )
