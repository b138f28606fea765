"""One page, many URLs: what a crawl keeps it as, and how often it asks."""

import asyncio
import random
from dataclasses import replace

import pytest

from tripper_assets.domain.pages import Crawl, KnownPage, PageState
from tripper_assets_tests.clients.crawled import crawl_site, is_consistent, pages
from tripper_assets_tests.clients.family_sites import FAMILIES
from tripper_assets_tests.clients.hostile import HTML, stated
from tripper_assets_tests.clients.hostile import read_page as read_real
from tripper_assets_tests.clients.loopback import Answer, LoopbackSite
from tripper_assets_tests.clients.more_traps import MORE_TRAPS
from tripper_assets_tests.clients.spellings import SPELLINGS
from tripper_assets_tests.clients.trap_sites import ROOT, MemoryClient, Trap, TrapSite, crawl_of


def site_with(*traps: Trap, family: str = "view_php", canonical: bool = False) -> TrapSite:
    made = FAMILIES[family](random.Random(3))
    return TrapSite(replace(made, canonical=canonical), traps)


def crawled(site: TrapSite) -> Crawl:
    return asyncio.run(crawl_of(site, MemoryClient(site)))


@pytest.mark.parametrize("trap", ["looks", "votes"])
def test_a_page_that_names_its_canonical_url_is_kept_once_and_under_that(trap: str) -> None:
    site = site_with(MORE_TRAPS[trap](random.Random(1)), canonical=True)

    crawl = crawled(site)

    kept = {page.url for page in crawl.pages}
    assert {f"{ROOT}{item.target}" for item in site.family.items} <= kept
    assert not [url for url in kept if "rate=" in url or "fontsize=" in url]
    assert is_consistent(crawl.report)


def test_pages_that_all_name_one_canonical_url_are_kept_all_the_same() -> None:
    site = site_with()
    pages = {path: replace(shown, canonical="/event/view.php") for path, shown in site.family.pages.items()}
    site.family = replace(site.family, pages=pages)

    crawl = crawled(site)

    names = {activity.name for activity in crawl.raw_activities}
    assert {item.title for item in site.family.items} <= names
    assert all(site.served[item.target] for item in site.family.items)


def test_tracking_parameters_cost_no_second_request() -> None:
    site = site_with(SPELLINGS["tracking"](random.Random(1)))

    crawled(site)

    assert set(site.served.values()) == {1}


def test_two_crawls_of_one_site_are_the_same() -> None:
    crawls = [
        crawled(site_with(MORE_TRAPS["looks"](random.Random(1)), SPELLINGS["referrers"](random.Random(1))))
        for _ in range(2)
    ]

    assert [page.url for page in crawls[0].pages] == [page.url for page in crawls[1].pages]
    assert crawls[0].raw_activities == crawls[1].raw_activities


def test_a_page_known_by_its_canonical_url_costs_a_304_the_next_time_and_keeps_its_name(site: LoopbackSite) -> None:
    shown = "/event/fair?from=list"
    body = stated("Spring fair").replace(b"<body>", b"<head><link rel=canonical href=/event/fair></head><body>")
    site.page("/", shown)
    site.answer(
        shown,
        lambda asked: (
            Answer(304, b"") if asked.headers.get("if-none-match") else Answer(200, body, {**HTML, "ETag": '"1"'})
        ),
    )
    told: list[KnownPage | None] = []

    first = crawl_site(site, reader=read_real, on_page=lambda page, _: told.append(page))
    saved = {page.url: page for page in told if page and page.url not in {gone.url for gone in first.gone}}
    second = crawl_site(site, reader=read_real, known=saved)

    assert pages(site, first) == pages(site, second) == ["/", "/event/fair"]
    assert (second.report.not_modified, second.report.gone, second.gone) == (2, {}, [])


def test_a_page_that_is_gone_after_all_is_not_in_the_result(site: LoopbackSite) -> None:
    paths = [f"/event/{number}" for number in range(20)]
    site.page("/", *paths)
    for path in paths:
        site.page(path, text=f"<h2>{path}</h2>")
    listed = "".join(f"<url><loc>{site.url(path)}</loc><lastmod>2026-01-01</lastmod></url>" for path in paths)
    site.answer("/sitemap.xml", Answer(200, f"<urlset>{listed}</urlset>".encode(), {"Content-Type": "application/xml"}))
    known = crawl_site(site)
    site.page(paths[0], text="<h2>changed</h2>")
    for path in paths[1:]:
        site.answer(path, Answer(404))
    sampled = {page.url: page for page in known.pages}
    changed = next(page for page in known.pages if page.url.endswith("/event/0"))
    fields = {name: getattr(changed, name) for name in PageState.model_fields} | {
        "extraction_version": "an older reader"
    }
    sampled[changed.url] = PageState.model_validate(fields)

    crawled = crawl_site(site, known=sampled)

    assert "sitemap_dates_wrong" in {problem.code for problem in crawled.report.problems}
    assert {gone.url for gone in crawled.gone}.isdisjoint(page.url for page in crawled.pages)
    assert pages(site, crawled) == ["/", "/event/0"]
