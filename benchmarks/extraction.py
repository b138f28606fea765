"""Pages read in a second on one core: structured data beside extruct's JSON-LD, listings, both beside the bare parser."""

import importlib
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
from selectolax.lexbor import LexborHTMLParser

from benchmarks.figure import Figure, seconds_in_turns
from benchmarks.sample_pages import listing_page, structured_page
from tripper_assets.extract import extract_activities

PAGES = 60
NOW = datetime(2026, 3, 15, 9, 0, tzinfo=UTC)
BLOCK = re.compile(r'<script type="application/ld\+json">(.*?)</script>', re.DOTALL)


def measure() -> list[Figure]:
    """Return pages a second of both kinds of pages.

    The limit parses the page and reads its block as JSON, and looks at nothing. The peer gives the JSON of the blocks and stops there;
    ours goes on to activities with provenance, links and problems.
    """
    structured = [structured_page(number) for number in range(PAGES)]
    listings = [listing_page(number) for number in range(PAGES)]
    read = _ours(structured, 1), _ours(listings, 20)
    peer: Any = importlib.import_module("extruct.jsonld").JsonLdExtractor()  # installed by `make bench` only
    ours, extruct, bare = seconds_in_turns(
        read[0], lambda: [peer.extract(page) for page in structured], _bare(structured), clock=time.process_time
    )
    ours_listings, bare_listings = seconds_in_turns(read[1], _bare(listings), clock=time.process_time)
    return [
        Figure(
            "extraction_structured", "pages/s", "higher", PAGES / ours,
            PAGES / extruct, "extruct JSON-LD", PAGES / bare, "lexbor + orjson",
        ),
        Figure(
            "extraction_listings", "pages/s", "higher", PAGES / ours_listings,
            None, "", PAGES / bare_listings, "lexbor",
        ),
    ]  # fmt: skip


def _ours(pages: list[bytes], at_least: int) -> Callable[[], None]:
    def read() -> None:
        for number, page in enumerate(pages):
            found = extract_activities(page, url=f"https://example.org/{number}", content_type="text/html", now=NOW)
            if len(found.activities) < at_least:
                message = f"page {number} gave {len(found.activities)} activities: its figure would say nothing"
                raise ValueError(message)

    return read


def _bare(pages: list[bytes]) -> Callable[[], None]:
    def parse() -> None:
        for page in pages:
            text = page.decode()
            LexborHTMLParser(text)
            for block in BLOCK.findall(text):
                orjson.loads(block)

    return parse
