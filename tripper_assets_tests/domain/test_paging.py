"""Where lists and calendars go on, by their URLs."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tripper_assets.domain.paging import dated, goes_on, has_page_number, is_page_number, without_page_number

TODAY = date(2026, 5, 1)
ROOT = "https://example.org"


@pytest.mark.parametrize(
    ("path", "month"),
    [
        ("/calendar/2026/05", (2026, 5)),
        ("/calendar/2026/05/12", (2026, 5)),
        ("/events/2026-05-12", (2026, 5)),
        ("/calendar/2026/05/list", (2026, 5)),
        ("/calendar/2026/05/page/2", (2026, 5)),
        ("/programme/2026-w20", (2026, 5)),
        ("/cal?year=2026&month=5", (2026, 5)),
        ("/calendrier?annee=2026&mois=12", (2026, 12)),
        ("/kalender?jahr=2026&monat=1", (2026, 1)),
        ("/cal?tx_cal%5Byear%5D=2026&tx_cal%5Bmonth%5D=7", (2026, 7)),
        ("/kalender?monat=2026-06", (2026, 6)),
        ("/cal?date=20260612", (2026, 6)),
        ("/cal?tag=12.06.2026", (2026, 6)),
        ("/cal?at=06/2026", (2026, 6)),
    ],
)
def test_a_page_of_a_calendar_names_its_month(path: str, month: tuple[int, int]) -> None:
    assert dated(f"{ROOT}{path}") == month


@pytest.mark.parametrize(
    "path",
    [
        "/2026/05/summer-fair",
        "/node/2026",
        "/south/park/4208",
        "/view?id=201205",
        "/event/2026-05-12-summer-fair",
        "/cal?date=2026-13-01",
        "/a/2026/77",
        "/",
    ],
)
def test_what_only_looks_like_a_date_is_none(path: str) -> None:
    assert dated(f"{ROOT}{path}") is None


def test_a_month_says_how_far_it_is_from_today() -> None:
    months = [dated(f"{ROOT}/cal/{path}") for path in ("2026/05", "2027/01", "2026/04")]

    assert [month.away(TODAY) for month in months if month] == [0, 8, -1]


@pytest.mark.parametrize(
    ("name", "value", "is_one"),
    [
        ("page", "2", True),
        ("start", "20", True),
        ("cursor", "ab12", True),
        ("from", "newsletter", False),
        ("start", "2026-05-01", False),
        ("page", "event", False),
        ("q", "2", False),
    ],
)
def test_a_page_number_is_told_by_name_and_value(name: str, value: str, *, is_one: bool) -> None:
    assert is_page_number(name, value) is is_one


@pytest.mark.parametrize(
    ("here", "there", "goes"),
    [
        ("/list", "/list?page=2", True),
        ("/list?page=2&s=9a", "/list?page=3&s=7f", True),
        ("/list/page/2", "/list/page/3", True),
        ("/index.php/list", "/List;a=1?page=2", True),
        ("/list?page=2", "/event/1", False),
        ("/list?page=2", "/other?page=3", False),
        ("/list", "/list?sort=date", False),
        ("/cal/2026/05", "/cal/2026/06", True),
        ("/cal", "/cal?month=2026-06", True),
        ("/cal/2026/05", "/cal/2029/06", False),
        ("/cal/2026/05", "/cal/2025/12", False),
        ("/cal/2026/05", "/event/2026-06-01", False),
    ],
)
def test_the_next_page_of_a_list_and_a_month_near_today_are_no_deeper(here: str, there: str, *, goes: bool) -> None:
    assert goes_on(f"{ROOT}{here}", f"{ROOT}{there}", TODAY) is goes


@given(st.integers(2, 9_999), st.sampled_from(["/list", "/list?a=1", "/a/b?z=2&y=3"]))
def test_pages_of_one_list_are_the_same_but_for_their_numbers(number: int, path: str) -> None:
    mark = "&" if "?" in path else "?"
    there = f"{ROOT}{path}{mark}page={number}"

    assert has_page_number(there)
    assert without_page_number(there) == without_page_number(f"{ROOT}{path}")


@given(st.text(max_size=40))
def test_any_url_may_be_asked_for_its_month(text: str) -> None:
    url = f"{ROOT}/{text.replace('[', '').replace(']', '')}"

    assert dated(url) is None or 1 <= dated(url)[1] <= 12  # type: ignore[index]
