"""Tag: the votes on each activity, and the consensus that they come to."""

from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field

import dagster as dg
from dagster import ResourceParam

from tripper_assets.assets.activities import OWNERS
from tripper_assets.assets.refining import Refining
from tripper_assets.assets.tag_batches import PURPOSE, STILL_THERE, batch_row, unavailable
from tripper_assets.catalog.usage import spent_on
from tripper_assets.checks.publishing import as_check_result, tag_check_specs
from tripper_assets.clients.asking_voters import Brought, collect_batch, questions
from tripper_assets.clients.objects import Objects
from tripper_assets.clients.tagging import BatchTagger, collect_votes
from tripper_assets.columns import TAG_ORIGINS, VOTE_ORIGINS, column_metadata, column_schema
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.consensus import TaggedActivity, consensus
from tripper_assets.domain.errors import TripperError
from tripper_assets.domain.identity import ids_sha256
from tripper_assets.domain.maps import TagsMap, TagVotes
from tripper_assets.domain.model import Problem
from tripper_assets.domain.tag_quality import check_tags
from tripper_assets.domain.tag_runs import TagBatches, Voter, VoterBatch, progress_of
from tripper_assets.domain.tags import Vote, tagging_text_sha256
from tripper_assets.failures import is_last_attempt
from tripper_assets.freshness import SCRAPED_DAILY
from tripper_assets.partitions import source_partitions
from tripper_assets.previews import page_links
from tripper_assets.resources import Catalog, Clock
from tripper_assets.settings import Settings
from tripper_assets.tracking import Stage, stage
from tripper_assets.voters import Panel, Reach, Taggers

# Behind the embeddings: the local tagger compares the vectors that those leave in the cache.
LATER = {"dagster/priority": "-1"}


@dg.asset(
    partitions_def=source_partitions,
    group_name="tag",
    kinds={"python", "parquet"},
    owners=OWNERS,
    op_tags=LATER,
    output_required=False,
    description="Every voter's answer about each activity's text; while a remote voter's batch is pending nothing is yielded, and the workflow waits.",
    metadata=column_metadata(column_schema(Vote), VOTE_ORIGINS),
    freshness_policy=SCRAPED_DAILY,
)
def tag_votes(
    context: dg.AssetExecutionContext,
    activities: list[Activity],
    tag_batches: TagBatches | None,
    catalog: ResourceParam[Catalog],
    objects: ResourceParam[Objects],
    taggers: ResourceParam[Taggers],
    settings: ResourceParam[Settings],
    clock: ResourceParam[Clock],
) -> Generator[dg.Output[TagVotes]]:
    """Vote on what nobody voted on yet, and take what the remote voters said, if they are done."""
    with stage(context, catalog, clock, pages_url=settings.pages_url) as work:
        reach = Reach(catalog, objects, clock)
        polling = Polling(
            work, activities, taggers.panel(work.source.config.taggers, reach), reach, context.retry_number
        )
        # None of a workflow that began before there was this asset.
        runs = work.source.config.tag_runs
        votes = polling.votes(tag_batches or TagBatches(ids_sha256="", runs=runs))
        if votes is None:
            catalog.workflows.set_status(work.workflow_id, "waiting", work.skipped, at=clock())
            context.log.info(work.skipped)
    if votes is not None:
        yield dg.Output(TagVotes(ids_sha256(one.id for one in activities), votes), metadata=work.metadata())


@dataclass
class Polling:
    """One round of votes on the activities of a source."""

    work: Stage
    activities: Sequence[Activity]
    panel: Panel
    reach: Reach
    retry_number: int
    _made: int = 0
    """Votes that are new and count."""
    _texts: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self._texts = {one.id: tagging_text_sha256(one) for one in self.activities}

    def votes(self, asked: TagBatches) -> tuple[Vote, ...] | None:
        """Return all votes that count, ordered by key; None while a batch is pending."""
        found = self._local()
        pending = [one for one in asked.batches if self._brought(one, asked.runs).is_pending]
        if self.panel.remote:
            found = self._stored()
        self._count(found, asked.runs)
        if pending:
            told = ", ".join(f"{one.provider} {one.model} ({one.batch_id})" for one in pending)
            self.work.skipped = f"Batches of questions are pending: {told}."
            return None
        return found

    def _local(self) -> tuple[Vote, ...]:
        if self.panel.local is None:
            return ()
        known, key = self.reach.catalog.lenient.votes, self.work.source.key
        found = collect_votes(
            self.activities, tagger=self.panel.local, known=known, source_key=key, at=self.reach.clock()
        )
        self._made += found.fetched
        return found.votes

    def _stored(self) -> tuple[Vote, ...]:
        """Return the votes of everybody who votes now, and on the question that is asked now."""
        votes = self.reach.catalog.votes.load(self.work.source.key, list(self._texts.items()))
        voters = set(self.panel.voters)
        return tuple(one for one in votes if Voter(*one.key[3:]) in voters)

    def _brought(self, batch: VoterBatch, runs: int) -> Brought:
        """Collect one batch; one that cannot be asked for keeps no other waiting, and stays for a later workflow."""
        tagger = next((one for one in self.panel.remote if one.voter == batch.voter), None)
        try:
            brought = self._collected(batch, runs, tagger) if tagger else _abandoned(batch)
        except TripperError as error:
            if not is_last_attempt(error, self.retry_number):
                raise
            brought = Brought("failed", [unavailable(batch.voter, error)])
        self.work.problems += brought.problems
        return brought

    def _collected(self, batch: VoterBatch, runs: int, tagger: BatchTagger) -> Brought:
        catalog, now = self.reach.catalog, self.reach.clock()
        row = batch_row(batch, self.work, now)
        # Again, because the handle may be an earlier workflow's with the same activities: who waits is looked after by its own row.
        catalog.batches.submitted(row)
        rows = [one for one in catalog.batches.of_workflow(self.work.workflow_id) if one.batch_id == batch.batch_id]
        asked = questions(self.activities, batch.voter, runs)
        overdue = any(now >= one.deadline_at for one in rows)
        brought = collect_batch(batch, asked, tagger, self._keep, at=now, overdue=overdue)
        catalog.batches.checked(row, brought.status, now)
        return brought

    def _keep(self, votes: Sequence[Vote]) -> None:
        self.reach.catalog.votes.save(self.work.source.key, votes)
        self._made += sum(self._texts.get(one.activity_id) == one.text_sha256 for one in votes)

    def _count(self, found: Sequence[Vote], runs: int) -> None:
        self.work.counts |= {
            "rows": len(found),
            "fetched": self._made,
            "reused": len(found) - self._made,
            "errors": sum(bool(one.error) for one in found),
            "tokens": 0,
            "usd": 0.0,
        }
        local = self.panel.local.voter if self.panel.local else None
        self.work.counts["progress"] = [
            progress_of(self._texts, one, 1 if one == local else runs, found).model_dump() for one in self.panel.voters
        ]
        self.work.problems += [
            Problem(code=one.error, subject=one.activity_id, message=f"{one.provider} {one.model}")
            for one in found
            if one.error
        ]
        if self.panel.remote:
            with self.reach.catalog.database.session() as session:
                tokens, usd = spent_on(session, self.work.workflow_id, PURPOSE)
            self.work.counts |= {"tokens": tokens, "usd": round(usd, 6)}


def _abandoned(batch: VoterBatch) -> Brought:
    message = (
        f"{batch.provider} {batch.model} votes no more, or on another question, and its batch is left; "
        f"name it among the taggers again within {STILL_THERE.days} days, with its key, and a later workflow collects its answers to a "
        "question that is still asked."
    )
    return Brought("failed", [Problem(code="tagger_off", subject=batch.batch_id, message=message)])


@dg.asset(
    partitions_def=source_partitions,
    group_name="tag",
    kinds={"python", "parquet"},
    owners=OWNERS,
    op_tags=LATER,
    check_specs=tag_check_specs("activity_tags"),
    description="The votes' consensus by activity id: plurality, shares and medians, with what waits for a person; refined where the source wants that.",
    metadata=column_metadata(column_schema(TaggedActivity), TAG_ORIGINS),
    freshness_policy=SCRAPED_DAILY,
)
def activity_tags(
    context: dg.AssetExecutionContext,
    activities: list[Activity],
    tag_votes: TagVotes,
    catalog: ResourceParam[Catalog],
    objects: ResourceParam[Objects],
    taggers: ResourceParam[Taggers],
    settings: ResourceParam[Settings],
    clock: ResourceParam[Clock],
) -> Generator[dg.Output[TagsMap] | dg.AssetCheckResult]:
    """Count the votes, and have the result refined where the source wants that."""
    with stage(context, catalog, clock) as work:
        agreed = consensus(tag_votes.rows)
        tagged = agreed.activities
        if work.source.config.refine_tags:
            refining = Refining(work, taggers, Reach(catalog, objects, clock), context.retry_number)
            tagged = refining.refined(activities, tag_votes.rows, tagged)
        alphas = {one.field: one.alpha for one in agreed.fields if one.alpha is not None}
        work.counts |= {
            "rows": len(agreed.activities),
            "for_review": sum(bool(one.review) for one in agreed.activities),
            "votes": len(tag_votes.rows),
            "labels": dict(Counter(label for one in tagged for label in one.tags.categories)),
            "alpha": alphas,
            "voters": agreed.weights,
        }
        if alphas:
            work.counts["lowest_alpha"] = min(alphas.values())
        results = check_tags([one.id for one in activities], tag_votes.rows, agreed)
    yield dg.Output(TagsMap(tag_votes.ids_sha256, tagged), metadata=work.metadata())
    for result in results:
        yield as_check_result(result, page_links(settings.pages_url, work.workflow_id))
