"""The four small sites for backfills: a library, a nature centre, a museum with a calendar only, a theatre with one list."""

from collections.abc import Iterator
from datetime import date
from html import escape

from tripper_assets.demo.calendars import calendar
from tripper_assets.demo.content import Event, SmallSite, edited_at, occurrences
from tripper_assets.demo.layout import STYLE, page
from tripper_assets.demo.markup import Told, json_ld, microdata, spoken_ages, spoken_time
from tripper_assets.demo.pictures import flat, logo, picture
from tripper_assets.demo.town_site import CSS, HTML, ICS, JPEG, LOGO, PIXEL, PNG, XML

COLOURS = {"json-ld": "#7a5ea8", "microdata": "#3f8f5b", "ics": "#b5552f", "listing": "#2b6f8f"}
PAGED = ("json-ld", "microdata")
"""The styles that give each activity a page of its own."""
PROSE = ("about", "contact", "legal")


class SmallTownSite:
    """Every resource of a small site; ``base`` is its root with a slash at its end."""

    def __init__(self, site: SmallSite, base: str, today: date) -> None:
        self.base = base
        self._site = site
        self._today = today

    def resources(self) -> Iterator[tuple[str, str, str | bytes]]:
        """Yield path, content type and body of everything but pictures."""
        told = [self.told(event) for event in self._site.activities]
        yield "style.css", CSS, STYLE
        yield "", HTML, self._home(told)
        for name in PROSE:
            yield (
                name,
                HTML,
                self._page(name.capitalize(), f"<h1>{name.capitalize()}</h1><p>{escape(self._site.name)}</p>"),
            )
        yield "sitemap.xml", XML, self._sitemap(told)
        if self._site.style in PAGED:
            for one in told:
                yield f"programme/{one.event.slug}", HTML, self._detail(one)
        if self._site.style == "ics":
            yield "agenda.ics", ICS, calendar(self._site.name, told, stamp=edited_at(self._today))

    @property
    def image_paths(self) -> frozenset[str]:
        """The paths of all pictures."""
        return frozenset({LOGO, PIXEL, *(f"images/{event.slug}.jpg" for event in self._site.activities)})

    def image(self, path: str) -> tuple[str, bytes]:
        """Return content type and body of the picture at one of ``image_paths``."""
        if path == LOGO:
            return PNG, logo(COLOURS[self._site.style], 240, 80)
        if path == PIXEL:
            return PNG, flat(1, 1, (255, 255, 255))
        slug = path.removeprefix("images/").removesuffix(".jpg")
        return JPEG, picture(f"{self._site.slug}/{slug}", COLOURS[self._site.style])

    def told(self, event: Event) -> Told:
        """Return an activity with everything that a page needs."""
        inside = {"ics": "agenda.ics", "listing": f"#{event.slug}"}.get(self._site.style, f"programme/{event.slug}")
        return Told(
            event=event,
            name=event.name,
            text=event.text,
            lang=self._site.lang,
            url=f"{self.base}{inside}",
            identifier="",
            venue=self._site.places[event.place],
            occurrences=occurrences(event, self._today, self._site.timezone),
            today=self._today,
            picture=f"{self.base}images/{event.slug}.jpg",
            country=self._site.country,
            currency=self._site.currency,
        )

    def _home(self, told: list[Told]) -> str:
        if self._site.style == "listing":
            shown = "".join(self._block(one) for one in told)
        elif self._site.style == "ics":
            shown = f'<p><a href="{self.base}agenda.ics">Agenda (ICS)</a></p>'
        else:
            shown = "".join(
                f'<li><img src="{one.picture}" alt=""><a href="{one.url}">{escape(one.name)}</a></li>' for one in told
            )
            shown = f"<ul class=cards>{shown}</ul>"
        return self._page(self._site.name, f"<h1>{escape(self._site.name)}</h1>{shown}")

    def _block(self, told: Told) -> str:
        first, venue = told.occurrences[0], told.venue
        where = f"{venue.name}, {venue.street}, {venue.town} {venue.postcode}"
        price = f"£{told.event.price}"
        return f"""<section class="show" id="{told.event.slug}"><h2>{escape(told.name)}</h2><img src="{told.picture}" alt="" width="960" height="640">
<p class="when"><time datetime="{first.start.isoformat()}">{spoken_time(first.start, "en")}</time> – {first.end:%H:%M}</p>
<p class="where">{escape(where)}</p><p>{escape(told.text)}</p><p class="facts">Ages: {spoken_ages(told.event, "en")}. Tickets {price}</p></section>"""

    def _detail(self, told: Told) -> str:
        if self._site.style == "microdata":
            return self._page(told.name, microdata(told))
        body = f'<article><h1>{escape(told.name)}</h1><img src="{told.picture}" alt=""><p>{escape(told.text)}</p></article>'
        return self._page(told.name, body, head=json_ld(told))

    def _page(self, title: str, body: str, *, head: str = "") -> str:
        return page(
            site=self._site.name,
            base=self.base,
            title=title,
            body=body,
            lang=self._site.lang,
            head=head,
            nav=[(self.base, self._site.name)],
        )

    def _sitemap(self, told: list[Told]) -> str:
        paged = [one.url for one in told] if self._site.style in PAGED else []
        urls = [self.base, *(f"{self.base}{name}" for name in PROSE), *paged]
        entries = "".join(f"<url><loc>{escape(url)}</loc></url>" for url in urls)
        return f'<?xml version="1.0" encoding="UTF-8"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</urlset>'
