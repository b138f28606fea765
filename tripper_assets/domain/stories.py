"""What a stage did, in one sentence for a person who looks at its materialization."""

from collections.abc import Mapping
from typing import Any

STORIES = {
    "raw_activities": "{rows} raw activities from {pages} pages: {fetched} pages fetched, {reused} unchanged, {failed} failed.",
    "activities": "{rows} activities from {raw_activities} raw ones: {folded} folded into another, {rejected} rejected.",
    "images_map": "{stored} pictures: {fetched} fetched, {reused} reused, {rejected} rejected, {failed} without an answer.",
    "geocoded_map": "{rows} activities: {publisher} places stated by their publisher, {found} found, {not_found} not found, {ambiguous} ambiguous, {deferred} deferred.",
    "embedding_batch": "{rows} activities: {fetched} texts submitted, {reused} embedded before.",
    "embeddings_map": "{rows} vectors of {model}, {dimensions} numbers each.",
    "tag_batches": "{fetched} questions submitted to {remote} remote voters, {under_way} were under way; {unaffordable} had no room in the budget.",
    "tag_votes": "{rows} votes: {fetched} cast now, {reused} before.",
    "activity_tags": "{rows} activities have tags; those of {for_review} wait for a person.",
    "final_jsonl": "{rows} records; {failed_checks} checks failed.",
    "activity_diff": "Against the last import: {added} added, {changed} changed, {removed} removed, {unchanged} unchanged.",
    "imported_activities": "{inserted} inserted, {updated} updated, {unchanged} unchanged, {removed} removed, {rejected} rejected.",
    "workflow_cleanup": "{rows} files removed, {bytes_removed} bytes freed.",
}  # fmt: skip


class _Counts(dict[str, Any]):
    """Counts in which what was not counted is 0."""

    def __missing__(self, name: str) -> int:
        return 0


def story(asset: str, counts: Mapping[str, Any]) -> str:
    """Return what an asset's stage did by its counts; empty for an asset that has no story."""
    return STORIES.get(asset, "").format_map(_Counts(counts))
