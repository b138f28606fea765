"""The object store while the network and the S3 server misbehave: what is survived, what is told, and what is left."""

import random
import re
import threading
import time
import traceback
import uuid
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import boto3
import psutil
import pytest

from tripper_assets.clients import s3 as s3_client
from tripper_assets.clients.objects import Objects
from tripper_assets.domain.errors import (
    ConfigurationError,
    CorruptObjectError,
    PermanentError,
    TransientError,
    TripperError,
)
from tripper_assets_tests.clients.faulty_s3 import (
    Bursts,
    Fault,
    FaultyS3,
    answer_lost,
    byte_flipped,
    conditions_ignored,
    cut_after,
    in_front_of,
    not_removed,
    refused,
    stalled,
    trickled,
)
from tripper_assets_tests.seaweed import BUCKET, credentials
from tripper_assets_tests.waiting import AT_ONCE

TOKEN = "t0ken-canary"
MEGABYTE = random.Random(7).randbytes(1_000_000)


@pytest.fixture(scope="module")
def module_proxy(seaweed: str) -> Generator[FaultyS3]:
    with in_front_of(seaweed) as proxy:
        yield proxy


@pytest.fixture
def proxy(module_proxy: FaultyS3) -> Generator[FaultyS3]:
    """The proxy of the module, which lets everything pass until a test says otherwise."""
    module_proxy.requests.clear()
    yield module_proxy
    module_proxy.heal()


@pytest.fixture
def direct(seaweed: str, aws: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Objects:
    """The store without the proxy: what is really there."""
    for name, value in credentials(seaweed).items():
        aws.setenv(name, value)
    return Objects(f"s3://{BUCKET}/{request.node.originalname}-{uuid.uuid4().hex[:8]}")


@pytest.fixture
def s3(proxy: FaultyS3, direct: Objects, aws: pytest.MonkeyPatch) -> Objects:
    """The same store through the proxy."""
    aws.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
    return Objects(direct.url)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have stores that are opened later give up on a request after a second, and on asking again half a second later."""
    monkeypatch.setattr(s3_client, "ANSWER_SECONDS", 1.0)
    monkeypatch.setattr(s3_client, "RETRY_SECONDS", 1.5)


# Survived


def test_bursts_of_refusals_change_nothing(proxy: FaultyS3, s3: Objects, direct: Objects) -> None:
    written = {f"a/{number}.jsonl": f"line {number}\n".encode() * number for number in range(40)}
    proxy.fault = bursts = Bursts(11)
    with ThreadPoolExecutor(8) as pool:
        stored = list(pool.map(lambda item: s3.put(*item), written.items()))
        read = list(pool.map(lambda one: s3.get(one.uri, sha256=one.sha256), stored))
        listed = {one.key: one.bytes for one in s3.list()}
        removed = s3.delete([one.uri for one in stored[:10]])

    assert len(bursts.statuses) > 0.2 * len(proxy.requests)
    assert set(bursts.statuses) == {500, 503}
    assert read == list(written.values())
    assert listed == {key: len(data) for key, data in written.items()}
    assert removed == 10
    assert {one.key for one in direct.list()} == set(list(written)[10:])


def test_a_write_whose_answer_was_lost_is_found_to_be_done(proxy: FaultyS3, s3: Objects, direct: Objects) -> None:
    proxy.spoil("PUT", answer_lost)

    stored = s3.put("a/b", b"hello")

    assert [method for method, _ in proxy.requests] == ["PUT", "PUT", "GET"]  # lost, refused, compared
    assert direct.get(stored.uri, sha256=stored.sha256) == b"hello"


def test_a_lost_answer_hides_no_other_writer(proxy: FaultyS3, s3: Objects, direct: Objects) -> None:
    direct.put("a/b", b"other")
    proxy.spoil("PUT", answer_lost)

    with pytest.raises(PermanentError, match="found other bytes there; objects are immutable"):
        s3.put("a/b", b"hello")


def test_a_write_that_was_cut_in_the_middle_is_written_again(proxy: FaultyS3, s3: Objects, direct: Objects) -> None:
    proxy.spoil("PUT", cut_after(300_000))

    stored = s3.put("a/b", MEGABYTE)

    assert [method for method, _ in proxy.requests] == ["PUT", "PUT"]
    assert direct.get(stored.uri, sha256=stored.sha256) == MEGABYTE


def test_a_write_that_met_another_in_flight_is_written_again(proxy: FaultyS3, s3: Objects, direct: Objects) -> None:
    proxy.spoil("PUT", refused(409, "ConditionalRequestConflict"))

    stored = s3.put("a/b", b"hello")

    assert direct.get(stored.uri) == b"hello"


def test_many_objects_go_in_one_request(proxy: FaultyS3, s3: Objects, direct: Objects) -> None:
    stored = [direct.put(f"a/{number}", b"x") for number in range(50)]

    removed = s3.delete([one.uri for one in stored])

    assert removed == 50
    assert [method for method, _ in proxy.requests if method != "HEAD"] == ["POST"]
    assert list(direct.list()) == []


def test_a_removal_whose_answer_was_lost_is_found_to_be_done(proxy: FaultyS3, s3: Objects, direct: Objects) -> None:
    stored = s3.put("a/b", b"hello")
    proxy.spoil("POST", answer_lost)

    assert s3.delete([stored.uri]) == 1
    assert list(direct.list()) == []


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("fault", [answer_lost, stalled, trickled, byte_flipped])
def test_a_read_that_went_wrong_once_is_read_again(proxy: FaultyS3, s3: Objects, fault: Fault) -> None:
    stored = s3.put("a/b", b"hello world")
    proxy.spoil("GET", fault)

    assert s3.get(stored.uri, sha256=stored.sha256) == b"hello world"


# Told


def test_a_byte_that_flips_every_time_is_told(proxy: FaultyS3, s3: Objects) -> None:
    stored = s3.put("a/b", b"hello world")
    proxy.spoil("GET", byte_flipped, always=True)

    with pytest.raises(CorruptObjectError, match=rf"{stored.uri} gave bytes whose SHA-256 is not the recorded"):
        s3.get(stored.uri, sha256=stored.sha256)


def test_a_write_that_is_always_cut_ends_with_the_key_and_leaves_nothing(
    proxy: FaultyS3, s3: Objects, direct: Objects
) -> None:
    proxy.spoil("PUT", cut_after(300_000), always=True)

    with pytest.raises(TransientError, match=rf"Storing {s3.url}/a/b failed \(the connection broke\)"):
        s3.put("a/b", MEGABYTE)

    assert not direct.exists("a/b")
    assert list(direct.list()) == []
    proxy.heal()
    assert direct.get(s3.put("a/b", MEGABYTE).uri) == MEGABYTE


def native_threads() -> int:
    """Return how many threads there are that Python knows nothing of."""
    return psutil.Process().num_threads() - len(threading.enumerate())


@pytest.mark.usefixtures("impatient")
def test_an_upload_that_stalls_is_tried_once_more_and_ends_with_the_key_and_keeps_no_thread(
    proxy: FaultyS3, s3: Objects, direct: Objects
) -> None:
    uri = s3.uri("a/b")
    proxy.spoil("PUT", stalled, always=True)

    def ended() -> tuple[str, int]:
        start = time.monotonic()
        with pytest.raises(TransientError) as caught:
            s3.put("a/b", MEGABYTE)
        assert time.monotonic() - start < AT_ONCE
        return str(caught.value), native_threads()

    said, ours = ended()
    ended()

    assert len(proxy.requests) == 4
    assert said == f"Storing {uri} failed (no whole answer within 1 seconds); the store may be down, try again."
    # The engine's own pool may have one more at work for a moment, and lets an idle one go after ten seconds.
    deadline = time.monotonic() + 20
    while native_threads() > ours:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert not direct.exists("a/b")


@pytest.mark.usefixtures("impatient")
def test_a_download_of_a_byte_a_second_ends_with_the_key_at_the_deadline(proxy: FaultyS3, s3: Objects) -> None:
    stored = s3.put("a/b", b"x" * 60)
    proxy.spoil("GET", trickled, always=True)
    start = time.monotonic()

    with pytest.raises(TransientError, match=rf"Reading {stored.uri} failed \(no whole answer within 1 seconds\)"):
        s3.get(stored.uri)

    assert time.monotonic() - start < AT_ONCE


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (refused(503, "SlowDown"), r"failed \(status 503, SlowDown\); the store may be down, try again\."),
        (refused(400, "RequestTimeout"), r"failed \(status 400, RequestTimeout\); the store may be down, try again\."),
        (refused(409, "OperationAborted"), r"met another writer of the same key; try again\."),
    ],
)
def test_what_goes_on_for_too_long_may_be_tried_again_later(
    proxy: FaultyS3, s3: Objects, aws: pytest.MonkeyPatch, fault: Fault, sentence: str
) -> None:
    aws.setattr(s3_client, "MAX_RETRIES", 2)
    proxy.spoil("PUT", fault, always=True)

    with pytest.raises(TransientError, match=sentence):
        Objects(s3.url).put("a/b", b"hello")


# Found at the start


@pytest.mark.parametrize(
    ("status", "code", "advice"),
    [
        (400, "ExpiredToken", "get new AWS credentials, for example with `aws sso login`"),
        (400, "InvalidToken", "get new AWS credentials, for example with `aws sso login`, or check AWS_SESSION_TOKEN"),
        (403, "InvalidAccessKeyId", "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"),
        (403, "AccessDenied", "check TRIPPER_STORE_URL, and that the AWS credentials may get, put, delete and list"),
        (403, "RequestTimeTooSkewed", "set this machine's clock"),
        (404, "NoSuchBucket", "make the bucket, or check TRIPPER_STORE_URL and AWS_ENDPOINT_URL"),
        (400, "AuthorizationHeaderMalformed", "set AWS_DEFAULT_REGION to the bucket's region"),
        (501, "NotImplemented", "use a store with conditional writes (If-None-Match)"),
        (400, "NotImplemented", "use a store with conditional writes (If-None-Match)"),
    ],
)
def test_a_wrong_setting_is_told_in_one_sentence_without_the_token(
    proxy: FaultyS3, s3: Objects, direct: Objects, aws: pytest.MonkeyPatch, status: int, code: str, advice: str
) -> None:
    aws.setattr(s3_client, "MAX_RETRIES", 2)
    aws.setenv("AWS_SESSION_TOKEN", TOKEN)
    # S3 repeats a token that expired in its answer.
    proxy.spoil("PUT", refused(status, code, f"<Token-0>{TOKEN}</Token-0>"), always=True)

    with pytest.raises(ConfigurationError) as caught:
        Objects(s3.url).check_writable()

    assert str(caught.value).startswith(f"Writing to the store {s3.url} failed (status {status}, {code}); {advice}")
    assert TOKEN not in "".join(traceback.format_exception(caught.value))
    assert list(direct.list()) == []


def test_credentials_that_may_write_but_not_remove_are_told(proxy: FaultyS3, s3: Objects) -> None:
    proxy.spoil("POST", not_removed("AccessDenied"), always=True)

    with pytest.raises(
        ConfigurationError,
        match=rf"Removing objects from {s3.url} failed \(AccessDenied\); check TRIPPER_STORE_URL, and that the AWS",
    ):
        s3.check_writable()


def test_a_bucket_of_another_region_is_told(proxy: FaultyS3, s3: Objects) -> None:
    proxy.spoil("PUT", refused(301, "PermanentRedirect"), always=True)

    with pytest.raises(ConfigurationError, match=r"\(the bucket is in another region\); set AWS_DEFAULT_REGION to"):
        s3.check_writable()


def test_a_store_that_ignores_the_condition_of_a_write_is_found(
    proxy: FaultyS3, s3: Objects, direct: Objects, seaweed: str
) -> None:
    client = boto3.client("s3", endpoint_url=seaweed)
    proxy.spoil(
        "PUT",
        conditions_ignored(lambda path: client.delete_object(Bucket=BUCKET, Key=path.removeprefix(f"/{BUCKET}/"))),
        always=True,
    )

    with pytest.raises(
        ConfigurationError,
        match=rf"Writing to the store {s3.url} replaced an object that had to stay; use a store with conditional writes",
    ):
        s3.check_writable()

    assert list(direct.list()) == []


@pytest.mark.parametrize("fault", [answer_lost, refused(503, "SlowDown")])
def test_a_hiccup_at_the_start_is_no_wrong_setting(proxy: FaultyS3, s3: Objects, direct: Objects, fault: Fault) -> None:
    for method in ("PUT", "PUT", "HEAD", "POST"):
        proxy.spoil(method, fault)

    s3.check_writable()

    assert list(direct.list()) == []


def test_a_store_that_refuses_in_another_way_is_not_tried_again(proxy: FaultyS3, s3: Objects) -> None:
    proxy.spoil("PUT", refused(400, "EntityTooLarge"), always=True)

    with pytest.raises(PermanentError, match=re.escape("(status 400, EntityTooLarge); the store refuses this request")):
        s3.put("a/b", b"hello")

    assert len(proxy.requests) == 1


@pytest.mark.parametrize(
    ("fault", "kind", "sentence"),
    [
        (
            refused(403, "AccessDenied"),
            ConfigurationError,
            r"failed \(status 403, AccessDenied\); check TRIPPER_STORE_URL",
        ),
        (
            refused(503, "SlowDown"),
            TransientError,
            r"failed \(status 503, SlowDown\); the store may be down, try again",
        ),
        (answer_lost, TransientError, r"failed \(\w+\); the store may be down, try again"),
    ],
)
def test_a_sweep_that_goes_wrong_is_told(
    proxy: FaultyS3, s3: Objects, fault: Fault, kind: type[TripperError], sentence: str
) -> None:
    proxy.fault = lambda exchange: fault if "uploads" in exchange.path else None

    with pytest.raises(kind, match=f"Sweeping half-done uploads below {s3.url} {sentence}"):
        s3.sweep_uploads(timedelta(hours=1), datetime.now(UTC))
