"""The verdicts of domain/quality.py as Dagster asset checks on final_jsonl; none blocks, for a blocking one would fail the run."""

import dagster as dg

from tripper_assets.domain.quality import CHECKS, CheckResult

SEVERITIES = {"ERROR": dg.AssetCheckSeverity.ERROR, "WARN": dg.AssetCheckSeverity.WARN}


def check_specs(asset: str) -> list[dg.AssetCheckSpec]:
    """Return one spec for each check of a bundle."""
    return [dg.AssetCheckSpec(name, asset=asset, description=name.replace("_", " ")) for name in CHECKS]


def as_check_result(result: CheckResult) -> dg.AssetCheckResult:
    """Return what Dagster records of one verdict."""
    metadata: dict[str, dg.MetadataValue] = {"found": dg.MetadataValue.text(result.sentence)}
    if result.figure is not None:
        metadata["share"] = dg.MetadataValue.float(result.figure)
    if result.failing:
        metadata["failing"] = dg.MetadataValue.json(list(result.failing))
    return dg.AssetCheckResult(
        passed=result.passed,
        check_name=result.name,
        severity=SEVERITIES[result.severity],
        description=result.sentence,
        metadata=metadata,
    )
