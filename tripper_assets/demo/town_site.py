"""The main sample site: a town's family activities, with the markups, feeds, faults and detours that real sites have."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from html import escape

from tripper_assets.demo.calendars import calendar
from tripper_assets.demo.content import Event, Town, Venue, edited_at, occurrences, town
from tripper_assets.demo.layout import STYLE, page
from tripper_assets.demo.markup import Told, brief, item_list, json_ld, microdata, script, text_page
from tripper_assets.demo.pictures import flat, logo, picture

ZONE = "Europe/Berlin"
LOGO, PIXEL, LEAF = "images/logo.png", "pixel.png", "#3f8f5b"
PER_PAGE = 5
WITH_ITEM_LIST = "sport"
HTML, CSS, JPEG, PNG, ICS, XML, TEXT = (
    "text/html; charset=utf-8", "text/css", "image/jpeg", "image/png", "text/calendar; charset=utf-8", "application/xml", "text/plain; charset=utf-8",
)  # fmt: skip
WORDS = {"en": "What's on", "de": "Auf Deutsch", "next": "Next page", "previous": "Previous page"}
BROKEN = '<script type="application/ld+json">{"@context": "https://schema.org", "@type": "Event", "name": "Half a bl</script>'
PROSE = {
    "about": "We are four families who collect what there is to do. We have no advertisements, and we visit what we write about.",
    "contact": "Write to hallo@kinderzeit-breisgau.example or come to our table at the market on Saturdays.",
    "legal": "Responsible for the contents: Verein Kinderzeit Breisgau. All places and events on this site are a sample.",
    "news": "The new programme is out, with fifty activities in eleven towns. The calendar can be subscribed to. "
    'Our favourite: <a href="{base}activity/moon-fish?utm_source=news&amp;utm_medium=web">the moon fish</a>.',
    "news/playground": "The playground at the lake has a new slide. It was built by volunteers over two weekends, and it is very long.",
}
ROBOTS = "User-agent: *\nDisallow: /intern/\nAllow: /\n\nSitemap: {base}sitemap.xml\n"


class TownSite:
    """Every resource of the main site on one day; ``base`` is its root with a slash at its end."""

    def __init__(self, base: str, today: date) -> None:
        self.base = base
        self._today = today
        self._town: Town = town()
        self._events = {event.slug: event for event in self._town.activities}
        self.events = self._town.activities

    def resources(self) -> Iterator[tuple[str, str, str | bytes]]:
        """Yield path, content type and body of everything but pictures."""
        yield "style.css", CSS, STYLE
        yield "robots.txt", TEXT, ROBOTS.format(base=self.base)
        yield "sitemap.xml", XML, self._sitemap()
        yield "calendar.ics", ICS, self._calendar()
        yield "", HTML, self._home("en")
        yield "de/", HTML, self._home("de")
        for name in PROSE:
            yield name, HTML, self._prose(name)
        yield "intern/draft", HTML, self._intern()
        for category in self._town.categories:
            for number in range(1, self._page_count(category) + 1):
                yield self._listing_path(category, number), HTML, self._listing(category, number)
        for event in self._town.activities:
            yield f"activity/{event.slug}", HTML, self._detail(self.told(event))
        for slug in self._town.translated:
            yield f"de/aktivitaet/{slug}", HTML, self._detail(self._translated(slug))

    def redirects(self) -> dict[str, str]:
        """Return the old paths that moved, and where to."""
        return {"programme/bat-walk.html": f"{self.base}activity/bat-walk", "index.html": self.base}

    @property
    def image_paths(self) -> frozenset[str]:
        """The paths of all pictures."""
        return frozenset({LOGO, PIXEL, *(f"images/{event.slug}.jpg" for event in self.events)})

    def image(self, path: str) -> tuple[str, bytes]:
        """Return content type and body of the picture at one of ``image_paths``."""
        if path == LOGO:
            return PNG, logo(LEAF, 240, 80)
        if path == PIXEL:
            return PNG, flat(1, 1, (255, 255, 255))
        slug = path.removeprefix("images/").removesuffix(".jpg")
        return JPEG, picture(slug, str(self._town.categories[self._events[slug].category]["colour"]))

    def told(self, event: Event) -> Told:
        """Return an activity with everything that a page needs."""
        shown = event.slug not in self._town.without_picture
        return Told(
            event=event,
            name=event.name,
            text=event.text,
            lang=event.lang,
            url=f"{self.base}activity/{event.slug}",
            identifier=f"kb-{event.slug}" if event.slug in self._town.translated else "",
            venue=self._town.places[event.place],
            occurrences=occurrences(event, self._today, ZONE),
            today=self._today,
            picture=f"{self.base}images/{event.slug}.jpg" if shown else "",
        )

    def only_in_calendar(self) -> list[Told]:
        """Return the activities that no page tells."""
        entries = [dict(entry) for entry in self._town.calendar_only]
        return [self._calendar_entry(entry.pop("uid"), entry) for entry in entries]

    def _calendar_entry(self, uid: str, entry: dict[str, object]) -> Told:
        event = Event.model_validate({"slug": uid, **entry})
        venue: Venue = self._town.places[event.place]
        times = occurrences(event, self._today, ZONE)
        return Told(event, event.name, event.text, "en", f"{self.base}calendar.ics", "", venue, times, self._today)

    def _translated(self, slug: str) -> Told:
        told, words = self.told(self._events[slug]), self._town.translated[slug]
        return replace(told, name=words["name"], text=words["text"], lang="de", url=f"{self.base}de/aktivitaet/{slug}")

    def _page(self, title: str, body: str, *, lang: str = "en", description: str = "", head: str = "") -> str:
        nav = [
            (self.base, WORDS["en"]),
            (f"{self.base}de/", WORDS["de"]),
            (f"{self.base}news", "News"),
            (f"{self.base}calendar.ics", "Calendar"),
        ]
        return page(
            site=self._town.name,
            base=self.base,
            title=title,
            body=body,
            lang=lang,
            description=description,
            head=head,
            nav=nav,
        )

    def _prose(self, name: str) -> str:
        title = name.rsplit("/", 1)[-1].capitalize()
        body = f"<h1>{title}</h1><p>{PROSE[name].format(base=self.base)}</p>"
        if not name.startswith("news/"):
            return self._page(title, body)
        # An article has a date and a picture as an event has, and is none.
        published = edited_at(self._today).isoformat()
        article = {"@context": "https://schema.org", "@type": "NewsArticle", "headline": title}
        head = script(article | {"datePublished": published, "image": f"{self.base}{LOGO}"})
        return self._page(title, f'{body}<p><time datetime="{published}">{published[:10]}</time></p>', head=head)

    def _home(self, lang: str) -> str:
        names = "".join(
            f'<li style="border-top:.5rem solid {words["colour"]}"><a href="{self.base}{self._listing_path(key, 1)}">{escape(words[lang])}</a></li>'
            for key, words in self._town.categories.items()
        )
        german = [event for event in self._town.activities if event.lang == "de"]
        cards = "".join(self._card(self.told(event)) for event in german) if lang == "de" else ""
        cards += "".join(self._card(self._translated(slug)) for slug in self._town.translated) if lang == "de" else ""
        cards = cards or "".join(self._card(self.told(self._in_category(key)[0])) for key in self._town.categories)
        more = f'<p><a href="{self.base}programme/bat-walk.html">Our favourite walk</a>, <a href="{self.base}summer-fair">last year’s fair</a></p>'
        body = f"<h1>{escape(self._town.tagline[lang])}</h1><ul class=cards>{names}</ul><ul class=cards>{cards}</ul>{more if lang == 'en' else ''}"
        feed = f'<link rel="alternate" type="text/calendar" href="{self.base}calendar.ics">'
        return self._page(self._town.tagline[lang], body, lang=lang, head=feed)

    def _in_category(self, category: str) -> list[Event]:
        return [event for event in self._town.activities if event.category == category]

    def _page_count(self, category: str) -> int:
        return -(-len(self._in_category(category)) // PER_PAGE)

    def _listing_path(self, category: str, number: int) -> str:
        return f"activities/{category}" if number == 1 else f"activities/{category}/page/{number}"

    def _listing(self, category: str, number: int) -> str:
        shown = self._in_category(category)[(number - 1) * PER_PAGE : number * PER_PAGE]
        cards = "".join(self._card(self.told(event)) for event in shown)
        links, head = "", ""
        for step, rel in ((-1, "previous"), (1, "next")):
            if 1 <= number + step <= self._page_count(category):
                url = f"{self.base}{self._listing_path(category, number + step)}"
                links += f'<a rel="{rel[:4]}" href="{url}">{WORDS[rel]}</a> '
                head += f'<link rel="{rel[:4]}" href="{url}">'
        title = str(self._town.categories[category]["en"])
        head += item_list([self.told(event) for event in shown]) if category == WITH_ITEM_LIST else ""
        intern = f'<!-- --><a href="{self.base}intern/draft" hidden>draft</a>' if number == 1 else ""
        return self._page(
            title, f"<h1>{title}</h1><ul class=cards>{cards}</ul><p class=pages>{links}</p>{intern}", head=head
        )

    def _card(self, told: Told) -> str:
        image = f'<img src="{told.picture}" alt="" loading="lazy" width="320" height="213">' if told.picture else ""
        return f'<li>{image}<h2><a href="{told.url}">{escape(told.name)}</a></h2><p>{brief(told)}</p></li>'

    def _detail(self, told: Told) -> str:
        style = told.event.style
        head = f'<meta property="og:title" content="{escape(told.name)}"><link rel="canonical" href="{told.url}">{self._alternates(told.event.slug)}'
        head += f'<meta property="og:image" content="{told.picture}">' if told.picture else ""
        body = microdata(told) if style == "microdata" else text_page(told)
        if style == "json-ld":
            head += (BROKEN if told.event.slug == self._town.broken_block else "") + json_ld(told)
        return self._page(told.name, body, lang=told.lang, description=told.text, head=head)

    def _alternates(self, slug: str) -> str:
        if slug not in self._town.translated:
            return ""
        return "".join(
            f'<link rel="alternate" hreflang="{lang}" href="{self.base}{path}/{slug}">'
            for lang, path in (("en", "activity"), ("de", "de/aktivitaet"))
        )

    def _intern(self) -> str:
        told = self.told(self._town.activities[0])
        name, url = "A draft that nobody may see", f"{self.base}intern/draft"
        draft = replace(told, name=name, url=url, identifier="kb-draft")
        return self._page("Draft", f"<h1>{name}</h1>", head=json_ld(draft))

    def _sitemap(self) -> str:
        listed = [event.slug for event in self._town.activities if event.slug not in self._town.unlisted_in_sitemap]
        paths = ["", "de/", *PROSE, *(f"activity/{slug}" for slug in listed)]
        entries = "".join(
            f"<url><loc>{self.base}{path}</loc><lastmod>{edited_at(self._today).date()}</lastmod></url>"
            for path in paths
        )
        return f'<?xml version="1.0" encoding="UTF-8"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</urlset>'

    def _calendar(self) -> str:
        told = [self.told(self._events[slug]) for slug in self._town.calendar_also] + self.only_in_calendar()
        return calendar(self._town.name, told, stamp=edited_at(self._today))
