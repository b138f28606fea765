"""`tripper extract`: what one page states, with where each value was read."""

import asyncio
import mimetypes
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from tripper_assets.cli.output import Json, print_json, print_table, say
from tripper_assets.cli.session import open_session, without_user_info
from tripper_assets.cli.yaml_files import read_mapping
from tripper_assets.domain.activities import Extraction, Provenance
from tripper_assets.domain.errors import ConfigurationError, error_for_status
from tripper_assets.domain.sources import SourceConfig, make_source, parse_config
from tripper_assets.extract import extract_activities
from tripper_assets.resources import http_client, utc_now
from tripper_assets.settings import load_settings

ERROR = 400


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("extract")(extract)


def extract(
    page: Annotated[str, typer.Argument(metavar="PATH_OR_URL", help="A file, or a web address.")],
    *,
    url: Annotated[str | None, typer.Option(help="The address that a file was saved from.")] = None,
    at: Annotated[str | None, typer.Option(help="Read the page as on this day (ISO 8601).")] = None,
    timezone: Annotated[
        str | None, typer.Option(help="The zone of times that state none, such as Europe/Berlin.")
    ] = None,
    selectors: Annotated[
        Path | None, typer.Option(help="A YAML file of selectors (docs/selectors.md) to read the page with.")
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="A registered source, by key or URL, whose selectors and timezone are used.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Read one page, and print the raw activities that it states with their provenance."""
    now = _moment(at)
    config = _config(source, timezone, selectors)
    is_address = page.lower().startswith(("http://", "https://"))
    body, address, content_type = _fetched(page) if is_address else _read(Path(page), url)
    found = extract_activities(
        body, url=address, content_type=content_type, now=now, timezone=config.timezone, selectors=config.selectors
    )
    if as_json:
        print_json(
            {
                "activities": [one.dump() for one in found.activities],
                "links": found.links,
                "problems": [one.dump() for one in found.problems],
            }
        )
    else:
        _print(found)


def _print(found: Extraction) -> None:
    for activity in found.activities:
        values = activity.dump()
        rows = [
            (name, value, *_read_where(activity.provenance.get(name)))
            for name, value in values.items()
            if name not in ("provenance", "page")
        ]
        print_table(("field", "value", "method", "evidence", "confidence"), rows, title=activity.name)
    for problem in found.problems:
        say(f"{problem.code}: {problem.message or problem.subject}")
    say(f"{len(found.activities)} activities, {len(found.links)} links, {len(found.problems)} problems.")


def _read_where(provenance: Provenance | None) -> tuple[str, str, str]:
    return (provenance.method, provenance.evidence, f"{provenance.confidence:g}") if provenance else ("", "", "")


def _config(key: str | None, timezone: str | None, selectors: Path | None) -> SourceConfig:
    """Return how the page is read: as the named source's are, with what the other options say."""
    given: dict[str, Any] = {}
    if key is not None:
        with open_session() as session:
            given = session.source(key).config.model_dump(mode="json")
    if timezone is not None:
        given["timezone"] = timezone
    if selectors is not None:
        found = read_mapping(selectors, name="file of selectors", example="selectors: {fields: {name: h1}}")
        given["selectors"] = found.get("selectors", found)
    return parse_config(given, subject=str(selectors or "this page"))


def _moment(at: str | None) -> datetime:
    if at is None:
        return utc_now()
    try:
        moment = datetime.fromisoformat(at)
    except ValueError as error:
        raise ConfigurationError(f"--at is {at!r}; give a date or date-time such as 2026-06-01.") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=utc_now().tzinfo)


def _read(path: Path, url: str | None) -> tuple[bytes, str, str | None]:
    try:
        body = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"The page {path} cannot be read ({error.strerror}); give a file or a web address."
        ) from error
    return body, url or path.resolve().as_uri(), mimetypes.guess_type(path.name)[0]


def _fetched(url: str) -> tuple[bytes, str, str | None]:
    source, shown = make_source(url), without_user_info(url)

    async def fetch() -> tuple[bytes, str, str | None]:
        async with http_client(load_settings(), source) as client:
            reply = await client.get(shown)
        if reply.status >= ERROR:
            raise error_for_status(reply.status, f"Fetching {shown}")
        return reply.body, reply.url, reply.headers.get("content-type")

    return asyncio.run(fetch())
