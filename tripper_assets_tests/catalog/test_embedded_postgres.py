import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import psycopg
import pytest
from sqlalchemy import make_url

from tripper_assets.catalog.embedded_postgres import EmbeddedPostgres
from tripper_assets.domain.errors import ConfigurationError, PermanentError, TransientError

UNSYNCED = {"fsync": "off"}
"""Processes are killed here, never the machine: what was written is in the kernel's hands."""
NOBODY = 65534
START = """
import sys
from pathlib import Path
from tripper_assets.catalog.embedded_postgres import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]), settings={"fsync": "off"})
print(server.ensure_started(), server.started_here, flush=True)
sys.stdin.read()
print(server.stop_if_idle(), flush=True)
"""


@pytest.fixture(scope="module")
def initialised(homes: str | None) -> Generator[Path]:
    """The data directory of a server that was stopped in order, to be copied: making one takes longer than most tests."""
    home = Path(tempfile.mkdtemp(prefix="tripper-tests-", dir=homes))
    server = EmbeddedPostgres(home, settings=UNSYNCED)
    server.ensure_started()
    server.stop()
    yield server.data
    shutil.rmtree(home)


@pytest.fixture
def home(homes: str | None) -> Generator[Path]:
    """A home that is not below pytest's own folder, which is closed to other users."""
    home = Path(tempfile.mkdtemp(prefix="tripper-tests-", dir=homes))
    yield home
    end(home / "postgres")
    shutil.rmtree(home)


def end(data: Path) -> None:
    """End the server at once: a shutdown in order writes a second's worth of files that nobody reads again."""
    for process in psutil.process_iter(["name", "cwd"]):
        if process.info == {"name": "postgres", "cwd": str(data)}:
            process.kill()


@pytest.fixture
def server(home: Path, initialised: Path) -> EmbeddedPostgres:
    subprocess.run(["cp", "-a", str(initialised), str(home / "postgres")], check=True)
    server = EmbeddedPostgres(home, settings=UNSYNCED)
    server.ensure_started()
    return server


def execute(url: str, statement: str) -> object:
    host = str(make_url(url).query["host"])
    with psycopg.connect(host=host, user="postgres", dbname="tripper", autocommit=True) as connection:
        cursor = connection.execute(statement)  # pyright: ignore[reportArgumentType, reportCallIssue]
        return cursor.fetchall() if cursor.description else None


def postmaster(server: EmbeddedPostgres) -> psutil.Process:
    return psutil.Process(int((server.data / "postmaster.pid").read_text().splitlines()[0]))


def start_elsewhere(home: Path, **options: object) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", START, str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        **options,  # pyright: ignore[reportArgumentType, reportCallIssue]
    )


def first_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_fresh_home_gets_a_private_server_with_the_extensions(home: Path) -> None:
    server = EmbeddedPostgres(home)

    url = server.ensure_started()

    for name in ("vector", "pg_trgm", "unaccent"):
        execute(url, f"CREATE EXTENSION {name}")
    assert server.started_here
    assert server.data.stat().st_mode & 0o077 == 0
    assert execute(url, "SHOW listen_addresses") == [("",)]
    assert execute(url, "SHOW jit") == [("off",)]
    assert execute(url, "SELECT lower('ÄÉЖ')") == [("äéж",)]


def test_asking_again_is_the_same_server(server: EmbeddedPostgres) -> None:
    before = postmaster(server).pid

    server.ensure_started()

    assert postmaster(server).pid == before


def kill_postmaster(process: psutil.Process) -> None:
    process.kill()


def kill_everything(process: psutil.Process) -> None:
    for one in [process, *process.children(recursive=True)]:
        one.kill()


@pytest.mark.parametrize("kill", [kill_postmaster, kill_everything])
def test_what_was_committed_survives_a_killed_server(
    server: EmbeddedPostgres, kill: Callable[[psutil.Process], None]
) -> None:
    url = server.ensure_started()
    execute(url, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")

    kill(postmaster(server))
    url = server.ensure_started()

    assert execute(url, "SELECT count(*) FROM kept") == [(1000,)]
    assert server.started_here


def test_two_processes_that_start_at_once_share_one_server(home: Path) -> None:
    processes = [start_elsewhere(home) for _ in range(2)]

    lines = [first_line(process) for process in processes]

    urls, started = zip(*(line.rsplit(" ", 1) for line in lines), strict=True)
    assert len(set(urls)) == 1
    assert sorted(started) == ["False", "True"]
    owner, guest = sorted(processes, key=lambda process: started[processes.index(process)] != "True")
    assert owner.communicate()[0].strip() == "False"  # the guest still uses it
    assert guest.communicate()[0].strip() == "True"  # the last one out


def test_the_last_one_out_stops_the_server_whoever_started_it(home: Path, server: EmbeddedPostgres) -> None:
    guest = EmbeddedPostgres(home)
    guest.ensure_started()

    assert not server.stop_if_idle()
    assert postmaster(server).is_running()
    assert guest.stop_if_idle()
    assert not (server.data / "postmaster.pid").exists()
    assert not server.stop_if_idle()


def test_a_fork_stops_nothing_and_its_parent_stays_present(home: Path, server: EmbeddedPostgres) -> None:
    if not (child := os.fork()):
        os._exit(server.stop_if_idle())
    _, status = os.waitpid(child, 0)
    guest = EmbeddedPostgres(home)
    guest.ensure_started()

    assert status == 0
    assert not guest.stop_if_idle()
    assert postmaster(server).is_running()


def test_users_that_come_and_go_at_once_never_lose_the_server(home: Path, server: EmbeddedPostgres) -> None:
    def use(_number: int) -> object:
        own = EmbeddedPostgres(home, settings=UNSYNCED)
        try:
            return execute(own.ensure_started(), "SELECT pg_sleep(0.02)")
        finally:
            own.stop_if_idle()

    server.stop_if_idle()
    with ThreadPoolExecutor(4) as users:
        assert len(list(users.map(use, range(24)))) == 24

    assert not (server.data / "postmaster.pid").exists()


def test_a_server_with_a_client_that_only_knows_the_url_is_not_stopped(server: EmbeddedPostgres) -> None:
    host = str(make_url(server.ensure_started()).query["host"])

    with psycopg.connect(host=host, user="postgres", dbname="tripper"):
        assert not server.stop_if_idle()

    assert postmaster(server).is_running()


def test_a_process_that_was_killed_uses_the_server_no_more(home: Path, server: EmbeddedPostgres) -> None:
    guest = start_elsewhere(home)
    first_line(guest)

    guest.kill()
    guest.communicate()

    assert server.stop_if_idle()


def test_a_server_that_another_process_stopped_is_started_again(home: Path, server: EmbeddedPostgres) -> None:
    EmbeddedPostgres(home).stop()

    url = server.ensure_started()

    assert execute(url, "SELECT 1") == [(1,)]


@pytest.mark.parametrize("after_seconds", [0.0, 0.15, 0.3])
@pytest.mark.parametrize("kill", [os.killpg, os.kill])
def test_a_start_that_was_killed_half_way_is_made_good_by_the_next(
    home: Path, after_seconds: float, kill: Callable[[int, int], None]
) -> None:
    victim = start_elsewhere(home, start_new_session=True)
    while not list(home.glob("postgres.new-*")):
        time.sleep(0.01)
    time.sleep(after_seconds)
    kill(victim.pid, signal.SIGKILL)  # with its initdb, or so that its initdb goes on alone
    victim.communicate()

    url = EmbeddedPostgres(home, settings=UNSYNCED).ensure_started()

    assert execute(url, "SELECT 1") == [(1,)]


def test_what_a_killed_initdb_left_is_never_used(home: Path) -> None:
    left = home / "postgres.new-abc"
    left.mkdir()
    (left / "PG_VERSION").write_text("18\n")

    url = EmbeddedPostgres(home, settings=UNSYNCED).ensure_started()

    assert execute(url, "SELECT 1") == [(1,)]
    assert not left.exists()


def test_a_pid_file_that_names_a_stranger_does_not_keep_the_server_down(server: EmbeddedPostgres) -> None:
    server.stop()
    lines = [str(os.getpid()), str(server.data), "0", "5432", str(server.data), "", "", "ready   "]
    (server.data / "postmaster.pid").write_text("\n".join(lines))

    url = server.ensure_started()

    assert execute(url, "SELECT 1") == [(1,)]


@pytest.mark.parametrize("folder", ["a home, with spaces & ümlauts", "x" * 120])
def test_a_home_whose_path_does_for_no_socket_gets_a_private_socket_folder(
    home: Path, initialised: Path, folder: str
) -> None:
    odd = home / folder
    odd.mkdir()
    subprocess.run(["cp", "-a", str(initialised), str(odd / "postgres")], check=True)
    server = EmbeddedPostgres(odd)

    url = server.ensure_started()

    socket_folder = Path(str(make_url(url).query["host"]))
    assert execute(url, "SELECT 1") == [(1,)]
    assert socket_folder.parent == Path("/tmp")  # noqa: S108 (made private)
    assert socket_folder.stat().st_mode & 0o077 == 0
    server.stop()
    socket_folder.rmdir()


def as_nobody(work: Callable[[], str]) -> str:
    """Return what ``work`` returns or raises in a fork of us that became another user; a new Python could not read its own files."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            answer = work()
        except BaseException as error:  # noqa: BLE001 (it is the answer)
            answer = repr(error)
        os.write(writer, answer.encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader) as answers:
        return answers.read()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become somebody else")
def test_an_ordinary_user_runs_the_server_as_themselves_and_root_is_let_in(home: Path) -> None:
    theirs = home / "theirs"
    theirs.mkdir()
    os.chown(theirs, NOBODY, NOBODY)
    home.chmod(0o755)
    server = EmbeddedPostgres(theirs, settings=UNSYNCED)

    url = as_nobody(server.ensure_started)

    assert postmaster(server).uids().real == NOBODY
    assert execute(url, "SELECT 1") == [(1,)]
    end(server.data)
    assert execute(server.ensure_started(), "SELECT 1") == [(1,)]
    assert postmaster(server).uids().real == NOBODY
    assert server.stop_if_idle()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become somebody else")
def test_a_catalog_of_another_user_is_explained(home: Path, server: EmbeddedPostgres) -> None:
    home.chmod(0o777)
    (home / "postgres.users").chmod(0o666)

    assert "belongs to another user" in as_nobody(EmbeddedPostgres(server.data.parent).ensure_started)


def test_a_folder_of_other_files_is_refused_and_kept(home: Path) -> None:
    (home / "postgres").mkdir()
    (home / "postgres" / "letter.txt").write_text("dear reader")

    with pytest.raises(ConfigurationError, match="holds files and no PostgreSQL catalog"):
        EmbeddedPostgres(home).ensure_started()

    assert (home / "postgres" / "letter.txt").read_text() == "dear reader"
    shutil.rmtree(home / "postgres")


def test_a_catalog_of_another_major_version_is_explained(server: EmbeddedPostgres) -> None:
    server.stop()
    (server.data / "PG_VERSION").write_text("15\n")

    with pytest.raises(ConfigurationError, match="made by PostgreSQL 15"):
        server.ensure_started()


def test_a_server_that_cannot_start_says_why(home: Path, initialised: Path) -> None:
    subprocess.run(["cp", "-a", str(initialised), str(home / "postgres")], check=True)

    with pytest.raises(PermanentError, match="shared_buffers"):
        EmbeddedPostgres(home, settings={"shared_buffers": "plenty"}).ensure_started()


def test_a_log_that_has_grown_is_put_aside(server: EmbeddedPostgres) -> None:
    server.stop()
    os.truncate(server.data / "server.log", 10_000_001)

    server.ensure_started()

    assert (server.data / "server.log.1").stat().st_size == 10_000_001
    assert (server.data / "server.log").stat().st_size < 10_000


def test_a_server_that_does_not_answer_in_time_says_where_to_look(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tripper_assets.catalog.embedded_postgres.START_SECONDS", 0.2)
    monkeypatch.setattr(server, "_answers", lambda _database: False)

    with pytest.raises(TransientError, match="does not answer within"):
        server.ensure_started()


def test_a_lock_that_is_never_given_back_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tripper_assets.catalog.embedded_postgres.LOCK_SECONDS", 0.1)
    with (home / "postgres.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)

        with pytest.raises(TransientError, match=r"Another process holds .*postgres\.lock"):
            EmbeddedPostgres(home).ensure_started()


def test_a_catalog_that_cannot_be_made_says_why(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tripper_assets.catalog.embedded_postgres.LETTERS", "no_such_locale")

    with pytest.raises(PermanentError, match=r"Making a catalog in .* failed: initdb: .*invalid locale name"):
        EmbeddedPostgres(home).ensure_started()


def test_a_home_that_cannot_be_written_is_named() -> None:
    with pytest.raises(ConfigurationError, match="/proc/nowhere cannot be written"):
        EmbeddedPostgres(Path("/proc/nowhere")).ensure_started()
