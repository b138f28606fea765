"""`tripper search`: the catalog asked in plain words."""

from typing import Annotated, Any

import typer

from tripper_assets.catalog.search import SearchHit, search
from tripper_assets.cli.output import Json, print_json, print_table, say
from tripper_assets.cli.session import Session, open_session
from tripper_assets.clients.embeddings import LocalEmbedder
from tripper_assets.resources import utc_now


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("search")(search_command)


def search_command(
    text: Annotated[str, typer.Argument(help="What you look for, in plain words.")],
    *,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many results.")] = 10,
    source: Annotated[str | None, typer.Option(help="Only this source (key or URL).")] = None,
    past: Annotated[bool, typer.Option("--past", help="Also what is over.")] = False,
    as_json: Json = False,
) -> None:
    """Search the imported activities by words and by meaning."""
    with open_session() as session:
        key = session.source(source).key if source else None
        hits = find(session, text, limit=limit, source_key=key, past=past)
    if as_json:
        print_json([hit.model_dump(mode="json") for hit in hits])
    elif hits:
        print_hits(hits)
    else:
        say("Nothing in the catalog matches; `tripper sources list` shows what it was made from.")


def find(session: Session, text: str, **filters: Any) -> list[SearchHit]:  # noqa: ANN401 (as ``search``)
    """Return what matches the words or the meaning of ``text``."""
    embedder = LocalEmbedder()
    vector = embedder.embed([text])[0]
    return search(session.catalog.database, text=text, vector=vector, model=embedder.model, now=utc_now(), **filters)


def print_hits(hits: list[SearchHit]) -> None:
    """Print search results."""
    rows = [(hit.name, hit.startDate, hit.place, hit.url) for hit in hits]
    print_table(("activity", "when", "where", "url"), rows)
