"""What an object of a calendar's JSON states beside its title and times: place, organiser, picture, prices, ages, words, status."""

import re
from typing import Any

from tripper_assets.domain.activities import ImageObject, Organizer, Place, PostalAddress
from tripper_assets.extract.addresses import place_from_text
from tripper_assets.extract.ages import find_ages
from tripper_assets.extract.drafts import Draft
from tripper_assets.extract.places import address_of, geo_of, items, name_of, text_of, url_of
from tripper_assets.extract.prices import find_prices, is_free
from tripper_assets.extract.statuses import status_in
from tripper_assets.extract.texts import MAX_NAME, clipped

PLACES = (
    "venue",
    "location",
    "place",
    "meetinglocation",
    "eventlocation",
    "locationname",
    "venuename",
    "address",
    "venues",
)
IMAGES = (
    "image",
    "imageurl",
    "featuredimage",
    "photourl",
    "thumbnail",
    "photo",
    "asseturl",
    "coverimage",
    "heroimage",
)
_ORGANIZERS = ("organizer", "organiser", "organizers", "host", "owner", "departments")
_PRICES = ("cost", "price", "ticketcost", "ticketprice", "registrationcost", "admission", "pricetext", "fee")
_AGES = ("agerange", "ages", "age", "agegroup", "agegroups", "audience", "audiences", "targetaudience")
_CATEGORIES = ("categories", "category", "categoriesarr", "eventtypes", "eventtype", "categorylist")
_KEYWORDS = ("tags", "keywords", "audiences", "audience")
_PLACE_NAMES = ("name", "venue", "title", "label", "addresstitle", "venuename", "placename")
_ADDRESS = {
    "streetAddress": ("streetaddress", "street", "addressline1", "address1", "addressline", "address"),
    "addressLocality": ("addresslocality", "city", "locality", "town"),
    "addressRegion": ("addressregion", "state", "region", "province", "stateprovince"),
    "postalCode": ("postalcode", "zip", "zipcode", "postcode"),
    "addressCountry": ("addresscountry", "country", "countrycode"),
}
_LATITUDES = ("latitude", "lat", "geolat", "maplat", "markerlat")
_LONGITUDES = ("longitude", "lng", "lon", "geolng", "maplng", "markerlng")
# "Springfield, IL, 62701", as a second line of an address.
_TOWN_LINE = re.compile(r"([^\d,]{2,60}),\s?([A-Z]{2,3}),?\s?(\d[\d-]{3,9})")
_PICTURE = re.compile(r"\.(?:jpe?g|png|webp|gif|avif)\b", re.IGNORECASE)
_STATUSES = {
    "cancelled": "EventCancelled", "canceled": "EventCancelled", "postponed": "EventPostponed", "rescheduled": "EventRescheduled",
}  # fmt: skip
_CANCELLED = ("cancelled", "canceled", "iscancelled", "iscanceled", "canceledevent")


def put_facts(draft: Draft, keys: dict[str, Any], base: str) -> None:
    """Put what the folded fields of one object state beside its title and times."""
    place = _stated_place(keys)
    draft.put("location", place, f"{place.name} {place.address.streetAddress}".strip() if place else "")
    organizer = next((name for key in _ORGANIZERS if (name := _name(keys.get(key)))), "")
    draft.put("organizer", Organizer(name=organizer) if organizer and "@" not in organizer else None, organizer)
    image = next((link for key in IMAGES if (link := url_of(keys.get(key), base)) and _PICTURE.search(link)), "")
    draft.put("image", (ImageObject(sourceUrl=image),) if image else (), image)
    _put_terms(draft, keys)
    _put_status(draft, keys)
    draft.put("category", _words(keys, _CATEGORIES))
    draft.put("keywords", _words(keys, _KEYWORDS))


def _name(value: Any) -> str:  # noqa: ANN401 (any JSON value)
    """Return the name of the first node; a text that is none is an id."""
    node = next((item for item in items(value) if isinstance(item, dict)), {})
    return name_of(node.get("name") or node.get("organizer") or node.get("title"))


def _put_terms(draft: Draft, keys: dict[str, Any]) -> None:
    for text in (text for key in _PRICES if (text := text_of(keys.get(key))[:200])):
        offers = tuple(span.offer for span in find_prices(text))
        if offers:
            draft.put("offers", tuple(dict.fromkeys(offers)), text)
        elif is_free(text):
            draft.put("isAccessibleForFree", True, text)
    for key in ("free", "isfree"):
        if keys.get(key) is True:
            draft.put("isAccessibleForFree", True, f"{key}: true")
    for text in (text_of(item)[:200] for key in _AGES for item in items(keys.get(key))):
        spans = find_ages(text) if text else []
        if spans:
            draft.put("ageRange", spans[0].range, text)
            return


def _put_status(draft: Draft, keys: dict[str, Any]) -> None:
    stated = text_of(keys.get("status") or keys.get("eventstatus")).casefold()
    if any(str(keys.get(key, "")).casefold() == "true" for key in _CANCELLED):
        draft.put("eventStatus", "EventCancelled", stated or "cancelled")
    draft.put("eventStatus", _STATUSES.get(stated), stated)
    draft.put("eventStatus", status_in(draft.get("name")), draft.get("name"))
    online = any(keys.get(key) is True for key in ("isonline", "onlineevent", "isvirtual", "online"))
    draft.put("eventAttendanceMode", "OnlineEventAttendanceMode" if online else None, "online")


def _words(keys: dict[str, Any], names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of a list of nodes or texts; one text may be a list with commas."""
    found: list[str] = []
    for name in names:
        value = keys.get(name)
        texts = value.split(",") if isinstance(value, str) else [_title(item) for item in items(value)]
        found += [clipped(text.strip(), 100) for text in texts if text.strip() and not text.strip().isdecimal()]
    return tuple(dict.fromkeys(word for word in found if not word.startswith("http")))[:50]


def _title(value: Any) -> str:  # noqa: ANN401 (any JSON value)
    return (
        text_of(value.get("name") or value.get("title") or value.get("label"))
        if isinstance(value, dict)
        else text_of(value)
    )


def _stated_place(keys: dict[str, Any]) -> Place | None:
    """Return the place of an event's own fields, with the address and coordinates that stand beside its name."""
    place = next((place for key in PLACES if (place := _place(keys.get(key)))), None)
    name = name_of(keys.get("locationname") or keys.get("venuename"))
    beside = (
        _node_place({**keys, "name": name, "title": None, "label": None, "venue": None, **_inner(keys.get("geo"))})
        if place or name
        else None
    )
    if place is None or beside is None:
        return place or beside
    address = place.address if place.address.model_fields_set else beside.address
    return Place(name=place.name or beside.name, address=address, geo=place.geo or beside.geo)


def _inner(value: Any) -> dict[str, Any]:  # noqa: ANN401 (any JSON value)
    return _folded(value) if isinstance(value, dict) else {}


def _folded(node: dict[str, Any]) -> dict[str, Any]:
    return {re.sub(r"[^a-z0-9]", "", key.lower()): item for key, item in node.items()}


def _place(value: Any) -> Place | None:  # noqa: ANN401 (any JSON value)
    if isinstance(value, str):
        text = text_of(value)
        return place_from_text(text) if text and not text.isdecimal() and not text.startswith("http") else None
    node = next((item for item in items(value) if isinstance(item, dict)), None)
    return _node_place(_folded(node)) if node is not None else None


def _node_place(node: dict[str, Any]) -> Place | None:
    name = next((name for key in _PLACE_NAMES if isinstance(node.get(key), str) and (name := name_of(node[key]))), "")
    inner = next(
        (node[key] for key in ("geo", "coordinates", "geolocation", "coords") if isinstance(node.get(key), dict)), {}
    )
    whole = {**_folded(inner), **node}
    point = geo_of({"latitude": _first(whole, _LATITUDES), "longitude": _first(whole, _LONGITUDES)})
    address = _address(node)
    return Place(name=name, address=address, geo=point) if name or address.model_fields_set else None


def _address(node: dict[str, Any]) -> PostalAddress:
    stated = node.get("address")
    if isinstance(stated, dict):
        own = _address({**_folded(stated), "address": None})
        return own if own.model_fields_set else address_of(stated)
    parts = {name: clipped(text_of(_first(node, keys)), MAX_NAME) for name, keys in _ADDRESS.items()}
    line = _TOWN_LINE.fullmatch(text_of(node.get("addressline2")))
    if line and not parts["addressLocality"]:
        parts |= {"addressLocality": line[1].strip(), "addressRegion": line[2], "postalCode": line[3]}
    return PostalAddress(**{name: text for name, text in parts.items() if text})


def _first(node: dict[str, Any], keys: tuple[str, ...]) -> Any:  # noqa: ANN401 (any JSON value)
    return next(
        (node[key] for key in keys if node.get(key) not in (None, "", 0) and not isinstance(node[key], (dict, list))),
        None,
    )
