import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tripper_assets.domain.activities import Extraction, GeoCoordinates, RawActivity
from tripper_assets.extract.embedded import embedded_states
from tripper_assets.extract.js_literals import read_literal
from tripper_assets.extract.scripts import Script

Read = Callable[..., Extraction]
EVENT = {
    "title": "Kite festival",
    "slug": "kite-festival",
    "startDate": "2024-05-04T10:00:00+01:00",
    "endDate": "2024-05-04T16:00:00+01:00",
    "venue": {"name": "Beach Park", "address": {"street": "Sea Road 1", "city": "Whitby", "postalCode": "YO21 3JX"}},
}
POST = {"title": "Our new website", "date": "2024-03-01", "slug": "new-website", "content": "We have a new website."}


def page(script: str, head: str = "") -> str:
    return f"<!doctype html><html><head>{head}{script}</head><body><div id=app></div></body></html>"


def next_pages(state: object) -> str:
    props = {"props": {"pageProps": state}, "page": "/events/[slug]", "buildId": "x"}
    return page(f'<script id="__NEXT_DATA__" type="application/json">{json.dumps(props)}</script>')


def next_stream(state: object) -> str:
    row = json.dumps(
        ["$", "div", None, {"children": ["$", "$L5", None, {"event": state, "more": "$6", "x": "$undefined"}]}]
    )
    stream = (
        f'0:["$","html",null,{{}}]\n5:I[301,["static/chunks/a.js"],"Event"]\n4:{row}\n6:T10,a text, a text.7:null\n'
    )
    halves = stream[: len(stream) // 2], stream[len(stream) // 2 :]
    pushes = "".join(f"<script>self.__next_f.push([1,{json.dumps(half)}])</script>" for half in halves)
    return page(f"<script>(self.__next_f=self.__next_f||[]).push([0])</script>{pushes}")


def nuxt_2(state: object) -> str:
    literal = (
        json.dumps({"layout": "default", "data": [state], "fetch": {}})
        .replace('"Kite festival"', "a")
        .replace("false", "b")
    )
    literal = literal.replace('"title":', "title:").replace('"slug":', "slug:")
    return page(f'<script>window.__NUXT__=(function(a,b){{return {literal}}}("Kite festival",!1));</script>')


def nuxt_3(state: object) -> str:
    table: list[object] = [["ShallowReactive", 1], {"data": 2}, ["ShallowReactive", 3], {"event": 4}]
    flatten(state, table)
    return page(
        f'<script type="application/json" data-nuxt-data="nuxt-app" id="__NUXT_DATA__">{json.dumps(table)}</script>'
    )


def flatten(value: object, table: list[object]) -> int:
    place = len(table)
    table.append(value)
    if isinstance(value, dict):
        table[place] = {key: flatten(item, table) for key, item in value.items()}
    elif isinstance(value, list):
        table[place] = [flatten(item, table) for item in value]
    return place


def apollo(state: object) -> str:
    event = dict(state) if isinstance(state, dict) else {}
    place = event.pop("venue")
    cache = {
        "Venue:2": {"__typename": "Venue", "id": "2", **place},
        "ROOT_QUERY": {"__typename": "Query", 'event({"slug":"kite-festival"})': {"__ref": "Event:1"}},
        "Event:1": {"__typename": "Event", "id": "1", **event, 'venue({"lang":"en"})': {"__ref": "Venue:2"}},
    }
    return page(f"<script>window.__APOLLO_STATE__ = {json.dumps(cache)};</script>")


def initial_state(state: object) -> str:
    return page(
        f"<script>window.__INITIAL_STATE__={json.dumps({'events': {'current': state}})};(function(){{}})()</script>"
    )


def parsed_text(state: object) -> str:
    return page(f'<script>window["appData"] = JSON.parse({json.dumps(json.dumps({"event": state}))});</script>')


def inertia(state: object) -> str:
    attribute = json.dumps({"component": "Event", "props": {"event": state}}).replace('"', "&quot;")
    return f'<html><body><div id="app" data-page="{attribute}"></div></body></html>'


def full_calendar(state: object) -> str:
    return page(
        f"<script>new Calendar(el, {{ initialView: 'month', events: {json.dumps([state])} }}).render()</script>"
    )


PAGES = [next_pages, next_stream, nuxt_2, nuxt_3, apollo, initial_state, parsed_text, inertia, full_calendar]


@pytest.mark.parametrize("write", PAGES)
def test_the_state_of_a_page_states_its_activity(read: Read, write: Callable[[object], str]) -> None:
    (activity,) = read(write(EVENT), timezone="Europe/London").activities

    assert (activity.name, activity.startDate, activity.endDate) == (
        "Kite festival",
        "2024-05-04T10:00:00+01:00",
        "2024-05-04T16:00:00+01:00",
    )
    assert activity.location is not None
    assert (activity.location.name, activity.location.address.addressLocality) == ("Beach Park", "Whitby")
    assert {source.method for source in activity.provenance.values()} == {"embedded-state"}


@pytest.mark.parametrize("write", [write for write in PAGES if write is not apollo])
def test_a_post_in_a_state_is_no_activity(read: Read, write: Callable[[object], str]) -> None:
    assert read(write({**POST, "venue": {}})).activities == []


@pytest.mark.parametrize(
    "thing",
    [
        {"title": "Spring sale", "startDate": "2024-05-04"},
        {
            "__typename": "Article",
            "title": "Looking back",
            "startDate": "2024-05-04",
            "url": "/a",
            "endDate": "2024-05-05",
        },
        {"name": "Slide 1", "start": 1714816800, "image": "/a.jpg"},
        {"name": "Budget", "date": "2024-05-04", "url": "/budget.pdf"},
    ],
)
def test_other_things_with_a_date_are_no_activities(read: Read, thing: dict[str, object]) -> None:
    assert read(next_pages({"items": [thing]})).activities == []


def test_markup_and_state_of_one_page_are_one_activity(read: Read) -> None:
    stated = {"@type": "Event", "name": "Kite festival", "startDate": "2024-05-04T10:00"}
    markup = f'<script type="application/ld+json">{json.dumps(stated)}</script>'

    (activity,) = read(next_pages(EVENT).replace("<head>", f"<head>{markup}")).activities

    assert activity.startDate == "2024-05-04T10:00:00+01:00"
    assert {name: source.method for name, source in activity.provenance.items()} == {
        "name": "json-ld",
        "type": "json-ld",
        "startDate": "embedded-state",
        "endDate": "embedded-state",
        "location": "embedded-state",
    }


def one(read: Read, document: object, url: str, **options: str) -> tuple[RawActivity, list[str]]:
    extraction = read(json.dumps(document), url=url, content_type="application/json", **options)
    (activity,) = extraction.activities
    return activity, extraction.links


def test_the_events_calendar_s_list(read: Read) -> None:
    event = {
        "id": 4711, "global_id": "town.example.org?id=4711", "author": "3", "status": "publish", "date": "2024-01-02 10:00:00",
        "url": "https://town.example.org/event/clay/", "rest_url": "https://town.example.org/wp-json/tribe/events/v1/events/4711",
        "title": "Clay &#8211; for children", "description": "<p>Bring an apron.</p>", "excerpt": "", "slug": "clay", "all_day": False,
        "image": {"url": "https://town.example.org/clay.jpg", "id": "9", "width": 900, "sizes": {"medium": {"url": "https://town.example.org/m.jpg"}}},
        "start_date": "2024-05-04 10:00:00", "end_date": "2024-05-04 12:00:00", "utc_start_date": "2024-05-04 08:00:00",
        "utc_end_date": "2024-05-04 10:00:00", "timezone": "Europe/Berlin", "cost": "€5", "website": "",
        "cost_details": {"currency_symbol": "€", "currency_code": "EUR", "values": ["5"]},
        "categories": [{"name": "Workshops", "slug": "workshops", "id": 4}], "tags": [{"name": "Craft", "slug": "craft"}],
        "venue": {"id": 5, "venue": "Kulturhaus", "address": "Marktplatz 1", "city": "Freiburg", "country": "Germany", "zip": "79098",
                  "geo_lat": 47.99, "geo_lng": 7.85, "url": "https://town.example.org/venue/kulturhaus/"},
        "organizer": [{"id": 6, "organizer": "Töpferei Blau", "url": "https://town.example.org/organizer/blau/"}],
    }  # fmt: skip
    document = {"events": [event], "rest_url": "https://town.example.org/wp-json/tribe/events/v1/events/?page=1", "total": 30,
                "next_rest_url": "https://town.example.org/wp-json/tribe/events/v1/events/?page=2"}  # fmt: skip

    activity, links = one(read, document, "https://town.example.org/wp-json/tribe/events/v1/events?per_page=50")

    assert (activity.name, activity.startDate, activity.endDate) == (
        "Clay – for children", "2024-05-04T10:00:00+02:00", "2024-05-04T12:00:00+02:00",
    )  # fmt: skip
    assert (activity.url, activity.identifier) == ("https://town.example.org/event/clay/", "4711")
    assert activity.location is not None
    assert activity.location.geo == GeoCoordinates(latitude=47.99, longitude=7.85)
    assert (activity.location.name, activity.location.address.postalCode) == ("Kulturhaus", "79098")
    assert activity.organizer is not None
    assert activity.organizer.name == "Töpferei Blau"
    assert [(offer.price, offer.priceCurrency) for offer in activity.offers] == [("5.00", "EUR")]
    assert (activity.category, activity.keywords) == (("Workshops",), ("Craft",))
    assert [image.sourceUrl for image in activity.image] == ["https://town.example.org/clay.jpg"]
    assert links == [
        "https://town.example.org/wp-json/tribe/events/v1/events/?page=2",
        "https://town.example.org/event/clay/",
    ]


def test_libcal_s_list(read: Read) -> None:
    event = {
        "id": 12, "title": "Lego club", "startdt": "2024-05-04 15:30:00", "enddt": "2024-05-04 16:30:00", "start": "3:30 PM", "end": "4:30 PM",
        "date": "Saturday, May 4, 2024", "all_day": False, "location": "Children's Room", "campus": "Main Library", "shortdesc": "Build!",
        "description": "<p>Build with us. Ages 5-9.</p>", "url": "https://lib.example.org/event/12", "categories": "Kids",
        "featured_image": "https://lib.example.org/i/12.png", "online_event": False, "audiences": [{"id": 3, "name": "Ages 5-9"}],
    }  # fmt: skip

    activity, links = one(
        read,
        {"total_results": 1, "results": [event]},
        "https://lib.example.org/ajax/calendar/list?c=-1",
        timezone="America/New_York",
    )

    assert (activity.name, activity.startDate, activity.endDate) == (
        "Lego club",
        "2024-05-04T15:30:00-04:00",
        "2024-05-04T16:30:00-04:00",
    )
    assert activity.location is not None
    assert activity.location.name == "Children's Room"
    assert activity.ageRange is not None
    assert (activity.ageRange.minValue, activity.ageRange.maxValue) == (5, 9)
    assert (activity.category, links) == (("Kids",), ["https://lib.example.org/event/12"])


def test_localist_s_list_has_an_activity_for_each_instance(read: Read) -> None:
    event = {
        "id": 88, "title": "Planetarium for families", "url": "https://stars.example.org", "localist_url": "https://cal.example.org/event/planetarium",
        "first_date": "2024-05-04", "last_date": "2024-05-11", "location_name": "Science Hall", "room_number": "101", "address": "1 Star Way",
        "geo": {"latitude": "40.1", "longitude": "-88.2", "street": "1 Star Way", "city": "Urbana", "state": "IL", "country": "US", "zip": "61801"},
        "free": True, "status": "live", "photo_url": "https://cal.example.org/p.jpg", "description_text": "Stars.",
        "event_instances": [
            {"event_instance": {"id": 1, "event_id": 88, "start": "2024-05-04T14:00:00-05:00", "end": "2024-05-04T15:00:00-05:00", "all_day": False}},
            {"event_instance": {"id": 2, "event_id": 88, "start": "2024-05-11T14:00:00-05:00", "end": None, "all_day": False}},
        ],
        "filters": {"event_types": [{"name": "Family", "id": 1}]},
    }  # fmt: skip
    document = {
        "events": [{"event": event}],
        "page": {"current": 1, "size": 10, "total": 1},
        "date": {"first": "2024-05-04", "last": "2024-05-11"},
    }

    extraction = read(json.dumps(document), url="https://cal.example.org/api/2/events", content_type="application/json")

    assert [(one.name, one.startDate, one.endDate) for one in extraction.activities] == [
        ("Planetarium for families", "2024-05-04T14:00:00-05:00", "2024-05-04T15:00:00-05:00"),
        ("Planetarium for families", "2024-05-11T14:00:00-05:00", ""),
    ]
    first = extraction.activities[0]
    assert first.location is not None
    assert (first.location.name, first.location.address.addressLocality) == ("Science Hall", "Urbana")
    assert first.location.geo == GeoCoordinates(latitude=40.1, longitude=-88.2)
    assert (first.identifier, first.isAccessibleForFree) == ("88", True)


def test_squarespace_s_collection(read: Read) -> None:
    event = {
        "id": "5f", "collectionId": "5e", "title": "Pumpkin day", "urlId": "2024/10/12/pumpkin", "fullUrl": "/events/2024/10/12/pumpkin",
        "startDate": 1728741600000, "endDate": 1728752400000, "addedOn": 1700000000000, "publishOn": 1700000000000,
        "assetUrl": "https://images.example.org/p.jpg", "excerpt": "<p>Carve one.</p>", "body": "<div>…</div>",
        "location": {"addressTitle": "Hill Farm", "addressLine1": "9 Hill Road", "addressLine2": "Salem, OR, 97301", "addressCountry": "United States",
                     "mapLat": 44.9, "mapLng": -123.0, "markerLat": 44.9, "markerLng": -123.0},
    }  # fmt: skip
    document = {
        "website": {"id": "1", "timeZone": "America/Los_Angeles", "siteTitle": "Hill Farm"},
        "collection": {"id": "5e", "title": "Events", "fullUrl": "/events", "typeName": "events-stacked"},
        "upcoming": [event], "past": [], "pagination": {"nextPage": True, "nextPageUrl": "/events?offset=5"},
    }  # fmt: skip

    activity, links = one(read, document, "https://farm.example.org/events?format=json")

    assert (activity.name, activity.startDate, activity.endDate) == (
        "Pumpkin day",
        "2024-10-12T07:00:00-07:00",
        "2024-10-12T10:00:00-07:00",
    )
    assert activity.location is not None
    assert (activity.location.name, activity.location.address.streetAddress) == ("Hill Farm", "9 Hill Road")
    assert (activity.location.address.addressLocality, activity.location.address.postalCode) == ("Salem", "97301")
    assert links == [
        "https://farm.example.org/events?offset=5&format=json",
        "https://farm.example.org/events/2024/10/12/pumpkin",
    ]


@pytest.mark.parametrize(
    ("markup", "link"),
    [
        (
            '<meta name="tec-api-version" content="v1"><link rel="alternate" href="https://example.org/wp-json/tribe/events/v1/" />',
            "https://example.org/wp-json/tribe/events/v1/events?per_page=50",
        ),
        (
            '<meta name="tec-api-version" content="v1"><link rel="alternate" href="https://example.org/wp-json/tribe/events/v1/events/?categories=kids" />',
            "https://example.org/wp-json/tribe/events/v1/events/?categories=kids",
        ),
        (
            r'<script type="application/json">{"rest_url":"https:\/\/example.org\/wp-json\/tribe\/views\/v2\/html"}</script>',
            "https://example.org/wp-json/tribe/events/v1/events?per_page=50",
        ),
        (
            "<script>$.getJSON('https://lib.example.org/ajax/calendar/list?c=-1&date=0000-00-00', show)</script>",
            "https://lib.example.org/ajax/calendar/list?c=-1&date=0000-00-00",
        ),
        (
            "<script>fetch('https://cal.example.org/api/2/events?days=90')</script>",
            "https://cal.example.org/api/2/events?days=90",
        ),
        (
            '<script>Static.SQUARESPACE_CONTEXT = {"collection":{"typeName":"events-stacked","fullUrl":"/whats-on"}};</script>',
            "https://example.org/whats-on/clay?format=json",
        ),
        ('<a href="webcal://example.org/all.ics">Subscribe</a>', "https://example.org/all.ics"),
        (
            '<iframe src="https://calendar.google.com/calendar/embed?src=club%40example.org&ctz=Europe/London"></iframe>',
            "https://calendar.google.com/calendar/ical/club%40example.org/public/basic.ics",
        ),
    ],
)
def test_the_calendar_behind_a_page_is_a_link(read: Read, markup: str, link: str) -> None:
    assert read(f"<html><head>{markup}</head><body>x</body></html>").links == [link]


def test_a_calendar_s_address_of_one_event_is_no_link(read: Read) -> None:
    assert (
        read(
            '<meta name="tec-api-version" content="v1"><link rel="alternate" href="https://example.org/wp-json/tribe/events/v1/events/4711" />'
        ).links
        == []
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{a: 'b', \"c\": [1, , .5], d: void 0, e: !0,}", {"a": "b", "c": [1, None, 0.5], "d": None, "e": True}),
        ("(function(a){return {x:a,y:[a]}}(7))", {"x": 7, "y": [7]}),
        ("{when: new Date('2024-05-04'), text: `a\\n\\u00e9`}", {"when": "2024-05-04", "text": "a\né"}),
    ],
)
def test_a_literal_is_read_as_a_script_means_it(text: str, value: object) -> None:
    assert read_literal(text) == value


@given(st.text(alphabet="{}[](),:'\"`abc1.!-\\ \nvoid function return", max_size=60))
def test_any_text_is_a_literal_or_none(text: str) -> None:
    try:
        read_literal(text)
    except (ValueError, RecursionError):
        return


@given(
    st.lists(
        st.sampled_from(
            ["window.__INITIAL_STATE__=", "self.__next_f.push([1,", '"0:{', "}", "]", ")", "{", '{"a":1}', "events: [{", "__NUXT__=(function(a){return ",
             "JSON.parse(", '"', "\\", "T5,", "\\n", "$1", "[[1],2]"]
        ),
        max_size=12,
    ).map("".join),
    st.sampled_from(["", "application/json"]),
)  # fmt: skip
def test_any_script_has_states_or_none(text: str, kind: str) -> None:
    for name in ("", "__NUXT_DATA__"):
        embedded_states([Script(kind, name, text)])
