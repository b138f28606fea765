import pytest
from hypothesis import given
from hypothesis import strategies as st

from tripper_assets.domain.activities import Schedule
from tripper_assets.extract.recurrences import find_recurrence

TUESDAY = ("Tuesday",)


@pytest.mark.parametrize(
    ("text", "days", "start", "end"),
    [
        ("Every Tuesday, 10:00–11:30", TUESDAY, "10:00", "11:30"),
        ("Tuesdays 10am - 11.30am", TUESDAY, "10:00", "11:30"),
        ("Tuesdays and Fridays at 3 pm", ("Tuesday", "Friday"), "15:00", ""),
        ("each Tuesday from 2-4pm", TUESDAY, "14:00", "16:00"),
        ("jeden Dienstag, 10 bis 12 Uhr", TUESDAY, "10:00", "12:00"),
        ("dienstags 15:30 - 17:00 Uhr", TUESDAY, "15:30", "17:00"),
        ("tous les mardis de 14h à 16h30", TUESDAY, "14:00", "16:30"),
        ("chaque mardi", TUESDAY, "", ""),
        ("todos los martes 10:00 a 11:30", TUESDAY, "10:00", "11:30"),
        ("ogni martedì alle 10:00", TUESDAY, "10:00", ""),
        ("elke dinsdag 10:00 - 11:30 uur", TUESDAY, "10:00", "11:30"),
        (
            "daily except Monday 9:00-17:00",
            ("Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
            "09:00",
            "17:00",
        ),
    ],
)
def test_a_weekly_rule(text: str, days: tuple[str, ...], start: str, end: str) -> None:
    assert find_recurrence(text) == Schedule(byDay=days, repeatFrequency="P1W", startTime=start, endTime=end)


def test_every_day_and_every_other_week() -> None:
    every_day = find_recurrence("täglich 10:00 - 18:00")
    fortnight = find_recurrence("every second Friday")

    assert every_day is not None
    assert every_day.repeatFrequency == "P1D"
    assert fortnight is not None
    assert fortnight.repeatFrequency == "P2W"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Tuesday, May 7, 2024",
        "every child",
        "the first Tuesday of May",
        "Is it sunny sometimes?",
        "lunes 6 de mayo",
        "each of them",
        "every one",
    ],
)
def test_what_is_no_weekly_rule(text: str) -> None:
    assert find_recurrence(text) is None


@given(st.text(max_size=200))
def test_any_text_is_read_without_raising(text: str) -> None:
    find_recurrence(text)
