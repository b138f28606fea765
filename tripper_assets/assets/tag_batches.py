"""Ask: the questions to remote voters, submitted within the month's budget; what comes of them is collected by tag_votes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster import ResourceParam

from tripper_assets.assets.activities import OWNERS
from tripper_assets.catalog.submissions import Submissions
from tripper_assets.catalog.usage import spent_in_month
from tripper_assets.clients.asking_voters import Plan, UnderWay, plan, questions, under_way
from tripper_assets.clients.objects import Objects
from tripper_assets.clients.tagging import BatchTagger
from tripper_assets.columns import ASKED_ORIGINS, column_metadata, column_schema
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.batches import PATIENCE, Batch, Origin
from tripper_assets.domain.errors import TripperError
from tripper_assets.domain.identity import ids_sha256
from tripper_assets.domain.llm import Spending
from tripper_assets.domain.model import Problem
from tripper_assets.domain.sources import Source
from tripper_assets.domain.tag_runs import TagBatches, Voter, VoterBatch
from tripper_assets.domain.tags import VoteKey, tagging_text_sha256
from tripper_assets.failures import is_last_attempt
from tripper_assets.freshness import SCRAPED_DAILY
from tripper_assets.partitions import TAGGERS_TAG, source_partitions
from tripper_assets.resources import Catalog, Clock
from tripper_assets.tracking import Stage, stage
from tripper_assets.voters import Panel, Reach, Taggers

ASSET, PURPOSE = "tag_batches", "tags"
REFINEMENT = "refinement"
"""The other purpose of the month's budget."""
EVER = datetime(1970, 1, 1, tzinfo=UTC)
"""Since when refinements are looked for: a source that is crawled once a month would never learn what it asked for."""
STILL_THERE = timedelta(days=7)
"""So long what nobody sent or collected of a batch is waited for, with its part of the budget, instead of being asked for again."""


@dg.asset(
    partitions_def=source_partitions,
    group_name="tag",
    kinds={"python", "json"},
    owners=OWNERS,
    description="The durable handle of the questions that remote voters were asked; what is under way or was answered is never asked again.",
    metadata=column_metadata(column_schema(TagBatches), ASKED_ORIGINS),
    freshness_policy=SCRAPED_DAILY,
)
def tag_batches(
    context: dg.AssetExecutionContext,
    activities: list[Activity],
    catalog: ResourceParam[Catalog],
    objects: ResourceParam[Objects],
    taggers: ResourceParam[Taggers],
    clock: ResourceParam[Clock],
) -> TagBatches:
    """Submit what has no vote yet; with the local voter alone there is nothing to do."""
    with stage(context, catalog, clock) as work:
        panel = taggers.panel(work.source.config.taggers, reach := Reach(catalog, objects, clock))
        work.counts |= {"remote": len(panel.remote), "off": dict(panel.off)}
        if TAGGERS_TAG in context.run.tags:
            panel = panel.asking(context.run.tags[TAGGERS_TAG].split(","))
        batches: tuple[VoterBatch, ...] = ()
        if panel.remote and not work.replay_of:  # a replay asks nobody
            batches = tuple(Asking(work, panel, reach, context.retry_number).submitted(activities))
        context.add_output_metadata(work.metadata())
    ids = ids_sha256(one.id for one in activities)
    return TagBatches(ids_sha256=ids, runs=work.source.config.tag_runs, batches=batches)


@dataclass
class Asking:
    """One round of questions about the activities of a source."""

    work: Stage
    panel: Panel
    reach: Reach
    retry_number: int
    _left: Spending = field(init=False)

    def submitted(self, activities: Sequence[Activity]) -> Iterator[VoterBatch]:
        """Yield what is waited for, as soon as the catalog knows of it."""
        known, waiting = self._known(activities), asked_before(self.work.source, self.reach)
        self._left = left_of_month(self.work.source, self.reach, waiting)
        self.work.counts |= {"rows": len(activities), "fetched": 0, "under_way": 0, "unaffordable": 0}
        for tagger in self.panel.remote:
            asked = questions(activities, tagger.voter, self.work.source.config.tag_runs, known)
            planned = plan(asked, tagger, waiting=waiting.batches, left=self._left)
            self._count(planned, tagger.voter)
            for batch in self._of_voter(planned, tagger):
                self.reach.catalog.batches.submitted(batch_row(batch, self.work, self.reach.clock()))
                yield batch

    def _known(self, activities: Sequence[Activity]) -> set[VoteKey]:
        texts = [(one.id, tagging_text_sha256(one)) for one in activities]
        return self.reach.catalog.votes.keys(self.work.source.key, texts)

    def _count(self, planned: Plan, voter: Voter) -> None:
        counts = self.work.counts
        counts["fetched"] += len(planned.asked)
        counts["under_way"] += len(planned.earlier)
        counts["unaffordable"] += planned.unaffordable
        if planned.unaffordable:
            self.work.problems.append(_over_budget(self.work, voter, planned.unaffordable))

    def _of_voter(self, planned: Plan, tagger: BatchTagger) -> list[VoterBatch]:
        """Return the batches of one voter; one that cannot be asked keeps no other from being asked."""
        batches = [VoterBatch(**tagger.voter._asdict(), batch_id=one) for one in planned.earlier]
        if not planned.asked:
            return batches
        # Before it is submitted: a voter that fails half way may have taken some of it.
        self._left = Spending(self._left.tokens - planned.most.tokens, self._left.usd - planned.most.usd)
        origin = Origin(self.work.workflow_id, self.work.source.key, self.work.asset, PURPOSE)
        try:
            batch_id = tagger.submit(planned.asked, origin)
        except TripperError as error:
            if not is_last_attempt(error, self.retry_number):
                raise
            self.work.problems.append(unavailable(tagger.voter, error))
            return batches
        made = VoterBatch(**tagger.voter._asdict(), batch_id=batch_id, requested=len(planned.asked))
        return [*(one for one in batches if one.batch_id != batch_id), made]


def asked_before(source: Source, reach: Reach) -> UnderWay:
    """Return what voters and refiners were asked: by this workflow before its process was killed, or by one that nobody collected yet.

    Raises:
        TransientError: the catalog or the store does not answer.
    """
    table, since = Submissions(reach.catalog.database), reach.clock() - STILL_THERE
    asked = (*table.of_source(source.key, PURPOSE, since), *table.of_source(source.key, REFINEMENT, EVER))
    return under_way(asked, reach.objects)


def left_of_month(source: Source, reach: Reach, waiting: UnderWay) -> Spending:
    """Return what a source's tags may still cost this month, with what ``waiting`` answers can have.

    Raises:
        TransientError: the catalog does not answer.
    """
    now = reach.clock()
    purposes = (PURPOSE, REFINEMENT)
    spent = spent_in_month(reach.catalog.database, source.key, purposes, now, unsent_since=now - STILL_THERE)
    tokens = source.config.tag_tokens_per_month - spent.tokens - waiting.output_tokens
    return Spending(tokens, source.config.tag_usd_per_month - spent.usd)


def unavailable(voter: Voter, error: TripperError) -> Problem:
    """Return the problem of a voter that cannot be asked now."""
    message = f"{error} The next workflow asks what is missing."
    return Problem(code="tagger_unavailable", subject=f"{voter.provider} {voter.model}", message=message)


def _over_budget(work: Stage, voter: Voter, count: int) -> Problem:
    config = work.source.config
    message = (
        f"{count} questions to {voter.provider} {voter.model} were not asked, for they could take the source beyond its {config.tag_tokens_per_month:,}"
        f" tokens or ${config.tag_usd_per_month:g} of this month; raise tag_tokens_per_month or tag_usd_per_month, or wait: a later workflow asks them."
    )
    return Problem(code="tag_budget", subject=work.source.url, message=message)


def batch_row(batch: VoterBatch, work: Stage, now: datetime) -> Batch:
    """Return the row of a batch that a workflow waits for from ``now`` on."""
    return Batch(
        workflow_id=work.workflow_id, asset=ASSET, provider=batch.provider, batch_id=batch.batch_id, model=batch.model,
        requested=batch.requested, submitted_at=now, deadline_at=now + PATIENCE,
    )  # fmt: skip
