import os
from pathlib import Path

import pytest

from tripper_assets.catalog import service_user as module
from tripper_assets.catalog.service_user import ServiceUser, service_user
from tripper_assets.domain.errors import ConfigurationError

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root adds users and gives files away")
NOBODY = 65534


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """Programs as an installation under umask 077 leaves them."""
    folder = tmp_path / "pginstall"
    (folder / "bin").mkdir(parents=True, mode=0o700)
    program = folder / "bin" / "postgres"
    program.write_text("#!/bin/sh\necho as $(id -u) in $PWD\n")
    program.chmod(0o700)
    (folder / "readme").write_text("text")
    (folder / "readme").chmod(0o600)
    return folder


def test_an_ordinary_user_runs_the_server_as_themselves(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    user = service_user(programs, programs / "no data yet")

    assert user == ServiceUser()
    user.own(programs)  # it is ours already
    assert user.run(["pwd"], capture_output=True).stdout.strip() == "/"
    assert programs.stat().st_mode & 0o007 == 0 or programs.stat().st_uid == os.getuid()


@as_root
def test_root_lets_the_server_reach_its_programs_and_nothing_else(programs: Path) -> None:
    data = programs.parent / "data"
    data.mkdir()
    os.chown(data, NOBODY, NOBODY)
    programs.parent.chmod(0o700)

    user = service_user(programs, data)

    assert user == ServiceUser(NOBODY, NOBODY)
    assert programs.parent.stat().st_mode & 0o777 == 0o701
    assert (programs / "readme").stat().st_mode & 0o777 == 0o604
    done = user.run([str(programs / "bin" / "postgres")], capture_output=True)
    assert done.stdout == f"as {NOBODY} in /\n"


@as_root
def test_root_that_cannot_add_a_user_is_told_what_to_do(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NAME", "tripper_nobody_made")
    monkeypatch.setattr(module, "ADD_ATTEMPTS", 0)

    with pytest.raises(ConfigurationError, match=r"run tripper as an ordinary user, or set TRIPPER_DATABASE_URL"):
        service_user(programs, programs / "no data yet")


@as_root
def test_a_user_that_another_process_adds_meanwhile_is_taken(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = iter([None, None, module.pwd.getpwuid(NOBODY)])
    monkeypatch.setattr(module, "_existing", lambda: next(found))
    useradd = tmp_path / "useradd"
    useradd.write_text("#!/bin/sh\nexit 1\n")  # the lock on /etc/passwd is held
    useradd.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    assert service_user(programs, tmp_path / "no data yet") == ServiceUser(NOBODY, NOBODY)
