from datetime import UTC, datetime

from tripper_assets.domain.activities import Extraction, RawActivity
from tripper_assets.domain.pages import EXTRACTION_VERSION, Crawl, PageState

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def page(url: str, *names: str) -> PageState:
    return PageState(
        url=url,
        status=200,
        fetched_at=NOW,
        extraction=Extraction(activities=[RawActivity(page=url, name=name) for name in names]),
    )


def test_what_pages_say_comes_by_url_and_then_in_page_order_whatever_came_first() -> None:
    crawl = Crawl(pages=[page("https://e.org/b", "Zoo"), page("https://e.org/a", "Theatre", "Fair")])

    assert [one.name for one in crawl.raw_activities] == ["Theatre", "Fair", "Zoo"]


def test_a_page_state_goes_through_json_unchanged() -> None:
    state = page("https://e.org/a", "Theatre")

    assert PageState.model_validate_json(state.model_dump_json()) == state
    assert state.extraction_version == EXTRACTION_VERSION


def test_a_crawl_of_nothing_says_nothing() -> None:
    assert Crawl().raw_activities == []
