from datetime import UTC, date, datetime
from typing import Any

import pytest

from tripper_assets.catalog.activity_times import times_of
from tripper_assets.domain.activities import Activity, OpeningHours, Schedule


def activity(**fields: Any) -> Activity:
    values = {
        "id": "x",
        "index": 0,
        "source_key": "zoo-00000000",
        "source_url": "https://zoo.example/",
        "url": "u",
        "type": "Event",
    }
    return Activity.model_validate({"name": "Feeding", **values, **fields})


@pytest.mark.parametrize(
    ("text", "moment", "day"),
    [
        ("2026-05-01T10:00:00+02:00", datetime(2026, 5, 1, 8, tzinfo=UTC), date(2026, 5, 1)),
        ("2026-05-01T23:30:00-05:00", datetime(2026, 5, 2, 4, 30, tzinfo=UTC), date(2026, 5, 1)),
        ("2026-05-01T10:00:00Z", datetime(2026, 5, 1, 10, tzinfo=UTC), date(2026, 5, 1)),
        ("2026-05-01T10:00:00", None, date(2026, 5, 1)),
        ("2026-05-01", None, date(2026, 5, 1)),
        ("2026-05", None, None),
        ("", None, None),
        ("tomorrow", None, None),
        ("0001-01-01T00:00:00+14:00", None, None),
        ("9999-12-31T23:00:00-10:00", None, None),
    ],
)
def test_a_text_becomes_a_moment_only_where_it_states_its_zone(
    text: str, moment: datetime | None, day: date | None
) -> None:
    times = times_of(activity(startDate=text, endDate=text))

    assert (times.starts_at, times.start_date) == (moment, day)
    assert (times.ends_at, times.end_date) == (moment, day)


NOON = "2026-05-01T12:00:00+00:00"
EVENING = "2026-05-01T20:00:00+00:00"


@pytest.mark.parametrize(
    ("fields", "over_at"),
    [
        ({"startDate": NOON}, datetime(2026, 5, 1, 12, tzinfo=UTC)),
        ({"startDate": NOON, "endDate": EVENING}, datetime(2026, 5, 1, 20, tzinfo=UTC)),
        # Over in Baker Island, which is twelve hours behind UTC.
        ({"startDate": "2026-05-01"}, datetime(2026, 5, 2, 12, tzinfo=UTC)),
        ({"startDate": "2026-05-01", "endDate": "2026-05-03"}, datetime(2026, 5, 4, 12, tzinfo=UTC)),
        ({}, None),
        ({"startDate": NOON, "eventSchedule": [Schedule(repeatFrequency="P1W", byDay=("Monday",))]}, None),
        (
            {"startDate": NOON, "eventSchedule": [Schedule(repeatFrequency="P1W", endDate="2026-06-30")]},
            datetime(2026, 7, 1, 12, tzinfo=UTC),
        ),
        (
            {"startDate": NOON, "eventSchedule": [Schedule(startDate="2026-05-08", endDate="2026-05-08")]},
            datetime(2026, 5, 9, 12, tzinfo=UTC),
        ),
        ({"openingHoursSpecification": [OpeningHours(dayOfWeek=("Monday",), opens="10:00")]}, None),
        (
            {"openingHoursSpecification": [OpeningHours(opens="10:00", validThrough="2026-09-30")]},
            datetime(2026, 10, 1, 12, tzinfo=UTC),
        ),
        (
            {"startDate": "2026-04-01", "endDate": "2026-04-30", "openingHoursSpecification": [OpeningHours(opens="10:00")]},
            datetime(2026, 5, 1, 12, tzinfo=UTC),
        ),
    ],
)  # fmt: skip
def test_an_activity_is_over_after_the_last_thing_that_it_states(
    fields: dict[str, Any], over_at: datetime | None
) -> None:
    assert times_of(activity(**fields)).over_at == over_at
