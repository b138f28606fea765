"""A catalog that is down: one that was never there, and a real one whose server turns every connection away for a while."""

from collections.abc import Generator
from contextlib import contextmanager

import psycopg
from sqlalchemy import make_url

NOBODY = "postgresql://me@127.0.0.1:9/x"
"""Where no server is."""


@contextmanager
def outage(database_url: str) -> Generator[None]:
    """Let the server turn every connection to a database away, and end those that there are, until the block ends."""
    url = make_url(database_url)
    with psycopg.connect(host=str(url.query["host"]), user="postgres", dbname="postgres", autocommit=True) as admin:
        allow = f"ALTER DATABASE {url.database} ALLOW_CONNECTIONS"
        admin.execute(f"{allow} false")  # pyright: ignore[reportArgumentType, reportCallIssue]
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [url.database])
        try:
            yield
        finally:
            admin.execute(f"{allow} true")  # pyright: ignore[reportArgumentType, reportCallIssue]
