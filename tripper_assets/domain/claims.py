"""Who works on a source: one run at a time, however it was launched."""

from datetime import datetime

from tripper_assets.domain.errors import PermanentError
from tripper_assets.domain.model import Model, SourceKey


class Claim(Model):
    """A run's hold on a source, and the process that does its work."""

    source_key: SourceKey
    run_id: str
    workflow_id: str
    host: str
    pid: int
    process_started: float
    """When the system started the process, in seconds since 1970; a pid alone comes again."""
    claimed_at: datetime


class SourceHeldError(PermanentError):
    """Another run works on the source; ``elsewhere`` says that it does so on another machine, where we cannot look."""

    def __init__(self, holder: Claim, *, elsewhere: bool = False) -> None:
        free = f"; if {holder.host} is gone, `tripper sources free {holder.source_key}` frees it" if elsewhere else ""
        super().__init__(
            f"The source {holder.source_key} is held by run {holder.run_id} since {holder.claimed_at:%Y-%m-%d %H:%M} UTC "
            f"(process {holder.pid} on {holder.host}); wait for its end or cancel it, and try again{free}."
        )
        self.holder = holder
