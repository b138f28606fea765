"""Loopback servers of the four providers."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tripper_assets_tests.clients.batches.provider_server import open_door
from tripper_assets_tests.clients.batches.tag_world import PROVIDERS, Doors


@pytest.fixture(scope="module")
def doors() -> Iterator[Doors]:
    with ExitStack() as stack:
        yield Doors({provider: stack.enter_context(open_door()) for provider in PROVIDERS})


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """google-genai tries an upload's chunk again after seconds."""
    monkeypatch.setattr("google.genai._api_client.INITIAL_RETRY_DELAY", 0.0)
