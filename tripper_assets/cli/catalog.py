"""`tripper search`: the catalog asked in plain words."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any

import typer

from tripper_assets.cli.output import Json, print_json, print_table, say
from tripper_assets.cli.session import Session, open_session
from tripper_assets.domain.errors import QuestionRefusedError
from tripper_assets.domain.search import Question, SearchHit, SearchPage
from tripper_assets.extract.questions import NEAR_KM
from tripper_assets.questions import ask, understood
from tripper_assets.resources import utc_now


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("search")(search_command)


def search_command(  # noqa: PLR0913 (each option is one of the command's)
    text: Annotated[str, typer.Argument(help="What you look for, in plain words; filters may be words too.")] = "",
    *,
    near: Annotated[str, typer.Option(help="LATITUDE,LONGITUDE around which to look.")] = "",
    radius_km: Annotated[float, typer.Option(help="How far around.")] = NEAR_KM,
    on: Annotated[
        str, typer.Option(help="The day, such as 2026-05-02, or its first and last: 2026-05-02/2026-05-09.")
    ] = "",
    age: Annotated[float | None, typer.Option(help="The child's age in years.")] = None,
    free: Annotated[bool, typer.Option("--free", help="Only what costs nothing.")] = False,
    max_price: Annotated[float | None, typer.Option(help="What the cheapest ticket may cost.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="A category, keyword or tag; may be repeated.")] = None,
    language: Annotated[str, typer.Option(help="The language of its text, such as de.")] = "",
    source: Annotated[str | None, typer.Option(help="Only this source (key or URL).")] = None,
    past: Annotated[bool, typer.Option("--past", help="Also what is over.")] = False,
    literally: Annotated[
        bool, typer.Option("--literally", help="Take every word as a word, and none as a filter.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many results.")] = 10,
    after: Annotated[str | None, typer.Option(help="The cursor of the page before.")] = None,
    as_json: Json = False,
) -> None:
    """Search the imported activities by words and by meaning; dates, ages, prices and towns in the question are filters."""
    stated: dict[str, Any] = {
        **_place(near, radius_km),
        **_days(on),
        **({"min_age": age, "max_age": age} if age is not None else {}),
        **{name: value for name, value in (("free", free), ("past", past), ("language", language)) if value},
        **({"max_price": max_price} if max_price is not None else {}),
        **({"tags": tuple(tag)} if tag else {}),
    }
    if not (text.strip() or stated or source):
        raise QuestionRefusedError("The search asks for nothing; say what you look for, or give a filter.")
    with open_session() as session:
        if source:
            stated["source_key"] = session.source(source).key
        now = utc_now()
        question = understood(
            session.settings, session.catalog, text, stated, now=now.astimezone(), literally=literally
        )
        page = ask(session.settings, session.catalog, question, limit=limit, after=after, now=now)
    if as_json:
        print_json({"question": question.dump(), "activities": [hit.dump() for hit in page.hits], "next": page.next})
    else:
        _tell(question, page)


def find(session: Session, text: str, *, limit: int, **filters: Any) -> Sequence[SearchHit]:  # noqa: ANN401 (those of SearchFilters)
    """Return what a question in plain words finds; a filter that is None or False filters nothing."""
    stated = {name: value for name, value in filters.items() if value}
    now = utc_now()
    question = understood(session.settings, session.catalog, text, stated, now=now.astimezone())
    return ask(session.settings, session.catalog, question, limit=limit, now=now).hits


def print_hits(hits: Sequence[SearchHit]) -> None:
    """Print search results."""
    rows = [(hit.name, hit.startDate, hit.place, hit.url) for hit in hits]
    print_table(("activity", "when", "where", "url"), rows)


def _tell(question: Question, page: SearchPage) -> None:
    if question.chips:
        chips = ", ".join(f"[{chip.label}]" for chip in question.chips)
        say(
            f"Read as {chips}{f' and the words {question.text}' if question.text else ''}; --literally takes all as words."
        )
    if not page.hits:
        say("Nothing in the catalog matches; `tripper sources list` shows what it was made from.")
        return
    rows = [(hit.name, hit.startDate, hit.place, hit.url, _why(hit)) for hit in page.hits]
    print_table(("activity", "when", "where", "url", "why"), rows)
    if page.next:
        say(f"More with --after {page.next}")


def _why(hit: SearchHit) -> str:
    """Return why a hit was found, in words: its matched words, or the ranking that has it, how far it is, and who else tells of it."""
    names = {"name": "name alike", "meaning": "similar meaning"}
    said = ", ".join(hit.matched) or ", ".join(names[one] for one in hit.found_by if one in names)
    far = f"{hit.distance_km:.1f} km" if hit.distance_km is not None else ""
    also = f"also at {', '.join(one.source_key for one in hit.also)}" if hit.also else ""
    return "; ".join(part for part in (said, far, also) if part)


def _place(near: str, radius_km: float) -> dict[str, Any]:
    if not near:
        return {}
    try:
        latitude, longitude = (float(part) for part in near.split(","))
    except ValueError as error:
        raise QuestionRefusedError(
            f"--near is {near!r}, which is no LATITUDE,LONGITUDE; write it such as 47.99,7.85."
        ) from error
    return {"near": {"latitude": latitude, "longitude": longitude, "radius_km": radius_km}}


def _days(on: str) -> dict[str, Any]:
    if not on:
        return {}
    first, _, last = on.partition("/")
    try:
        return {"since": date.fromisoformat(first), "until": date.fromisoformat(last or first)}
    except ValueError as error:
        raise QuestionRefusedError(f"--on is {on!r}, which is no date; write it such as 2026-05-02.") from error
