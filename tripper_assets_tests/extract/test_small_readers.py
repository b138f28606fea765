import pytest
from hypothesis import given
from hypothesis import strategies as st

from tripper_assets.domain.activities import OpeningHours
from tripper_assets.extract.addresses import place_from_text
from tripper_assets.extract.drafts import Draft, folded
from tripper_assets.extract.hours import clock_text, days_in, hours_in
from tripper_assets.extract.texts import clipped, plain_text

WEEKEND = ("Saturday", "Sunday")


@pytest.mark.parametrize(
    ("text", "days", "opens", "closes"),
    [
        ("Sa-Su 10:00-18:00", WEEKEND, "10:00", "18:00"),
        ("Saturday and Sunday 10am - 6pm", WEEKEND, "10:00", "18:00"),
        ("Sat & Sun: 10 am to 6 pm", WEEKEND, "10:00", "18:00"),
        ("Samstag bis Sonntag 10:00 - 18:00 Uhr", WEEKEND, "10:00", "18:00"),
        ("samedi et dimanche 10h00-18h00", WEEKEND, "10:00", "18:00"),
        ("sábado y domingo 10:00-18:00", WEEKEND, "10:00", "18:00"),
        ("sabato e domenica 10.00-18.00", WEEKEND, "10:00", "18:00"),
        ("zaterdag en zondag 10:00 - 18:00", WEEKEND, "10:00", "18:00"),
        ("Fr-Mo 9:30-12:00", ("Monday", "Friday", "Saturday", "Sunday"), "09:30", "12:00"),
    ],
)
def test_hours_of_days(text: str, days: tuple[str, ...], opens: str, closes: str) -> None:
    expected = [OpeningHours(dayOfWeek=days, opens=opens, closes=closes)] if opens else []

    assert hours_in(text) == expected


def test_daily_is_every_day() -> None:
    assert len(days_in("daily")) == 7
    assert len(days_in("täglich")) == 7


@pytest.mark.parametrize(
    ("text", "clock"),
    [
        ("10:00:00", "10:00"),
        ("T09:30", "09:30"),
        ("5 pm", "17:00"),
        ("12 am", "00:00"),
        ("24:00", "24:00"),
        ("25:00", ""),
        ("x", ""),
        ("18 Uhr", "18:00"),
    ],
)
def test_clock_texts(text: str, clock: str) -> None:
    assert clock_text(text) == clock


@given(st.text(max_size=100))
def test_any_text_of_hours_is_read(text: str) -> None:
    hours_in(text)
    days_in(text)
    clock_text(text)


@pytest.mark.parametrize(
    ("text", "name", "street", "postcode", "locality"),
    [
        ("Town Library, 12 High Street, Oxford, OX1 4AA", "Town Library", "12 High Street", "OX1 4AA", "Oxford"),
        ("Stadtbad, Hauptstraße 5, 80331 München", "Stadtbad", "Hauptstraße 5", "80331", "München"),
        ("Hauptstraße 5, 80331 München", "", "Hauptstraße 5", "80331", "München"),
        ("Musée, 3 rue du Pont, 69001 Lyon", "Musée", "3 rue du Pont", "69001", "Lyon"),
        ("City Hall, 1 Main St, Springfield, IL 62701", "City Hall", "1 Main St", "62701", "Springfield"),
        (
            "Library at Mill Square, 12 Mill Street, Leeds LS9 8AP",
            "Library at Mill Square",
            "12 Mill Street",
            "LS9 8AP",
            "Leeds",
        ),
        (
            "Bibliothek am Markt, Marktplatz 17, 79098 Freiburg",
            "Bibliothek am Markt",
            "Marktplatz 17",
            "79098",
            "Freiburg",
        ),
        (
            "Studio 54, 254 West 54th Street, New York, NY 10019",
            "Studio 54",
            "254 West 54th Street",
            "10019",
            "New York",
        ),
        ("12 High Street, Floor 2, Oxford OX1 4AA", "", "12 High Street, Floor 2", "OX1 4AA", "Oxford"),
        ("Room 3, 12 High Street, Oxford OX1 4AA", "", "Room 3, 12 High Street", "OX1 4AA", "Oxford"),
        ("2345 S Millard Ave, Chicago, IL 60623 773-555-0165", "", "2345 S Millard Ave", "60623", "Chicago"),
        ("2345 S Millard Ave Chicago, IL 60623", "", "2345 S Millard Ave Chicago", "60623", ""),
        ("The Old Barn", "The Old Barn", "", "", ""),
        ("The Old Barn, Oxford", "The Old Barn", "", "", "Oxford"),
        ("De Schuur, Dorpsstraat 1, 1234 AB Utrecht", "De Schuur", "Dorpsstraat 1", "1234 AB", "Utrecht"),
    ],
)
def test_a_place_is_told_apart(text: str, name: str, street: str, postcode: str, locality: str) -> None:
    place = place_from_text(text)

    assert place is not None
    address = place.address
    assert (place.name, address.streetAddress, address.postalCode, address.addressLocality) == (
        name,
        street,
        postcode,
        locality,
    )


@pytest.mark.parametrize("text", ["Online", "https://zoom.example.org", "TBA", "", " , "])
def test_what_is_no_place_is_none(text: str) -> None:
    assert place_from_text(text) is None


@given(st.text(max_size=100))
def test_any_text_of_a_place_is_read(text: str) -> None:
    place_from_text(text)


def test_html_becomes_text() -> None:
    assert plain_text("<p>One &amp; <b>t</b>wo</p><style>x</style><br>three &lt;em&gt;x") == "One & two three x"
    assert clipped("one two three", 9) == "one two…"
    assert clipped("abc", 9) == "abc"


def draft(method: str, **values: object) -> Draft:
    made = Draft(method)  # type: ignore[arg-type]
    for name, value in values.items():
        made.put(name, value)
    return made


def test_what_starts_at_another_time_is_another_activity() -> None:
    drafts = [
        draft("json-ld", name="Walk", startDate="2024-05-04T10:00:00"),
        draft("microdata", name="walk", startDate="2024-05-04T15:00:00"),
    ]

    assert len(folded(drafts)) == 2


def test_a_day_is_filled_with_the_time_that_another_markup_states() -> None:
    (one,) = folded(
        [
            draft("json-ld", name="Walk", startDate="2024-05-04"),
            draft("microdata", name="Walk!", startDate="2024-05-04T15:00:00"),
        ]
    )

    assert one.get("startDate") == "2024-05-04T15:00:00"
    assert one.found["startDate"][0] == "microdata"


def test_two_of_one_markup_with_other_ids_stay_two() -> None:
    drafts = [
        draft("json-ld", name="Walk", startDate="2024-05-04", identifier="1"),
        draft("json-ld", name="Walk", startDate="2024-05-04", identifier="2"),
    ]

    assert len(folded(drafts)) == 2
