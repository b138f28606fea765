from datetime import UTC, datetime
from typing import get_args

import pytest
from pydantic import ValidationError

from tripper_assets.domain.workflows import (
    FINAL,
    INTERMEDIATES,
    TRANSITIONS,
    ImportSummary,
    Workflow,
    WorkflowStatus,
    may_become,
)

STATES: tuple[WorkflowStatus, ...] = get_args(WorkflowStatus)


@pytest.mark.parametrize(
    ("now", "then"),
    [
        ("queued", "running"),
        ("running", "waiting"),
        ("waiting", "running"),
        ("running", "review"),
        ("review", "completed"),
        ("review", "canceled"),
        ("running", "failed"),
        ("failed", "running"),
        ("completed", "running"),
        ("canceled", "running"),
    ],
)
def test_a_workflow_goes_on(now: WorkflowStatus, then: WorkflowStatus) -> None:
    assert may_become(now, then)


@pytest.mark.parametrize(
    ("now", "then"),
    [
        ("queued", "completed"),
        ("queued", "review"),
        ("waiting", "completed"),
        ("completed", "failed"),
        ("completed", "review"),
        ("canceled", "completed"),
        ("failed", "completed"),
    ],
)
def test_a_workflow_does_not_jump(now: WorkflowStatus, then: WorkflowStatus) -> None:
    assert not may_become(now, then)


@pytest.mark.parametrize("state", STATES)
def test_every_state_may_stay_and_can_be_left(state: WorkflowStatus) -> None:
    assert may_become(state, state)
    assert any(may_become(state, other) for other in STATES if other != state)


def test_every_state_has_its_ways_and_a_final_one_only_runs_again() -> None:
    assert set(TRANSITIONS) == set(STATES)
    assert {state for state in STATES if TRANSITIONS[state] == {"running"}} == FINAL


def test_clean_up_removes_exactly_five_kinds_of_files() -> None:
    assert INTERMEDIATES == ("raw_activities", "images_map", "geocoded_map", "embeddings_map", "final_jsonl")


def test_a_workflow_of_an_unknown_state_is_none() -> None:
    values = {"id": "w1", "source_key": "e-org-01234567", "source_url": "https://e.org/", "config": {}}
    now = datetime(2026, 5, 1, tzinfo=UTC)

    assert Workflow.model_validate({**values, "status": "queued", "created_at": now}).import_summary is None
    with pytest.raises(ValidationError, match="status"):
        Workflow.model_validate({**values, "status": "sleeping", "created_at": now})


def test_an_import_that_did_nothing_counts_nothing() -> None:
    assert ImportSummary().dump() == {
        "lines": 0,
        "inserted": 0,
        "updated": 0,
        "unchanged": 0,
        "removed": 0,
        "rejected": 0,
    }
