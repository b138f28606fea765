import json
from collections.abc import Callable

import pytest

from tripper_assets.domain.activities import (
    AgeRange,
    Extraction,
    GeoCoordinates,
    Offer,
    OpeningHours,
    Organizer,
    Schedule,
)


def event(**properties: object) -> str:
    return json.dumps(
        {"@context": "https://schema.org", "@type": "Event", "name": "Fair", "startDate": "2024-05-04", **properties}
    )


def test_an_event_is_read_whole(jsonld: Callable[..., Extraction]) -> None:
    block = event(
        **{"@type": ["Event", "ChildrensEvent"]},
        name="  Summer&nbsp;<b>Fair</b>\u200b ",
        startDate="2024-05-04T10:00:00+02:00",
        endDate="2024-05-04T12:00:00+02:00",
        url="../fair?x=1#top",
        identifier={"@type": "PropertyValue", "value": "F-1"},
        description="<p>Come &amp; play.</p><script>x()</script>",
        image=[
            "/a.jpg",
            {"@type": "ImageObject", "url": "https://cdn.example.org/b.jpg", "width": "800", "height": 600},
        ],
        location={
            "@type": "Place",
            "name": "Park",
            "address": {
                "@type": "PostalAddress",
                "streetAddress": "Main St 1",
                "addressCountry": {"@type": "Country", "name": "DE"},
            },
            "geo": {"latitude": "52.5", "longitude": 13.4},
        },
        offers=[
            {"@type": "Offer", "name": "Child", "price": "4,50", "priceCurrency": "eur", "url": "/buy"},
            {"@type": "Offer", "price": 0},
        ],
        isAccessibleForFree="False",
        typicalAgeRange="3-7",
        organizer={"@type": "Organization", "name": "Town", "url": "https://town.example.org"},
        eventStatus="https://schema.org/EventPostponed",
        eventAttendanceMode="http://schema.org/OfflineEventAttendanceMode",
        keywords="kites, outdoors",
        inLanguage="de",
    )

    (activity,) = jsonld(block).activities

    assert activity.name == "Summer Fair"
    assert activity.type == "ChildrensEvent"
    assert activity.url == "https://example.org/fair?x=1"
    assert activity.identifier == "F-1"
    assert activity.description == "Come & play."
    assert (activity.startDate, activity.endDate) == ("2024-05-04T10:00:00+02:00", "2024-05-04T12:00:00+02:00")
    assert [(image.sourceUrl, image.width) for image in activity.image] == [
        ("https://example.org/a.jpg", None),
        ("https://cdn.example.org/b.jpg", 800),
    ]
    assert activity.location is not None
    assert activity.location.geo == GeoCoordinates(latitude=52.5, longitude=13.4)
    assert activity.location.address.addressCountry == "DE"
    assert activity.offers == (
        Offer(name="Child", price="4.50", priceCurrency="EUR", url="https://example.org/buy"),
        Offer(price="0.00"),
    )
    assert activity.isAccessibleForFree is False
    assert activity.ageRange == AgeRange(minValue=3, maxValue=7)
    assert activity.organizer == Organizer(name="Town", url="https://town.example.org")
    assert activity.eventStatus == "EventPostponed"
    assert activity.eventAttendanceMode == "OfflineEventAttendanceMode"
    assert activity.keywords == ("kites", "outdoors")


@pytest.mark.parametrize(
    ("stated", "zone", "start"),
    [
        ("2024-05-04T10:00", None, "2024-05-04T10:00:00"),
        ("2024-05-04T10:00", "Europe/Berlin", "2024-05-04T10:00:00+02:00"),
        ("2024-05-04T08:00:00Z", "Europe/Berlin", "2024-05-04T10:00:00+02:00"),
        ("2024-05-04T08:00:00Z", None, "2024-05-04T08:00:00+00:00"),
        ("2024-05-04T10:00:00+05:00", "Europe/Berlin", "2024-05-04T10:00:00+05:00"),
        ("2024-05-04T10:00:00.000+0200", None, "2024-05-04T10:00:00+02:00"),
        ("2024-05-04 10:00", "Nowhere/Land", "2024-05-04T10:00:00"),
        ("20240504", None, "2024-05-04"),
        ("May 4, 2024 10:00 AM", None, "2024-05-04T10:00:00"),
        ("2024-13-45", None, ""),
        ("soon", None, ""),
        ("2024-05-04T99:00", None, "2024-05-04"),
    ],
)
def test_a_start_is_local_time_with_its_offset(
    jsonld: Callable[..., Extraction], stated: str, zone: str | None, start: str
) -> None:
    (activity,) = jsonld(event(startDate=stated), timezone=zone).activities

    assert activity.startDate == start


def test_a_duration_gives_the_end(jsonld: Callable[..., Extraction]) -> None:
    (activity,) = jsonld(event(startDate="2024-05-04T10:00", duration="PT1H30M")).activities

    assert activity.endDate == "2024-05-04T11:30:00"


@pytest.mark.parametrize(
    ("stated", "low", "high"),
    [
        ("3-", 3, None),
        ("5+", 5, None),
        ("-12", None, 12),
        ("6", 6, 6),
        ("ab 4 Jahren", 4, None),
        ("all ages", 0, None),
        ("18-99", 18, 99),
        ("18-120", 18, None),
        ("0.5-2", 0.5, 2),
        ("2,5 – 4", 2.5, 4),
        ("0.5-", 0.5, None),
        ("6 months to 2 years", 0.5, 2),
    ],
)
def test_typical_ages(jsonld: Callable[..., Extraction], stated: str, low: float | None, high: float | None) -> None:
    (activity,) = jsonld(event(typicalAgeRange=stated)).activities

    assert activity.ageRange == AgeRange(minValue=low, maxValue=high)


def test_suggested_ages_of_an_audience(jsonld: Callable[..., Extraction]) -> None:
    (activity,) = jsonld(
        event(audience={"@type": "PeopleAudience", "suggestedMinAge": 3, "suggestedMaxAge": "6"})
    ).activities

    assert activity.ageRange == AgeRange(minValue=3, maxValue=6)


def test_a_schedule_is_kept_as_a_rule(jsonld: Callable[..., Extraction]) -> None:
    rule = {
        "@type": "Schedule",
        "repeatFrequency": "P1W",
        "byDay": ["https://schema.org/Monday", "Tue"],
        "startDate": "2024-05-06",
        "startTime": "10:00:00",
        "exceptDate": ["2024-05-13"],
        "scheduleTimezone": "Europe/Berlin",
        "repeatCount": 5,
    }

    (activity,) = jsonld(event(eventSchedule=rule)).activities

    assert activity.eventSchedule == (
        Schedule(
            startDate="2024-05-06",
            startTime="10:00",
            scheduleTimezone="Europe/Berlin",
            repeatFrequency="P1W",
            repeatCount=5,
            byDay=("Monday", "Tuesday"),
            exceptDate=("2024-05-13",),
        ),
    )


def test_parts_of_an_event_are_activities_and_inherit_the_place(jsonld: Callable[..., Extraction]) -> None:
    block = event(
        startDate="",
        location="Castle",
        subEvent=[
            {"@type": "Event", "name": "Day one", "startDate": "2024-05-04"},
            {"@type": "Event", "startDate": "2024-05-05"},
        ],
    )

    found = jsonld(block).activities

    assert [(one.name, one.startDate, one.location and one.location.name) for one in found] == [
        ("Day one", "2024-05-04", "Castle"),
        ("Fair", "2024-05-05", "Castle"),
    ]


def test_several_starts_are_several_activities(jsonld: Callable[..., Extraction]) -> None:
    found = jsonld(event(startDate=["2024-05-04", "2024-05-11"])).activities

    assert [one.startDate for one in found] == ["2024-05-04", "2024-05-11"]


def test_a_museum_is_an_activity_where_the_page_is_about_it(jsonld: Callable[..., Extraction]) -> None:
    museum = {
        "@type": "Museum",
        "name": "Toy Museum",
        "address": "Main St 1",
        "openingHours": ["Mo-We 10:00-17:00", "Sa,Su 11:00-18:00"],
    }

    (activity,) = jsonld(json.dumps(museum)).activities

    assert activity.type == "Museum"
    assert activity.location is not None
    assert activity.location.address.streetAddress == "Main St 1"
    assert activity.openingHoursSpecification == (
        OpeningHours(dayOfWeek=("Monday", "Tuesday", "Wednesday"), opens="10:00", closes="17:00"),
        OpeningHours(dayOfWeek=("Saturday", "Sunday"), opens="11:00", closes="18:00"),
    )


def test_opening_hours_specifications(jsonld: Callable[..., Extraction]) -> None:
    zoo = {
        "@type": "Zoo",
        "name": "Zoo",
        "openingHoursSpecification": [
            {
                "dayOfWeek": ["http://schema.org/Monday"],
                "opens": "09:00:00",
                "closes": "5 pm",
                "validFrom": "2024-04-01",
            },
            {"dayOfWeek": "Sunday"},
        ],
    }

    (activity,) = jsonld(json.dumps(zoo)).activities

    assert activity.openingHoursSpecification == (
        OpeningHours(dayOfWeek=("Monday",), opens="09:00", closes="17:00", validFrom="2024-04-01"),
    )


@pytest.mark.parametrize(
    "kind",
    [
        "Organization",
        "WebSite",
        "BreadcrumbList",
        "Recipe",
        "Product",
        "Person",
        "LocalBusiness",
        "PublicationEvent",
        "Museum",
    ],
)
def test_other_things_are_no_activities(jsonld: Callable[..., Extraction], kind: str) -> None:
    assert jsonld(json.dumps({"@type": kind, "name": "X", "url": "https://example.org"})).activities == []


def test_places_in_passing_are_no_activities(jsonld: Callable[..., Extraction]) -> None:
    block = json.dumps(
        [{"@type": "NewsArticle", "name": "News"}, {"@type": "Zoo", "name": "Zoo", "openingHours": "Mo-Fr 9:00-17:00"}]
    )

    assert jsonld(block).activities == []


def test_an_event_without_a_name_is_a_problem(jsonld: Callable[..., Extraction]) -> None:
    extraction = jsonld('{"@type":"Event","startDate":"2024-05-04"}')

    assert extraction.activities == []
    assert [problem.code for problem in extraction.problems] == ["name_missing"]


@pytest.mark.parametrize(
    "properties",
    [
        {"location": {"@type": "Place", "geo": {"latitude": "1e999", "longitude": "x"}}},
        {"location": {"@type": "Place", "geo": {"latitude": 0, "longitude": 0}}},
        {"location": {"@type": "VirtualLocation", "url": "https://x.example.org"}},
        {"location": 7, "offers": "free", "image": {}, "organizer": [], "keywords": None},
        {"location": [], "offers": [[]], "image": [None, 5], "startDate": {}, "url": {"@id": 5}},
        {"offers": {"@type": "Offer", "price": "soon"}},
        {"offers": {"@type": "Offer", "price": -3}},
    ],
)
def test_senseless_values_state_nothing(jsonld: Callable[..., Extraction], properties: dict[str, object]) -> None:
    (activity,) = jsonld(event(**properties)).activities

    assert activity.location is None
    assert activity.offers == ()


@pytest.mark.parametrize(
    ("offers", "price"),
    [
        ({"@type": "AggregateOffer", "lowPrice": "3", "highPrice": "9"}, "3.00"),
        ({"@type": "Offer", "priceSpecification": {"price": 7, "priceCurrency": "EUR"}}, "7.00"),
        ({"@type": "AggregateOffer", "offers": [{"price": "2.00"}]}, "2.00"),
        ({"price": "free"}, "0.00"),
        ({"price": "€ 1.200,00"}, "1200.00"),
    ],
)
def test_offers_of_each_form(jsonld: Callable[..., Extraction], offers: dict[str, object], price: str) -> None:
    (activity,) = jsonld(event(offers=offers)).activities

    assert [offer.price for offer in activity.offers] == [price]
