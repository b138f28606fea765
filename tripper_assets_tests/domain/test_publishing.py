import pytest
from hypothesis import given
from hypothesis import strategies as st

from tripper_assets.domain.publishing import publish_verdict
from tripper_assets.domain.quality import CHECKS, CheckResult

PASSED = CheckResult("ids_unique", True, "ERROR", "All ids are unique.")
WARNED = CheckResult("images_stored", False, "WARN", "Half of the pictures are missing.")
EMPTY = CheckResult("not_empty", False, "ERROR", "The source yields 0 activities; the last import left 7.")
GONE = CheckResult("removals_against_last_import", False, "ERROR", "7 of 7 activities are missing.")

RESULTS = st.lists(
    st.builds(
        CheckResult,
        name=st.sampled_from(CHECKS),
        passed=st.booleans(),
        severity=st.sampled_from(["ERROR", "WARN"]),
        sentence=st.just("Something was found."),
    )
)


@pytest.mark.parametrize(
    ("auto_import", "decision", "overrides", "results", "publish"),
    [
        (True, None, (), [PASSED, WARNED], True),
        (True, None, (), [], True),
        (True, None, (), [PASSED, EMPTY], False),
        (False, None, (), [PASSED], False),
        (False, "approved", (), [PASSED, WARNED], True),
        (False, "approved", (), [EMPTY], False),
        (False, "approved", ("not_empty",), [EMPTY], True),
        (False, "approved", ("not_empty",), [EMPTY, GONE], False),
        (False, "approved", ("not_empty", "removals_against_last_import"), [EMPTY, GONE], True),
        (True, "approved", ("images_stored",), [EMPTY], False),
        (True, "rejected", (), [PASSED], False),
        (True, "rejected", ("not_empty",), [EMPTY], False),
        (True, None, ("not_empty",), [EMPTY], False),  # an override is a part of a decision
    ],
)
def test_who_may_publish(
    *, auto_import: bool, decision: str | None, overrides: tuple[str, ...], results: list[CheckResult], publish: bool
) -> None:
    verdict = publish_verdict(results, auto_import=auto_import, decision=decision, overrides=overrides)  # pyright: ignore[reportArgumentType]

    assert verdict.publish is publish
    assert bool(verdict.reason) is not publish


def test_a_held_bundle_says_what_failed_and_the_command_that_imports_it_all_the_same() -> None:
    verdict = publish_verdict([PASSED, WARNED, EMPTY], auto_import=True, decision=None, workflow_id="w1")

    assert verdict.failed_checks == ("not_empty",)
    assert verdict.reason == (
        "Held for review by 1 failed check. not_empty: The source yields 0 activities; the last import left 7. "
        "To import all the same: `tripper import w1 --override not_empty`."
    )


def test_the_command_repeats_the_overrides_that_were_given_before() -> None:
    # Each decision stands alone: without the first override the second decision would fail on the first check.
    verdict = publish_verdict(
        [EMPTY, GONE], auto_import=True, decision="approved", overrides=("not_empty",), workflow_id="w1"
    )

    assert verdict.failed_checks == ("removals_against_last_import",)
    assert "`tripper import w1 --override not_empty --override removals_against_last_import`" in verdict.reason


def test_a_bundle_that_nobody_decided_on_waits_and_says_how_it_goes_on() -> None:
    verdict = publish_verdict([PASSED], auto_import=False, decision=None, workflow_id="w1")

    assert verdict.reason == "Waits for a decision, for auto_import is off; `tripper import w1` imports it."


def test_a_rejected_bundle_says_so() -> None:
    verdict = publish_verdict([PASSED], auto_import=True, decision="rejected", workflow_id="w1")

    assert verdict.reason == "The bundle of workflow w1 was rejected."
    assert verdict.failed_checks == ()


@given(RESULTS, st.lists(st.sampled_from(CHECKS)))
def test_without_auto_import_nothing_is_published_without_a_decision(
    results: list[CheckResult], overrides: list[str]
) -> None:
    for decision in (None, "rejected"):
        assert not publish_verdict(results, auto_import=False, decision=decision, overrides=overrides).publish


@given(RESULTS, st.lists(st.sampled_from(CHECKS)), st.booleans())
def test_an_error_is_published_only_where_an_approval_names_it(
    results: list[CheckResult],
    overrides: list[str],
    auto_import: bool,  # noqa: FBT001 (Hypothesis gives it by position)
) -> None:
    errors = {one.name for one in results if not one.passed and one.severity == "ERROR"}

    alone = publish_verdict(results, auto_import=auto_import, decision=None)
    approved = publish_verdict(results, auto_import=auto_import, decision="approved", overrides=overrides)

    assert alone.publish is (auto_import and not errors)
    assert approved.publish is (errors <= set(overrides))
