"""Six empty assets in the real graph's shape (two in a chain, three beside each other, one that joins them): what runs cost that do nothing."""

import os

import dagster as dg

EXECUTOR_VARIABLE = "EMPTY_GRAPH_EXECUTOR"
PARTITIONS = dg.DynamicPartitionsDefinition(name="empty")
UPSTREAM: dict[str, list[str]] = {
    "fetched": [],
    "standardized": ["fetched"],
    "left": ["standardized"],
    "middle": ["standardized"],
    "right": ["standardized"],
    "joined": ["left", "middle", "right"],
}
# Not those of tripper_assets.definitions: every run would import all of the real graph.
EXECUTORS = {"": None, "in_process": dg.in_process_executor, "multiprocess": dg.multiprocess_executor}


def _empty(name: str, upstream: list[str]) -> dg.AssetsDefinition:
    @dg.asset(name=name, deps=upstream, partitions_def=PARTITIONS)
    def empty() -> None:
        pass

    return empty


defs = dg.Definitions(
    assets=[_empty(name, upstream) for name, upstream in UPSTREAM.items()],
    executor=EXECUTORS[os.environ.get(EXECUTOR_VARIABLE, "")],
)
