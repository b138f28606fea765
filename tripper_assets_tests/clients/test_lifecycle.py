"""The rules that suit a bucket: below our prefix alone, beside the bucket's own, and put twice the same."""

import boto3
import pytest

from tripper_assets.clients.lifecycle import apply_rules, lifecycle_rules
from tripper_assets.domain.errors import ConfigurationError
from tripper_assets_tests.seaweed import BUCKET, SECRET, credentials

OWN = {"ID": "logs", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 7}}


def names(rules: list[dict[str, object]]) -> list[object]:
    return [one["ID"] for one in rules]


@pytest.mark.parametrize(
    ("url", "prefixes"), [("s3://b/a/c/", ["a/c/", "a/c/probe/", "a/c/"]), ("s3://b", ["", "probe/", ""])]
)
def test_rules_are_for_what_lies_below_the_prefix(url: str, prefixes: list[str]) -> None:
    assert [rule["Filter"]["Prefix"] for rule in lifecycle_rules(url)] == prefixes


def test_no_rule_removes_what_a_person_may_still_have_to_look_at() -> None:
    uploads, probes, versions = lifecycle_rules("s3://b/a")

    assert uploads["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 2}
    assert versions["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
    assert [name for rule in (uploads, versions) for name in rule if name == "Expiration"] == []
    assert probes["Expiration"] == {"Days": 2}


def test_our_rules_stand_beside_the_buckets_own_and_take_the_place_of_older_ones_of_ours(
    seaweed: str, aws: pytest.MonkeyPatch
) -> None:
    for name, value in credentials(seaweed).items():
        aws.setenv(name, value)
    client = boto3.client("s3")
    outdated = lifecycle_rules(f"s3://{BUCKET}/a")[1] | {"Expiration": {"Days": 365}}
    client.put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration={"Rules": [OWN, outdated]})

    once, twice = apply_rules(f"s3://{BUCKET}/a"), apply_rules(f"s3://{BUCKET}/a")
    client.delete_bucket_lifecycle(Bucket=BUCKET)
    first = apply_rules(f"s3://{BUCKET}/a")

    assert sorted(map(str, names(once))) == ["logs", "tripper:a:probes", "tripper:a:uploads", "tripper:a:versions"]
    assert next(rule for rule in once if rule["ID"] == "tripper:a:probes")["Expiration"] == {"Days": 2}
    assert twice == once
    assert len(first) == 3


def test_a_bucket_that_is_not_there_and_a_folder_say_so(seaweed: str, aws: pytest.MonkeyPatch) -> None:
    for name, value in credentials(seaweed).items():
        aws.setenv(name, value)

    with pytest.raises(ConfigurationError, match=r"NoSuchBucket\); make the bucket") as caught:
        apply_rules("s3://no-such-bucket/a")
    with pytest.raises(ConfigurationError, match="only S3 has"):
        apply_rules("file:///tmp/x")

    assert SECRET not in str(caught.value)
