"""Prices, schedules and opening hours are corrected row by row, and nothing that has no input is lost."""

from typing import Any

import pytest

from tripper_assets.api.correction_forms import form_of, value_of
from tripper_assets.api.correction_rows import MOST_ROWS
from tripper_assets.domain.activities import Offer
from tripper_assets.domain.errors import ConfigurationError
from tripper_assets_tests.api.conftest import World
from tripper_assets_tests.api.review_world import an_activity, bundle

WEEKLY = {"startTime": "15:00", "byDay": ["Monday", "Friday"], "repeatFrequency": "P2W", "exceptDate": ["2026-06-01"]}


def filled(field: str, value: Any) -> dict[str, str]:
    """Return what a browser sends of a form that nobody touched."""
    form = form_of(field, value)
    sent = {"value": form.value}
    for at, line in enumerate(form.lines):
        sent |= {f"row.{at}.{name}": said for name, _, said, _ in line.inputs}
        sent |= {f"row.{at}.{day}": "1" for day, _, is_ticked in line.days if is_ticked}
        sent |= {f"row.{at}.rest": line.rest} if line.rest else {}
    return sent


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (
            "offers",
            [{"name": "adults", "price": "4.50", "priceCurrency": "EUR"}, {"price": "0", "url": "https://x.de/"}],
        ),
        ("eventSchedule", [WEEKLY, {"startDate": "2026-06-02", "endDate": "2026-06-02", "endTime": "14:00+02:00"}]),
        ("openingHoursSpecification", [{"dayOfWeek": ["Sunday"], "opens": "10:00", "closes": "24:00"}]),
        ("offers", None),
        ("eventSchedule", [WEEKLY, {"repeatFrequency": "P1M", "byMonthDay": [3]}]),
        ("offers", [{"url": "https://x.de/"}]),
        ("openingHoursSpecification", [{"dayOfWeek": ["Sunday", "PublicHolidays"], "opens": "10:00"}]),
    ],
)
def test_a_form_that_nobody_touched_says_what_it_said(field: str, value: Any) -> None:
    assert value_of(field, filled(field, value)) == value


def test_a_row_is_changed_emptied_and_added() -> None:
    sent = filled("offers", [{"price": "4.50", "priceCurrency": "EUR"}, {"price": "9", "url": "https://x.de/"}])

    sent |= {"row.0.price": "5,00", "row.1.price": " ", "row.2.name": "babies", "row.2.price": "0"}

    assert value_of("offers", sent) == [{"price": "5.00", "priceCurrency": "EUR"}, {"name": "babies", "price": "0"}]


def test_ticked_days_are_weekly_where_nothing_else_is_said() -> None:
    sent = filled("eventSchedule", None) | {"row.0.Sunday": "1", "row.0.Tuesday": "1", "row.0.startTime": "10:00"}

    assert value_of("eventSchedule", sent) == [
        {"repeatFrequency": "P1W", "byDay": ["Tuesday", "Sunday"], "startTime": "10:00"}
    ]


@pytest.mark.parametrize(
    ("field", "name", "said"),
    [
        ("offers", "price", "cheap"),
        ("offers", "priceCurrency", "Euro"),
        ("eventSchedule", "startTime", "25:00"),
        ("openingHoursSpecification", "validFrom", "June"),
        ("eventSchedule", "rest", "{"),
    ],
)
def test_an_input_that_is_not_of_its_form_is_refused_with_an_example(field: str, name: str, said: str) -> None:
    sent = filled(field, None) | {"row.0.startTime": "10:00", f"row.0.{name}": said}

    with pytest.raises(ConfigurationError, match=r"such as|is no JSON"):
        value_of(field, sent)


def test_the_json_counts_where_its_button_is_pressed_and_where_there_are_too_many_rows() -> None:
    sent = filled("offers", [{"price": "4"}]) | {"value": '[{"price": "7"}]', "as": "json"}

    assert value_of("offers", sent) == [{"price": "7"}]
    assert form_of("offers", [{"price": "1"}] * (MOST_ROWS + 1)).kind == "json"


def test_the_page_states_prices_and_schedules_in_rows_and_saves_them(world: World) -> None:
    source = world.source()
    one = an_activity(source, "Puppet theatre", offers=(Offer(price="4.50", priceCurrency="EUR"),))
    workflow, sha256 = bundle(world, source, [one])

    page = world.client.get(f"/review/{workflow}/activities/{one.id}").text
    there = f"/review/{workflow}/activities/{one.id}/corrections"
    form = {"bundle": sha256, "field": "eventSchedule", "value": "", "row.0.Friday": "1", "row.0.startTime": "15:00"}
    world.client.post(there, data=form)

    assert 'name="row.0.price" value="4.50"' in page
    assert page.index(">Save the correction<") < page.index('name="as" value="json"')
    [held] = world.context.catalog.corrections.corrections(source.key)[one.id]
    assert held.value == [{"repeatFrequency": "P1W", "startTime": "15:00", "byDay": ["Friday"]}]
