import hashlib
import os
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tripper_assets.clients.objects import Objects, StoredObject
from tripper_assets.domain.errors import (
    ConfigurationError,
    CorruptObjectError,
    NotFoundError,
    PermanentError,
)

SECRET = "s3cret-canary"
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


def test_a_sweep_removes_half_written_files_that_are_old_and_nothing_else(tmp_path: Path) -> None:
    objects = Objects(tmp_path.as_uri())
    objects.put("a/whole.jsonl", b"x")
    (tmp_path / "a" / "half.jsonl#1").write_bytes(b"x")
    (tmp_path / "a" / "notes#x").write_bytes(b"x")  # somebody else's

    assert objects.sweep_uploads(timedelta(hours=1), datetime.now(UTC)) == 0
    assert objects.sweep_uploads(timedelta(hours=1), datetime.now(UTC) + timedelta(hours=2)) == 1
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["notes#x", "whole.jsonl"]


def test_a_sweep_removes_what_a_killed_check_left(objects: Objects) -> None:
    objects.put("probe/0123", b"probe")
    objects.put("a/b", b"kept")

    assert objects.sweep_uploads(timedelta(hours=1), datetime.now(UTC)) == 0
    assert objects.sweep_uploads(timedelta(hours=1), datetime.now(UTC) + timedelta(hours=2)) == 1
    assert [one.key for one in objects.list()] == ["a/b"]


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
