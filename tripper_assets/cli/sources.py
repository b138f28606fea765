"""`tripper sources` and `tripper locations`: the registry of what is crawled, and for whom."""

from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from tripper_assets.cli.output import Json, print_json, print_table, say
from tripper_assets.cli.session import UnknownNameError, dagster_instance, open_session, prepare_home, without_user_info
from tripper_assets.cli.yaml_files import read_mapping
from tripper_assets.clients.processes import ProcessIdentity
from tripper_assets.domain.claims import SourceHeldError
from tripper_assets.domain.errors import ConfigurationError
from tripper_assets.domain.sources import Location, Source, make_source, parse_config, validation_sentence
from tripper_assets.settings import load_settings

sources_app = typer.Typer(help="The sources that are crawled.", no_args_is_help=True)
locations_app = typer.Typer(help="The places that guides are made to.", no_args_is_help=True)


@sources_app.command("add")
def add(
    urls: Annotated[list[str], typer.Argument(help="One URL or more.")],
    *,
    location: Annotated[str | None, typer.Option(help="The location that they serve.")] = None,
    as_json: Json = False,
) -> None:
    """Register sources, with the configuration's defaults; one that is registered stays as it is."""
    made = [make_source(url, location_id=location) for url in urls]
    with open_session() as session:
        if location is not None and session.catalog.sources.get_location(location) is None:
            raise UnknownNameError(
                f"There is no location {location}; add it with `tripper locations add {location} --name NAME --country CODE`."
            )
        registered = [session.catalog.sources.add(source) for source in made]
    _add_partitions([source.key for source in registered])
    if as_json:
        print_json([source.model_dump(mode="json") for source in registered])
        return
    for source in registered:
        say(f"{source.key}\t{source.url}")


@sources_app.command("list")
def list_sources(*, as_json: Json = False) -> None:
    """List the registered sources."""
    with open_session() as session:
        found = session.catalog.sources.list()
    if as_json:
        print_json([source.model_dump(mode="json") for source in found])
    else:
        rows = [(one.key, one.url, one.location_id, "on" if one.config.auto_import else "off") for one in found]
        print_table(("key", "url", "location", "auto import"), rows)


@sources_app.command("show")
def show(key: Annotated[str, typer.Argument(help="A source key or URL.")], *, as_json: Json = False) -> None:
    """Show one source and its configuration."""
    with open_session() as session:
        source = session.source(key)
    if as_json:
        print_json(source.model_dump(mode="json"))
    else:
        rows = [("key", source.key), ("url", source.url), ("location", source.location_id)]
        print_table(("field", "value"), [*rows, *source.config.model_dump(mode="json").items()])


@sources_app.command("sync")
def sync(
    path: Annotated[Path, typer.Argument(help="A YAML file with a list of sources.")], *, as_json: Json = False
) -> None:
    """Bring the registry in line with a YAML file: new sources are added, changed ones updated, others stay."""
    wanted, locations = read_sources(path)
    with open_session() as session:
        for location in locations:
            session.catalog.sources.add_location(location)
        result = session.catalog.sources.sync(wanted)
    _add_partitions([source.key for source in wanted])
    if as_json:
        print_json(result.model_dump(mode="json", exclude={"removed"}))
        return
    for what, keys in (("added", result.added), ("updated", result.updated)):
        for key in keys:
            say(f"{what}\t{key}")
    say(f"{len(result.added)} added, {len(result.updated)} updated, {len(result.unchanged)} unchanged.")


@sources_app.command("remove")
def remove(key: Annotated[str, typer.Argument(help="A source key or URL.")]) -> None:
    """Take a source out of the registry; its activities stay in the catalog's history."""
    with open_session() as session:
        source = session.source(key)
        holder = session.catalog.claims.get(source.key)
        if holder is not None:
            raise SourceHeldError(holder, elsewhere=ProcessIdentity.of(holder).is_elsewhere())
        session.catalog.sources.remove(source.key)
    say(f"Removed {source.key}.")


@sources_app.command("free")
def free(key: Annotated[str, typer.Argument(help="A source key or URL.")]) -> None:
    """Free a source that a run on another machine holds which is gone; one that works here is freed by itself when it ends."""
    with open_session() as session:
        source = session.source(key)
        holder = session.catalog.claims.get(source.key)
        if holder is None:
            say(f"{source.key} is free.")
            return
        # What ran here and is gone was freed when the session was opened.
        if not ProcessIdentity.of(holder).is_elsewhere():
            raise SourceHeldError(holder)
        session.catalog.claims.release(holder.run_id)
    say(
        f"{source.key} is free; run {holder.run_id} on {holder.host} held it since {holder.claimed_at:%Y-%m-%d %H:%M} UTC."
    )


def read_sources(path: Path) -> tuple[list[Source], list[Location]]:
    """Return the sources and locations of a YAML file.

    Raises:
        ConfigurationError: names the file, the entry and the field that is wrong.
    """
    example = "`sources:` and below it lines like `- url: https://example.org/events`"
    values = read_mapping(path, name="sources file", example=example)
    unknown = sorted(set(values) - {"sources", "locations"})
    if unknown:
        raise ConfigurationError(
            f"The sources file {path} has unknown fields {', '.join(unknown)}; known are sources and locations."
        )
    entries, places = values.get("sources"), values.get("locations") or []
    if not isinstance(entries, list) or not isinstance(places, list):
        raise ConfigurationError(f"The sources file {path} has no list of sources; write {example}.")
    sources = [_entry(entry, number, path) for number, entry in enumerate(entries, 1)]
    _refuse_repeated(sources, path)
    return sources, [_location(place, number, path) for number, place in enumerate(places, 1)]


def _refuse_repeated(sources: list[Source], path: Path) -> None:
    first: dict[str, int] = {}
    for number, source in enumerate(sources, 1):
        if source.key in first:
            raise ConfigurationError(
                f"Entry {number} of {path} is the same source as entry {first[source.key]}, {source.url}; remove one of them."
            )
        first[source.key] = number


def _entry(entry: Any, number: int, path: Path) -> Source:  # noqa: ANN401 (whatever stands in the file)
    if not isinstance(entry, dict) or not isinstance(entry.get("url"), str):
        raise ConfigurationError(f"Entry {number} of {path} has no `url`; write `- url: https://…`.")
    unknown = sorted(map(str, set(entry) - {"url", "location", "config"}))
    if unknown:
        raise ConfigurationError(
            f"Entry {number} of {path} has unknown fields {', '.join(unknown)}; known are url, location and config."
        )
    config = parse_config(entry.get("config") or {}, subject=f"{without_user_info(entry['url'])} in {path}")
    location = entry.get("location")
    return make_source(entry["url"], config, location_id=None if location is None else str(location))


def _location(place: Any, number: int, path: Path) -> Location:  # noqa: ANN401 (whatever stands in the file)
    try:
        return Location.model_validate(place)
    except ValidationError as error:
        raise ConfigurationError(f"Location {number} of {path} is wrong: {validation_sentence(error)}.") from error


def _add_partitions(keys: list[str]) -> None:
    from tripper_assets.partitions import SOURCES  # noqa: PLC0415 (dagster takes two seconds to import)

    prepare_home(load_settings())
    with dagster_instance() as instance:
        instance.add_dynamic_partitions(SOURCES, keys)


@locations_app.command("add")
def add_location(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="Lower-case letters, digits and dashes.")],
    *,
    name: Annotated[str, typer.Option(help="As people say it.")],
    country: Annotated[str, typer.Option(help="ISO 3166-1 alpha-2.")],
    query: Annotated[list[str] | None, typer.Option(help="What people asked for there; may be repeated.")] = None,
) -> None:
    """Add a location, or change it."""
    try:
        location = Location(id=identifier, name=name, country_code=country.upper(), queries=tuple(query or ()))
    except ValidationError as error:
        raise ConfigurationError(f"The location {identifier} is wrong: {validation_sentence(error)}.") from error
    with open_session() as session:
        session.catalog.sources.add_location(location)
    say(f"{location.id}\t{location.name} ({location.country_code})")


@locations_app.command("list")
def list_locations(*, as_json: Json = False) -> None:
    """List the locations."""
    with open_session() as session:
        found = session.catalog.sources.locations()
    if as_json:
        print_json([one.model_dump(mode="json") for one in found])
    else:
        print_table(
            ("id", "name", "country", "queries"),
            [(one.id, one.name, one.country_code, ", ".join(one.queries)) for one in found],
        )


@locations_app.command("show")
def show_location(identifier: Annotated[str, typer.Argument(metavar="ID")], *, as_json: Json = False) -> None:
    """Show one location."""
    with open_session() as session:
        found = session.catalog.sources.get_location(identifier)
    if found is None:
        raise UnknownNameError(f"There is no location {identifier}; `tripper locations list` shows them.")
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        print_table(("field", "value"), list(found.model_dump(mode="json").items()))
