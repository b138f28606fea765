"""The voter that needs no key: it compares the activities' own vectors with those of sentences that stand for values of the vocabulary."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tripper_assets.clients.embeddings import Embedder, EmbeddingCache
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.embeddings import embedding_text
from tripper_assets.domain.errors import CorruptObjectError
from tripper_assets.domain.identity import text_sha256
from tripper_assets.domain.local_tags import likeness, local_tags, prototype_texts, prototype_version
from tripper_assets.domain.tag_runs import Voter
from tripper_assets.domain.tags import Vote, tagging_text_sha256

PROTOTYPE_VECTORS = Path(__file__).resolve().parent.parent / "data" / "tag_prototypes.npz"
"""Of the sentences by the local model, made by `python -m tripper_assets.clients.local_tagger`: to embed them takes seconds in each run."""
LOADED_AT_ONCE = 2_000


class LocalTagger:
    """Votes once on each activity: it says the same every time, and a second run of it would be no second opinion."""

    provider = "local"

    def __init__(self, embedder: Embedder, cache: EmbeddingCache) -> None:
        self._embedder, self._cache = embedder, cache

    @property
    def voter(self) -> Voter:
        """Who votes, with the hash of what it compares with."""
        return Voter(self.provider, self._embedder.model, prototype_version())

    def votes(self, activities: Sequence[Activity], *, at: datetime) -> list[Vote]:
        """Return a vote for each activity, in order."""
        found: list[Vote] = []
        for start in range(0, len(activities), LOADED_AT_ONCE):
            found += self._votes(activities[start : start + LOADED_AT_ONCE], at)
        return found

    def _votes(self, activities: Sequence[Activity], at: datetime) -> list[Vote]:
        like, voter = likeness(self._vectors(activities), _prototypes()), self.voter._asdict()
        return [
            Vote(
                activity_id=activity.id,
                text_sha256=tagging_text_sha256(activity),
                run_number=1,
                **voter,
                tags=local_tags(activity, {field: scores[row] for field, scores in like.items()}),
                created_at=at,
            )
            for row, activity in enumerate(activities)
        ]

    def _vectors(self, activities: Sequence[Activity]) -> npt.NDArray[np.float32]:
        """Return the vectors of the texts that are embedded: mostly they are known."""
        given = [embedding_text(one) for one in activities]
        hashes = [text_sha256(one) for one in given]
        texts = dict(zip(hashes, given, strict=True))
        known = self._cache.load(self._embedder.model, list(texts))
        missing = [one for one in texts if one not in known]
        made = dict(zip(missing, self._embedder.embed([texts[one] for one in missing]), strict=True))
        self._cache.save(self._embedder.model, made)
        return np.stack([{**known, **made}[one] for one in hashes])


@lru_cache(1)
def _prototypes() -> npt.NDArray[np.float32]:
    with np.load(PROTOTYPE_VECTORS) as stored:
        if list(stored["texts"]) != prototype_texts():
            raise CorruptObjectError(
                f"Reading {PROTOTYPE_VECTORS.name} found the vectors of other sentences; run `python -m tripper_assets.clients.local_tagger`."
            )
        return stored["vectors"].astype(np.float32)


def write_prototypes(embedder: Embedder, path: Path = PROTOTYPE_VECTORS) -> None:
    """Write the sentences with their vectors."""
    texts = prototype_texts()
    np.savez_compressed(path, texts=np.array(texts), vectors=embedder.embed(texts).astype(np.float16))


if __name__ == "__main__":
    from tripper_assets.clients.local_embedder import LocalEmbedder

    write_prototypes(LocalEmbedder())
