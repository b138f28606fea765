"""The verdicts of domain/quality.py and tag_quality.py as Dagster asset checks; none blocks, for a blocking one would fail the run."""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from tripper_assets.domain.check_words import CHECK_WORDS, severity_words
from tripper_assets.domain.quality import CHECKS, CheckResult
from tripper_assets.domain.tag_quality import TAG_CHECKS
from tripper_assets.previews import table

SEVERITIES = {"ERROR": dg.AssetCheckSeverity.ERROR, "WARN": dg.AssetCheckSeverity.WARN}


def check_specs(asset: str) -> list[dg.AssetCheckSpec]:
    """Return one spec for each check of a bundle, which says what it wants and what a failure does."""
    return [_spec(name, asset) for name in CHECKS]


def _spec(name: str, asset: str) -> dg.AssetCheckSpec:
    severity, wanted = CHECK_WORDS[name]
    return dg.AssetCheckSpec(
        name,
        asset=asset,
        description=f"{wanted} {severity_words(severity)}",
        metadata={"severity": severity, "holds_the_import": severity == "ERROR"},
    )


def tag_check_specs(asset: str) -> list[dg.AssetCheckSpec]:
    """Return one spec for each check of tags."""
    return [_spec(name, asset) for name in TAG_CHECKS]


def as_check_result(result: CheckResult, links: Mapping[str, Any]) -> dg.AssetCheckResult:
    """Return what Dagster records of one verdict; ``links`` are shown where it failed."""
    metadata: dict[str, Any] = {"found": result.sentence, "severity": result.severity}
    if result.figure is not None:
        metadata["share"] = dg.MetadataValue.float(result.figure)
    if result.failing:
        metadata["failing"] = dg.MetadataValue.json(list(result.failing))
    if not result.passed:
        metadata |= {"what_follows": severity_words(result.severity), **links}
    return dg.AssetCheckResult(
        passed=result.passed,
        check_name=result.name,
        severity=SEVERITIES[result.severity],
        description=result.sentence,
        metadata=metadata,
    )


def check_table(results: Sequence[CheckResult]) -> str:
    """Return all verdicts as a Markdown table, those that failed first, and of those the errors."""
    ordered = sorted(results, key=lambda one: (one.passed, one.severity == "WARN"))
    return table(
        [
            {"check": one.name, "verdict": "passed" if one.passed else one.severity, "found": one.sentence}
            for one in ordered
        ]
    )
