"""How far the local tagger says what a reader says: agreement by field on the labelled activities, and how many of them wait for a person."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from benchmarks.embedding import NoCache
from benchmarks.figure import Figure
from benchmarks.labelled_activities import CORPUS, Labelled, labelled_activities
from tripper_assets.clients.local_embedder import LocalEmbedder
from tripper_assets.clients.local_tagger import LocalTagger
from tripper_assets.domain.consensus import consensus
from tripper_assets.domain.tags import FIELDS, LABELS, UNKNOWN, ActivityTags

AT = datetime(2026, 3, 15, 9, 0, tzinfo=UTC)
NOTHING = (UNKNOWN, None, ())


class FieldScore(NamedTuple):
    """How a tagger did on one field of the labelled activities."""

    field: str
    agreement: float
    """0 to 1, over all activities: 1 for the same value, or for nothing said of what a text says nothing of; sets by labels in common."""
    labelled: int
    """Of how many the text says something."""
    right: int
    silent: int
    """Unknown to the tagger, and not to the reader."""
    wrong: int
    """Another value than the reader's; of a set, one that is not the same."""
    unfounded: int
    """A value of what the text says nothing of."""


def measure() -> list[Figure]:
    """Return the agreement by field, of how many activities it is, and the share that waits for nobody."""
    labelled = labelled_activities()
    if not CORPUS.exists():
        print(f"tagging: the saved pages are not here, so that {len(labelled)} activities of the sample site are all.")
    votes = LocalTagger(LocalEmbedder(), NoCache()).votes([one.activity for one in labelled], at=AT)
    scores = scored(labelled, [one.tags or ActivityTags() for one in votes])
    for score in scores:
        print(" ".join(f"{name} {value}" for name, value in score._asdict().items()))
    settled = sum(not one.review for one in consensus(votes).activities) / len(labelled)
    return [
        Figure("tagging_activities", "activities", "higher", len(labelled)),
        *(Figure(f"tagging_{one.field}", "agreement", "higher", one.agreement) for one in scores),
        Figure("tagging_without_review", "share", "higher", settled),
    ]


def scored(labelled: Sequence[Labelled], said: Sequence[ActivityTags]) -> list[FieldScore]:
    """Return how each field of what a tagger said is like the labels; ``said`` is in the order of the labelled."""
    return [
        _score(
            field, [(getattr(one.tags, field), getattr(tags, field)) for one, tags in zip(labelled, said, strict=True)]
        )
        for field in FIELDS
    ]


def _score(field: str, pairs: Sequence[tuple[Any, Any]]) -> FieldScore:
    like = _in_common if field in LABELS else _same
    known = [(label, value) for label, value in pairs if label not in NOTHING]
    given = [(label, value) for label, value in known if value not in NOTHING]
    right = sum(label == value for label, value in given)
    unfounded = sum(label in NOTHING and value not in NOTHING for label, value in pairs)
    agreement = sum(like(label, value) for label, value in pairs) / len(pairs)
    return FieldScore(
        field, round(agreement, 4), len(known), right, len(known) - len(given), len(given) - right, unfounded
    )


def _same(label: object, value: object) -> float:
    return float(label == value)


def _in_common(label: Collection[str], value: Collection[str]) -> float:
    """Return how many labels of two sets are in both (Jaccard)."""
    either = {*label, *value}
    return len({*label} & {*value}) / len(either) if either else 1.0
