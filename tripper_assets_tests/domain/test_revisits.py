"""When a known page is asked for again, and how long it is kept."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tripper_assets.domain.activities import Extraction, PageFacts, RawActivity
from tripper_assets.domain.pages import PageState
from tripper_assets.domain.revisits import (
    KEEP_UNCHECKED,
    KEEP_UNLINKED,
    SAMPLED_SHARE,
    SKIP_FOR,
    is_a_lie,
    is_forsaken,
    is_sampled,
    keeps,
    latest_change,
    may_skip,
    unlinked_share,
)

NOW = datetime(2026, 5, 10, 12, 0, tzinfo=UTC)
YESTERDAY = NOW - timedelta(days=1)
URL = "https://example.org/a"


def known(
    checked_at: datetime | None = YESTERDAY,
    *,
    stated: int = 1,
    version: str | None = None,
    paging: tuple[str, ...] = (),
) -> PageState:
    activities = [RawActivity(page=URL, name=str(number)) for number in range(stated)]
    page = PageState(
        url=URL,
        status=200,
        fetched_at=NOW - timedelta(days=90),
        checked_at=checked_at,
        extraction=Extraction(activities=activities, page=PageFacts(paging=list(paging))),
    )
    return page.model_copy(update={"extraction_version": version}) if version else page


@pytest.mark.parametrize(
    ("lastmod", "moment"),
    [
        ("2026-05-01T10:00:00Z", "2026-05-01T10:00:00+00:00"),
        ("2026-05-01T10:00+02:00", "2026-05-01T08:00:00+00:00"),
        ("2026-05-01 10:00:00.123-0500", "2026-05-01T15:00:00+00:00"),
        ("2026-05-01", "2026-05-02T12:00:00+00:00"),
        ("2026-05-01T10:00", "2026-05-02T12:00:00+00:00"),
    ],
)
def test_a_sitemap_date_is_the_last_moment_that_it_may_mean(lastmod: str, moment: str) -> None:
    assert latest_change(lastmod) == datetime.fromisoformat(moment)


@pytest.mark.parametrize("lastmod", ["", "yesterday", "2026-02-30", "2026", "2026-05-01T99:00Z"])
def test_a_date_that_says_nothing_is_none(lastmod: str) -> None:
    assert latest_change(lastmod) is None


@given(st.text(max_size=30) | st.from_regex(r"\d{4}-\d\d-\d\dT\d\d:\d\d(Z|[+-]\d\d:\d\d)", fullmatch=True))
def test_any_text_may_stand_in_a_sitemap(text: str) -> None:
    found = latest_change(text)

    assert found is None or found.tzinfo is not None


def test_a_page_that_its_sitemap_calls_unchanged_since_our_look_is_skipped() -> None:
    assert may_skip(known(), "2026-05-01", now=NOW, since=None) == "sitemap"


@pytest.mark.parametrize(
    ("page", "lastmod"),
    [
        (known(), ""),
        (known(), "2026-05-09"),
        (known(None), "2026-05-01"),
        (known(version="0"), "2026-05-01"),
        (known(NOW - SKIP_FOR), "2026-04-01"),
        (known(stated=3), "2026-05-01"),
        (known(paging=("https://example.org/a?page=2",)), "2026-05-01"),
        (known(NOW - timedelta(minutes=30)), NOW.isoformat()),
    ],
    ids=[
        "no date",
        "changed since",
        "never checked",
        "another reader",
        "a week ago",
        "a list",
        "a paged list",
        "clocks differ",
    ],
)
def test_all_other_pages_are_asked_for(page: PageState, lastmod: str) -> None:
    assert may_skip(page, lastmod, now=NOW, since=None) is None


def test_what_an_earlier_attempt_of_this_crawl_read_is_not_asked_for_again() -> None:
    began = NOW - timedelta(hours=1)

    assert may_skip(known(NOW), "", now=NOW, since=began) == "resumed"
    assert may_skip(known(YESTERDAY), "", now=NOW, since=began) is None
    assert may_skip(known(NOW, version="0"), "", now=NOW, since=began) is None


def test_one_in_fifty_is_asked_for_all_the_same_and_others_the_next_day() -> None:
    urls = [f"https://example.org/{number}" for number in range(5_000)]
    today, tomorrow = ({url for url in urls if is_sampled(url, day)} for day in (NOW, NOW + timedelta(days=1)))

    assert 0.5 < len(today) * SAMPLED_SHARE / len(urls) < 1.5
    assert len(today & tomorrow) < len(today) // 2
    assert today == {url for url in urls if is_sampled(url, NOW.replace(hour=23))}


def test_a_page_that_changed_though_its_sitemap_says_it_did_not_is_a_lie() -> None:
    assert is_a_lie(known(), "2026-05-01")
    assert not is_a_lie(known(), "2026-05-09")
    assert not is_a_lie(known(), "")
    assert not is_a_lie(known(None), "2026-05-01")


def test_a_page_is_kept_for_thirty_days_after_it_was_last_confirmed() -> None:
    assert keeps(known(NOW - KEEP_UNCHECKED + timedelta(seconds=1)), NOW)
    assert not keeps(known(NOW - KEEP_UNCHECKED), NOW)
    assert not keeps(known(None), NOW)


def test_a_page_is_forsaken_when_nothing_led_to_it_for_thirty_days() -> None:
    linked = known().model_copy(update={"linked_at": NOW - KEEP_UNLINKED})

    assert is_forsaken(linked, NOW)
    assert not is_forsaken(linked.model_copy(update={"linked_at": YESTERDAY}), NOW)
    assert not is_forsaken(known(YESTERDAY), NOW)


def test_a_fifth_of_the_budget_and_never_less_than_twenty_goes_to_pages_that_nothing_leads_to() -> None:
    assert [unlinked_share(pages) for pages in (1, 100, 1_000)] == [20, 20, 200]
