"""Runs every benchmark of this folder (or the named ones), prints one table, and writes results/latest.json."""

import importlib
import json
import pkgutil
import sys
from pathlib import Path
from typing import Any

import benchmarks

RESULTS = Path(__file__).parent / "results" / "latest.json"
NOT_MEASURING = {"__main__", "empty_graph", "figure", "page_server", "sample_pages", "sample_records"}


def main(names: list[str]) -> None:
    """Measure, print and write."""
    found = sorted(module.name for module in pkgutil.iter_modules(benchmarks.__path__))
    rows: list[dict[str, Any]] = []
    for name in names or [one for one in found if one not in NOT_MEASURING]:
        for figure in importlib.import_module(f"benchmarks.{name}").measure():
            rows.append(figure.row())
            print(_line(rows[-1]), flush=True)
    if not names:
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
