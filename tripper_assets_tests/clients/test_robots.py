import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tripper_assets.clients.http import Reply
from tripper_assets.clients.http_errors import RedirectRefusedError, TooManyRedirectsError, UnreachableError
from tripper_assets.clients.robots import (
    MAX_ROBOTS_BYTES,
    Robots,
    RobotsFiles,
    product_token,
    read_robots,
)
from tripper_assets.domain.errors import AddressRefusedError, TransientError

CORPUS = Path(__file__).resolve().parents[2] / ".." / "shared" / "corpus"
SITE = "https://example.org"

# Index in the published list: why Protego, and so we, answer otherwise.
GOOGLE_DIFFERENCES = {
    16: "an unknown line between two User-agent lines ends the first group here, and is overlooked there",
    24: "a group's name with a space is taken whole here, and up to the space there",
    26: "the same",
    27: "the same",
    46: "a letter and its percent-escape are the same path here (RFC 9309 2.2.2), and different ones there",
    47: "the same",
}


def fetched(reply: Reply | Exception) -> Robots:
    async def ask(url: str) -> Reply:
        assert url == f"{SITE}/robots.txt"
        if isinstance(reply, Exception):
            raise reply
        return reply

    return asyncio.run(RobotsFiles(ask, "tripper_assets").of(SITE))


def test_rules_hold_for_our_name_before_those_for_everybody() -> None:
    robots = read_robots(
        b"User-agent: *\nDisallow: /\n\nUser-agent: Tripper_Assets\nDisallow: /private\n", "tripper_assets"
    )

    assert robots.allows(f"{SITE}/events")
    assert not robots.allows(f"{SITE}/private/x")


def test_the_product_token_is_the_name_alone() -> None:
    assert product_token("tripper_assets/0.1 (+https://googlebot.example/)") == "tripper_assets"
    assert product_token("tripper_assets (+mailto:x@example.org)") == "tripper_assets"


def test_sitemaps_and_delay_are_read_and_the_delay_is_capped() -> None:
    body = "\ufeffUser-agent: *\nCrawl-delay: 2.5\nSitemap: https://example.org/a.xml\nSitemap: https://example.org/a.xml\n"
    patient = b"User-agent: *\nCrawl-delay: 86400\n"

    assert read_robots(body.encode(), "x").sitemaps == ["https://example.org/a.xml"]
    assert read_robots(body.encode(), "x").crawl_delay_seconds == 2.5
    assert read_robots(patient, "x").crawl_delay_seconds == 30
    assert (Robots("x").crawl_delay_seconds, Robots("x").sitemaps) == (0, [])


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451])
def test_a_missing_robots_file_allows_everything(status: int) -> None:
    assert fetched(Reply(f"{SITE}/robots.txt", status, {}, b"User-agent: *\nDisallow: /")).allows(f"{SITE}/x")


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429])
def test_a_server_that_fails_or_is_busy_allows_nothing_for_now(status: int) -> None:
    robots = fetched(Reply(f"{SITE}/robots.txt", status))

    assert not robots.allows(f"{SITE}/x")
    assert isinstance(robots.outage, TransientError)


def test_a_server_that_cannot_be_reached_allows_nothing_for_now() -> None:
    assert not fetched(UnreachableError("no connection")).allows(f"{SITE}/x")


def test_redirects_without_end_are_a_missing_file() -> None:
    assert fetched(TooManyRedirectsError("round and round")).allows(f"{SITE}/x")


def test_a_file_that_redirects_to_where_nothing_may_go_is_a_missing_file() -> None:
    assert fetched(RedirectRefusedError("inside")).allows(f"{SITE}/x")


def test_a_refused_origin_is_not_taken_for_a_missing_file() -> None:
    with pytest.raises(AddressRefusedError):
        fetched(AddressRefusedError("inside"))


def test_only_the_first_500_kib_count_as_whole_lines() -> None:
    padding = b"# " + b"x" * 97 + b"\n"
    body = b"User-agent: *\nDisallow: /a\n" + padding * (MAX_ROBOTS_BYTES // len(padding) + 1) + b"Disallow: /b\n"

    robots = read_robots(body, "x")

    assert not robots.allows(f"{SITE}/a")
    assert robots.allows(f"{SITE}/b")


def test_a_page_in_place_of_robots_forbids_nothing() -> None:
    assert read_robots(b"<!DOCTYPE html><html><body>Not found</body></html>", "x").allows(f"{SITE}/x")


def test_each_origin_is_asked_once() -> None:
    asked: list[str] = []

    async def ask(url: str) -> Reply:
        asked.append(url)
        await asyncio.sleep(0)
        return Reply(url, 404)

    async def run() -> None:
        files = RobotsFiles(ask, "x")
        await asyncio.gather(
            *(files.of(f"https://a.example/{page}") for page in range(5)), files.of("http://a.example/")
        )

    asyncio.run(run())

    assert asked == ["https://a.example/robots.txt", "http://a.example/robots.txt"]


def published(name: str) -> list[dict[str, Any]]:
    path = CORPUS / name / "cases.dev.json"
    if not path.exists():
        pytest.skip("the shared corpus is not beside this checkout")
    return [case for case in json.loads(path.read_text()) if "allowed" in case]


def is_right(case: dict[str, Any]) -> bool:
    robots = read_robots(case["robots"].encode(), case["ua"])
    return robots.allows(case["url"]) == case["allowed"]


def test_googles_published_cases_hold_but_for_the_named_ones() -> None:
    cases = published("robots-google")

    assert {index for index, case in enumerate(cases) if not is_right(case)} == set(GOOGLE_DIFFERENCES)


def test_protegos_published_cases_hold() -> None:
    wrong = [case for case in published("robots-protego") if not is_right(case)]

    assert wrong == []


def test_real_robots_files_are_read_as_protego_reads_them() -> None:
    folder = CORPUS / "robots-real"
    if not folder.exists():
        pytest.skip("the shared corpus is not beside this checkout")
    wrong: set[str] = set()
    for expected_path in sorted(folder.glob("*.expected.json")):
        body = expected_path.with_name(expected_path.name.replace(".expected.json", ".txt")).read_bytes()
        for case in json.loads(expected_path.read_text())["cases"]:
            if read_robots(body, case["ua"]).allows(case["url"]) != case["allowed"]:
                wrong.add(expected_path.name)
    # The expectation was made from text that still had its byte order mark, which hides the first line's User-agent.
    assert wrong == {"www.abr.business.gov.au.expected.json"}
