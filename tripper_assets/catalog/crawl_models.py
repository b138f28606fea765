"""The tables of crawling: what is known of pages, their snapshots, robots.txt files, and when a limited service is free again."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from tripper_assets.catalog.activity_models import Base  # with the tables that these refer to, and all others
from tripper_assets.catalog.model_base import empty_column


class PageRow(Base):
    """A page as it was last read; found by the hash of its URL, because an index entry has no room for a long URL."""

    __tablename__ = "pages"
    source_key: Mapped[str] = mapped_column(ForeignKey("tripper.sources.key", ondelete="CASCADE"), primary_key=True)
    url_sha256: Mapped[str] = mapped_column(primary_key=True)
    url: Mapped[str]
    address: Mapped[str] = empty_column()
    """The URL that answered."""
    status: Mapped[int]
    etag: Mapped[str] = empty_column()
    last_modified: Mapped[str] = empty_column()
    body_sha256: Mapped[str] = empty_column()
    content_type: Mapped[str] = empty_column()
    fetched_at: Mapped[datetime]
    checked_at: Mapped[datetime | None]
    """When the site last said that it is as it was read, or gave it."""
    linked_at: Mapped[datetime | None]
    """When a page, a feed or a sitemap last led to it."""
    extraction_version: Mapped[str]
    extraction: Mapped[dict[str, Any]]
    gone_at: Mapped[datetime | None]
    """When it was found to be no more; None while it is there."""
    gone_reason: Mapped[str] = empty_column()


class PageSnapshotRow(Base):
    """One body that a page once had; the body itself is an object of the store, named by its hash."""

    __tablename__ = "page_snapshots"
    source_key: Mapped[str] = mapped_column(ForeignKey("tripper.sources.key", ondelete="CASCADE"), primary_key=True)
    url_sha256: Mapped[str] = mapped_column(primary_key=True)
    body_sha256: Mapped[str] = mapped_column(primary_key=True, index=True)
    url: Mapped[str]
    address: Mapped[str]
    status: Mapped[int]
    headers: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    body_bytes: Mapped[int] = mapped_column(BigInteger, server_default="0")
    fetched_at: Mapped[datetime]
    used_at: Mapped[datetime]
    """When a workflow last read the page with this body."""


class RobotsFileRow(Base):
    """The robots.txt of one origin (scheme, host and port), as it was last had."""

    __tablename__ = "robots_files"
    origin: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[int]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    fetched_at: Mapped[datetime]


class RateLimitRow(Base):
    """When a host or service that is asked one at a time is free again, for all processes."""

    __tablename__ = "rate_limits"
    name: Mapped[str] = mapped_column(primary_key=True)
    free_at: Mapped[datetime]
