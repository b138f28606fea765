"""Runs, kills, edits, decisions, corrections, imports and clean-ups in any order: the catalog has the rows that a plain model has."""

import os
import signal
import subprocess
import sys
from collections.abc import Generator
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

from tripper_assets.catalog.database import Database
from tripper_assets_tests.cli.conftest import Said as Ended
from tripper_assets_tests.cli.conftest import Shell
from tripper_assets_tests.cli.plain_catalog import Bundle, PlainCatalog
from tripper_assets_tests.cli.test_run import event
from tripper_assets_tests.clients.loopback import Answer, Asked, LoopbackSite
from tripper_assets_tests.clients.loopback import serve as serve_pages

NAMES = [f"{animal} at night" for animal in ("Owls", "Bats", "Moths", "Foxes", "Toads", "Hedgehogs", "Deer", "Newts")]
SAID = [f"We look for them with lamps, and there is {drink} for all afterwards." for drink in ("tea", "cocoa", "soup")]
FEWEST = 5
GUARDS = ["not_empty", "count_against_last_import", "removals_against_last_import"]
OVERRIDES = [word for one in GUARDS for word in ("--override", one)]
NUMBERS = count(1)
names, said = st.sampled_from(NAMES), st.sampled_from(SAID)


class World:
    """What all examples share: a home, a catalog and a server of pages; each example has a source of its own."""

    shell: Shell
    site: LoopbackSite
    database: Database
    config: Path


class AnyOrder(RuleBasedStateMachine):
    """A person, a publisher and a machine that is killed; each does something in turn."""

    world: ClassVar[World]

    def __init__(self) -> None:
        super().__init__()
        self.model = PlainCatalog()
        self.stated: dict[str, str] = dict.fromkeys(NAMES[:6], SAID[0])
        self.made: list[Bundle] = []
        self.imported = ""
        """The SHA-256 of the bundle that was imported last."""
        self.root = f"/{next(NUMBERS)}/"
        self.url = self.world.site.url(self.root)
        self.key = ""

    # The publisher

    @rule(name=names, what=said)
    def states(self, name: str, what: str) -> None:
        self.stated[name] = what

    @rule(name=names)
    def takes_away(self, name: str) -> None:
        if len(self.stated) > FEWEST:
            self.stated.pop(name, None)

    # The machine

    @initialize(auto_import=st.booleans())
    def first_run(self, *, auto_import: bool) -> None:
        self.runs(auto_import=auto_import)

    @rule(auto_import=st.booleans())
    def runs(self, *, auto_import: bool) -> None:
        self._publish()
        ended = self.world.shell(
            "run", self.url, "--config", self.world.config, self._switch(auto_import=auto_import), "--json"
        )

        assert ended.code == 0, ended.err
        self._learn(ended, auto_import=auto_import)

    @rule(auto_import=st.booleans(), request=st.integers(1, 12))
    def is_killed_and_retried(self, *, auto_import: bool, request: int) -> None:
        self._publish()
        self._run_until(request, self._switch(auto_import=auto_import))
        listed = self.world.shell("status", "--json").json
        killed = next(one for one in listed if one["source_key"] == self.key)

        if killed["status"] in {"failed", "canceled"}:
            ended = self.world.shell("retry", killed["id"], "--json")
            assert ended.code == 0, ended.err
            self._learn(ended, auto_import=auto_import)
        else:
            assert killed["status"] in {"completed", "review"}
            if killed["id"] not in {one.workflow for one in self.made}:
                self._take(killed["id"], was_imported=killed["status"] == "completed", auto_import=auto_import)

    # The person

    @precondition(lambda self: self.made)
    @rule(data=st.data(), override=st.booleans())
    def approves(self, data: st.DataObject, *, override: bool) -> None:
        bundle = data.draw(st.sampled_from(self.made))
        is_gone = self._is_gone(bundle)
        ended = self.world.shell("approve", bundle.workflow, *(OVERRIDES if override else []), "--json")

        if bundle is not self.made[-1] or is_gone:
            assert ended.code == 1
            assert "newer bundle" in ended.error or "cleaned up" in ended.error
            return
        self._approved(bundle, ended, override=override)

    @precondition(lambda self: self.made)
    @rule(data=st.data(), override=st.booleans())
    def imports(self, data: st.DataObject, *, override: bool) -> None:
        bundle = data.draw(st.sampled_from(self.made))
        is_gone = self._is_gone(bundle)
        ended = self.world.shell("import", bundle.workflow, *(OVERRIDES if override else []), "--json")

        if is_gone:
            assert ended.code == 1
            assert "cleaned up" in ended.error
            return
        self._approved(bundle, ended, override=override)

    @precondition(lambda self: self.made)
    @rule(data=st.data())
    def rejects(self, data: st.DataObject) -> None:
        bundle = data.draw(st.sampled_from(self.made))
        is_gone = self._is_gone(bundle)
        ended = self.world.shell("reject", bundle.workflow, "--reason", "not for us", "--json")

        if is_gone or bundle.sha256 == self.imported:
            assert ended.code == 1
            assert "was imported already" in ended.error or "cleaned up" in ended.error
            return
        assert ended.code == 0, ended.err
        self.model.reject(bundle)

    @precondition(lambda self: self.made)
    @rule(data=st.data(), what=said)
    def corrects(self, data: st.DataObject, what: str) -> None:
        name, activity = self._drawn(data)
        if activity:
            self._do("correct", self.made[-1].workflow, activity, "description", what)
            self.model.corrections[name] = what

    @precondition(lambda self: self.model.corrections)
    @rule(data=st.data())
    def ends_a_correction(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.model.corrections)))
        self._do("correct", self.made[-1].workflow, self._ids()[name], "description", "--remove")
        del self.model.corrections[name]

    @precondition(lambda self: self.made)
    @rule(data=st.data())
    def refuses(self, data: st.DataObject) -> None:
        name, activity = self._drawn(data)
        if activity:
            newest = self.made[-1]
            what = self.model.live.get(name, "") if self._is_gone(newest) else newest.stated[name]
            self._do("reject", newest.workflow, "--activity", activity, "--reason", "not for children")
            self.model.refuse(name, what)

    @precondition(lambda self: self.model.refused)
    @rule(data=st.data())
    def allows(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.model.refused)))
        words = ("--activity", self._ids()[name], "--reason", "after all", "--withdraw")
        self._do("reject", self.made[-1].workflow, *words)
        del self.model.refused[name]

    # Time

    @rule(status=st.sampled_from(["completed", "failed", "canceled"]))
    def cleans_up(self, status: str) -> None:
        self._do("cleanup", "--older-than", "0h", "--status", status)

    @invariant()
    def the_catalog_has_the_rows_of_the_model(self) -> None:
        assert self._rows() == self.model.shown

    # What rules are made of

    def _publish(self) -> None:
        """Let the site show what its publisher states."""
        links = "".join(f'<a href="{self._path(name)}">{name}</a>' for name in self.stated)
        body = f"<html><body><h1>What is on</h1>{links}</body></html>".encode()
        self.world.site.answer(self.root, Answer(200, body, {"Content-Type": "text/html"}))
        for name in NAMES:
            shown = event(name, description=self.stated[name]) if name in self.stated else Answer(404, b"gone")
            self.world.site.answer(self._path(name), shown)

    def _path(self, name: str) -> str:
        return f"{self.root}{name.split(maxsplit=1)[0].lower()}"

    def _switch(self, *, auto_import: bool) -> str:
        return "--auto-import" if auto_import else "--no-auto-import"

    def _do(self, *words: str) -> None:
        ended = self.world.shell(*words)
        assert ended.code == 0, ended.err

    def _learn(self, ended: Ended, *, auto_import: bool) -> None:
        told = ended.json
        self.key = told["source_key"]
        self._take(told["workflow_id"], was_imported=told["status"] == "completed", auto_import=auto_import)

    def _take(self, workflow: str, *, was_imported: bool, auto_import: bool) -> None:
        listed = self.world.shell("files", workflow, "--json").json
        sha256 = next(one["sha256"] for one in listed if one["asset"] == "final_jsonl")
        bundle = Bundle(workflow, sha256, dict(self.stated))
        self.made.append(bundle)
        assert self.model.run(bundle, auto_import=auto_import) == was_imported
        if was_imported:
            self.imported = sha256

    def _approved(self, bundle: Bundle, ended: Ended, *, override: bool) -> None:
        is_imported = self.model.approve(bundle, override=override)
        assert ended.code == (0 if is_imported else 1), ended.err
        if is_imported:
            self.imported = bundle.sha256

    def _run_until(self, request: int, switch: str) -> None:
        """Run in a process of its own, and kill that when so many requests came; it may have ended before."""
        come, before = count(1), dict(self.world.site.routes)

        def counting(path: str) -> Any:
            def respond(asked: Asked) -> Answer:
                if next(come) == request:
                    os.killpg(process.pid, signal.SIGKILL)
                return before[path](asked)

            return respond

        for path in [path for path in before if path.startswith(self.root)]:
            self.world.site.answer(path, counting(path))
        command = [
            sys.executable,
            "-m",
            "tripper_assets.cli",
            "run",
            self.url,
            "--config",
            str(self.world.config),
            switch,
        ]
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("TRIPPER_", "DAGSTER_"))
        }
        environment |= self.world.shell.environment
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        process.wait(300)
        self.world.site.routes.update({path: before[path] for path in before if path.startswith(self.root)})

    def _is_gone(self, bundle: Bundle) -> bool:
        listed = self.world.shell("files", bundle.workflow, "--json").json
        return next(one for one in listed if one["asset"] == "final_jsonl")["deleted_at"] is not None

    def _drawn(self, data: st.DataObject) -> tuple[str, str]:
        """Return an activity of the newest bundle, or of the catalog where that is gone; an empty id where there is none."""
        newest = self.made[-1]
        known = self.model.live if self._is_gone(newest) else newest.stated
        if not known:
            return "", ""
        name = data.draw(st.sampled_from(sorted(known)))
        return name, self._ids().get(name, "")

    def _ids(self) -> dict[str, str]:
        with self.world.database.connection() as connection:
            rows = connection.execute(text(_IDS), {"key": self.key})
            found = {name: str(one) for name, one in rows}
        changes = self.world.shell("review", self.key, "--json")
        if changes.code == 0 and changes.json["changes"]:
            found |= {one["name"]: one["activity_id"] for one in changes.json["changes"]["activities"]}
        return found

    def _rows(self) -> dict[str, str]:
        with self.world.database.connection() as connection:
            rows = connection.execute(text(_ROWS), {"key": self.key})
            return {row.name: row.description for row in rows}


_IDS = "SELECT name, id FROM tripper.activities WHERE source_key = :key"
_ROWS = """
    SELECT name, record ->> 'description' AS description FROM tripper.activities WHERE source_key = :key AND removed_at IS NULL
"""


@pytest.fixture(scope="module")
def world(module_shell: Shell, tmp_path_factory: pytest.TempPathFactory) -> Generator[World]:
    with serve_pages() as site:
        world = World()
        world.shell, world.site = module_shell, site
        world.database = Database(module_shell.environment["TRIPPER_DATABASE_URL"])
        world.config = tmp_path_factory.mktemp("config") / "config.yaml"
        world.config.write_text("delay_seconds: 0\ntimezone: Europe/London\ncountry_code: GB\n")
        yield world
        world.database.dispose()


@pytest.mark.timeout(1_800)
@pytest.mark.parametrize(
    ("examples", "steps"), [pytest.param(1, 10, id="short"), pytest.param(3, 25, marks=pytest.mark.long, id="long")]
)
def test_whatever_happens_in_any_order_the_catalog_has_the_rows_of_a_plain_model(
    world: World, examples: int, steps: int
) -> None:
    AnyOrder.world = world
    few = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    )

    run_state_machine_as_test(AnyOrder, settings=few)
