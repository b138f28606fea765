"""How an activity is written as a page's inside: JSON-LD, microdata, or text with labels and <time>, as real sites do it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from html import escape
from typing import Any

from tripper_assets.demo.content import WEEKDAYS, Event, Occurrence, Venue, series_end

LABELS = {
    "en": {"when": "When", "where": "Where", "age": "Age", "price": "Price", "free": "free"},
    "de": {"when": "Wann", "where": "Wo", "age": "Alter", "price": "Preis", "free": "kostenlos"},
}
SIGNS = {"EUR": "€", "USD": "$", "GBP": "£"}
GERMAN_DAYS = ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag")
MONTHS = {
    "en": [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    "de": [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ],
}


AGES = {
    "en": {
        "closed": ("{} to {} years", "ages {}–{}", "children aged {} to {}"),
        "open": ("from {} years", "{}+", "age {} and up"),
        "all": ("all ages",),
    },
    "de": {
        "closed": ("{} bis {} Jahre", "Kinder von {} bis {} Jahren"),
        "open": ("ab {} Jahren",),
        "all": ("für alle",),
    },
}


@dataclass(frozen=True)
class Told:
    """An activity with everything that a page needs to tell it."""

    event: Event
    name: str
    text: str
    lang: str
    url: str
    identifier: str
    venue: Venue
    occurrences: Sequence[Occurrence]
    today: date
    picture: str = ""
    country: str = "DE"
    currency: str = "EUR"


def json_ld(told: Told) -> str:
    """Return the activity as a JSON-LD block; every second one stands in a @graph."""
    node = json_ld_node(told)
    wrapped = {"@context": "https://schema.org"} | (
        {"@graph": [{"@type": "WebPage", "name": told.name}, node]} if len(told.event.slug) % 2 else node
    )
    return script(wrapped)


def item_list(told: Sequence[Told]) -> str:
    """Return a list's activities as one JSON-LD ItemList, as large event systems write it."""
    items = [
        {"@type": "ListItem", "position": position, "item": json_ld_node(one)} for position, one in enumerate(told, 1)
    ]
    return script({"@context": "https://schema.org", "@type": "ItemList", "itemListElement": items})


def script(node: dict[str, Any]) -> str:
    """Return a JSON-LD block."""
    return f'<script type="application/ld+json">\n{json.dumps(node, ensure_ascii=False, indent=1)}\n</script>'


def json_ld_node(told: Told) -> dict[str, Any]:
    """Return the schema.org Event of an activity."""
    event, first = told.event, told.occurrences[0] if told.occurrences else None
    node: dict[str, Any] = {
        "@type": "Event" if first else "TouristAttraction",
        "name": told.name,
        "description": told.text,
        "url": told.url,
        "inLanguage": told.lang,
        "location": _location(told),
        "isAccessibleForFree": event.price == "0",
    }
    if told.identifier:
        node["identifier"] = told.identifier
    if told.picture:
        node["image"] = [told.picture]
    if event.price not in ("", "0"):
        node["offers"] = {"@type": "Offer", "price": event.price, "priceCurrency": told.currency, "url": told.url}
    if event.ages != (None, None):
        node["typicalAgeRange"] = _ages(event)
    return node | _json_ld_dates(told)


def _json_ld_dates(told: Told) -> dict[str, Any]:
    event, times = told.event, told.occurrences
    if event.hours:
        hours = {"@type": "OpeningHoursSpecification", "dayOfWeek": list(event.hours.days)}
        return {"openingHoursSpecification": hours | {"opens": event.hours.opens, "closes": event.hours.closes}}
    dates: dict[str, Any] = {"startDate": times[0].start.isoformat(), "endDate": times[0].end.isoformat()}
    if event.weekly:
        dates["eventSchedule"] = {
            "@type": "Schedule",
            "repeatFrequency": "P1W",
            "byDay": f"https://schema.org/{event.weekly}",
            "startDate": times[0].start.date().isoformat(),
            "endDate": series_end(told.today).isoformat(),
            "startTime": event.starts,
            "endTime": event.ends,
            "scheduleTimezone": str(times[0].start.tzinfo),
        }
    if len(times) > 1:
        dates["subEvent"] = [
            {
                "@type": "Event",
                "name": told.name,
                "url": told.url,
                "startDate": one.start.isoformat(),
                "endDate": one.end.isoformat(),
            }
            for one in times
        ]
    return dates


def _location(told: Told) -> dict[str, Any]:
    venue = told.venue
    address = {"@type": "PostalAddress", "streetAddress": venue.street, "addressLocality": venue.town}
    place: dict[str, Any] = {
        "@type": "Place",
        "name": venue.name,
        "address": address | {"postalCode": venue.postcode, "addressCountry": told.country},
    }
    if venue.geo:
        place["geo"] = {"@type": "GeoCoordinates", "latitude": venue.geo[0], "longitude": venue.geo[1]}
    return place


def _ages(event: Event) -> str:
    low, high = (f"{age:g}" if age is not None else "" for age in event.ages)
    return f"{low}-{high}"


def microdata(told: Told) -> str:
    """Return the activity as HTML with microdata."""
    event, venue = told.event, told.venue
    picture = (
        f'<img itemprop="image" src="{escape(told.picture)}" alt="" width="960" height="640">' if told.picture else ""
    )
    price = (
        f'<p itemprop="offers" itemscope itemtype="https://schema.org/Offer">{_labels(told)["price"]}: '
        f'<span itemprop="price" content="{event.price}">{_money(told)}</span><meta itemprop="priceCurrency" content="{told.currency}"></p>'
    )
    geo = (
        f'<span itemprop="geo" itemscope itemtype="https://schema.org/GeoCoordinates"><meta itemprop="latitude" content="{venue.geo[0]}">'
        f'<meta itemprop="longitude" content="{venue.geo[1]}"></span>'
        if venue.geo
        else ""
    )
    return f"""<article itemscope itemtype="https://schema.org/{"Event" if told.occurrences else "TouristAttraction"}">
<h1 itemprop="name">{escape(told.name)}</h1><link itemprop="url" href="{escape(told.url)}"><meta itemprop="inLanguage" content="{told.lang}">
{picture}<p itemprop="description">{escape(told.text)}</p>
{_microdata_dates(told)}
<div itemprop="location" itemscope itemtype="https://schema.org/Place"><strong itemprop="name">{escape(venue.name)}</strong>
<address itemprop="address" itemscope itemtype="https://schema.org/PostalAddress"><span itemprop="streetAddress">{escape(venue.street)}</span>,
<span itemprop="postalCode">{escape(venue.postcode)}</span> <span itemprop="addressLocality">{escape(venue.town)}</span>
<meta itemprop="addressCountry" content="{told.country}"></address>{geo}</div>
{price if event.price else ""}<p>{_labels(told)["age"]}: <span itemprop="typicalAgeRange">{_ages(event)}</span></p></article>"""


def _microdata_dates(told: Told) -> str:
    event = told.event
    if event.hours:
        days = "".join(
            f'<link itemprop="dayOfWeek" href="https://schema.org/{day}">{day[:2]} ' for day in event.hours.days
        )
        return (
            f'<p itemprop="openingHoursSpecification" itemscope itemtype="https://schema.org/OpeningHoursSpecification">{days}'
            f'<time itemprop="opens">{event.hours.opens}</time>–<time itemprop="closes">{event.hours.closes}</time></p>'
        )
    first, *others = told.occurrences
    main = (
        f'<p><time itemprop="startDate" datetime="{first.start.isoformat()}">{spoken_time(first.start, told.lang)}</time> – '
        f'<time itemprop="endDate" datetime="{first.end.isoformat()}">{_spoken_end(first, told.lang)}</time></p>'
    )
    more = "".join(
        f'<p itemprop="subEvent" itemscope itemtype="https://schema.org/Event"><meta itemprop="name" content="{escape(told.name)}">'
        f'<link itemprop="url" href="{escape(told.url)}"><time itemprop="startDate" datetime="{one.start.isoformat()}">'
        f'{spoken_time(one.start, told.lang)}</time> – <time itemprop="endDate" datetime="{one.end.isoformat()}">{one.end:%H:%M}</time></p>'
        for one in others
    )
    return main + more


def text_page(told: Told) -> str:
    """Return the activity as text with labels, and <time> for its dates; what people see where JSON-LD speaks to machines."""
    labels, venue = _labels(told), told.venue
    picture = (
        f'<img class="hero" src="{escape(told.picture)}" alt="{escape(told.name)}" width="960" height="640">'
        if told.picture
        else ""
    )
    where = f"{venue.name}, {venue.street}, {venue.postcode} {venue.town}"
    rows = [
        (labels["when"], _times(told)),
        (labels["where"], escape(where)),
        (labels["age"], spoken_ages(told.event, told.lang)),
    ]
    rows += [(labels["price"], escape(_money(told)))] if told.event.price else []
    listed = "\n".join(f"<dt>{label}</dt><dd>{value}</dd>" for label, value in rows)
    return f"<article><h1>{escape(told.name)}</h1>\n{picture}<p>{escape(told.text)}</p>\n<dl class=facts>\n{listed}\n</dl></article>"


def _times(told: Told) -> str:
    if told.event.hours:
        return f"{_open_days(told)}, {told.event.hours.opens}–{told.event.hours.closes}"
    if told.event.weekly:
        one = told.occurrences[0]
        day = _every(told)
        return f'{day}, {one.start:%H:%M}–{one.end:%H:%M}, <time datetime="{one.start.isoformat()}">{spoken_date(one.start, told.lang)}</time>'
    return "<br>".join(
        f'<time datetime="{one.start.isoformat()}">{spoken_time(one.start, told.lang)}</time> – '
        f'<time datetime="{one.end.isoformat()}">{_spoken_end(one, told.lang)}</time>'
        for one in told.occurrences
    )


def brief(told: Told) -> str:
    """Return for whom or when, and where, in one line, as a card of a list says it; the dates stand on the page itself."""
    if told.event.hours:
        when = _open_days(told)
    elif told.event.weekly:
        when = _every(told)
    else:
        when = spoken_ages(told.event, told.lang)
    return f"{when} · {escape(told.venue.town)}"


def _every(told: Told) -> str:
    return f"{'Jeden' if told.lang == 'de' else 'Every'} {_day_name(told.event.weekly, told.lang)}"


def _open_days(told: Told) -> str:
    days = told.event.hours.days if told.event.hours else ()
    if len(days) == len(WEEKDAYS):
        return "täglich" if told.lang == "de" else "Every day"
    return ", ".join(_day_name(day, told.lang) for day in days)


def _day_name(day: str, lang: str) -> str:
    return GERMAN_DAYS[WEEKDAYS.index(day)] if lang == "de" else day


def _spoken_end(one: Occurrence, lang: str) -> str:
    """Return the end's time alone where it is the same day's."""
    return f"{one.end:%H:%M}" if one.end.date() == one.start.date() else spoken_time(one.end, lang)


def spoken_date(moment: datetime | date, lang: str) -> str:
    """Return a date as people of that language write it."""
    month = MONTHS.get(lang, MONTHS["en"])[moment.month - 1]
    return f"{moment.day}. {month} {moment.year}" if lang == "de" else f"{moment.day} {month} {moment.year}"


def spoken_time(moment: datetime, lang: str) -> str:
    """Return a date and time as people of that language write it."""
    return f"{spoken_date(moment, lang)}, {moment:%H:%M}{' Uhr' if lang == 'de' else ''}"


def spoken_ages(event: Event, lang: str) -> str:
    """Return the ages in words; each author has a wording of their own."""
    low, high = event.ages
    words, author = AGES["de" if lang == "de" else "en"], len(event.slug)
    if low is not None and high is not None:
        closed = words["closed"]
        return closed[author % len(closed)].format(f"{low:g}", f"{high:g}")
    return words["open"][author % len(words["open"])].format(f"{low:g}") if low else words["all"][0]


def _labels(told: Told) -> dict[str, str]:
    return LABELS.get(told.lang, LABELS["en"])


def _money(told: Told) -> str:
    sign = SIGNS.get(told.currency, told.currency)
    if told.event.price == "0":
        return _labels(told)["free"]
    return f"{told.event.price} {sign}".replace(".", ",") if told.lang == "de" else f"{sign}{told.event.price}"
