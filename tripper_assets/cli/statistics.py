"""`tripper stats` and `tripper history`: how the work goes for each location, source or stage, and how one activity changed."""

from enum import StrEnum
from typing import Annotated, Any

import orjson
import typer

from tripper_assets.catalog.statistics import activity_steps, location_statistics, source_statistics, stage_statistics
from tripper_assets.cli.output import Json, print_json, print_table, say
from tripper_assets.cli.session import Session, UnknownNameError, open_session
from tripper_assets.domain.model import Model
from tripper_assets.domain.statistics import ActivityStep

SHOWN_VALUE = 80


class Group(StrEnum):
    """What there is one line for."""

    LOCATION = "location"
    SOURCE = "source"
    STAGE = "stage"


COLUMNS: dict[Group, tuple[str, ...]] = {
    Group.LOCATION: ("location_id", "name", "sources", "activities", "media_items"),
    Group.SOURCE: ("source_key", "location_id", "activities", "media_items"),
    Group.STAGE: ("source_key", "asset"),
}
OF_WORKFLOWS = (
    "workflows", "active", "in_review", "completed", "failed", "canceled", "success_rate", "errors", "median_seconds", "p95_seconds"
)  # fmt: skip
OF_STAGES = ("workflows", "completed", "skipped", "failed", "error_rate", "median_seconds", "p95_seconds")


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("stats")(stats)
    app.command("history")(history)


def stats(
    *, by: Annotated[Group, typer.Option(help="One line for each of these.")] = Group.SOURCE, as_json: Json = False
) -> None:
    """Count workflows, activities and pictures, with success and error rates and how long the work took."""
    with open_session() as session:
        found = _statistics(session, by)
    if as_json:
        print_json([one.model_dump(mode="json") for one in found])
        return
    names = COLUMNS[by] + (OF_STAGES if by is Group.STAGE else OF_WORKFLOWS)
    shown = [[_shown(name, getattr(one, name)) for name in names] for one in found]
    print_table([name.replace("_", " ") for name in names], shown)


def _statistics(session: Session, by: Group) -> list[Any]:
    database = session.catalog.database
    if by is Group.LOCATION:
        return list[Model](location_statistics(database))
    return list[Model](source_statistics(database) if by is Group.SOURCE else stage_statistics(database))


def _shown(name: str, value: Any) -> object:  # noqa: ANN401 (a cell of any column)
    if value is None:
        return ""
    if name.endswith("_rate"):
        return f"{value:.0%}"
    return f"{value:.1f}" if name.endswith("_seconds") else value


def history(
    activity: Annotated[str, typer.Argument(help="The id of an activity, as `tripper search --json` shows it.")],
    *,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many changes, the newest first.")] = 200,
    as_json: Json = False,
) -> None:
    """Show how an activity changed: when, which field, by whom, and from which workflow."""
    with open_session() as session:
        steps = activity_steps(session.catalog.database, activity, limit=limit)
    if not steps:
        raise UnknownNameError(
            f"There is no activity {activity} in the catalog; `tripper search` shows ids with --json."
        )
    if as_json:
        print_json([one.model_dump(mode="json") for one in steps])
        return
    print_table(
        ("when (UTC)", "change", "field", "before", "after", "via", "by", "workflow"), [_row(one) for one in steps]
    )
    if len(steps) == limit:
        say(f"There may be more than {limit}; --limit shows them.")


def _row(one: ActivityStep) -> tuple[object, ...]:
    return (
        f"{one.at:%Y-%m-%d %H:%M}", one.change, one.field, _value(one.before), _value(one.after), one.via, one.by, one.workflow_id
    )  # fmt: skip


def _value(value: Any) -> str:  # noqa: ANN401 (any JSON value)
    if value is None:
        return ""
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return text if len(text) <= SHOWN_VALUE else f"{text[: SHOWN_VALUE - 1]}…"
