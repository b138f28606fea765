"""`tripper doctor` and `tripper db`: is everything there that a run needs, and is the catalog's schema this version's."""

import asyncio
import shutil
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

from tripper_assets.catalog.without_database import NEEDED
from tripper_assets.cli.api import is_alive
from tripper_assets.cli.output import Json, print_json, print_table, say
from tripper_assets.cli.session import open_session, prepare_home
from tripper_assets.cli.up_lock import running_up
from tripper_assets.clients.addresses import AddressGuard
from tripper_assets.clients.browser import Browser, RenderBudget
from tripper_assets.clients.browser_process import BrowserSetup, check_installed
from tripper_assets.clients.gazetteer import OfflineGeocoder
from tripper_assets.clients.local_embedder import LocalEmbedder
from tripper_assets.clients.objects import Objects
from tripper_assets.clients.openai_sdk import check_model
from tripper_assets.domain.errors import ConfigurationError, PermanentError, TransientError, TripperError
from tripper_assets.domain.geocoding import PlaceQuery
from tripper_assets.domain.notifications import trial_notification
from tripper_assets.domain.taggers import parse_taggers
from tripper_assets.resources import geocoder_choice, openai_model, utc_now, webhook
from tripper_assets.settings import Settings, load_settings
from tripper_assets.voters import taggers_off

db_app = typer.Typer(help="The catalog's schema.", no_args_is_help=True)
LOW_SPACE_BYTES = 1_000_000_000


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("doctor")(doctor)


def doctor(
    *,
    notify: Annotated[
        bool, typer.Option("--notify", help="Send the webhook a message that says that it can be reached.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Try every part that a run needs, and say what is wrong and how to mend it."""
    settings = load_settings()
    checks: dict[str, Callable[[Settings], str]] = {
        "python": lambda _settings: sys.version.split()[0],
        "home": _home,
        "store": _store,
        "catalog": _catalog,
        "geocoder": _geocoder,
        "embedder": _embedder,
        "taggers": _taggers,
        "graph": _graph,
        "browser": _browser,
        "api": _api,
        "webhook": _tried_webhook if notify else _webhook,
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


def _catalog(settings: Settings) -> str:
    if settings.catalog == "none":
        return "none: the graph runs to its final JSONL, and nothing is imported or searched"
    with open_session() as session:
        count = len(session.catalog.sources.list())
        return f"{session.catalog.database.shown_url}, {count} sources"


def _geocoder(settings: Settings) -> str:
    choice = geocoder_choice(settings)
    if choice is not None:
        return f"{choice.terms.name} at {choice.url}, at least {choice.delay_seconds:g} s apart; it was not asked"
    answer = OfflineGeocoder(settings.home).geocode(PlaceQuery(locality="Lyon", countryCode="FR"))
    return f"offline: Lyon is at {answer.latitude}, {answer.longitude}"


def _embedder(settings: Settings) -> str:
    if settings.embedder == "openai":
        model = openai_model(settings)
        check_model(settings.openai_api_key.get_secret_value(), settings.openai_base_url or None, model.name)
        return f"openai: {model.name}, {model.dimensions} dimensions, known to the key"
    embedder = LocalEmbedder()
    return f"{embedder.model}: {embedder.embed(['a day at the zoo']).shape[1]} dimensions"


def _taggers(settings: Settings) -> str:
    off = taggers_off(settings)
    if off:
        raise ConfigurationError(" ".join(off.values()))
    return f"{', '.join(str(one) for one in parse_taggers(settings.taggers))}; no remote one was asked"


def _graph(_settings: Settings) -> str:
    from tripper_assets.definitions import build_definitions  # noqa: PLC0415 (dagster takes two seconds to import)

    return f"{len(build_definitions().resolve_all_asset_keys())} assets"


def _api(settings: Settings) -> str:
    address = f"http://127.0.0.1:{settings.api_port}"
    if running_up(settings.home) is None or settings.catalog == "none":
        return f"not asked: `tripper up` would show it at {address}"
    if not is_alive(settings.api_port):
        raise TransientError(
            f"The API does not answer at {address}, and `tripper up` runs; look into its log in the home."
        )
    return f"answers at {address}"


@db_app.command("init")
def init() -> None:
    """Make the catalog's schema, or bring it up to date."""
    _upgrade()


@db_app.command("upgrade")
def upgrade() -> None:
    """Bring the catalog's schema to this version."""
    _upgrade()


@db_app.command("downgrade")
def downgrade(
    revision: Annotated[str, typer.Argument(help="The older revision, such as 0007; base takes all of it away.")],
    *,
    database: Annotated[str, typer.Option(help="The name of the database that you mean; another one is refused.")],
) -> None:
    """Take the catalog's schema down, for an older version of tripper_assets; what only this version can hold is lost."""
    with open_session() as session:
        session.catalog.database.downgrade(revision, name=database)
        say(f"The catalog at {session.catalog.database.shown_url} has the schema {revision} now.")


def _upgrade() -> None:
    with open_session(migrate=True) as session:
        say(f"The catalog at {session.catalog.database.shown_url} has this version's schema.")


def _browser(settings: Settings) -> str:
    setup = BrowserSetup(settings.chromium_path, settings.full_user_agent)
    try:
        check_installed(setup.program)
    except ConfigurationError as error:
        if settings.chromium:
            raise
        return f"none, which only sources with render_javascript: auto need. {error}"
    return f"Chromium {asyncio.run(_version(setup))} at {setup.program}"


def _webhook(settings: Settings) -> str:
    receiver = webhook(settings)
    if receiver is None:
        return "none: nobody is told of failures and wanted reviews, unless TRIPPER_WEBHOOK_URL is set"
    signed = "signed" if receiver.is_signed else "not signed, as TRIPPER_WEBHOOK_SECRET is not set"
    shown = f"{receiver.shown}, told of {', '.join(settings.webhook_events)}, {signed}"
    if settings.catalog == "none":
        raise ConfigurationError(f"{shown}; telling it needs {NEEDED}.")
    with open_session() as session:
        state = session.catalog.notifications.state()
    if state["trouble"]:
        raise TransientError(f"{shown}; {state['waiting']} messages wait. {state['trouble']}")
    return f"{shown}; {state['waiting']} messages wait, {state['arrived']} arrived, {state['given_up']} were given up"


def _tried_webhook(settings: Settings) -> str:
    receiver = webhook(settings)
    if receiver is None:
        raise ConfigurationError("There is no webhook to notify; set TRIPPER_WEBHOOK_URL.")
    receiver.send(trial_notification(utc_now()))
    return f"{receiver.shown} took a message"


async def _version(setup: BrowserSetup) -> str:
    async with Browser(setup, AddressGuard(), RenderBudget()) as browser:
        return await browser.version()
