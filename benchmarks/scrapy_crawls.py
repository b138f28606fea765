"""The same crawls by Scrapy with extruct's JSON-LD, in a process of their own on one core."""
# pyright: basic, reportMissingImports=false
# Both are installed by `make bench` only.

import json
import sys
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

from benchmarks.one_core import MEASURED, stay_on

AT_ONCE, AT_ONCE_AT_A_HOST = 16, 8


def crawled(urls: list[str], pages: int, delay_seconds: float = 0) -> dict[str, Any]:
    """Return the seconds from the first request to the end, and how many pages and activities there were."""
    import extruct.jsonld  # noqa: PLC0415 (a peer that only this function needs)
    import scrapy  # noqa: PLC0415 (same)
    from scrapy import signals  # noqa: PLC0415 (same)
    from scrapy.crawler import CrawlerProcess  # noqa: PLC0415 (same)

    found: dict[str, Any] = {"pages": 0, "activities": 0}
    reader = extruct.jsonld.JsonLdExtractor()

    class Peer(scrapy.Spider):
        name = "peer"

        async def start(self) -> AsyncIterator[Any]:
            found["seconds"], found["cpu_seconds"] = time.perf_counter(), time.process_time()
            for url in urls:
                yield scrapy.Request(url)

        def parse(self, response: Any) -> Iterator[Any]:  # noqa: ANN401 (as above)
            # On the tree that the links are read from, too: extruct's own call would parse the page once more.
            yield {"url": response.url, "stated": reader.extract_items(response.selector.root)}
            yield from response.follow_all(css='a[href^="/events/"]')

    def count(item: dict[str, Any]) -> None:
        found["pages"] += 1
        found["activities"] += sum(
            node["@type"] == "ChildrensEvent" for one in item["stated"] for node in one["@graph"]
        )

    def end() -> None:
        found["seconds"] = time.perf_counter() - found["seconds"]
        found["cpu_seconds"] = time.process_time() - found["cpu_seconds"]

    process = CrawlerProcess(_settings(len(urls), delay_seconds))
    crawler = process.create_crawler(Peer)
    crawler.signals.connect(count, signals.item_scraped)
    crawler.signals.connect(end, signals.spider_closed)
    process.crawl(crawler)
    process.start()
    if found["pages"] != pages * len(urls):
        raise ValueError(f"Scrapy gave {found}: its figure would say nothing")
    return found


def _settings(hosts: int, delay_seconds: float) -> dict[str, Any]:
    polite = {"DOWNLOAD_DELAY": delay_seconds, "RANDOMIZE_DOWNLOAD_DELAY": False, "CONCURRENT_REQUESTS_PER_DOMAIN": 1}
    quick = {"DOWNLOAD_DELAY": 0, "CONCURRENT_REQUESTS_PER_DOMAIN": AT_ONCE_AT_A_HOST}
    return {
        "CONCURRENT_REQUESTS": max(AT_ONCE, hosts),
        "ROBOTSTXT_OBEY": True,
        "USER_AGENT": "benchmark/1.0",
        "COOKIES_ENABLED": False,
        "TELNETCONSOLE_ENABLED": False,
        "LOG_LEVEL": "ERROR",
        **(polite if delay_seconds else quick),
    }


if __name__ == "__main__":
    stay_on(MEASURED)
    print(json.dumps(crawled(**json.loads(sys.argv[1]))))
