"""Places, organisers, offers and pictures of schema.org nodes."""

import math
import re
from typing import Any

from tripper_assets.domain.activities import GeoCoordinates, ImageObject, Offer, Organizer, Place, PostalAddress
from tripper_assets.extract.addresses import place_from_text
from tripper_assets.extract.page import absolute
from tripper_assets.extract.prices import find_prices, is_free
from tripper_assets.extract.texts import MAX_NAME, clipped, plain_text

MAX_LIST = 50
MAX_DEPTH = 5
FEW = 3
_ADDRESS = ("streetAddress", "addressLocality", "addressRegion", "postalCode", "addressCountry")
_CREDITS = ("creditText", "copyrightHolder", "creator", "author", "copyrightNotice")
_AROUND = ("containedInPlace", "containedIn")
_POINT = re.compile(r"([+-]?\d{1,3}\.\d{1,20})\s?[,;]\s?([+-]?\d{1,3}\.\d{1,20})")
_NUMBER = re.compile(r"[+-]?\d{1,6}(?:[.,]\d{1,20})?")


def items(value: Any) -> list[Any]:  # noqa: ANN401 (any JSON value)
    """Return the values of a property as a list of at most 50."""
    return value[:MAX_LIST] if isinstance(value, list) else [] if value is None else [value]


def text_of(value: Any, depth: int = 0) -> str:  # noqa: ANN401 (any JSON value)
    """Return the text of a value: of a node its name, of a list the first that has one; a node that is its own name has none."""
    for item in items(value)[: FEW if depth else MAX_LIST] if depth < MAX_DEPTH else []:
        if isinstance(item, str):
            text = plain_text(item[:200_000])
        elif isinstance(item, dict):
            text = text_of(item.get("name") or item.get("@value") or item.get("value"), depth + 1)
        elif isinstance(item, (int, float)) and not isinstance(item, bool):
            text = str(item)
        else:
            continue
        if text:
            return text
    return ""


def name_of(value: Any) -> str:  # noqa: ANN401 (any JSON value)
    """Return the text of a value at a name's length."""
    return clipped(text_of(value), MAX_NAME)


def url_of(value: Any, base: str, depth: int = 0) -> str:  # noqa: ANN401 (any JSON value)
    """Return the first absolute URL of a value."""
    for item in items(value)[: FEW if depth else MAX_LIST] if depth < MAX_DEPTH else []:
        stated = item.get("url") or item.get("@id") or item.get("contentUrl") if isinstance(item, dict) else item
        url = (
            absolute(stated, base)
            if isinstance(stated, str)
            else url_of(stated, base, depth + 1)
            if isinstance(stated, (dict, list)) and stated is not item
            else ""
        )
        if url:
            return url
    return ""


def place_of(value: Any) -> Place | None:  # noqa: ANN401 (any JSON value)
    """Return the first physical place among the values; a virtual location is none."""
    for item in items(value):
        if isinstance(item, str) and plain_text(item):
            return _place_in(plain_text(item))
        if isinstance(item, dict) and "VirtualLocation" not in item.get("@type", ()):
            place = _place(item)
            if place is not None:
                return place
    return None


def _place_in(text: str) -> Place | None:
    """A text is the place's name, unless it is plain that an address stands in it."""
    if len(text) > MAX_NAME or text.startswith(("http:", "https:")):
        return None
    place = place_from_text(text) if "," in text else None
    has_address = place is not None and place.address.streetAddress and place.address.addressLocality
    return place if has_address else Place(name=text)


def _place(node: dict[str, Any]) -> Place | None:
    """Return the place of a node; a room has the address of the house that it is in."""
    if "PostalAddress" in node.get("@type", ()):
        node = {"@type": ["Place"], "name": node.get("name"), "address": node}
    around = next((one for key in _AROUND for one in items(node.get(key)) if isinstance(one, dict)), {})
    address = address_of(node.get("address"))
    address = address if address.model_fields_set else address_of(around.get("address"))
    geo = geo_of(node.get("geo")) or geo_of(node) or geo_of(around.get("geo"))
    name = name_of(node.get("name")) or name_of(around.get("name"))
    if not name and not address.model_fields_set and geo is None:
        return None
    return Place(name=name, address=address, geo=geo)


def address_of(value: Any) -> PostalAddress:  # noqa: ANN401 (any JSON value)
    """Return the first address; free text stands in streetAddress."""
    for item in items(value):
        if isinstance(item, str) and plain_text(item):
            return PostalAddress(streetAddress=clipped(plain_text(item), MAX_NAME))
        if isinstance(item, dict):
            parts = {name: clipped(text_of(item.get(name)), MAX_NAME) for name in _ADDRESS}
            parts = {name: text for name, text in parts.items() if text}
            if parts:
                return PostalAddress(**parts)
    return PostalAddress()


def geo_of(value: Any) -> GeoCoordinates | None:  # noqa: ANN401 (any JSON value)
    """Return coordinates that are on Earth and are not the null island of an empty form."""
    for item in items(value):
        if isinstance(item, str) and (match := _POINT.fullmatch(item.strip()[:60])):
            item = {"latitude": match[1], "longitude": match[2]}  # noqa: PLW2901 (the text, taken apart)
        if not isinstance(item, dict):
            continue
        latitude, longitude = _number(item.get("latitude")), _number(item.get("longitude"))
        if latitude is None or longitude is None or (latitude == 0 and longitude == 0):
            continue
        if abs(latitude) <= 90 and abs(longitude) <= 180:  # noqa: PLR2004 (degrees)
            return GeoCoordinates(latitude=latitude, longitude=longitude)
    return None


def _number(value: Any) -> float | None:  # noqa: ANN401 (any JSON value)
    value = value[0] if isinstance(value, list) and value else value
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return float(value) if math.isfinite(value) else None
    match = _NUMBER.fullmatch(value.strip()[:40]) if isinstance(value, str) else None
    return float(match[0].replace(",", ".")) if match else None


def organizer_of(value: Any, base: str) -> Organizer | None:  # noqa: ANN401 (any JSON value)
    """Return the first organiser with a name."""
    for item in items(value):
        name = name_of(item)
        if name and not name.startswith(("http:", "https:")):
            return Organizer(name=name, url=url_of(item, base) if isinstance(item, dict) else "")
    return None


def offers_of(value: Any, base: str) -> tuple[Offer, ...]:  # noqa: ANN401 (any JSON value)
    """Return each stated price once, an aggregate's lowest as "from"."""
    found = [offer for item in items(value) if isinstance(item, dict) for offer in _offers(item, base)]
    return tuple(dict.fromkeys(found))


def _offers(node: dict[str, Any], base: str) -> list[Offer]:
    nested = [
        offer
        for item in items(node.get("offers"))
        if isinstance(item, dict) and item is not node
        for offer in _offers(item | {"offers": None}, base)
    ]
    if nested:
        return nested
    specification = node.get("priceSpecification")
    inner = next((item for item in items(specification) if isinstance(item, dict)), {})
    stated = next(
        (node[key] for key in ("price", "lowPrice", "minPrice") if node.get(key) not in (None, "")),
        inner.get("price", inner.get("minPrice")),
    )
    price, currency = price_of(stated)
    stated_currency = text_of(node.get("priceCurrency") or inner.get("priceCurrency")).upper()
    currency = stated_currency if re.fullmatch(r"[A-Z]{3}", stated_currency) else currency
    name = name_of(node.get("name"))
    if not price:
        return []
    return [Offer(name=name, price=price, priceCurrency=currency, url=url_of(node.get("url"), base))]


def price_of(value: Any) -> tuple[str, str]:  # noqa: ANN401 (any JSON value)
    """Return a price as decimal text, and its currency where the text states one."""
    if isinstance(value, bool) or value is None:
        return "", ""
    if isinstance(value, (int, float)):
        return (f"{value:.2f}", "") if 0 <= value < 1_000_000 else ("", "")  # noqa: PLR2004 (no outing costs a million)
    text = text_of(value)
    spans = find_prices(text)
    if spans:
        return spans[0].price, spans[0].currency
    if is_free(text):
        return "0.00", ""
    match = _NUMBER.fullmatch(text[:40].strip())
    return (f"{float(match[0].replace(',', '.')):.2f}", "") if match and not text.startswith("-") else ("", "")


def images_of(value: Any, base: str) -> tuple[ImageObject, ...]:  # noqa: ANN401 (any JSON value)
    """Return the pictures, each once, with stated sizes and credits."""
    found: dict[str, ImageObject] = {}
    for item in items(value):
        url = _image_url(item, base)
        if not url or url in found:
            continue
        node = item if isinstance(item, dict) else {}
        found[url] = ImageObject(
            sourceUrl=url,
            width=_pixels(node.get("width")),
            height=_pixels(node.get("height")),
            creditText=name_of(next((node[key] for key in _CREDITS if node.get(key)), None)),
            license=url_of(node.get("license"), base),
        )
    return tuple(found.values())


def _image_url(item: Any, base: str) -> str:  # noqa: ANN401 (any JSON value)
    if isinstance(item, dict):
        return next((url for key in ("contentUrl", "url", "@id") if (url := url_of(item.get(key), base))), "")
    return absolute(item, base) if isinstance(item, str) else ""


def _pixels(value: Any) -> int | None:  # noqa: ANN401 (any JSON value)
    match = re.match(r"\d{1,5}", text_of(value))
    return int(match[0]) if match else None
