"""Stand-ins that keep state and honour a role of ours, for more than one test file."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tripper_assets.batches import Workers
from tripper_assets.clients.embeddings import EmbeddingProvider, Keep
from tripper_assets.clients.objects import Objects
from tripper_assets.domain.batches import BatchStatus, Origin
from tripper_assets.domain.errors import TransientError
from tripper_assets.resources import Catalog, utc_now
from tripper_assets.settings import Settings
from tripper_assets.voters import Reach, Taggers


@dataclass
class Provider:
    """A provider that knows some batches, and remembers what it was asked; another batch it refuses or does not answer for."""

    statuses: dict[str, BatchStatus] = field(default_factory=dict)
    error: Exception = field(default_factory=lambda: TransientError("The provider does not answer."))
    polled: list[str] = field(default_factory=list)
    canceled: list[str] = field(default_factory=list)
    name: str = "remote"
    model: str = "slow"
    dimensions: int = 2
    is_free: bool = False

    def submit(self, texts: Mapping[str, str], origin: Origin) -> str:
        raise AssertionError(texts, origin)

    def poll(self, batch_id: str) -> BatchStatus:
        self.polled.append(batch_id)
        return self._known(batch_id)

    def results(self, batch_id: str, keep: Keep, *, asks: bool = True) -> Mapping[str, str]:
        raise AssertionError(batch_id, keep, asks)

    def cancel(self, batch_id: str) -> None:
        self._known(batch_id)
        self.canceled.append(batch_id)

    def _known(self, batch_id: str) -> BatchStatus:
        if batch_id not in self.statuses:
            raise self.error
        return self.statuses[batch_id]


def embedding_alone(catalog: Catalog, provider: EmbeddingProvider) -> Workers:
    """Return the workers where nobody remote votes on tags."""
    return Workers(provider, Taggers(Settings()), Reach(catalog, Objects("memory://"), utc_now))
