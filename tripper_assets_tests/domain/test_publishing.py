from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tripper_assets.domain.publishing import (
    DecisionWord,
    PendingImport,
    automatic_import,
    decided_import,
    publish_verdict,
)
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


@pytest.mark.parametrize("decision", [None, "approved"])
def test_a_bundle_that_a_newer_one_came_after_is_stale_and_says_how_to_have_it_all_the_same(
    decision: DecisionWord | None,
) -> None:
    verdict = publish_verdict([PASSED], auto_import=True, decision=decision, workflow_id="w1", newer="w2")

    assert verdict.reason == (
        "The workflow w2 has a newer bundle of this source; to import this older one all the same: `tripper import w1`."
    )


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


def pending(**fields: Any) -> PendingImport:
    values = {"workflow_id": "w1", "source_key": "zoo-00000000", "bundle_sha256": "b" * 64, "auto_import": False}
    return PendingImport.model_validate({**values, **fields})


HELD = {"held_by": ("not_empty",)}
NAMED = {"decision": "approved", "overrides": ("not_empty",)}


@pytest.mark.parametrize(
    ("fields", "automatic", "decided"),
    [
        ({}, "waits for a decision", "waits for a decision"),
        ({"auto_import": True}, "", "waits for a decision"),
        ({"auto_import": True, "superseded": True}, "has a newer bundle after it", "waits for a decision"),
        ({"auto_import": True, **HELD}, "is held by its checks", "waits for a decision"),
        ({"auto_import": True, "superseded": True, **HELD}, "has a newer bundle after it", "waits for a decision"),
        ({"decision": "approved"}, "was approved by a person", ""),
        ({"decision": "approved", "auto_import": True}, "was approved by a person", ""),
        (
            {"decision": "approved", "superseded": True},
            "was approved by a person",
            "has a newer bundle after it, of which the decision did not know",
        ),
        ({"decision": "approved", **HELD}, "was approved by a person", "is held by checks that the decision does not name"),
        ({**NAMED, **HELD}, "was approved by a person", ""),
        ({**NAMED, "held_by": ("not_empty", "ids_unique")}, "was approved by a person", "is held by checks that the decision does not name"),
        ({"decision": "rejected"}, "was rejected by a person", "was rejected"),
        ({"decision": "rejected", "auto_import": True, **HELD}, "was rejected by a person", "was rejected"),
    ],
)  # fmt: skip
def test_a_waiting_bundle_is_imported_by_itself_or_on_a_persons_word_and_else_it_says_why_not(
    fields: dict[str, Any], automatic: str, decided: str
) -> None:
    assert (automatic_import(pending(**fields)), decided_import(pending(**fields))) == (automatic, decided)


@given(
    st.builds(
        pending,
        auto_import=st.booleans(),
        decision=st.sampled_from([None, "approved", "rejected"]),
        overrides=st.lists(st.sampled_from(CHECKS)),
        held_by=st.lists(st.sampled_from(CHECKS)),
        superseded=st.booleans(),
    )
)
def test_no_bundle_is_asked_for_twice_over_and_none_without_a_word(one: PendingImport) -> None:
    by_itself, by_a_person = not automatic_import(one), not decided_import(one)

    assert not (by_itself and by_a_person)
    assert not by_itself or one.auto_import
    assert not by_a_person or one.decision == "approved"


def test_a_workflows_bundle_is_asked_for_once_and_anew_when_a_decision_lets_more_checks_pass() -> None:
    first = pending()
    again = pending(auto_import=True, decision="approved", held_by=("not_empty",))
    more = pending(decision="approved", overrides=("not_empty", "ids_unique"))
    in_another_order = pending(decision="approved", overrides=("ids_unique", "not_empty"))

    assert first.run_key == again.run_key == f"import:{'b' * 64}"
    assert more.run_key == in_another_order.run_key == f"import:{'b' * 64}:ids_unique:not_empty"


def test_another_bundle_and_the_same_one_of_another_workflow_are_asked_for_too() -> None:
    keys = {
        one.run_key for one in (pending(), pending(bundle_sha256="c" * 64), pending(workflow_id="w2", repeated=True))
    }

    assert len(keys) == 3
