from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tripper_assets.api.rendering import told
from tripper_assets.api.wording import STAGES, ago, day_and_time, duration, field_said, said, size, usd, web_url
from tripper_assets.domain.graph import MADE_FROM

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("https://zoo.example/a?b=c", "https://zoo.example/a?b=c"),
        ("HTTP://zoo.example", "HTTP://zoo.example"),
        ("javascript:alert(1)", ""),
        (" javascript:alert(1)", ""),
        ("java\nscript:alert(1)", ""),
        ("data:text/html,<script>", ""),
        ("//evil.example", ""),
        ("https:///", ""),
        ("http://[::1", ""),
        ("", ""),
    ],
)
def test_only_web_addresses_become_links(url: str, link: str) -> None:
    assert web_url(url) == link


def test_commands_in_a_sentence_stand_as_code_and_nothing_in_it_acts() -> None:
    assert told("Try `tripper up` <b>now</b>.") == "Try <code>tripper up</code> &lt;b&gt;now&lt;/b&gt;."
    assert told("a ` alone, and `<i>`") == "a <code> alone, and </code>&lt;i&gt;`"


@pytest.mark.parametrize(
    ("stated", "shown"),
    [
        ("2026-06-06", "Sat 6 Jun 2026"),
        ("2026-06-06T15:00:00+02:00", "Sat 6 Jun 2026, 15:00"),
        ("in summer", "in summer"),
        ("Tuesday", "Tuesday"),
    ],
)
def test_days_and_times_are_said_as_people_do(stated: str, shown: str) -> None:
    assert day_and_time(stated) == shown


def test_how_long_ago_is_said_in_its_largest_unit_and_long_ago_by_its_day() -> None:
    ages = (
        timedelta(seconds=5),
        timedelta(minutes=3, seconds=50),
        timedelta(hours=5),
        timedelta(days=3),
        timedelta(days=30),
    )

    assert [ago(NOW - age, NOW) for age in ages] == ["just now", "3 min ago", "5 h ago", "3 days ago", "1 Apr 2026"]


def test_durations_sizes_and_money_have_the_unit_that_people_use() -> None:
    assert [duration(one) for one in (0.31, 42, 90, 3_700, 200_000)] == [
        "0.3 s",
        "42 s",
        "1 min 30 s",
        "1 h 2 min",
        "2 days",
    ]
    assert [size(one) for one in (12, 1_500, 2_000_000)] == ["12 B", "1.5 kB", "2.0 MB"]
    assert [usd(one) for one in (0, 0.0004, 1234.5)] == ["$0.00", "$0.0004", "$1,234.50"]


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("ageRange", {"minValue": 3.0}, "from 3 years"),
        ("ageRange", {"minValue": 0, "maxValue": 2.5}, "0–2.5 years"),
        (
            "offers",
            [{"price": "4.50", "priceCurrency": "EUR"}, {"name": "Family", "price": "9"}],
            "4.50 EUR; Family: 9",
        ),
        (
            "location",
            {"name": "Zoo", "address": {"postalCode": "79098", "addressLocality": "Freiburg"}},
            "Zoo, 79098 Freiburg",
        ),
        ("offers", [{"url": "https://zoo.example/tickets"}], "zoo.example/tickets"),
        ("eventSchedule", [{"startTime": "15:00", "repeatFrequency": "P1W"}], "Every week, 15:00"),
        (
            "eventSchedule",
            [{"startDate": "2026-06-01", "byDay": ["Monday"], "repeatFrequency": "P1W", "exceptDate": ["2026-06-08"]}],
            "Every Monday (starts: Mon 1 Jun 2026, not on: Mon 8 Jun 2026)",
        ),
        (
            "eventSchedule",
            [
                {"startDate": "2026-06-01", "endDate": "2026-06-01"},
                {"startDate": "2026-06-09", "endDate": "2026-06-10"},
            ],
            "Mon 1 Jun 2026; Tue 9 Jun 2026 (ends: Wed 10 Jun 2026)",
        ),
        (
            "openingHoursSpecification",
            [
                {"dayOfWeek": ["Monday"], "opens": "00:00", "closes": "00:00"},
                *(
                    {"dayOfWeek": [day], "opens": "10:00", "closes": "24:00"}
                    for day in ("Tuesday", "Wednesday", "Thursday")
                ),
                {"dayOfWeek": ["Friday"], "opens": "11:00", "closes": "18:00", "validFrom": "2026-06-01"},
            ],
            "Open Tuesday to Thursday 10:00 to 24:00; closed Monday; Open Friday 11:00 to 18:00 (from: Mon 1 Jun 2026)",
        ),
        ("openingHoursSpecification", [{"closes": "18:00"}], "closes: 18:00"),
        ("eventSchedule", [{"endTime": "15:00"}], "endTime: 15:00"),
        ("eventSchedule", "in summer", "in summer"),
        ("geometry", {"type": "Point", "coordinates": [7.85, 48]}, "48.00000, 7.85000"),
        ("isAccessibleForFree", False, "no"),
        ("endDate", None, "nothing"),
    ],
)
def test_a_fields_value_is_said_as_people_do(field: str, value: Any, shown: str) -> None:
    assert field_said(value, field) == shown


def test_what_has_no_words_of_its_own_is_listed_with_its_names() -> None:
    assert (
        said([{"byDay": ["Monday", "Friday"], "startTime": "15:00", "endTime": ""}])
        == "byDay: Monday, Friday, startTime: 15:00"
    )


def test_every_stage_of_the_graph_has_a_word_in_its_order() -> None:
    assert list(STAGES) == list(MADE_FROM)
