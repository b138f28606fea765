"""Work that a provider does over hours: what was submitted, in which state it is, and what is to be done about it next."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple, Self, TypeAlias

from tripper_assets.domain.model import ActivityId, Model, SourceKey

BatchStatus = Literal["pending", "unsent", "completed", "failed", "expired", "canceled"]
"""unsent: a part of it waits for being submitted, and nothing keeps it from that."""
OPEN: tuple[BatchStatus, ...] = ("pending", "unsent")
NEVER_AWAITED = "activity_tags"
"""The asset whose batches no workflow waits for: a refinement is collected by the source's next one."""
SubmissionState = Literal["intended", "submitting", "pending", "completed", "failed", "expired", "canceled"]
"""intended: nothing was asked for; submitting: it may have been accepted, which is not known; pending: the provider works on it."""
Told: TypeAlias = Literal["absent", "pending", "completed", "failed", "expired", "canceled"]
"""What a provider says of a submission; absent: it lists none that is ours."""
ENDED = ("completed", "failed", "expired", "canceled")
Step = Literal["submit", "find", "poll", "wait", "collect", "cancel", "done"]

PATIENCE = timedelta(hours=26)
"""How long a batch may take: providers promise 24 hours, and expire what is not done then."""
ROUNDS = 3
"""How often a request is submitted at most, where what came back of it says that it may succeed."""


class SubmittedBatch(Model):
    """The durable handle of an embedding batch: enough to find the work again and to put each vector on its activity."""

    ids_sha256: str
    model: str
    dimensions: int
    ids: tuple[ActivityId, ...]
    text_sha256: tuple[str, ...]
    """The hash of what is embedded for each activity; runs parallel to ids."""
    stated_sha256: tuple[str, ...] = ()
    """The hash of each activity's own text, where another one is embedded for some of them; empty where none is."""
    provider: str
    batch_id: str = ""
    """Empty where the cache held every text, and nothing was submitted."""
    requested: int = 0
    """How many distinct texts were submitted."""
    reused: int = 0
    """How many distinct texts the cache held."""


class Batch(Model):
    """A submitted batch as the catalog keeps it, one row for each workflow that waits for it."""

    workflow_id: str
    asset: str
    """The asset that submitted it."""
    provider: str
    batch_id: str
    model: str = ""
    requested: int = 0
    status: BatchStatus = "pending"
    submitted_at: datetime
    deadline_at: datetime
    """After which nobody waits for it any more."""
    checked_at: datetime | None = None
    """When the provider was asked last; None before the first time."""
    ended_at: datetime | None = None

    @classmethod
    def awaited(cls, submitted: SubmittedBatch, *, workflow_id: str, asset: str, at: datetime) -> Self:
        """Return the row of a batch that a workflow waits for from ``at`` on."""
        return cls(
            workflow_id=workflow_id,
            asset=asset,
            provider=submitted.provider,
            batch_id=submitted.batch_id,
            model=submitted.model,
            requested=submitted.requested,
            submitted_at=at,
            deadline_at=at + PATIENCE,
        )

    def is_over(self, now: datetime) -> bool:
        """Return whether a run has something to do about it: it ended, waits for being submitted, or its deadline has passed."""
        return self.status != "pending" or now >= self.deadline_at


def collectable(batches: Iterable[Batch], *, now: datetime) -> list[str]:
    """Return the workflows, sorted, of which every batch is over."""
    waits: dict[str, bool] = {}
    for batch in batches:
        waits[batch.workflow_id] = waits.get(batch.workflow_id, False) or not batch.is_over(now)
    return sorted(workflow for workflow, waiting in waits.items() if not waiting)


class Origin(NamedTuple):
    """On whose behalf a provider is asked."""

    workflow_id: str
    source_key: SourceKey
    asset: str
    """The asset that asks."""
    purpose: str
    """What it is paid for, such as embeddings."""


class Submission(Model):
    """One batch of a provider, written down before it is asked for; a large or repeated batch of ours takes several."""

    id: str
    """32 hexadecimal digits of our own, by which the provider's batch is found again."""
    batch_id: str
    round: int = 1
    """1 for what was asked for first, 2 for what of that is asked for again."""
    provider: str
    model: str
    origin: Origin
    requests_uri: str
    """The stored requests."""
    requests: int
    tokens: int
    """What the requests count, at most."""
    usd: float = 0.0
    """What they cost, at most."""
    state: SubmissionState = "intended"
    provider_id: str = ""
    """The provider's id; empty until it is known."""
    upload_id: str = ""
    """The provider's id of the uploaded requests; empty where there are none, or it is not known."""
    upload_started_at: datetime | None = None
    """When an upload began last; with an empty upload_id it may have left a file that nobody uses."""
    intended_at: datetime
    attempted_at: datetime | None = None
    """When it was asked for last; written before."""
    submitted_at: datetime | None = None
    checked_at: datetime | None = None
    """When the provider was asked about it last."""
    ended_at: datetime | None = None
    collected_at: datetime | None = None
    """When its results were read; nothing is done about it after that."""
    is_retryable: bool = False
    """Whether a submission that failed as a whole may succeed another time."""
    reason: str = ""
    """The provider's code of such a failure."""
    problems: dict[str, str] = {}
    """The problem code of each request that came to nothing for good, by custom id."""

    @property
    def is_open(self) -> bool:
        """Return whether the provider has, may have or will have work on it."""
        return self.collected_at is None and self.state in ("intended", "submitting", "pending")


class Patience(NamedTuple):
    """How long is waited for what; older submissions are asked about more seldom."""

    batch: timedelta = PATIENCE
    settles: timedelta = timedelta(minutes=3)
    """After which an accepted submission stands in the provider's list, or was never accepted; longer than the call may take."""
    first_look: timedelta = timedelta(minutes=1)
    seldom: timedelta = timedelta(minutes=15)
    share: int = 10
    """A submission is asked about again after this part of its age."""


def next_step(batch: Submission, status: Told | None, *, now: datetime, patience: Patience) -> Step:
    """Return what is to be done about a submission; ``status`` is what its provider says now, None where it was not asked."""
    if batch.collected_at is not None:
        return "done"
    if batch.state == "intended":
        return "submit"
    if (status or batch.state) in ENDED:
        return "collect"
    # Where nobody looked for days it may be done: the provider is asked once more before it is given up.
    if status is None and now >= _look_at(batch, now, patience):
        return "find" if batch.state == "submitting" else "poll"
    if status == "absent" and batch.state == "submitting" and now >= _begun(batch) + patience.settles:
        return "submit"  # it was never accepted, however late that is looked at
    return "cancel" if now >= _begun(batch) + patience.batch else "wait"


def _begun(batch: Submission) -> datetime:
    return batch.submitted_at or batch.attempted_at or batch.intended_at


def _look_at(batch: Submission, now: datetime, patience: Patience) -> datetime:
    """Return when a submission is to be asked about next."""
    last = batch.checked_at
    if last is None:
        return _begun(batch)
    pause = min(max((now - _begun(batch)) / patience.share, patience.first_look), patience.seldom)
    return last + pause


def overall(submissions: Sequence[Submission], *, room: int) -> BatchStatus:
    """Return the state of a batch; ``room`` is how many tokens its provider takes more at present.

    What ended and was not collected yet counts as it ended. After that a batch is completed where every request came to something or was
    asked for again, and else it is as its last bad submission was.
    """
    unsent = [one for one in submissions if one.state == "intended" and one.collected_at is None]
    if any(one.is_open and one.state != "intended" for one in submissions):
        return "pending"
    if any(one.tokens <= room for one in unsent):
        return "unsent"
    ended = [one for one in submissions if one.collected_at is None and not one.is_open]
    if ended:
        return _as_ended(ended[0])
    if unsent:
        return "pending"
    bad = [one for one in submissions if one.problems or one.state == "canceled"]
    return _as_ended(bad[-1]) if bad else "completed"


def _as_ended(submission: Submission) -> BatchStatus:
    return submission.state if submission.state not in ("intended", "submitting") else "pending"


def sendable(submissions: Iterable[Submission], *, room: int) -> list[Submission]:
    """Return the intended submissions that their provider has room for, those first that were intended first."""
    taken: list[Submission] = []
    for one in submissions:
        if one.state == "intended" and one.collected_at is None and one.tokens <= room:
            taken.append(one)
            room -= one.tokens
    return taken
