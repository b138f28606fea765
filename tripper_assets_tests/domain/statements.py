"""Statements of a made-up site, and what standardize makes of them."""

from datetime import UTC, datetime

from tripper_assets.domain.activities import (
    Activity,
    Place,
    PostalAddress,
    Provenance,
    RawActivity,
)
from tripper_assets.domain.identity import activity_id
from tripper_assets.domain.sources import Source, make_source
from tripper_assets.domain.standardize import Standardized, standardize

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
SITE = "https://town.example"
LIST = f"{SITE}/events"
SOURCE = make_source(LIST)


def stated(
    name: str = "Theatre", page: str = "/events", method: str = "json-ld", place: str = "", **fields: object
) -> RawActivity:
    """One statement; ``page`` and ``url`` are paths of the site, ``place`` is a postcode or a locality or both."""
    url = str(fields.pop("url", ""))
    said = ["name", *(one for one, value in fields.items() if value)]
    if place:
        code, _, town = place.partition(" ") if place[0].isdigit() else ("", "", place)
        fields["location"] = Place(name="Park", address=PostalAddress(postalCode=code, addressLocality=town))
    return RawActivity.model_validate(
        {
            "page": SITE + page,
            "name": name,
            "url": SITE + url if url.startswith("/") else url,
            "provenance": {one: Provenance(method=method, page=SITE + page) for one in said},  # pyright: ignore[reportArgumentType]
            **fields,
        }
    )


def standard(*raw: RawActivity, source: Source = SOURCE) -> Standardized:
    return standardize(raw, source, now=NOW)


def identified(*identities: str) -> list[str]:
    return sorted(activity_id(SOURCE.key, one) for one in identities)


def ids(found: Standardized) -> list[str]:
    return [one.id for one in found.activities]


def only(found: Standardized) -> Activity:
    assert len(found.activities) == 1, [one.model_dump() for one in found.activities]
    return found.activities[0]
