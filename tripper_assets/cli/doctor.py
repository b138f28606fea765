"""`tripper doctor` and `tripper db`: is everything there that a run needs, and is the catalog's schema this version's."""

import shutil
import sys
from collections.abc import Callable
from typing import Any

import typer

from tripper_assets.cli.output import Json, print_json, print_table, say
from tripper_assets.cli.session import open_session, prepare_home
from tripper_assets.clients.embeddings import LocalEmbedder
from tripper_assets.clients.gazetteer import OfflineGeocoder
from tripper_assets.clients.objects import Objects
from tripper_assets.domain.errors import PermanentError, TripperError
from tripper_assets.domain.geocoding import PlaceQuery
from tripper_assets.settings import Settings, load_settings

db_app = typer.Typer(help="The catalog's schema.", no_args_is_help=True)
LOW_SPACE_BYTES = 1_000_000_000


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("doctor")(doctor)


def doctor(*, as_json: Json = False) -> None:
    """Try every part that a run needs, and say what is wrong and how to mend it."""
    settings = load_settings()
    checks: dict[str, Callable[[Settings], str]] = {
        "python": lambda _settings: sys.version.split()[0],
        "home": _home,
        "store": _store,
        "catalog": _catalog,
        "geocoder": _geocoder,
        "embedder": _embedder,
        "graph": _graph,
    }
    results = [{"part": part, **_tried(check, settings)} for part, check in checks.items()]
    if as_json:
        print_json(results)
    else:
        print_table(("part", "state", "what"), [(one["part"], one["state"], one["what"]) for one in results])
    if any(one["state"] != "ok" for one in results):
        raise typer.Exit(1)


def _tried(check: Callable[[Settings], str], settings: Settings) -> dict[str, Any]:
    try:
        return {"state": "ok", "what": check(settings)}
    except TripperError as error:
        return {"state": "down", "what": str(error)}


def _home(settings: Settings) -> str:
    prepare_home(settings)
    free = shutil.disk_usage(settings.home).free
    if free < LOW_SPACE_BYTES:
        raise PermanentError(
            f"The home {settings.home} has {free // 1_000_000} MB left; free some space or set TRIPPER_HOME."
        )
    return f"{settings.home}, {free // 1_000_000_000} GB free"


def _store(settings: Settings) -> str:
    Objects(settings.objects_url).check_writable()
    return f"{settings.objects_url} can be written"


def _catalog(_settings: Settings) -> str:
    with open_session() as session:
        count = len(session.catalog.sources.list())
        return f"{session.catalog.database.shown_url}, {count} sources"


def _geocoder(settings: Settings) -> str:
    answer = OfflineGeocoder(settings.home).geocode(PlaceQuery(locality="Lyon", countryCode="FR"))
    return f"offline: Lyon is at {answer.latitude}, {answer.longitude}"


def _embedder(_settings: Settings) -> str:
    embedder = LocalEmbedder()
    return f"{embedder.model}: {embedder.embed(['a day at the zoo']).shape[1]} dimensions"


def _graph(_settings: Settings) -> str:
    from tripper_assets.definitions import build_definitions  # noqa: PLC0415 (dagster takes two seconds to import)

    return f"{len(build_definitions().resolve_all_asset_keys())} assets"


@db_app.command("init")
def init() -> None:
    """Make the catalog's schema, or bring it up to date."""
    _upgrade()


@db_app.command("upgrade")
def upgrade() -> None:
    """Bring the catalog's schema to this version."""
    _upgrade()


def _upgrade() -> None:
    with open_session(migrate=True) as session:
        say(f"The catalog at {session.catalog.database.shown_url} has this version's schema.")
