"""The tables of paid models: answers that were paid, what each workflow spent on whom, and what providers' batches were asked for."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from tripper_assets.catalog.crawl_models import Base  # with the tables that these refer to, and all others
from tripper_assets.catalog.model_base import empty_column, now_column, number_column, of_some_workflow


class LlmCacheRow(Base):
    """A model's answer to one question, found by the hashes of what was asked about and of how."""

    __tablename__ = "llm_cache"
    model: Mapped[str] = mapped_column(primary_key=True)
    prompt_sha256: Mapped[str] = mapped_column(primary_key=True)
    content_sha256: Mapped[str] = mapped_column(primary_key=True)
    answer: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = now_column()


class LlmUsageRow(Base):
    """One question to a model, or one batch of them: what it may cost while it is open, and what it did cost afterwards."""

    __tablename__ = "llm_usage"
    __table_args__ = (
        CheckConstraint("status IN ('reserved', 'paid', 'free')", name="status"),
        CheckConstraint("input_tokens >= 0 AND output_tokens >= 0 AND usd >= 0", name="amounts"),
        Index(None, "at"),
        Index(
            "ix_llm_usage_submission_id",
            "submission_id",
            unique=True,
            postgresql_where=text("submission_id <> ''"),
        ),
    )
    id: Mapped[int] = number_column()
    workflow_id: Mapped[str | None] = of_some_workflow()
    source_key: Mapped[str | None] = mapped_column(ForeignKey("tripper.sources.key", ondelete="SET NULL"), index=True)
    purpose: Mapped[str]
    """What was asked for, such as gaps."""
    provider: Mapped[str]
    model: Mapped[str]
    prompt_sha256: Mapped[str]
    content_sha256: Mapped[str]
    status: Mapped[str]
    """reserved until it is known to be paid, or to have cost nothing; a killed process leaves it so, and it counts in full."""
    outcome: Mapped[str] = mapped_column(server_default="")
    input_tokens: Mapped[int] = mapped_column(server_default="0")
    output_tokens: Mapped[int] = mapped_column(server_default="0")
    cached_input_tokens: Mapped[int] = mapped_column(server_default="0")
    reasoning_tokens: Mapped[int] = mapped_column(server_default="0")
    total_tokens: Mapped[int]
    """Input and output; of an open question the most that it can be."""
    usd: Mapped[float]
    at: Mapped[datetime]
    requests: Mapped[int] = mapped_column(server_default="1")
    submission_id: Mapped[str] = empty_column()
    """The batch submission that it is for; empty for a call that is answered at once."""


class SubmissionRow(Base):
    """One batch of a provider: written before it is asked for, so that whatever happens it is found again and never asked for twice."""

    __tablename__ = "batch_submissions"
    __table_args__ = (
        CheckConstraint(
            "state IN ('intended', 'submitting', 'pending', 'completed', 'failed', 'expired', 'canceled')", name="state"
        ),
        Index(None, "batch_id"),
        Index(
            "ix_batch_submissions_open",
            "provider",
            postgresql_where=text("collected_at IS NULL"),
        ),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    """In the order in which they were written down."""
    batch_id: Mapped[str]
    round: Mapped[int]
    provider: Mapped[str]
    model: Mapped[str]
    workflow_id: Mapped[str]
    """Who asked; no reference, for what was paid is known longer than a workflow."""
    source_key: Mapped[str]
    asset: Mapped[str]
    purpose: Mapped[str]
    requests_uri: Mapped[str]
    requests: Mapped[int]
    tokens: Mapped[int] = mapped_column(BigInteger)
    usd: Mapped[float]
    state: Mapped[str]
    provider_id: Mapped[str] = empty_column()
    upload_id: Mapped[str] = empty_column()
    upload_started_at: Mapped[datetime | None]
    intended_at: Mapped[datetime]
    attempted_at: Mapped[datetime | None]
    submitted_at: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    collected_at: Mapped[datetime | None]
    is_retryable: Mapped[bool] = mapped_column(server_default=text("false"))
    reason: Mapped[str] = empty_column()
    problems: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
