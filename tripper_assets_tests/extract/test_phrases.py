from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tripper_assets.extract import ages, prices
from tripper_assets.extract.ages import find_ages
from tripper_assets.extract.hours import find_hours, hours_in
from tripper_assets.extract.prices import find_prices, is_free
from tripper_assets.extract.recurrences import find_recurrence, find_recurrences
from tripper_assets.extract.week_tokens import week_tokens
from tripper_assets_tests.extract.phrase_tables import FOLDER, LANGUAGES, NOTHING, NOW, phrases, said

GRAMMARS = ("prices", "ages", "hours", "recurrences")
FOLDERS = (FOLDER, FOLDER / "held_out")
MIXED = st.lists(
    st.sampled_from([phrase for grammar in GRAMMARS for _, phrase, _ in phrases(grammar)]) | st.text(max_size=8),
    max_size=5,
).map(" ".join)


def rows(grammar: str) -> list[tuple[str, str, str]]:
    return [row for folder in FOLDERS for row in phrases(grammar, folder)]


def in_any_order(grammar: str, reading: str) -> list[str]:
    return sorted(reading.split("; ")) if grammar == "hours" else [reading]


@pytest.mark.parametrize("grammar", GRAMMARS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_phrase_of_the_tables_is_read_as_a_person_reads_it(grammar: str, language: str) -> None:
    stated = [(phrase, reading) for one, phrase, reading in rows(grammar) if one == language]

    wrong = {
        phrase: (got, reading)
        for phrase, reading in stated
        if in_any_order(grammar, got := said(grammar, phrase, language)) != in_any_order(grammar, reading)
    }

    assert wrong == {}
    assert len(stated) >= 40
    assert sum(reading == NOTHING for _, reading in stated) >= 8


@pytest.mark.parametrize("grammar", GRAMMARS)
def test_a_reading_does_not_depend_on_the_space_around_a_phrase(grammar: str) -> None:
    for language, phrase, _ in rows(grammar):
        assert said(grammar, f"\n  {phrase}\t ", language) == said(grammar, phrase, language), phrase


def test_what_is_looked_for_first_never_hides_what_the_rules_find(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"{phrase} {other}" for (_, phrase, _), (_, other, _) in pairwise(rows("ages") + rows("prices"))]

    quick = [(find_ages(text), find_prices(text)) for text in texts]
    monkeypatch.setattr(ages, "_cues", lambda _text: set(ages._CUES))
    monkeypatch.setattr(prices, "OTHER_MONEY", ("",))
    whole = [(find_ages(text), find_prices(text)) for text in texts]

    assert [text for text, one, other in zip(texts, quick, whole, strict=True) if one != other] == []


SPANS: dict[str, Callable[[str], list[tuple[int, int]]]] = {
    "prices": lambda text: [(one.begin, one.stop) for one in find_prices(text)],
    "ages": lambda text: [(one.begin, one.stop) for one in find_ages(text)],
    "recurrences": lambda text: [(one.begin, one.stop) for one in find_recurrences(text, now=NOW)],
    "hours": lambda text: [(found.begin, found.stop)] if (found := find_hours(text)) else [],
}


@pytest.mark.parametrize("grammar", GRAMMARS)
@given(text=MIXED)
def test_any_mix_of_phrases_is_read_and_stands_within_its_text(grammar: str, text: str) -> None:
    for begin, stop in SPANS[grammar](text):
        assert 0 <= begin < stop <= len(text)


@given(MIXED)
def test_the_first_rule_is_the_first_of_all_rules(text: str) -> None:
    found = find_recurrences(text)

    assert find_recurrence(text) == (found[0].schedule if found else None)


@given(MIXED)
def test_what_is_stated_is_of_the_form_that_the_model_says(text: str) -> None:
    for one in find_recurrences(text, now=NOW):
        schedule = one.schedule
        assert schedule.byDay or schedule.byMonthDay or schedule.repeatFrequency != "P1W"
        assert all(time == "" or len(time) == 5 for time in (schedule.startTime, schedule.endTime))
        assert set(schedule.byMonthWeek) <= {1, 2, 3, 4, 5, -1}
    for hours in hours_in(text):
        assert hours.dayOfWeek
        assert "00:00" <= hours.opens < "24:00"
        assert "00:00" <= hours.closes <= "24:00"


@given(MIXED)
def test_a_text_becomes_tokens_in_order(text: str) -> None:
    tokens = week_tokens(text)

    assert len(tokens.kinds) == len(tokens.values) == len(tokens.begins) == len(tokens.ends) == len(tokens.flags)
    assert tokens.begins == sorted(tokens.begins)


HOSTILE = ("1", "1,", "1 ", "1-", "1.1", "Mon,", "mon tue ", "Mo-", "every ", "9-5 ", "1st ", "free ", "£", "£1 ", "€1/", "(", "under 5 ", "und ", "a " , "10:00-", "le ", "+1", "\u00a0")  # fmt: skip


@pytest.mark.timeout(200)
@pytest.mark.parametrize("part", HOSTILE)
def test_a_hundred_thousand_hostile_characters_are_read_at_once(part: str) -> None:
    text = (part * 100_000)[:100_000]

    hours_in(text)
    find_recurrences(text, now=NOW)
    find_ages(text)
    find_prices(text)
    is_free(text)
