import json
from collections.abc import Callable

import pytest

from tripper_assets.domain.activities import Extraction

URL = "https://example.org/api/events"


def test_objects_with_a_title_and_a_start_are_activities(read: Callable[..., Extraction]) -> None:
    document = {
        "page": 1,
        "events": [
            {
                "id": 7,
                "title": "Story <b>hour</b>",
                "start": "2024-05-04T10:00:00",
                "end": "2024-05-04T11:00:00",
                "url": "/e/7",
                "venue": {"name": "Library", "address": "Main St 1", "city": "Oxford", "lat": "51.7", "lng": "-1.2"},
                "image": "/a.jpg",
                "status": "cancelled",
            },
            {
                "summary": "Kites",
                "start": {"dateTime": "2024-05-05T14:00:00Z"},
                "location": "Park, Oxford",
                "organizer": {"name": "Town"},
            },
            {"eventTitle": "Camp", "startDate": "2024-07-01T00:00:00", "allDay": True},
            {
                "Name": {"label": "Board games", "url": "https://example.org/games"},
                "Meeting Date": "5/6/2024",
                "Meeting Time": "6:30 PM",
            },
            {"title": "Epoch", "start": 1714816800000},
            {"title": "No start"},
            {"start": "2024-05-04"},
        ],
    }

    extraction = read(json.dumps(document), url=URL, content_type="application/json", timezone="America/New_York")

    assert [(one.name, one.startDate) for one in extraction.activities] == [
        ("Story hour", "2024-05-04T10:00:00-04:00"),
        ("Kites", "2024-05-05T10:00:00-04:00"),
        ("Camp", "2024-07-01"),
        ("Board games", "2024-05-06T18:30:00-04:00"),
        ("Epoch", "2024-05-04T06:00:00-04:00"),
    ]
    first = extraction.activities[0]
    assert (first.identifier, first.url, first.eventStatus) == ("7", "https://example.org/e/7", "EventCancelled")
    assert first.location is not None
    assert first.location.geo is not None
    assert first.location.address.addressLocality == "Oxford"
    assert extraction.links == ["https://example.org/e/7", "https://example.org/games"]


def test_json_ld_served_as_json_is_read_as_such(read: Callable[..., Extraction]) -> None:
    (activity,) = read(
        '{"@type":"Event","name":"Fair","startDate":"2024-05-04"}', url=URL, content_type="application/ld+json"
    ).activities

    assert activity.provenance["name"].method == "json-ld"


@pytest.mark.parametrize("text", ["{", "[" * 100_000, '{"title":"x","start":' * 2000, "NaN"])
def test_broken_json_is_a_problem(read: Callable[..., Extraction], text: str) -> None:
    extraction = read(text, url=URL, content_type="application/json")

    assert [problem.code for problem in extraction.problems] in (["json_broken"], [])
    assert extraction.activities == []


def test_a_long_feed_counts_the_old_entries_that_it_leaves_out(read: Callable[..., Extraction]) -> None:
    events = [{"title": f"Walk {day}", "start": f"{year}-03-{day:02}"} for year in (2021, 2024) for day in range(1, 29)]
    extraction = read(json.dumps(events), url=URL)

    assert len(extraction.activities) == 28
    assert [(one.code, one.subject) for one in extraction.problems] == [("archive_entries_left_out", URL)]
    assert extraction.problems[0].message.startswith("28 entries before 2023-04-10")


@pytest.mark.parametrize(
    ("title", "name", "start"),
    [
        ("Storytime 10:00 a.m.", "Storytime", "2024-05-04T10:00:00"),
        ("Storytime - 2pm", "Storytime", "2024-05-04T14:00:00"),
        ("Vorlesen, 15 Uhr", "Vorlesen", "2024-05-04T15:00:00"),
        ("Studio 54", "Studio 54", "2024-05-04"),
    ],
)
def test_a_day_without_a_time_has_the_one_at_its_title_s_end(
    read: Callable[..., Extraction], title: str, name: str, start: str
) -> None:
    (activity,) = read(json.dumps({"title": title, "start": "2024-05-04"}), url=URL).activities

    assert (activity.name, activity.startDate) == (name, start)
