"""`tripper up` and `tripper down`: PostgreSQL, Dagster's processes, the API and the sample site, started in order by one owner and stopped in order."""

import contextlib
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
import yaml

from tripper_assets.api.addresses import host_of, link_of, token_of
from tripper_assets.cli.api import check_port, is_alive
from tripper_assets.cli.output import say
from tripper_assets.cli.processes import (
    GRACE_SECONDS,
    LOOK_SECONDS,
    Child,
    CrashedError,
    Owner,
    StopAskedError,
    end_session,
)
from tripper_assets.cli.sample_site import SampleSite
from tripper_assets.cli.session import prepare_home
from tripper_assets.cli.up_lock import Running, UpLock, hold_up_lock, is_held, left_behind, running_up
from tripper_assets.cli.webserver import Webserver
from tripper_assets.domain.errors import PermanentError, TransientError
from tripper_assets.resources import LOOPBACK, Catalog, open_catalog
from tripper_assets.settings import MAX_PORT, PROJECT_FOLDER, Settings, environment_of, load_settings

READY_SECONDS = 240
DOWN_SECONDS = 20
CANCEL_SECONDS = 2.5
WATCH_SECONDS = 2
MAX_HOME_PATH = 80
"""In bytes; a socket's path has at most 107, and 103 on macOS."""
SOCKET_FOLDER = "up-"
LOCATION = "tripper_assets"
CODE_SERVER, WEBSERVER, DAEMON, API = "code server", "webserver", "daemon", "API"
Port = Annotated[int, typer.Option("--port", min=1, max=MAX_PORT, help="The loopback port of the Dagster pages.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("up")(up)
    app.command("down")(down)


def up(*, port: Port = 3000) -> None:
    """Start PostgreSQL, Dagster, the API with the pages, and the sample site where it is registered, and keep them until Ctrl-C."""
    began = time.monotonic()
    settings = load_settings()
    prepare_home(settings)
    owner = Owner()
    webserver = Webserver(port)
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    with owner.listening(*signals), hold_up_lock(settings.home, webserver.address) as lock:
        if lock.left_behind:
            _end(lock.left_behind, settings)
        check_port(port, "The Dagster pages", "choose another one with `tripper up --port`")
        if settings.catalog != "none":
            check_port(settings.api_port, "The API and its pages", "set TRIPPER_API_PORT to another one")
        with _catalog(settings) as catalog, _code_server_socket(settings) as place:
            site = SampleSite(settings, catalog) if catalog else None
            _keep_up(_Dagster(settings, owner, lock, webserver, place), site, began)
    _tell("All parts are stopped.")


def _keep_up(dagster: "_Dagster", site: SampleSite | None, began: float) -> None:
    """Start Dagster and stay until a signal comes or a part crashes; nothing is left then."""
    try:
        dagster.start()
        _tell(f"Ready after {time.monotonic() - began:.0f} s; Ctrl-C or `tripper down` stops all of it.")
        _watch(dagster, site)
    except StopAskedError:
        _tell("Stopping.")
    except CrashedError as error:
        _tell("\n  ".join([f"The {error.child.name} crashed. The last lines of its log:", *error.child.last_lines()]))
        raise
    finally:
        if site:
            site.stop()
        dagster.stop()


def _watch(dagster: "_Dagster", site: SampleSite | None) -> None:
    looked = 0.0
    while True:
        dagster.owner.look()
        if site and time.monotonic() - looked > WATCH_SECONDS:
            _look_at(site)
            looked = time.monotonic()
        time.sleep(LOOK_SECONDS)


def _look_at(site: SampleSite) -> None:
    """Let the site follow the registry, and tell where a PostgreSQL of ours had to be started again for that."""
    revived = site.catalog.database.revived
    try:
        line = site.look(date.today())  # noqa: DTZ011 (the visitor's own day)
    except TransientError:
        return  # a server of the operator's, who starts it; what needs it says so itself
    if site.catalog.database.revived > revived:
        _tell("PostgreSQL had stopped and was started again.")
    if line:
        _tell(line)


class _Dagster:
    """The code server, the webserver and the daemon over one instance; ``place`` is the code server's socket."""

    def __init__(self, settings: Settings, owner: Owner, lock: UpLock, webserver: Webserver, place: Path) -> None:
        self.settings = settings
        self.owner = owner
        self._lock = lock
        self._webserver = webserver
        self._place = place

    def start(self) -> None:
        """Start all three and tell of each when it is ready; the last two start beside each other."""
        since = time.time()
        workspace = self._write_workspace()
        graph = ["--module-name", "tripper_assets.definitions", "--location-name", LOCATION]
        self._start(CODE_SERVER, "dagster", "code-server", "start", "--socket", str(self._place), *graph)
        self._wait(CODE_SERVER, lambda: _accepts(self._place), str(self._place))
        port = str(self._webserver.port)
        self._start(WEBSERVER, "dagster_webserver", "--host", LOOPBACK, "--port", port, "--workspace", workspace)
        self._start(DAEMON, "dagster._daemon", "run", "--workspace", workspace)
        self._wait(WEBSERVER, self._webserver.has_graph, self._webserver.address)
        self._wait(DAEMON, lambda: self._webserver.has_daemon(since), "sensors, schedules and the queue of runs")
        self._start_api()

    def _start_api(self) -> None:
        """Start the API last, so that it stops first; without a catalog there is nothing that it could tell."""
        if self.settings.catalog == "none":
            _tell_part(API, "none, for TRIPPER_DATABASE_URL is none")
            return
        token = token_of(self.settings)
        known = {"TRIPPER_DAGSTER_URL": self._webserver.address, "TRIPPER_API_TOKEN": token.get_secret_value()}
        self._start(API, "tripper_assets.cli", "api", "--host", host_of(self.settings), "--no-link", **known)
        self._wait(API, lambda: is_alive(self.settings.api_port), link_of(self.settings, token))

    def stop(self) -> None:
        """Stop the daemon, which starts runs, then cancel what runs, then stop the rest."""
        self.owner.stop(down_to=WEBSERVER)
        if self.owner.sessions:
            self._cancel_runs()
        self.owner.stop()

    def _cancel_runs(self) -> None:
        """Let runs end as canceled: of a bare signal they end as failed."""
        deadline = time.monotonic() + CANCEL_SECONDS
        runs = self._webserver.runs_under_way(str(self._place))
        if runs:
            _tell(f"Canceling {len(runs)} runs.")
            self._webserver.cancel(runs)
        while runs and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)
            runs = self._webserver.runs_under_way(str(self._place))

    def _write_workspace(self) -> str:
        """Write where the graph is served; the location has the name of workspace.yaml, so that old runs know it."""
        path = self.settings.home / "up.workspace.yaml"
        server = {"socket": str(self._place), "location_name": LOCATION}
        path.write_text(yaml.safe_dump({"load_from": [{"grpc_server": server}]}), encoding="utf-8")
        return str(path)

    def _start(self, name: str, *command: str, **known: str) -> None:
        log = self.settings.home / "logs" / f"{name.replace(' ', '-')}.log"
        environment = environment_of(self.settings) | known
        # The project's folder: Python looks for modules in the current one, and a home has a folder named dagster.
        self.owner.own(
            Child(name, [sys.executable, "-m", *command], log=log, environment=environment, folder=PROJECT_FOLDER)
        )
        self._lock.note_sessions(self.owner.sessions)

    def _wait(self, name: str, ready: Callable[[], bool], address: str) -> None:
        self.owner.wait_until(ready, what=name, seconds=READY_SECONDS)
        _tell_part(name, address)


@contextlib.contextmanager
def _catalog(settings: Settings) -> Generator[Catalog | None]:
    """Open the catalog for as long as all else runs; its embedded server is stopped last, by its last user."""
    if settings.catalog == "none":
        yield None
        return
    with open_catalog(settings) as catalog:
        _tell_part("PostgreSQL", catalog.database.shown_url)
        yield catalog


@contextlib.contextmanager
def _code_server_socket(settings: Settings) -> Generator[Path]:
    """Make a private folder for the socket: below the home where its path is short enough for one.

    Each time another one: a run notes the socket of the server that it was launched in, and a dead one's is nobody's.
    """
    folder = settings.home if len(str(settings.home).encode()) < MAX_HOME_PATH else None
    for left in settings.home.glob(f"{SOCKET_FOLDER}*"):
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=SOCKET_FOLDER, dir=folder) as made:
        yield Path(made) / "code.sock"


def _accepts(place: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(str(place))
        except OSError:
            return False
    return True


def down() -> None:
    """Stop the `tripper up` of this home, and wait until all its parts have ended."""
    settings = load_settings()
    running = running_up(settings.home)
    if running:
        _ask_to_end(running)
        _wait_for_end(settings, running)
        say(f"`tripper up` (process {running.pid}) and all its parts are stopped.")
        return
    left = left_behind(settings.home)
    count = _end(left, settings) if left else 0
    say(
        f"Ended {count} processes that a killed `tripper up` had left."
        if count
        else f"Nothing runs in {settings.home}."
    )


def _ask_to_end(running: Running) -> None:
    try:
        os.kill(running.pid, signal.SIGTERM)
    except PermissionError as error:
        raise PermanentError(
            f"`tripper up` runs as another user, in process {running.pid}; run `tripper down` as that user."
        ) from error


def _wait_for_end(settings: Settings, running: Running) -> None:
    deadline = time.monotonic() + DOWN_SECONDS
    while is_held(settings.home):
        if time.monotonic() > deadline:
            raise TransientError(
                f"`tripper up` (process {running.pid}) has not ended within {DOWN_SECONDS} s; try again, or kill it and try again."
            )
        time.sleep(LOOK_SECONDS)


def _end(left: Running, settings: Settings) -> int:
    """End what a killed `tripper up` left; return how many processes that were."""
    return sum(end_session(session, GRACE_SECONDS, home=settings.home) for session in reversed(left.sessions))


def _tell_part(name: str, address: str) -> None:
    _tell(f"{name:<12} {address}")


def _tell(line: str) -> None:
    say(line)
    sys.stdout.flush()  # into a pipe or a file too, where a reader waits for it
