"""Enrich: a vector for each activity, through the path that a remote batch takes: submit in one asset, collect in another."""

from collections.abc import Generator, Sequence
from datetime import datetime

import dagster as dg
from dagster import ResourceParam

from tripper_assets.assets.activities import OWNERS
from tripper_assets.catalog.spooled_caches import LenientEmbeddings
from tripper_assets.catalog.tag_refinements import TagRefinementTable
from tripper_assets.catalog.usage import spent_on
from tripper_assets.clients.embeddings import EmbeddingCache, EmbeddingProvider, collect_embeddings, submit_embeddings
from tripper_assets.columns import BATCH_ORIGINS, VECTOR_COLUMNS, VECTOR_ORIGINS, column_metadata, column_schema
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.batches import Batch, Origin, SubmittedBatch
from tripper_assets.domain.errors import TransientError
from tripper_assets.domain.maps import EmbeddingsMap
from tripper_assets.domain.model import ActivityId, Problem
from tripper_assets.domain.refinement import newest_embed_texts
from tripper_assets.domain.tags import tagging_text_sha256
from tripper_assets.freshness import SCRAPED_DAILY
from tripper_assets.partitions import source_partitions
from tripper_assets.resources import Catalog, Clock
from tripper_assets.settings import Settings
from tripper_assets.tracking import Stage, stage


@dg.asset(
    partitions_def=source_partitions,
    group_name="enrich",
    pool="embedder",
    kinds={"python", "json"},
    owners=OWNERS,
    description="The durable handle of the texts that were submitted for embedding; a text that was embedded before is never sent again.",
    metadata=column_metadata(column_schema(SubmittedBatch), BATCH_ORIGINS),
    freshness_policy=SCRAPED_DAILY,
)
def embedding_batch(
    context: dg.AssetExecutionContext,
    activities: list[Activity],
    catalog: ResourceParam[Catalog],
    embedding_provider: ResourceParam[EmbeddingProvider],
    clock: ResourceParam[Clock],
) -> SubmittedBatch:
    """Submit what the cache does not hold."""
    with stage(context, catalog, clock) as work:
        batch = submit_embeddings(
            activities,
            provider=embedding_provider,
            cache=_cache(catalog, embedding_provider),
            origin=Origin(work.workflow_id, work.source.key, work.asset, "embeddings"),
            asks=embedding_provider.is_free or not work.replay_of,
            instead=refined_texts(activities, work, catalog, embedding_provider),
        )
        if batch.batch_id and not embedding_provider.is_free:
            catalog.batches.submitted(_row(batch, work, clock()))
        work.counts |= {
            "rows": len(batch.ids),
            "fetched": batch.requested,
            "reused": batch.reused,
            "model": batch.model,
        }
        context.add_output_metadata(work.metadata())
    return batch


@dg.asset(
    partitions_def=source_partitions,
    group_name="enrich",
    kinds={"python", "parquet"},
    owners=OWNERS,
    output_required=False,
    description="Vectors by activity id (float32, unit length); while the provider's batch is pending nothing is yielded, and the workflow waits.",
    metadata=column_metadata(VECTOR_COLUMNS, VECTOR_ORIGINS),
    freshness_policy=SCRAPED_DAILY,
)
def embeddings_map(
    context: dg.AssetExecutionContext,
    embedding_batch: SubmittedBatch,
    catalog: ResourceParam[Catalog],
    embedding_provider: ResourceParam[EmbeddingProvider],
    settings: ResourceParam[Settings],
    clock: ResourceParam[Clock],
) -> Generator[dg.Output[EmbeddingsMap]]:
    """Collect the vectors, if the batch is done."""
    with stage(context, catalog, clock, pages_url=settings.pages_url) as work:
        collected = collect_embeddings(
            embedding_batch,
            provider=embedding_provider,
            cache=_cache(catalog, embedding_provider),
            overdue=_is_overdue(embedding_batch, embedding_provider, work, catalog, clock()),
        )
        if collected is None:
            work.skipped = f"The batch {embedding_batch.batch_id} is pending."
            # Again, because the handle may be an earlier workflow's with the same activities: who waits is looked after by its own row.
            catalog.batches.submitted(_row(embedding_batch, work, clock()))
            catalog.workflows.set_status(work.workflow_id, "waiting", work.skipped, at=clock())
            context.log.info(work.skipped)
        else:
            found, problems = collected
            work.problems += problems
            work.counts |= {"rows": len(found.ids), "model": found.model, "dimensions": found.dimensions}
            work.counts |= _spent(catalog, embedding_provider, work)
    if collected is not None:
        yield dg.Output(collected[0], metadata=work.metadata())


def _cache(catalog: Catalog, provider: EmbeddingProvider) -> EmbeddingCache:
    """Return the cache: with a provider that costs nothing work goes on while the catalog is down."""
    return LenientEmbeddings(catalog.embeddings) if provider.is_free else catalog.embeddings


def refined_texts(
    activities: Sequence[Activity], work: Stage, catalog: Catalog, provider: EmbeddingProvider
) -> dict[ActivityId, str]:
    """Return by activity what a refiner made of its text, where the source wants that embedded and there is some of the present text.

    Raises:
        TransientError: the catalog does not answer, and asking for other vectors instead would cost something.
    """
    if work.source.config.embed_text == "stated":
        return {}
    texts = [(one.id, tagging_text_sha256(one)) for one in activities]
    try:
        found = newest_embed_texts(TagRefinementTable(catalog.database).load(work.source.key, texts))
    except TransientError as error:
        if not provider.is_free:
            raise
        work.problems.append(Problem(code="catalog_down", subject=work.source.url, message=str(error)))
        found = {}
    work.counts["refined"] = len(found)
    return found


def _spent(catalog: Catalog, provider: EmbeddingProvider, work: Stage) -> dict[str, int | float]:
    if provider.is_free:
        return {}
    with catalog.database.session() as session:
        tokens, usd = spent_on(session, work.workflow_id, "embeddings")
    return {"tokens": tokens, "usd": round(usd, 6)}


def _row(batch: SubmittedBatch, work: Stage, now: datetime) -> Batch:
    return Batch.awaited(batch, workflow_id=work.workflow_id, asset="embedding_batch", at=now)


def _is_overdue(
    batch: SubmittedBatch, provider: EmbeddingProvider, work: Stage, catalog: Catalog, now: datetime
) -> bool:
    """Return whether the batch's deadline has passed; a local one has none."""
    if provider.is_free:
        return False
    rows = [one for one in catalog.batches.of_workflow(work.workflow_id) if one.batch_id == batch.batch_id]
    return any(now >= one.deadline_at for one in rows)
