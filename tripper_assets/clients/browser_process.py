"""The processes of a browser, from a crawl's side: started below a warden in a folder of their own, told pages, and surely ended."""

import asyncio
import json
import os
import shutil
import sys
import tempfile
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

import psutil

from tripper_assets.domain.errors import ConfigurationError

WARDEN = Path(__file__).with_name("browser_warden.py")
WORKER = Path(__file__).with_name("browser_worker.py")
START_SECONDS = 30.0
END_SECONDS = 12.0
LOOK_SECONDS = 0.05
SHORT_FOLDER = "/tmp"  # noqa: S108 (the folder in it is made by mkdtemp)
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
HOW_TO_INSTALL = "run `make browser`, or pip install -e '.[browser]' and install Chromium (apt-get install chromium)"


@dataclass(frozen=True)
class BrowserSetup:
    """How a browser is set up for one crawl."""

    program: str
    """The path of Chromium."""
    user_agent: str
    locale: str = ""
    """As in Accept-Language; empty: the browser's own."""
    timezone: str = ""
    """IANA; what scripts take for local time. Empty: UTC, wherever the machine stands."""


def check_installed(program: str) -> None:
    """Pass where pages can be rendered.

    Raises:
        ConfigurationError: Playwright or Chromium is missing; says how to install them.
    """
    if find_spec("playwright") is None:
        raise ConfigurationError(f"Pages made by scripts cannot be rendered: Playwright is missing; {HOW_TO_INSTALL}.")
    if not program or not os.access(program, os.X_OK):
        what = f"{program} is no program" if program else "there is no Chromium"
        raise ConfigurationError(
            f"Pages made by scripts cannot be rendered: {what}; {HOW_TO_INSTALL}, or set TRIPPER_CHROMIUM to its path."
        )


@dataclass(frozen=True)
class Answer:
    """What the worker says of one page: a URL and HTML, or an error."""

    said: dict[str, Any]
    html: bytes = b""

    @property
    def error(self) -> str:
        """What went wrong, empty where nothing did."""
        return self.said.get("error", "")


class BrowserProcess:
    """A running browser."""

    def __init__(self, warden: Process, folder: Path) -> None:
        self._warden = warden
        self._folder = folder
        self.version = ""

    @classmethod
    async def start(cls, setup: BrowserSetup, proxy_port: int) -> Self:
        """Start Chromium, Playwright and their warden.

        Raises:
            ConfigurationError: Chromium does not start; says why, and what to do.
        """
        check_installed(setup.program)
        folder = Path(tempfile.mkdtemp(prefix=f"tripper-browser-{os.getpid()}-", dir=_short_folder()))
        command = [sys.executable, "-P", str(WARDEN), str(os.getpid()), str(folder), sys.executable, "-P", str(WORKER)]
        warden = await asyncio.create_subprocess_exec(
            *command,
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            cwd=folder,
            env=_environment(folder),
            # Ctrl-C is for us: the crawl ends it in its order.
            start_new_session=True,
        )
        process = cls(warden, folder)
        try:
            await process._set_up(setup, proxy_port)
        except BaseException:
            await process.end()
            raise
        return process

    async def _set_up(self, setup: BrowserSetup, proxy_port: int) -> None:
        # Chromium's sandbox does not work for root.
        own = {"proxy_port": proxy_port, "sandbox": os.geteuid() != 0, "start_seconds": START_SECONDS}
        try:
            async with asyncio.timeout(START_SECONDS + END_SECONDS):
                answer = await self.ask({**asdict(setup), **own})
        except TimeoutError as error:
            raise ConfigurationError(
                f"{setup.program} did not start within {START_SECONDS:g} seconds; try again when the machine is less busy, or {HOW_TO_INSTALL}."
            ) from error
        if answer is None or answer.error:
            cause = answer.said.get("said", "") if answer else "it ended at once"
            raise ConfigurationError(f"{setup.program} does not start ({cause}); {HOW_TO_INSTALL}.")
        self.version = str(answer.said["version"])

    async def ask(self, order: dict[str, Any]) -> Answer | None:
        """Tell the worker one thing and return what it says; None where the browser has ended."""
        tell, listen = self._warden.stdin, self._warden.stdout
        if tell is None or listen is None:
            return None
        try:
            tell.write(json.dumps(order).encode() + b"\n")
            await tell.drain()
            said = json.loads(await listen.readuntil(b"\n"))
            return Answer(said, await listen.readexactly(said["size"]))
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return None

    async def end(self) -> None:
        """End every process of the browser, and remove what they wrote; returns when none is left."""
        try:
            with suppress(ProcessLookupError):
                self._warden.terminate()
            async with asyncio.timeout(END_SECONDS):
                await self._warden.communicate()
        except TimeoutError:
            self._warden.kill()
            await self._warden.wait()
        finally:
            await asyncio.to_thread(_clear, self._folder)


def _clear(folder: Path) -> None:
    """Do what a warden that was killed could not: end the processes that live in the folder, and remove it."""
    until = time.monotonic() + END_SECONDS
    while folder.exists() and time.monotonic() < until:
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get("HOME") == str(folder):
                    process.kill()
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(LOOK_SECONDS)


def _short_folder() -> str | None:
    """Return where a browser's folder is made; None for the system's own place."""
    # Chromium keeps a socket there, whose whole name has room for 108 bytes: below a long TMPDIR it does not start.
    return SHORT_FOLDER if len(tempfile.gettempdir()) > len(SHORT_FOLDER) and os.access(SHORT_FOLDER, os.W_OK) else None


def _environment(folder: Path) -> dict[str, str]:
    """Return all that a browser knows of its surroundings: none of our own variables, which may hold secrets."""
    own = ("HOME", "TMPDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR")
    # Packages are where ours are, however we were told of them.
    packages = os.pathsep.join(filter(None, sys.path))
    told = {"PATH": SYSTEM_PATH, "LANG": "C.UTF-8", "TZ": "UTC", "PYTHONPATH": packages}
    return {**told, **dict.fromkeys(own, str(folder))}
