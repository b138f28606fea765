"""Activities in words: days and times, rules, opening hours, ages, prices, places and languages."""

from datetime import date
from typing import Any

import pytest

from tripper_assets.domain.activities import Activity, AgeRange, Offer, OpeningHours, Place, PostalAddress, Schedule
from tripper_assets.domain.activity_words import (
    address_lines,
    ages_words,
    hours_words,
    language_words,
    place_words,
    price_words,
    when_words,
)

TODAY = date(2026, 6, 2)
LISTED = tuple(
    Schedule(startDate=day, endDate=day, startTime="14:30+02:00", endTime="16:00+02:00")
    for day in ("2026-06-01", "2026-06-08", "2026-06-15")
)


def activity(**fields: Any) -> Activity:
    return Activity.model_validate(
        {"id": "a", "index": 0, "source_key": "zoo", "source_url": "https://zoo.example/", "url": "https://zoo.example/a", "type": "Event", "name": "Owls"} | fields
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, ""),
        ({"startDate": "2026-06-13"}, "Sat 13 Jun 2026"),
        ({"startDate": "2026-06-13T10:00:00+02:00"}, "Sat 13 Jun 2026, 10:00"),
        ({"startDate": "2026-06-13T10:00", "endDate": "2026-06-13T11:30"}, "Sat 13 Jun 2026, 10:00 to 11:30"),
        ({"startDate": "2026-06-13", "endDate": "2026-07-01"}, "Sat 13 Jun 2026 to Wed 1 Jul 2026"),
        ({"startDate": "some day"}, "some day"),
        ({"startDate": "2026-06-01", "eventSchedule": LISTED}, "Mon 8 Jun 2026, 14:30 to 16:00, and 1 more day"),
        ({"startDate": "2026-05-01", "eventSchedule": LISTED[:2]}, "Mon 8 Jun 2026, 14:30 to 16:00"),
        (
            {"eventSchedule": (Schedule(repeatFrequency="P1W", byDay=("Friday",), startTime="15:30", endTime="17:00", startDate="2026-01-02", endDate="2026-12-18"),)},
            "Every Friday, 15:30 to 17:00, until Fri 18 Dec 2026",
        ),
        ({"eventSchedule": (Schedule(repeatFrequency="P2W", byDay=("Sunday", "Friday")),)}, "Friday and Sunday of every 2 weeks"),
        ({"eventSchedule": (Schedule(byDay=("Saturday",), byMonthWeek=(1, -1)),)}, "Every first and last Saturday of the month"),
        ({"eventSchedule": (Schedule(repeatFrequency="P1M", byMonthDay=(5,)),)}, "Day 5 of the month"),
        ({"eventSchedule": (Schedule(repeatFrequency="P1D", startTime="11:00"),)}, "Every day, 11:00"),
        ({"eventSchedule": (Schedule(repeatFrequency="PT90M"),)}, "Again and again"),
        ({"openingHoursSpecification": (OpeningHours(dayOfWeek=("Saturday", "Sunday"), opens="10:00", closes="17:00"),)}, "Open Saturday, Sunday 10:00 to 17:00"),
    ],
)  # fmt: skip
def test_when_it_happens(fields: dict[str, Any], said: str) -> None:
    assert when_words(activity(**fields), today=TODAY) == said


def test_opening_hours_stand_together_by_their_times() -> None:
    week = ("Tuesday", "Wednesday", "Thursday", "Friday")
    stated = [
        *(OpeningHours(dayOfWeek=(day,), opens="10:00", closes="17:00") for day in week),
        OpeningHours(dayOfWeek=("Saturday", "Monday"), opens="11:00", closes="16:00"),
        OpeningHours(dayOfWeek=("Sunday",), opens="00:00", closes="00:00"),  # closed
    ]

    assert hours_words(stated) == "Open Tuesday to Friday 10:00 to 17:00; Monday, Saturday 11:00 to 16:00"
    assert hours_words([OpeningHours(opens="09:00", closes="18:00")]) == "Open every day 09:00 to 18:00"


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (None, None, ""),
        (3, None, "From 3 years"),
        (None, 6, "Up to 6 years"),
        (0, 1, "Up to 1 year"),
        (3, 6, "3 to 6 years"),
        (8, 8, "8 years"),
        (0.5, 1.5, "6 months to 18 months"),
        (0, 99, "All ages"),
        (0.5, None, "From 6 months"),
    ],
)
def test_for_what_ages(low: float | None, high: float | None, said: str) -> None:
    assert ages_words(AgeRange(minValue=low, maxValue=high)) == said


@pytest.mark.parametrize(
    ("prices", "is_free", "said"),
    [
        ([], None, ""),
        ([], True, "Free"),
        ([("4.50", "EUR")], False, "€4.50"),
        ([("12.00", "EUR"), ("8", "EUR")], False, "€8 to €12"),
        ([("0", "EUR"), ("8", "EUR")], False, "Free to €8"),
        ([("1200", "SEK")], None, "1,200 SEK"),
        ([("8", "EUR"), ("9", "CHF")], None, "€8"),
        ([("ask", "EUR"), ("NaN", "EUR"), ("-1", "EUR")], None, ""),
    ],
)
def test_what_it_costs(prices: list[tuple[str, str]], is_free: bool | None, said: str) -> None:  # noqa: FBT001 (a column)
    offers = [Offer(price=price, priceCurrency=currency) for price, currency in prices]

    assert price_words(offers, is_free=is_free) == said


def test_where_it_is() -> None:
    place = Place(
        name="Zoo", address=PostalAddress(streetAddress="Weg 1", postalCode="79100", addressLocality="Freiburg")
    )

    assert place_words(place) == "Zoo, Freiburg"
    assert place_words(Place(name="Zoo Freiburg", address=PostalAddress(addressLocality="Freiburg"))) == "Zoo Freiburg"
    assert place_words(None) == ""
    assert address_lines(place) == ("Zoo", "Weg 1", "79100 Freiburg")


def test_languages_have_names() -> None:
    assert [language_words(tag) for tag in ("de", "de-AT", "tlh", "", 'en" x="')] == ["German", "German", "tlh", "", ""]
