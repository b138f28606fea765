"""What tests of claims share: processes that ended or go on, and a claim by one of them."""

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager

from tripper_assets.clients.processes import ProcessIdentity
from tripper_assets.domain.claims import Claim
from tripper_assets.domain.model import SourceKey
from tripper_assets.resources import utc_now


def dead_process() -> ProcessIdentity:
    """Return a process that has ended."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    mine = ProcessIdentity.mine()
    return ProcessIdentity(mine.host, ended.pid, mine.started)


@contextmanager
def other_process() -> Generator[ProcessIdentity]:
    """Yield a process that is not ours and goes on until the block ends."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        try:
            identity = ProcessIdentity.here(child.pid)
            assert identity is not None
            yield identity
        finally:
            child.kill()


def claim_by(process: ProcessIdentity, source_key: SourceKey, run_id: str, workflow_id: str = "w") -> Claim:
    """Return the claim of a run that a process works on."""
    return Claim(
        source_key=source_key,
        run_id=run_id,
        workflow_id=workflow_id,
        host=process.host,
        pid=process.pid,
        process_started=process.started,
        claimed_at=utc_now(),
    )
