"""Many questions: files within the provider's limits, a vote for each, and memory that does not grow with their number."""

import pytest

from tripper_assets.domain.batch_requests import Limits
from tripper_assets_tests.clients.batches.tag_world import PROVIDERS
from tripper_assets_tests.clients.batches.volume import measure

LIMITS = Limits(requests=300, bytes=1_500_000, tokens=10**12)
MOST_BYTES_MORE = 80_000_000


@pytest.mark.long
@pytest.mark.parametrize("provider", PROVIDERS)
def test_many_questions_are_split_at_the_limits_and_memory_stays_flat(provider: str) -> None:
    found = measure(provider, 1_000, 3, LIMITS)

    assert found.votes == 3_000
    assert sum(count for count, _ in found.sizes) == 3_000
    assert all(count <= LIMITS.requests and size <= LIMITS.bytes + 1_000 for count, size in found.sizes)
    assert len(found.sizes) > 10
    assert found.grown_bytes < MOST_BYTES_MORE
