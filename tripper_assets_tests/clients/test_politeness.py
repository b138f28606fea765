import asyncio
import threading
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from tripper_assets.clients.http import AddressGuard, HttpClient, Reply
from tripper_assets.clients.http_errors import UnreachableError
from tripper_assets.clients.politeness import PoliteClient, retry_after_seconds
from tripper_assets_tests.clients.loopback import Answer, Asked, LoopbackSite
from tripper_assets_tests.waiting import AT_ONCE

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
JITTER = 0.15
"""Seconds: half of the delay that is asked for; a busy machine writes a request down late."""


def ask(
    site: LoopbackSite, *paths: str, delay_seconds: float = 0, slower: float = 0, timeout_seconds: float = 20
) -> list[int]:
    async def run() -> list[int]:
        guard = AddressGuard(frozenset({("127.0.0.1", site.port)}))
        async with HttpClient(user_agent="t", guard=guard, timeout_seconds=timeout_seconds) as client:
            polite = PoliteClient(client, delay_seconds=delay_seconds, clock=lambda: NOW)
            if slower:
                polite.slow_down(site.url(), slower)
            replies = await asyncio.gather(*(polite.get(site.url(path)) for path in paths))
            return [reply.status for reply in replies]

    return asyncio.run(run())


def paths(count: int) -> list[str]:
    return [f"/{number}" for number in range(count)]


def gaps(site: LoopbackSite) -> list[float]:
    times = sorted(asked.at for asked in site.requests)
    return [after - before for before, after in pairwise(times)]


def test_requests_to_one_host_start_a_delay_apart(site: LoopbackSite) -> None:
    site.fallback = lambda _: Answer(200, b"x", delay_seconds=0.02)

    ask(site, *paths(4), delay_seconds=0.3)

    assert min(gaps(site)) >= JITTER


def test_a_delayed_host_never_has_two_requests_at_once(site: LoopbackSite) -> None:
    site.fallback = lambda _: Answer(200, b"x", delay_seconds=0.1)

    ask(site, *paths(3), delay_seconds=0.01)

    assert min(gaps(site)) >= 0.1


def test_without_a_delay_requests_run_side_by_side(site: LoopbackSite) -> None:
    all_here = threading.Barrier(8)

    def together(_: Asked) -> Answer:
        all_here.wait(AT_ONCE)
        return Answer(200, b"x")

    site.fallback = together

    assert ask(site, *paths(8), timeout_seconds=AT_ONCE) == [200] * 8


def test_the_sites_own_wish_slows_us_down_and_never_speeds_us_up(site: LoopbackSite) -> None:
    ask(site, *paths(3), slower=0.3)
    slow = min(gaps(site))
    site.requests.clear()
    ask(site, *paths(3), delay_seconds=0.3, slower=0.001)

    assert slow >= JITTER
    assert min(gaps(site)) >= JITTER


def test_a_busy_host_is_asked_again_after_the_time_that_it_wants(site: LoopbackSite) -> None:
    def busy_once(asked: Asked) -> Answer:
        return Answer(429, b"", {"Retry-After": "0"}) if site.paths.count(asked.path) == 1 else Answer(200, b"ok")

    site.answer("/a", busy_once)

    assert ask(site, "/a") == [200]


def test_a_host_that_stays_busy_is_asked_three_times(site: LoopbackSite) -> None:
    site.answer("/a", Answer(503, b"", {"Retry-After": "0"}))

    assert ask(site, "/a") == [503]
    assert site.paths == ["/a"] * 3


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "3600"}, {"Retry-After": "soon"}])
def test_a_host_that_wants_long_peace_or_names_no_time_is_left_alone(
    site: LoopbackSite, headers: dict[str, str]
) -> None:
    site.answer("/a", Answer(503, b"", headers))

    assert ask(site, "/a") == [503]
    assert site.paths == ["/a"]


def test_a_broken_connection_is_tried_once_more(site: LoopbackSite) -> None:
    site.answer("/once", lambda _: Answer(raw=iter([b""])) if site.paths.count("/once") == 1 else Answer(200, b"x"))
    site.answer("/always", lambda _: Answer(raw=iter([b""])))

    assert ask(site, "/once") == [200]
    with pytest.raises(UnreachableError):
        ask(site, "/always")
    assert site.paths.count("/always") == 2


@pytest.mark.parametrize(
    ("status", "said", "seconds"),
    [
        (429, "7", 7.0),
        (503, "Fri, 01 May 2026 12:00:30 GMT", 30.0),
        (503, "Fri, 01 May 2026 11:00:00 GMT", 0.0),
        (503, "Fri, 01 May 2026 12:00:30 -0000", 30.0),
        (503, "9" * 400, 999_999_999.0),
        (429, "", None),
        (429, "-5", None),
        (500, "7", None),
        (200, "7", None),
    ],
)
def test_retry_after_is_read_as_seconds_and_as_a_date(status: int, said: str, seconds: float | None) -> None:
    assert retry_after_seconds(Reply("https://example.org/", status, {"retry-after": said}), NOW) == seconds
