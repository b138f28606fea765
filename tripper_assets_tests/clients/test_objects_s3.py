"""The object store on a real S3 server: what it keeps, signs and refuses."""

import json
import sys
import threading
import time
import traceback
import urllib.request
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.error import HTTPError

import boto3
import pytest

from tripper_assets.clients import s3 as s3_client
from tripper_assets.clients.objects import Objects
from tripper_assets.domain.errors import (
    ConfigurationError,
    NotFoundError,
    PermanentError,
    TransientError,
    TripperError,
)
from tripper_assets_tests.seaweed import BUCKET, KEY_ID, SECRET, credentials, free_port

HOUR = timedelta(hours=1)


@pytest.fixture
def s3(seaweed: str, aws: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Objects:
    for name, value in credentials(seaweed).items():
        aws.setenv(name, value)
    return Objects(f"s3://{BUCKET}/{request.node.originalname}-{uuid.uuid4().hex[:8]}/")


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


def test_s3_opens_a_signed_url_no_longer_than_that(s3: Objects) -> None:
    stored = s3.put("a/b", b"hello")
    url = s3.sign(stored.uri, 1)
    time.sleep(2.1)  # whole seconds count

    with pytest.raises(HTTPError, match="403"):
        urllib.request.urlopen(url, timeout=5)  # noqa: S310 (our own server)


def test_s3_that_can_be_written_says_nothing_and_keeps_nothing_however_many_ask(s3: Objects) -> None:
    gate = threading.Barrier(6)

    def check() -> None:
        gate.wait()
        s3.check_writable()

    with ThreadPoolExecutor(6) as pool:
        checks = [pool.submit(check) for _ in range(6)]

    assert [one.result() for one in checks] == [None] * 6
    assert list(s3.list()) == []


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("AWS_SECRET_ACCESS_KEY", f"not-{SECRET}", "SignatureDoesNotMatch"),
        ("AWS_ACCESS_KEY_ID", "nobody", "InvalidAccessKeyId"),
    ],
)
def test_s3_refuses_wrong_credentials_and_no_error_repeats_them(
    s3: Objects, aws: pytest.MonkeyPatch, name: str, value: str, code: str
) -> None:
    aws.setenv(name, value)

    with pytest.raises(ConfigurationError) as caught:
        Objects(s3.url).check_writable()

    assert str(caught.value) == (
        f"Writing to the store {s3.url} failed (status 403, {code}); "
        "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE."
    )
    assert SECRET not in "".join(traceback.format_exception(caught.value))


@pytest.mark.usefixtures("s3")
def test_s3_without_the_bucket_says_so_and_makes_none() -> None:
    objects = Objects("s3://no-such-bucket/a")

    asks = (
        objects.check_writable,
        lambda: objects.get(objects.uri("a")),
        lambda: list(objects.list()),
        lambda: objects.sweep_uploads(HOUR, datetime.now(UTC)),
    )
    for ask in asks:
        with pytest.raises(ConfigurationError, match=r"failed \(status 404, NoSuchBucket\); make the bucket, or check"):
            ask()


def test_s3_with_a_login_that_expired_says_to_renew_it(s3: Objects, aws: pytest.MonkeyPatch, tmp_path: Path) -> None:
    expired = {"Version": 1, "AccessKeyId": KEY_ID, "SecretAccessKey": SECRET, "Expiration": "2020-01-01T00:00:00Z"}
    (tmp_path / "login.json").write_text(json.dumps(expired))
    program = f"{sys.executable} -c \"print(open('{tmp_path}/login.json').read())\""
    (tmp_path / "config").write_text(f"[profile work]\ncredential_process = {program}\n")
    aws.delenv("AWS_ACCESS_KEY_ID")
    aws.delenv("AWS_SECRET_ACCESS_KEY")
    aws.setenv("AWS_PROFILE", "work")

    with pytest.raises(
        ConfigurationError, match=r"get new AWS credentials, for example with `aws sso login`"
    ) as caught:
        Objects(s3.url).check_writable()

    assert SECRET not in str(caught.value)


def test_s3_without_credentials_says_what_to_set(aws: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match=r"The store s3://tripper cannot be opened .* AWS_ACCESS_KEY_ID"):
        Objects("s3://tripper")
    aws.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(ConfigurationError, match=r"\(The config profile \(nobody\) could not be found\)"):
        Objects("s3://tripper")


def test_s3_that_is_down_may_be_asked_again(aws: pytest.MonkeyPatch) -> None:
    aws.setattr(s3_client, "MAX_RETRIES", 2)
    for name, value in credentials(f"http://127.0.0.1:{free_port()}").items():
        aws.setenv(name, value)
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

    with ThreadPoolExecutor(len(asks)) as pool:
        errors = list(pool.map(answer, asks))

    assert [type(error) for error in errors] == [TransientError] * len(asks)
    assert all("the store may be down, try again" in str(error) and SECRET not in str(error) for error in errors)


def test_s3_sweeps_old_uploads_that_nobody_finished_below_its_prefix_alone(s3: Objects) -> None:
    client = boto3.client("s3")
    prefix = s3.url.removeprefix(f"s3://{BUCKET}/")
    ours, theirs = f"{prefix}/a/big", f"{prefix}-of-others/a/big"
    for key in (ours, theirs):
        upload = client.create_multipart_upload(Bucket=BUCKET, Key=key)
        client.upload_part(Bucket=BUCKET, Key=key, UploadId=upload["UploadId"], PartNumber=1, Body=b"x" * 1000)

    def pending() -> set[str]:
        return {one["Key"] for one in client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])}

    assert pending() == {ours, theirs}
    assert not s3.exists("a/big")
    assert s3.sweep_uploads(HOUR, datetime.now(UTC)) == 0
    assert s3.sweep_uploads(HOUR, datetime.now(UTC) + 2 * HOUR) == 1
    assert pending() == {theirs}


def test_s3_sweeps_the_probe_of_a_check_that_was_killed(s3: Objects) -> None:
    s3.put("probe/0123", b"probe")
    s3.put("a/b", b"kept")

    assert s3.sweep_uploads(HOUR, datetime.now(UTC)) == 0
    assert s3.sweep_uploads(HOUR, datetime.now(UTC) + 2 * HOUR) == 1
    assert [one.key for one in s3.list()] == ["a/b"]
