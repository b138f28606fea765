"""What is S3's alone about the object store: opening a bucket, deadlines, what its errors mean, and half-done uploads."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from obstore.exceptions import BaseError
from obstore.store import S3Store

from tripper_assets.domain.errors import TOO_EARLY_AND_FRIENDS, ConfigurationError, PermanentError, TransientError

if TYPE_CHECKING:
    from botocore.client import BaseClient
    from botocore.config import Config
    from botocore.exceptions import ClientError

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 90.0
"""For one request with its whole body: 100 MB at a little more than 1 MB/s."""
RETRY_SECONDS = 120.0
"""How long a call goes on asking again; longer than one request, so that one that stalled is asked once more."""
MAX_RETRIES = 10
"""With three of ten answers a 503, two requests in a million still fail."""

STATUS = re.compile(r"status code: (\d{3})")
CODE = re.compile(r"(?:<Code>|\(code: )(\w{1,60})")
"""In an answer's body, and where one of several removals was refused."""
TRANSPORT = re.compile(r"kind: (Connect|Timeout|Interrupted|Request)\b")
PROVIDER = re.compile(r"credential provider: (\w{1,60})")
CONFLICT, NOT_IMPLEMENTED, SERVER_ERROR = 409, 501, 500

CREDENTIALS = "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
EXPIRED = "get new AWS credentials, for example with `aws sso login`"
REGION = "set AWS_DEFAULT_REGION to the bucket's region"  # boto3 does not look at AWS_REGION
CONDITIONS = "use a store with conditional writes (If-None-Match), which keep objects from being overwritten, such as AWS S3 or SeaweedFS"
# What somebody has to set right, by the code in S3's answer.
SETTINGS = {
    "InvalidAccessKeyId": CREDENTIALS,
    "SignatureDoesNotMatch": CREDENTIALS,
    "ExpiredToken": EXPIRED,
    "TokenRefreshRequired": EXPIRED,
    "InvalidToken": f"{EXPIRED}, or check AWS_SESSION_TOKEN",
    "AccessDenied": "check TRIPPER_STORE_URL, and that the AWS credentials may get, put, delete and list objects there",
    "NoSuchBucket": "make the bucket, or check TRIPPER_STORE_URL and AWS_ENDPOINT_URL",
    "RequestTimeTooSkewed": "set this machine's clock",
    "AuthorizationHeaderMalformed": REGION,
    "PermanentRedirect": REGION,
    "NotImplemented": CONDITIONS,
}
STATUS_CODES = {401: "AccessDenied", 403: "AccessDenied", 404: "NoSuchBucket", NOT_IMPLEMENTED: "NotImplemented"}
"""The codes of answers without a body."""
# The only refusals that are over by themselves.
PASSING = {"RequestTimeout", "SlowDown", "OperationAborted", "ConditionalRequestConflict"}


def open_bucket(url: str) -> S3Store:
    """Return the store of ``s3://bucket/prefix``, with credentials, region and endpoint as boto3 finds them.

    Raises:
        ConfigurationError: there are no credentials, or a name is wrong.
    """
    import boto3  # noqa: PLC0415 (half a second that only S3 users pay)
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415 (same)
    from obstore.auth.boto3 import Boto3CredentialProvider  # noqa: PLC0415 (same)

    try:
        session = boto3.Session()
        endpoint = session.client("s3").meta.endpoint_url
        options: dict[str, Any] = {"region": session.region_name or "us-east-1"}
        if not endpoint.endswith(".amazonaws.com"):
            options["endpoint"] = endpoint
        return S3Store.from_url(
            url,
            credential_provider=Boto3CredentialProvider(session),
            client_options={
                "allow_http": endpoint.startswith("http://"),
                "connect_timeout": timedelta(seconds=CONNECT_SECONDS),
                "timeout": timedelta(seconds=ANSWER_SECONDS),
            },
            retry_config={"max_retries": MAX_RETRIES, "retry_timeout": timedelta(seconds=RETRY_SECONDS)},
            **options,
        )
    except (BotoCoreError, BaseError, ValueError) as error:
        reason = str(error).split("\n", 1)[0][:300]
        raise ConfigurationError(
            f"The store {url} cannot be opened ({reason}); check the bucket's name and the AWS settings, "
            "such as AWS_PROFILE, or AWS_ACCESS_KEY_ID with its secret."
        ) from error


def verdict(error: Exception, work: str) -> PermanentError | TransientError:
    """Return what an error of S3 means; never with the answer's body, which repeats a token that expired."""
    text = str(error)
    if provider := PROVIDER.search(text):
        return _provider_verdict(provider[1], work)
    if "redirect without LOCATION" in text:
        return ConfigurationError(f"{work} failed (the bucket is in another region); {REGION}.")
    answered, stated = STATUS.search(text), CODE.search(text)
    if answered or stated:
        return _answer_verdict(int(answered[1]) if answered else 0, stated[1] if stated else "", work)
    return TransientError(f"{work} failed ({_transport(text)}); the store may be down, try again.")


def _provider_verdict(name: str, work: str) -> PermanentError | TransientError:
    if "Connect" in name or "Timeout" in name:
        return TransientError(f"{work} failed (no AWS credentials: {name}); who gives them may be down, try again.")
    return ConfigurationError(f"{work} failed (no AWS credentials: {name}); {EXPIRED}.")


def _answer_verdict(status: int, code: str, work: str) -> PermanentError | TransientError:
    failed = f"{work} failed ({', '.join([f'status {status}'] * bool(status) + [code] * bool(code))})"
    setting = SETTINGS.get(code) or SETTINGS.get(STATUS_CODES.get(status, ""))
    if setting:
        return ConfigurationError(f"{failed}; {setting}.")
    passes = status >= SERVER_ERROR or status == CONFLICT or status in TOO_EARLY_AND_FRIENDS or code in PASSING
    if passes:
        return TransientError(f"{failed}; the store may be down, try again.")
    return PermanentError(f"{failed}; the store refuses this request as it is.")


def _transport(text: str) -> str:
    kind = TRANSPORT.search(text)
    reasons = {
        "Connect": "no connection",
        "Timeout": f"no whole answer within {ANSWER_SECONDS:g} seconds",
        "Interrupted": "the connection broke",
        "Request": "the connection broke",
    }
    return reasons[kind[1]] if kind else text.split("\n", 1)[0][:200]


def patience() -> "Config":
    """Return how long a client of boto3 waits, and how often it asks."""
    from botocore.config import Config  # noqa: PLC0415 (half a second that only S3 users pay)

    return Config(
        connect_timeout=CONNECT_SECONDS, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 4}
    )


def client_verdict(error: "ClientError", work: str) -> PermanentError | TransientError:
    """Return what an answer of S3 means that boto3 raised."""
    status, code = error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"]
    return _answer_verdict(int(status), str(code), work)


def abort_uploads(url: str, before: datetime) -> int:
    """End the multipart uploads below ``url`` that were begun ``before``, and return how many; their parts cost money unseen.

    Raises:
        PermanentError, TransientError: S3 refuses, or does not answer.
    """
    import boto3  # noqa: PLC0415 (half a second that only S3 users pay)
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 (same)

    work = f"Sweeping half-done uploads below {url}"
    parts = urlsplit(url)
    prefix = parts.path.strip("/")
    try:
        client = boto3.client("s3", config=patience())
        begun = [
            one for one in _uploads(client, parts.netloc, f"{prefix}/" if prefix else "") if one["Initiated"] < before
        ]
        return sum(_abort(client, parts.netloc, one) for one in begun)
    except ClientError as error:
        raise client_verdict(error, work) from None
    except BotoCoreError as error:
        raise TransientError(f"{work} failed ({type(error).__name__}); the store may be down, try again.") from None


def _uploads(client: "BaseClient", bucket: str, prefix: str) -> Iterator[dict[str, Any]]:
    for page in client.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, Prefix=prefix):
        yield from page.get("Uploads", [])


def _abort(client: "BaseClient", bucket: str, upload: dict[str, Any]) -> bool:
    try:
        client.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
    except client.exceptions.NoSuchUpload:
        return False  # somebody finished or ended it meanwhile
    return True
