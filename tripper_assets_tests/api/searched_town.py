"""A small catalog that tests of the search and activity pages ask: a town with owls, swimmers and one page that means harm."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from fastapi.testclient import TestClient
from selectolax.lexbor import LexborHTMLParser

from tripper_assets.api.app import create_app
from tripper_assets.api.context import ApiContext
from tripper_assets.catalog.database import Database
from tripper_assets.catalog.links import Links
from tripper_assets.catalog.sources import SourceRegistry
from tripper_assets.domain.activities import (
    Activity,
    AgeRange,
    ImageObject,
    Offer,
    Place,
    Point,
    PostalAddress,
    Provenance,
    Schedule,
)
from tripper_assets.domain.sources import make_source
from tripper_assets_tests.api.conftest import AT, TOKEN, FakeOrchestrator, make_context
from tripper_assets_tests.catalog.conftest import Site

HARM = "<script>window.harmed=1</script>\"'><img src=x onerror=window.harmed=1>"
FREIBURG, LEEDS = (7.85, 47.99), (-1.55, 53.8)


class Town(NamedTuple):
    """The catalog, and who asks it."""

    context: ApiContext
    client: TestClient
    """Signed in."""
    stranger: TestClient
    zoo: Site
    fair: Site

    def page(self, path: str, status: int = 200) -> LexborHTMLParser:
        """Return a page, parsed."""
        found = self.client.get(path, headers={"Accept": "text/html"})
        assert found.status_code == status, found.text[:500]
        return LexborHTMLParser(found.text)

    def names(self, path: str) -> list[str]:
        return [one.text() for one in self.page(path).css(".hit h3")]

    def id(self, name: str) -> str:
        return self.zoo.activity(name).id


def at(point: tuple[float, float], venue: str, town: str, country: str) -> dict[str, object]:
    """Return the fields of where something is."""
    address = PostalAddress(streetAddress="Weg 1", addressLocality=town, addressCountry=country)
    return {"location": Place(name=venue, address=address), "geometry": Point(coordinates=point)}


def read(method: str, evidence: str) -> Provenance:
    """Return where a field was read."""
    return Provenance.model_validate(
        {"method": method, "page": "https://zoo.example/owls", "evidence": evidence, "page_sha256": "0" * 64}
    )


def zoo_activities(zoo: Site) -> list[Activity]:
    """Return what the zoo tells."""
    freiburg, leeds = at(FREIBURG, "Zoo", "Freiburg", "DE"), at(LEEDS, "Baths", "Leeds", "GB")
    picture = ImageObject(
        sourceUrl="https://zoo.example/o.jpg", contentUrl="file:///o.webp", sha256="ab" * 32, width=960, height=640
    )
    return [
        zoo.activity(
            "Owls at night", description="Watch the owls wake up.", startDate="2026-05-02T19:00:00+02:00", endDate="2026-05-02T21:00:00+02:00",
            ageRange=AgeRange(minValue=4, maxValue=10), isAccessibleForFree=True, inLanguage="en", image=(picture,), category=("animals",),
            provenance={"name": read("json-ld", "Owls at night"), "startDate": read("text", "Saturday, 7 pm")}, **freiburg,
        ),
        zoo.activity("Baby swimming", offers=(Offer(price="4.50", priceCurrency="EUR"),), ageRange=AgeRange(maxValue=2), **leeds),
        zoo.activity(
            "Weekly pottery", inLanguage="de", eventSchedule=(Schedule(repeatFrequency="P1W", byDay=("Friday",), startTime="15:00", startDate="2026-01-02"),), **freiburg,
        ),
        zoo.activity("Over and done", startDate="2026-04-01", endDate="2026-04-01"),
        zoo.activity(
            HARM, description=f"Badgers. </script>{HARM}", url="javascript:window.harmed=1", category=(HARM,), inLanguage='en" onload="x',
            startDate="2026-05-03", provenance={"name": read("json-ld", HARM)}, **at(FREIBURG, HARM, HARM, "DE"),
        ),
        *(zoo.activity(f"Puppets {number:02d}", startDate="2026-06-01", **at((7.8 + number / 100, 48), "Stage", "Freiburg", "DE")) for number in range(30)),
    ]  # fmt: skip


@contextmanager
def searched_town(database: Database, home: Path, gazetteer: Path, *, tile_url: str = "", public: bool = False) -> Iterator[Town]:  # fmt: skip
    """Fill a catalog and open the pages over it."""
    (home / gazetteer.name).symlink_to(gazetteer)
    zoo, fair = (
        Site(database, SourceRegistry(database).add(make_source(f"https://{host}/")), at=AT)
        for host in ("zoo.example", "fair.example")
    )
    zoo.load(zoo_activities(zoo))
    fair.load([fair.activity("Owls by night", **at(FREIBURG, "Zoo", "Freiburg", "DE"))])
    Links(database).say(
        zoo.activity("Owls at night").id, fair.activity("Owls by night").id, is_same=True, by="a test", at=AT
    )
    context = make_context(database, home, FakeOrchestrator(), public=public)
    if tile_url:
        context = ApiContext(**vars(context) | {"settings": context.settings.model_copy(update={"tile_url": tile_url})})
    app = create_app(context)
    with (
        TestClient(app, headers={"Authorization": f"Bearer {TOKEN}"}, follow_redirects=False) as client,
        TestClient(app, follow_redirects=False) as stranger,
    ):
        yield Town(context, client, stranger, zoo, fair)
