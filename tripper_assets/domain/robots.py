"""The answer to a request for one robots.txt, as it is kept between crawls."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class RobotsFile:
    """One robots.txt; the body is what the site sent, at most 500 KiB of it."""

    status: int
    body: bytes
    fetched_at: datetime
    """UTC."""
