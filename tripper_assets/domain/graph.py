"""How the assets of the graph follow from one another, for those who ask what is left to do without loading the graph."""

from collections.abc import Collection

# What each asset is made from: a test holds it against the graph, which takes seconds to build.
MADE_FROM: dict[str, tuple[str, ...]] = {
    "raw_activities": (),
    "activities": ("raw_activities",),
    "images_map": ("activities",),
    "geocoded_map": ("activities",),
    "embedding_batch": ("activities",),
    "embeddings_map": ("embedding_batch",),
    "tag_batches": ("activities",),
    "tag_votes": ("activities", "tag_batches"),
    "activity_tags": ("activities", "tag_votes"),
    "final_jsonl": ("activities", "images_map", "geocoded_map", "embeddings_map", "activity_tags"),
    "activity_diff": ("final_jsonl",),
    "imported_activities": ("final_jsonl", "embeddings_map", "activity_diff"),
    "workflow_cleanup": ("imported_activities",),
}

TAGGING = ("tag_batches", "tag_votes", "activity_tags")
"""What a workflow makes that only tags: the tags are published by the source's next workflow, which finds the votes and pays nothing."""


def only_tags(trigger: str, begun: Collection[str]) -> bool:
    """Return whether a workflow only tags, by what started it and the assets whose stages began."""
    return trigger == "tagging" or (bool(begun) and set(begun) <= set(TAGGING))


def left_to_do(done: Collection[str]) -> list[str]:
    """Return the assets that are not done, and those that are made from one of them, in the order of the graph."""
    left: list[str] = []
    for asset, parents in MADE_FROM.items():
        if asset not in done or set(parents) & set(left):
            left.append(asset)
    return left
