"""Who the embedded PostgreSQL runs as: ourselves, or, because PostgreSQL refuses root, a service user that root adds."""

import os
import pwd
import shutil
import stat
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tripper_assets.domain.errors import ConfigurationError

NAME = "embedded_postgres"
ADD_ATTEMPTS = 20


@dataclass(frozen=True)
class ServiceUser:
    """The user that owns the data directory; ids are None where that is the user we are."""

    uid: int | None = None
    gid: int | None = None

    def run(self, command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:  # noqa: ANN401 (subprocess.run's own)
        """Run ``command`` as this user, in the root folder, because the current one may be closed to it."""
        if self.uid is not None:
            options |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        return subprocess.run(command, check=False, cwd="/", text=True, stdin=subprocess.DEVNULL, **options)

    def own(self, folder: Path) -> None:
        """Give ``folder`` to this user, and let it walk there."""
        if self.uid is not None and self.gid is not None:
            os.chown(folder, self.uid, self.gid)
        self.reach(folder)

    def reach(self, folder: Path) -> None:
        """Let this user walk to ``folder``; not read what lies above: a name that is not known stays unknown."""
        for parent in folder.parents if self.uid is not None else ():
            mode = stat.S_IMODE(parent.stat().st_mode)
            if not mode & stat.S_IXOTH:
                parent.chmod(mode | stat.S_IXOTH)


def service_user(programs: Path, data: Path) -> ServiceUser:
    """Return who the server of the data directory ``data`` runs as, able to run the programs under ``programs``.

    Root runs an existing one as its owner: ``sudo tripper`` in a person's home works.

    Raises:
        ConfigurationError: we are root and no user can be added.
    """
    if os.geteuid() != 0:
        return ServiceUser()
    if data.exists() and data.stat().st_uid:
        user = ServiceUser(data.stat().st_uid, data.stat().st_gid)
    else:
        entry = _existing() or _added()
        user = ServiceUser(entry.pw_uid, entry.pw_gid)
    user.reach(programs)
    if not _open_to_others(programs / "bin" / "postgres"):
        _open_tree(programs)
    return user


def _existing() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(NAME)
    except KeyError:
        return None


def _added() -> pwd.struct_passwd:
    """Add the user; another process may be adding it just now, and holds the lock on /etc/passwd."""
    program = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    for _ in range(ADD_ATTEMPTS if program else 0):
        subprocess.run([str(program), "--system", "--shell", "/bin/false", NAME], check=False, capture_output=True)
        if entry := _existing():
            return entry
        time.sleep(0.2)
    raise ConfigurationError(
        f"PostgreSQL refuses to run as root, and the user {NAME} cannot be added; "
        "run tripper as an ordinary user, or set TRIPPER_DATABASE_URL."
    )


def _open_to_others(program: Path) -> bool:
    wanted = stat.S_IROTH | stat.S_IXOTH
    return program.stat().st_mode & wanted == wanted


def _open_tree(folder: Path) -> None:
    """Open the programs to others, as an installation under a strict umask leaves them closed."""
    for path in (folder, *folder.rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        path.chmod(mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0))
