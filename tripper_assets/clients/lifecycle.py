"""What an S3 bucket can do by itself with what is left below our prefix: unfinished uploads, probes, and old versions of removed objects.

Files of workflows are not among it: S3 knows their age, and not whether somebody still has to look at them.
"""

from typing import Any
from urllib.parse import urlsplit

from tripper_assets.clients import s3
from tripper_assets.clients.objects import PROBES
from tripper_assets.domain.errors import ConfigurationError, TransientError

Rule = dict[str, Any]
UPLOAD_DAYS = 2
NONCURRENT_DAYS = 30
NAMED = "tripper"


def lifecycle_rules(url: str) -> list[Rule]:
    """Return the rules of the bucket of ``s3://bucket/prefix``, as PutBucketLifecycleConfiguration takes them.

    Raises:
        ConfigurationError: the store is none of S3's.
    """
    parts = urlsplit(url)
    if parts.scheme != "s3":
        raise ConfigurationError(
            f"The store {url} has no lifecycle rules, only S3 has; `tripper cleanup` sweeps every kind of store."
        )
    name = parts.path.strip("/")
    prefix = f"{name}/" if name else ""

    def rule(what: str, below: str, **action: Rule) -> Rule:
        return {
            "ID": f"{NAMED}:{name or '*'}:{what}", "Status": "Enabled", "Filter": {"Prefix": f"{prefix}{below}"}, **action
        }  # fmt: skip

    return [
        rule("uploads", "", AbortIncompleteMultipartUpload={"DaysAfterInitiation": UPLOAD_DAYS}),
        rule("probes", f"{PROBES}/", Expiration={"Days": UPLOAD_DAYS}),
        rule("versions", "", NoncurrentVersionExpiration={"NoncurrentDays": NONCURRENT_DAYS}),
    ]


def apply_rules(url: str) -> list[Rule]:
    """Put our rules among the bucket's own, in the place of older ones of ours, and return all that it has then.

    Raises:
        ConfigurationError: the store is none of S3's, or the credentials may not do that.
        TransientError: S3 does not answer.
        PermanentError: S3 refuses the rules.
    """
    rules = lifecycle_rules(url)
    import boto3  # noqa: PLC0415 (half a second that only S3 users pay)
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 (same)

    bucket, work = urlsplit(url).netloc, f"Setting the lifecycle rules of {url}"
    try:
        client = boto3.client("s3", config=s3.patience())
        own = {rule["ID"] for rule in rules}
        wanted = [*(rule for rule in _present(client, bucket) if rule.get("ID") not in own), *rules]
        client.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": wanted})
        return _present(client, bucket)
    except ClientError as error:
        raise s3.client_verdict(error, work) from None
    except BotoCoreError as error:
        raise TransientError(f"{work} failed ({type(error).__name__}); the store may be down, try again.") from None


def _present(client: Any, bucket: str) -> list[Rule]:  # noqa: ANN401 (boto3 makes its clients' types as it runs)
    from botocore.exceptions import ClientError  # noqa: PLC0415 (half a second that only S3 users pay)

    try:
        return list(client.get_bucket_lifecycle_configuration(Bucket=bucket).get("Rules", []))
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchLifecycleConfiguration":
            return []
        raise
