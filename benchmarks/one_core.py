"""One core for what is measured and another for who serves it, so that neither takes the other's time."""

import json
import os
import subprocess
import sys
from typing import Any

MEASURED, SERVING = 0, -1


def stay_on(place: int) -> None:
    """Keep this process, and those that it starts from now on, on one core; where the system cannot, it goes on as it is."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[place]})


def answered(module: str, **job: Any) -> dict[str, Any]:  # noqa: ANN401 (JSON)
    """Return what a module of this folder prints as its last line of JSON, run in a process of its own with ``job`` as its argument."""
    command = [sys.executable, "-m", f"benchmarks.{module}", json.dumps(job)]
    found = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(found.stdout.splitlines()[-1])
