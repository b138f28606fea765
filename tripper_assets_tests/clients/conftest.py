from collections.abc import Iterator

import pytest

from tripper_assets_tests.clients.loopback import LoopbackSite, serve


@pytest.fixture
def site() -> Iterator[LoopbackSite]:
    with serve() as running:
        yield running


@pytest.fixture
def other_site() -> Iterator[LoopbackSite]:
    with serve() as running:
        yield running
