"""Runs every benchmark of this folder (or the named ones), prints one table, and writes results/latest.json."""

import importlib
import json
import pkgutil
import sys
from pathlib import Path
from typing import Any

import benchmarks

RESULTS = Path(__file__).parent / "results" / "latest.json"
NOT_MEASURING = {
    "__main__", "api_load", "api_servers", "crawl_changes", "crawl_memory", "dlt_merge", "empty_graph", "figure", "import_memory", "labelled_activities", "linked_sites", "one_core", "our_crawls", "page_server", "repository_memory", "sample_pages", "search_questions", "search_topics", "search_world",
    "sample_records", "scrapy_crawls", "vector_memory",
}  # fmt: skip


def main(names: list[str]) -> None:
    """Measure, print and write; of the benchmarks that are named alone the rows are replaced, and the others stay as they were measured."""
    found = sorted(module.name for module in pkgutil.iter_modules(benchmarks.__path__))
    measuring = [one for one in found if one not in NOT_MEASURING]
    rows: list[dict[str, Any]] = []
    for name in names or measuring:
        for figure in importlib.import_module(f"benchmarks.{name}").measure():
            rows.append(figure.row())
            print(_line(rows[-1]), flush=True)
    kept = json.loads(RESULTS.read_text(encoding="utf-8")) if names and RESULTS.exists() else []
    rows += [row for row in kept if not row["name"].startswith(tuple(one.removesuffix("s") for one in names))]
    order = {name: place for place, name in enumerate(measuring)}
    rows.sort(key=lambda row: max(order[one] for one in measuring if row["name"].startswith(one.removesuffix("s"))))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


def _line(row: dict[str, Any]) -> str:
    beside = [
        f"{row[f'{other}_name']} {row[other]:.4g} (ratio {row[f'ratio_to_{other}']})"
        for other in ("peer", "limit")
        if row[other] is not None
    ]
    return ", ".join([f"{row['name']}: {row['ours']:.4g} {row['unit']}", *beside])


if __name__ == "__main__":
    main(sys.argv[1:])
