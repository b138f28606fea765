"""Tag: the votes on each activity, and the consensus that they come to."""

from collections import Counter
from collections.abc import Generator

import dagster as dg
from dagster import ResourceParam

from tripper_assets.assets.activities import OWNERS
from tripper_assets.checks.publishing import as_check_result, tag_check_specs
from tripper_assets.clients.tagging import Tagger, collect_votes
from tripper_assets.columns import TAG_ORIGINS, VOTE_ORIGINS, column_metadata, column_schema
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.consensus import TaggedActivity, consensus
from tripper_assets.domain.identity import ids_sha256
from tripper_assets.domain.maps import TagsMap, TagVotes
from tripper_assets.domain.model import Problem
from tripper_assets.domain.tag_quality import check_tags
from tripper_assets.domain.tags import Vote
from tripper_assets.freshness import SCRAPED_DAILY
from tripper_assets.partitions import source_partitions
from tripper_assets.previews import page_links
from tripper_assets.resources import Catalog, Clock
from tripper_assets.settings import Settings
from tripper_assets.tracking import stage

# Behind the embeddings: the local tagger compares the vectors that those leave in the cache.
LATER = {"dagster/priority": "-1"}


@dg.asset(
    partitions_def=source_partitions,
    group_name="tag",
    kinds={"python", "parquet"},
    owners=OWNERS,
    op_tags=LATER,
    description="Every voter's answer about each activity's text; a text that somebody voted on is never asked about again by the same one.",
    metadata=column_metadata(column_schema(Vote), VOTE_ORIGINS),
    freshness_policy=SCRAPED_DAILY,
)
def tag_votes(
    context: dg.AssetExecutionContext,
    activities: list[Activity],
    catalog: ResourceParam[Catalog],
    tagger: ResourceParam[Tagger],
    clock: ResourceParam[Clock],
) -> TagVotes:
    """Vote on what nobody voted on yet."""
    with stage(context, catalog, clock) as work:
        found = collect_votes(
            activities, tagger=tagger, known=catalog.lenient.votes, source_key=work.source.key, at=clock()
        )
        work.counts |= {"rows": len(found.votes), "fetched": found.fetched, "reused": len(found.votes) - found.fetched}
        work.problems += [
            Problem(code=one.error, subject=one.activity_id, message=f"{one.provider} {one.model}")
            for one in found.votes
            if one.error
        ]
        context.add_output_metadata(work.metadata())
    return TagVotes(ids_sha256(one.id for one in activities), found.votes)


@dg.asset(
    partitions_def=source_partitions,
    group_name="tag",
    kinds={"python", "parquet"},
    owners=OWNERS,
    op_tags=LATER,
    check_specs=tag_check_specs("activity_tags"),
    description="The votes' consensus by activity id: plurality, shares and medians, with what waits for a person.",
    metadata=column_metadata(column_schema(TaggedActivity), TAG_ORIGINS),
    freshness_policy=SCRAPED_DAILY,
)
def activity_tags(
    context: dg.AssetExecutionContext,
    activities: list[Activity],
    tag_votes: TagVotes,
    catalog: ResourceParam[Catalog],
    settings: ResourceParam[Settings],
    clock: ResourceParam[Clock],
) -> Generator[dg.Output[TagsMap] | dg.AssetCheckResult]:
    """Count the votes."""
    with stage(context, catalog, clock) as work:
        agreed = consensus(tag_votes.rows)
        work.counts |= {
            "rows": len(agreed.activities),
            "for_review": sum(bool(one.review) for one in agreed.activities),
        }
        work.counts["labels"] = dict(Counter(label for one in agreed.activities for label in one.tags.categories))
        work.counts["alpha"] = {one.field: one.alpha for one in agreed.fields if one.alpha is not None}
        work.counts["voters"] = agreed.weights
        results = check_tags([one.id for one in activities], tag_votes.rows, agreed)
    yield dg.Output(TagsMap(tag_votes.ids_sha256, agreed.activities), metadata=work.metadata())
    for result in results:
        yield as_check_result(result, page_links(settings.pages_url, work.workflow_id))
