"""What the first page of a site yields, before anybody registers it: fetched as a crawl would, and kept nowhere."""

from contextlib import AsyncExitStack

from tripper_assets.api.context import ApiContext
from tripper_assets.clients.http import HttpClient, Reply
from tripper_assets.clients.politeness import PoliteClient
from tripper_assets.clients.robots import MAX_ROBOTS_BYTES, RobotsFiles, product_token
from tripper_assets.domain.activities import RawActivity
from tripper_assets.domain.errors import PermanentError, TransientError, error_for_status
from tripper_assets.domain.model import Model, Problem, SourceKey
from tripper_assets.domain.sources import Source
from tripper_assets.extract import extract_activities
from tripper_assets.resources import http_client

FIRST_ERROR = 400
SHOWN = 20


class FirstLook(Model):
    """What one page states."""

    key: SourceKey
    """What the source's key is, or would be."""
    url: str
    """The page that answered."""
    is_registered: bool
    count: int
    """How many activities it states."""
    activities: list[RawActivity]
    """The first 20 of them."""
    links: int
    """How many links on it are worth following."""
    problems: list[Problem]


async def look_at(context: ApiContext, source: Source, *, is_registered: bool) -> FirstLook:
    """Fetch the source's own page, where its robots.txt allows that, and return what it states.

    Raises:
        AddressRefusedError: it is where requests may not go.
        TransientError: the site does not answer; PermanentError: it refuses, or forbids it.
    """
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(http_client(context.settings, source))
        reply = await _fetched(context, client, source)
    if reply.status >= FIRST_ERROR:
        raise error_for_status(reply.status, f"Fetching {source.url}")
    found = extract_activities(
        reply.body,
        url=reply.url,
        content_type=reply.headers.get("content-type"),
        now=context.clock(),
        timezone=source.config.timezone,
        selectors=source.config.selectors,
    )
    return FirstLook(
        key=source.key,
        url=reply.url,
        is_registered=is_registered,
        count=len(found.activities),
        activities=list(found.activities[:SHOWN]),
        links=len(found.links),
        problems=list(found.problems[:SHOWN]),
    )


async def _fetched(context: ApiContext, client: HttpClient, source: Source) -> Reply:
    async def ask(url: str) -> Reply:
        return await client.get(url, max_bytes=MAX_ROBOTS_BYTES, truncate=True)

    robots = await RobotsFiles(ask, product_token(client.user_agent), context.clock, context.catalog.robots).of(
        source.url
    )
    if robots.outage:
        raise TransientError(f"The robots.txt of {source.url} cannot be had now ({robots.outage}); try again later.")
    if not robots.allows(source.url):
        raise PermanentError(f"The robots.txt of {source.url} forbids it to us; ask the site's owner.")
    delay = max(source.config.delay_seconds, robots.crawl_delay_seconds)
    polite = PoliteClient(client, delay_seconds=delay, clock=context.clock, turns=context.catalog.rate_limits)
    return await polite.get(source.url, max_bytes=source.config.max_bytes)
