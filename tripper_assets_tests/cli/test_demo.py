"""`tripper demo` as a person starts it: in a process of its own, with nothing but a home; and what an interrupt leaves."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tripper_assets.cli import demo
from tripper_assets_tests.cli.conftest import Said, Shell
from tripper_assets_tests.clients.loopback import Answer, serve

# Without compiled files each start compiles a thousand modules anew.
UNWANTED = ("TRIPPER_", "DAGSTER_", "PYTHONDONTWRITEBYTECODE")
COMMAND = (sys.executable, "-m", "tripper_assets.cli")


def environment(**more: str) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(UNWANTED)} | more


@pytest.fixture
def home(homes: str | None, gazetteer: Path) -> Generator[Path]:
    home = Path(tempfile.mkdtemp(prefix="tripper-demo-", dir=homes))
    shutil.copyfile(gazetteer, home / gazetteer.name)
    yield home
    shutil.rmtree(home)


def call(*arguments: str, **more: str) -> Said:
    done = subprocess.run(
        [*COMMAND, *arguments], env=environment(**more), capture_output=True, text=True, check=False, timeout=120
    )
    return Said(done.returncode, done.stdout, done.stderr)


def test_the_second_demo_does_nothing_anew(home: Path, free_port: int) -> None:
    own = {"TRIPPER_HOME": str(home), "TRIPPER_DEMO_PORT": str(free_port)}

    first = call("demo", "--json", "--keep-files", **own)
    second = call("demo", **own)

    assert (first.code, second.code) == (0, 0), first.err + second.err
    told: dict[str, Any] = first.json
    assert told["status"] == "completed"
    assert told["import"]["inserted"] == told["stages"]["final_jsonl"]["rows"] >= 50
    assert told["calls"]["pages"] >= 60
    assert first.err == ""
    assert all(
        Path(stage["uri"].removeprefix("file://")).is_file() for stage in told["stages"].values() if stage["uri"]
    )
    assert (
        "Nothing had changed: 0 page bodies, 0 image bodies, 0 geocoder queries, 0 texts embedded, 0 rows written."
        in second.out
    )
    assert re.search(r"Done anew: 0 page bodies \([1-9]\d* unchanged, [1-9]\d* not asked for\)", second.out)
    assert "5 intermediates were cleaned up after the import" in second.out
    assert second.out.count("activity\twhen\twhere\turl") == 3
    assert "Next: `tripper run URL`" in second.out
    assert "Traceback" not in second.err
    # The server that the command started is stopped with it.
    assert not list(home.rglob("postmaster.pid"))


@pytest.mark.long
def test_an_interrupted_run_is_canceled_and_goes_on_later(shell: Shell) -> None:
    asked = threading.Event()
    page = Answer(200, b"<html><body><h1>Owl Night</h1></body></html>", {"Content-Type": "text/html"})

    with serve() as site:

        def slow(_: object) -> Answer:
            asked.set()
            time.sleep(0.5)
            return page

        site.answer("/", Answer(200, b'<a href="/1">1</a><a href="/2">2</a>', {"Content-Type": "text/html"}))
        site.fallback = slow
        running = subprocess.Popen(
            [*COMMAND, "run", site.url(), "--json"],
            env=environment(**shell.environment), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert asked.wait(60)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)
        (workflow,) = shell("status", "--json").json
        again = shell("run", site.url(), "--json")

    assert running.returncode == 130, err
    assert out == ""
    assert err == "error: Interrupted; what was stored stays, and the same command goes on from there.\n"
    assert workflow["status"] == "canceled"
    assert "The run was interrupted" in workflow["reason"]
    assert again.json["status"] == "review"


def test_the_sample_site_can_be_shown_alone(shell: Shell, free_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def press_ctrl_c() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, "wait_for_interrupt", press_ctrl_c)

    said = shell("demo", "--serve", TRIPPER_DEMO_PORT=str(free_port))

    assert said == Said(0, f"The sample site is at http://127.0.0.1:{free_port}/; Ctrl-C stops it.\n", "")
