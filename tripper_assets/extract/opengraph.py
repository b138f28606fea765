"""What a page's meta elements state of an event: the times and the place that older shares of events carry."""

from tripper_assets.domain.activities import Place
from tripper_assets.extract.clock import Clock
from tripper_assets.extract.drafts import Draft
from tripper_assets.extract.page import Page, absolute
from tripper_assets.extract.places import address_of, geo_of, name_of
from tripper_assets.extract.texts import MAX_DESCRIPTION, clipped, plain_text

_STARTS = ("event:start_time", "og:start_time", "event:start", "event:startdate", "og:event:start_time")
_ENDS = ("event:end_time", "og:end_time", "event:end", "event:enddate", "og:event:end_time")
_ADDRESS = {
    "streetAddress": ("og:street-address", "business:contact_data:street_address"),
    "addressLocality": ("og:locality", "business:contact_data:locality"),
    "addressRegion": ("og:region", "business:contact_data:region"),
    "postalCode": ("og:postal-code", "business:contact_data:postal_code"),
    "addressCountry": ("og:country-name", "business:contact_data:country_name"),
}
_PLACES = ("event:location", "event:location:name", "og:location", "event:venue")


def opengraph_drafts(page: Page, clock: Clock) -> list[Draft]:
    """Return the event that the meta elements state, none where they state no start."""
    start = _first(page, _STARTS)
    if not start:
        return []
    draft = Draft("opengraph")
    draft.put("name", name_of(page.meta.get("og:title", "")))
    draft.put("startDate", clock.read(start)[0], start)
    if not draft.get("name") or not draft.get("startDate"):
        return []
    end = _first(page, _ENDS)
    draft.put("endDate", clock.read(end)[0], end)
    draft.put("description", clipped(plain_text(page.meta.get("og:description", "")), MAX_DESCRIPTION))
    draft.put("url", absolute(page.meta.get("og:url", ""), page.base))
    place = _place(page)
    draft.put("location", place, f"{place.name} {place.address.streetAddress}".strip() if place else "")
    return [draft]


def _first(page: Page, names: tuple[str, ...]) -> str:
    return next((page.meta[name] for name in names if name in page.meta), "")


def _place(page: Page) -> Place | None:
    address = address_of({name: _first(page, stated) for name, stated in _ADDRESS.items()})
    point = geo_of(
        {
            "latitude": _first(page, ("place:location:latitude", "og:latitude", "event:location:latitude")),
            "longitude": _first(page, ("place:location:longitude", "og:longitude", "event:location:longitude")),
        }
    )
    name = name_of(_first(page, _PLACES))
    return Place(name=name, address=address, geo=point) if name or address.model_fields_set or point else None
