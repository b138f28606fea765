from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from tripper_assets.domain.activities import Extraction
from tripper_assets.extract.page import Page
from tripper_assets.extract.rdfa import rdfa_nodes

Read = Callable[..., Extraction]
INSIDE = '<b property="name">Kite day</b><time property="startDate" datetime="2024-05-04T10:00">4 May</time>'
PREFIXED = INSIDE.replace('property="', 'property="s:')


def nodes(html: str) -> list[dict[str, object]]:
    return rdfa_nodes(Page("https://example.org/p", "", html, LexborHTMLParser(html)))


@pytest.mark.parametrize(
    "markup",
    [
        f'<div vocab="https://schema.org/" typeof="Event">{INSIDE}</div>',
        f'<body vocab="http://schema.org"><div typeof="Event">{INSIDE}</div></body>',
        f'<div vocab="//schema.org/" typeof="ChildrensEvent">{INSIDE}</div>',
        f'<div typeof="Event">{INSIDE}</div>',
        f'<div prefix="s: https://schema.org/" typeof="s:Event">{PREFIXED}</div>',
        f'<div xmlns:s="http://schema.org/" typeof="s:Event">{PREFIXED}</div>',
        f'<div typeof="schema:Event">{INSIDE.replace(chr(34) + "name", chr(34) + "schema:name").replace("startDate", "schema:startDate")}</div>',
        f'<div typeof="http://schema.org/Event">{INSIDE}</div>',
        f'<div VOCAB="https://schema.org/" TYPEOF="Event">{INSIDE}</div>',
        f'<div vocab="https://schema.org/" typeof="Event"><a property="name" href="/kite">Kite day</a>{INSIDE.partition("</b>")[2]}</div>',
        """<div vocab="https://schema.org/"><div resource="#e" typeof="Event"><b property="name">Kite day</b></div>
        <p about="#e"><meta property="startDate" content="2024-05-04T10:00"></p></div>""",
        """<div xmlns:v="http://rdf.data-vocabulary.org/#" typeof="v:Event"><b property="v:summary">Kite day</b>
        <span property="v:startDate" content="2024-05-04T10:00">4 May</span></div>""",
    ],
)
def test_an_event_is_read_in_each_way_to_write_it(read: Read, markup: str) -> None:
    (activity,) = read(f"<html>{markup}</html>").activities

    assert (activity.name, activity.startDate) == ("Kite day", "2024-05-04T10:00:00")
    assert activity.provenance["name"].method == "rdfa"


def test_a_whole_event_with_what_stands_in_it(read: Read) -> None:
    page = """<div vocab="https://schema.org/" typeof="TheaterEvent" resource="/puppets">
    <h1 property="name">Puppets</h1><a property="url" href="/puppets">more</a><img property="image" src="p.jpg">
    <span property="startDate" content="2024-05-04T15:00+01:00">3 pm</span>
    <div property="location" typeof="Place"><i property="name">Old Barn</i><p property="address" typeof="PostalAddress">
    <span property="streetAddress">Farm Lane 2</span> <span property="addressLocality">Oxford</span></p>
    <p property="geo" typeof="GeoCoordinates"><meta property="latitude" content="51.7"><meta property="longitude" content="-1.2"></p></div>
    <div rel="offers"><div typeof="Offer"><b property="price" content="4.50">£4.50</b><meta property="priceCurrency" content="GBP"></div></div>
    <a property="organizer" resource="#club" href="#club">Club</a><link property="eventStatus" href="https://schema.org/EventPostponed"></div>
    <p vocab="https://schema.org/" resource="#club" typeof="Organization"><b property="name">Puppet Club</b></p>"""

    (activity,) = read(page).activities

    assert (activity.name, activity.type, activity.url) == ("Puppets", "TheaterEvent", "https://example.org/puppets")
    assert activity.location is not None
    assert activity.location.geo is not None
    assert (activity.location.name, activity.location.address.addressLocality) == ("Old Barn", "Oxford")
    assert [(offer.price, offer.priceCurrency) for offer in activity.offers] == [("4.50", "GBP")]
    assert activity.organizer is not None
    assert (activity.organizer.name, activity.eventStatus) == ("Puppet Club", "EventPostponed")
    assert [image.sourceUrl for image in activity.image] == ["https://example.org/whats-on/p.jpg"]


def test_other_vocabularies_are_not_read() -> None:
    assert (
        nodes(
            '<div xmlns:sioc="http://rdfs.org/sioc/ns#" typeof="sioc:Item foaf:Document"><b property="dc:title">x</b></div>'
        )
        == []
    )
    assert nodes('<div vocab="http://xmlns.com/foaf/0.1/" typeof="Event"><b property="name">x</b></div>') == []
    assert nodes('<meta property="og:title" content="x"><p>typeof x</p>') == []


def test_things_that_hold_one_another_are_read_once() -> None:
    html = """<div vocab="https://schema.org/" typeof="Event" resource="#a"><b property="name">A</b><a property="subEvent" href="#b">B</a></div>
    <div vocab="https://schema.org/" typeof="Event" resource="#b"><b property="name">B</b><a property="superEvent" href="#a">A</a></div>"""

    assert [node["name"] for node in nodes(html)] == ["A", "B"]


PIECES = st.sampled_from(
    ['<div vocab="https://schema.org/" typeof="Event">', '<i property="name">x</i>', '<p rel="location">', '<p typeof="Place" about="#a">', "</p>", "</div>",
     '<a resource="#a" property="location">', '<a rel="offers nofollow" href="[">', '<p prefix="a: b: c:">', '<p xmlns:x="" typeof=":">', "<p about>",
     "<p typeof property resource>", '<i property="startDate" content="2024-05-04">']
)  # fmt: skip


@given(st.lists(PIECES, max_size=20).map("".join))
def test_any_markup_is_read_without_raising(html: str) -> None:
    assert all(isinstance(node["@type"], list) for node in nodes(html))
