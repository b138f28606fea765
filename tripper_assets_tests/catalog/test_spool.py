"""Lines that wait on disk: in their order, each whole or not at all, whoever adds them and whenever a process is killed."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tripper_assets.catalog.spool import Line, Outage, Page, Spool
from tripper_assets.domain.errors import PermanentError, TransientError

TOPIC = "w1"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
LINES = st.lists(st.dictionaries(st.text(), JSON, max_size=3), min_size=1, max_size=6)


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")


def path_of(folder: Path, topic: str = TOPIC) -> Path:
    return folder / "spool" / f"{topic}.jsonl"


def numbered(*numbers: int) -> list[Line]:
    return [{"call": "noted", "arguments": {"number": number}} for number in numbers]


def emptied(spool: Spool, topic: str = TOPIC) -> list[Line]:
    """Return the lines of a topic, which are forgotten then."""
    seen: list[Line] = []

    def write(page: Page) -> Sequence[Line]:
        seen.extend(page.lines)
        return ()

    spool.empty(topic, write)
    return seen


def test_lines_come_back_in_their_order_and_once(spool: Spool) -> None:
    for line in numbered(1, 2, 3):
        spool.add(TOPIC, line)

    first, second = emptied(spool), emptied(spool)

    assert (first, second) == (numbered(1, 2, 3), [])
    assert not spool.holds(TOPIC)


def test_each_topic_has_its_own_lines(spool: Spool) -> None:
    spool.add("b", {"of": "b"})
    spool.add("a", {"of": "a"})

    assert (spool.topics(), spool.holds("a"), spool.holds("c")) == (["a", "b"], True, False)
    assert emptied(spool, "a") == [{"of": "a"}]
    assert spool.topics() == ["b"]


def test_a_spool_that_never_held_anything_makes_no_folder(spool: Spool, tmp_path: Path) -> None:
    assert (spool.topics(), spool.holds(TOPIC), emptied(spool)) == ([], False, [])
    assert not (tmp_path / "spool").exists()


def test_a_stretch_of_lines_keeps_its_name_until_it_is_forgotten(spool: Spool) -> None:
    names: list[str] = []

    def fail(page: Page) -> Sequence[Line]:
        names.append(page.id)
        raise TransientError("The catalog does not answer.")

    for line in numbered(1, 2):
        spool.add(TOPIC, line)
        with pytest.raises(TransientError):
            spool.empty(TOPIC, fail)
    emptied(spool)
    spool.add(TOPIC, {})
    with pytest.raises(TransientError):
        spool.empty(TOPIC, fail)

    assert names[0] == names[1] != names[2]


def test_what_cannot_be_written_now_waits_on(spool: Spool) -> None:
    def fail(_: Page) -> Sequence[Line]:
        raise TransientError("The catalog does not answer.")

    spool.add(TOPIC, numbered(1)[0])

    with pytest.raises(TransientError):
        spool.empty(TOPIC, fail)

    spool.add(TOPIC, numbered(2)[0])
    assert emptied(spool) == numbered(1, 2)


def test_refused_lines_are_set_aside_in_a_file_of_their_own(spool: Spool, tmp_path: Path) -> None:
    for number in (1, 2):
        spool.add(TOPIC, numbered(number)[0])
        spool.empty(TOPIC, lambda page: [line | {"refused": "It is too late."} for line in page.lines])

    aside = path_of(tmp_path).with_suffix(".refused").read_text().splitlines()

    assert [json.loads(line) for line in aside] == [line | {"refused": "It is too late."} for line in numbered(1, 2)]
    assert (spool.topics(), emptied(spool)) == ([], [])


def test_a_line_that_a_kill_tore_is_lost_alone_wherever_it_was_torn(tmp_path: Path) -> None:
    whole = Spool(tmp_path / "whole")
    for line in numbered(1, 2):
        whole.add(TOPIC, line)
    data = (tmp_path / "whole" / f"{TOPIC}.jsonl").read_bytes()
    last = data[:-1].rindex(b"\n") + 1
    found: dict[int, list[Line]] = {}

    for size in range(len(data) + 1):
        spool = Spool(tmp_path / str(size) / "spool")
        path_of(tmp_path / str(size)).parent.mkdir(parents=True)
        path_of(tmp_path / str(size)).write_bytes(data[:size])
        spool.add(TOPIC, numbered(3)[0])
        spool.add(TOPIC, numbered(4)[0])
        found[size] = emptied(spool)

    for size, lines in found.items():
        kept = numbered(*([1] if size >= last else []), *([2] if size == len(data) else []))
        assert lines == [*kept, *numbered(3, 4)], data[:size]


def test_a_torn_line_at_the_end_is_no_obstacle_for_who_reads(spool: Spool, tmp_path: Path) -> None:
    for line in numbered(1, 2):
        spool.add(TOPIC, line)
    path_of(tmp_path).write_bytes(path_of(tmp_path).read_bytes()[:-7])

    assert emptied(spool) == numbered(1)


def test_a_line_is_on_the_disk_before_add_returns(
    spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[bytes] = []
    folders: list[Path] = []

    def fsync(descriptor: int) -> None:
        place = Path(f"/proc/self/fd/{descriptor}").resolve()
        if place.is_dir():  # so that the new file's name is kept too
            folders.append(place)
        else:
            synced.append(place.read_bytes())

    monkeypatch.setattr(os, "fsync", fsync)

    spool.add(TOPIC, numbered(1)[0])
    spool.add(TOPIC, numbered(2)[0])

    assert path_of(tmp_path).read_bytes() == synced[-1]
    assert [len(data.splitlines()) for data in synced] == [2, 3]
    assert folders == [path_of(tmp_path).parent]


@pytest.mark.parametrize("place", ["spool", "spool/w1.jsonl", "spool/.w1.lock"])
def test_a_disk_that_cannot_be_written_is_named(spool: Spool, tmp_path: Path, place: str) -> None:
    if place == "spool":
        (tmp_path / place).touch()  # a file in the folder's place: root may write everywhere
    else:
        (tmp_path / place).mkdir(parents=True)

    with pytest.raises(
        PermanentError, match=r"Keeping what the catalog could not take failed in .*/spool \(.+\); free some space there, and let us write\."
    ):  # fmt: skip
        spool.add(TOPIC, numbered(1)[0])


def test_a_full_disk_is_named_and_what_was_kept_before_stays(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    spool.add(TOPIC, numbered(1)[0])
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(
            PermanentError, match=r"\(No space left on device\); free some space there, and let us write\."
        ):
            spool.add(TOPIC, numbered(2)[0])

    assert emptied(spool)[0] == numbered(1)[0]


ADDER = """
import sys
from pathlib import Path
from tripper_assets.catalog.spool import Spool

spool = Spool(Path(sys.argv[1]))
input()
for number in range(int(sys.argv[3])):
    spool.add("w1", {"by": sys.argv[2], "number": number})
    print(number, flush=True)
"""


def adder(folder: Path, name: str, lines: int) -> subprocess.Popen[str]:
    """Start a process that adds lines when it is told to, and tells of each that is kept."""
    command = [sys.executable, "-c", ADDER, str(folder), name, str(lines)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_two_processes_that_add_at_once_lose_nothing_while_a_third_empties(spool: Spool, tmp_path: Path) -> None:
    adders = [adder(tmp_path / "spool", name, 60) for name in ("a", "b")]
    for process in adders:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()

    seen: list[Line] = []
    while any(process.poll() is None for process in adders):
        seen += emptied(spool)
    seen += emptied(spool)

    for process in adders:
        process.communicate()
        assert process.returncode == 0
    for name in ("a", "b"):
        assert [line["number"] for line in seen if line["by"] == name] == list(range(60))


def test_every_line_that_add_returned_from_outlives_a_kill(spool: Spool, tmp_path: Path) -> None:
    with adder(tmp_path / "spool", "a", 100_000) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("\n")
        process.stdin.flush()
        for _ in range(20):
            process.stdout.readline()
        process.kill()
        returned = 20 + len(process.stdout.read().splitlines())

    spool.add(TOPIC, {"by": "me", "number": -1})

    numbers = [line["number"] for line in emptied(spool)]
    assert numbers[:-1] == list(range(len(numbers) - 1))
    assert len(numbers) - 1 in (returned, returned + 1)
    assert numbers[-1] == -1


@settings(deadline=None, max_examples=60)
@given(lines=LINES)
def test_any_json_comes_back_as_it_was(lines: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> None:
    spool = Spool(tmp_path_factory.mktemp("spool"))
    for line in lines:
        spool.add(TOPIC, line)

    assert emptied(spool) == lines


def test_after_an_outage_began_it_is_too_early_to_ask_for_a_while() -> None:
    now = [100.0]
    outage = Outage(pause_seconds=2, seconds=lambda: now[0])
    before = outage.goes_on
    outage.begin()
    told = [(now[0], outage.goes_on)]
    for moment in (101.9, 102.0):
        now[0] = moment
        told.append((moment, outage.goes_on))

    assert before is False
    assert told == [(100.0, True), (101.9, True), (102.0, False)]


@pytest.mark.parametrize("topic", ["caches", "/caches", "../../etc/passwd", "a b:c", ".", "ü"])
def test_a_workflow_may_have_any_name(spool: Spool, tmp_path: Path, topic: str) -> None:
    spool.add(topic, numbered(1)[0])

    assert spool.topics() == [topic]
    assert [one.parent for one in tmp_path.rglob("*.jsonl")] == [tmp_path / "spool"]


def test_lines_without_their_beginning_are_set_aside_and_not_lost(spool: Spool, tmp_path: Path) -> None:
    spool.add(TOPIC, numbered(1)[0])
    lines = path_of(tmp_path).read_bytes().split(b"\n", 1)[1]
    path_of(tmp_path).write_bytes(b"not json\n" + lines)

    spool.empty(TOPIC, lambda _: pytest.fail("nothing can be written of it"))

    assert not spool.holds(TOPIC)
    assert lines in path_of(tmp_path).with_suffix(".unreadable").read_bytes()


def test_a_file_of_which_no_line_can_be_read_is_set_aside_too(spool: Spool, tmp_path: Path) -> None:
    spool.add(TOPIC, numbered(1)[0])
    path_of(tmp_path).write_bytes(b"\0" * 80)

    spool.empty(TOPIC, lambda _: pytest.fail("nothing can be written of it"))

    assert path_of(tmp_path).with_suffix(".unreadable").read_bytes() == b"\0" * 80
