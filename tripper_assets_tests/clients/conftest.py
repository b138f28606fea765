from collections.abc import Iterator

import pytest

from tripper_assets_tests.clients.loopback import Answer, LoopbackSite, serve


@pytest.fixture
def site() -> Iterator[LoopbackSite]:
    with serve() as running:
        yield running


@pytest.fixture
def other_site() -> Iterator[LoopbackSite]:
    with serve() as running:
        yield running


@pytest.fixture
def inner(site: LoopbackSite) -> Iterator[LoopbackSite]:
    """Listen where the site is, at another address."""
    with serve("127.0.0.2", site.port) as listening:
        listening.fallback = lambda _: Answer(200, b"secret", {"Access-Control-Allow-Origin": "*"})
        yield listening


@pytest.fixture
def trap(inner: LoopbackSite) -> Iterator[LoopbackSite]:
    """Listen at another port of the site's own address."""
    with serve() as listening:
        listening.fallback = inner.fallback
        yield listening
