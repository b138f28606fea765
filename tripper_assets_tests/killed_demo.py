"""A process that runs the demo as the command does, and writes down what it asks of the geocoder and the embedder; others start and kill it.

It is forked off a process that has the modules loaded and nothing of ours done: loading them takes each process some seconds.
"""

import faulthandler
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tripper_assets.cli import main
from tripper_assets.clients.gazetteer import OfflineGeocoder
from tripper_assets.clients.instant_batches import InstantBatches

if TYPE_CHECKING:
    from tripper_assets.domain.batches import Origin

STAGES = ("activities", "embeddings", "geocoding", "images", "imports", "publishing", "tags")
LOADED = [
    *("dagster_aws.s3", "onnxruntime", "pandas", "pyarrow.parquet", "tokenizers"),
    *("tripper_assets.jobs", "tripper_assets.sensors", *(f"tripper_assets.assets.{name}" for name in STAGES)),
    *("tripper_assets.cli.demo", "tripper_assets.cli.launch", "tripper_assets.cli.run", __name__),
]
"""What a demo loads on its way; not the code location, which reads the environment, nor libvips, which has threads."""
COMMAND = ["tripper", "demo", "--keep-files", "--json"]


def work(environment: Mapping[str, str], folder: str, counted: str) -> None:
    """Run the demo in a session of its own, with its output in two files of ``folder``."""
    os.setsid()
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(Path(folder) / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT), number)
    faulthandler.enable()
    for name in [name for name in os.environ if name.startswith(("TRIPPER_", "DAGSTER_", "COV_"))]:
        del os.environ[name]
    os.environ.update(environment)
    _count(os.open(counted, os.O_WRONLY | os.O_APPEND | os.O_CREAT))
    sys.argv = COMMAND
    (Path(folder) / "began").touch()
    main()


def _count(file: int) -> None:
    """Write a line of what is asked for: it is whole or not there, however the process ends."""
    geocode, submit = OfflineGeocoder.geocode, InstantBatches.submit

    def counting_geocode(self: OfflineGeocoder, query: Any) -> Any:
        os.write(file, f"place {query.key()}\n".encode())
        return geocode(self, query)

    def counting_submit(self: Any, texts: Mapping[str, str], origin: "Origin") -> str:
        embed = self._embedder.embed

        def counting_embed(asked: Sequence[str], origin: "Origin | None" = None) -> Any:
            os.write(file, "".join(f"text {one!r}\n" for one in asked).encode())
            return embed(asked, origin)

        self._embedder.embed = counting_embed
        return submit(self, texts, origin)

    OfflineGeocoder.geocode, InstantBatches.submit = counting_geocode, counting_submit
