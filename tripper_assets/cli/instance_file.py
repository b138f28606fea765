"""What the dagster.yaml of a home says beyond the project's own: a storage that keeps its connections, and a log in JSON where one is asked for."""

import json
import re
from pathlib import Path

STORAGE = """storage:
  # Dagster's own SQLite files in their own places, opened with connections that are kept: a run takes half the CPU.
  custom:
    module: tripper_assets.instance_storage
    class: SqliteStorage
    config:
      base_dir: {home}
"""
LOG = """python_logs:
  dagster_handler_config:
    handlers:
      json_lines:
        (): tripper_assets.run_log.JsonLinesFile
        level: DEBUG
        path: {path}
"""


def instance_file(project: str, *, home: Path, log: Path | None) -> str:
    """Return the text for a home; what ``project``, the project's own text, says itself of storage or logs stands."""
    text = project
    if not _says(text, "storage|run_storage|event_log_storage|schedule_storage"):
        text = f"{text.rstrip()}\n{STORAGE.format(home=json.dumps(str(home), ensure_ascii=False))}"
    if log and not _says(text, "python_logs"):
        text = f"{text.rstrip()}\n{LOG.format(path=json.dumps(str(log), ensure_ascii=False))}"
    return text


def _says(text: str, keys: str) -> bool:
    return re.search(rf"^(?:{keys}):", text, re.MULTILINE) is not None
