"""`tripper usage`: what was paid to providers, by provider, source, purpose or day."""

from enum import StrEnum
from typing import Annotated

import typer

from tripper_assets.catalog.usage import UsageSum, usage_by
from tripper_assets.cli.output import Json, print_json, print_table, say
from tripper_assets.cli.session import open_session


class Group(StrEnum):
    """What the sums are made for."""

    PROVIDER = "provider"
    SOURCE = "source"
    PURPOSE = "purpose"
    DAY = "day"


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("usage")(usage)


def usage(
    *,
    by: Annotated[
        Group, typer.Option(help="One line for each provider and model, source, purpose (such as tags), or day (UTC).")
    ] = Group.PROVIDER,
    as_json: Json = False,
) -> None:
    """Show the requests, tokens and US dollars that providers were asked for."""
    with open_session() as session:
        sums = usage_by(session.catalog.database, by.value)
    if as_json:
        print_json([one.model_dump() for one in sums])
    elif sums:
        _print(sums, by)
    else:
        say("Nothing was paid: no provider that costs something was asked.")


def _print(sums: list[UsageSum], by: Group) -> None:
    rows = [
        (
            one.group,
            one.requests,
            one.input_tokens,
            one.output_tokens,
            one.tokens,
            f"{one.usd:.4f}",
            f"{one.open_usd:.4f}",
        )
        for one in sums
    ]
    columns = (by.value, "requests", "input tokens", "output tokens", "all tokens", "USD", "of it open")
    print_table(columns, rows, title="Paid to providers")
    if any(one.open_usd for one in sums):
        say("Open is what batches under way and calls without an answer cost at most.")
