"""What an activity is: the raw form a page states, and the one record that every later stage fills in."""

from typing import Annotated, Any, Literal

from pydantic import Field

from tripper_assets.domain.model import ActivityId, Model, Problem, SourceKey

SCHEMA_VERSION = "1"

EventStatus = Literal["EventScheduled", "EventCancelled", "EventPostponed", "EventRescheduled", "EventMovedOnline"]
AttendanceMode = Literal["OfflineEventAttendanceMode", "OnlineEventAttendanceMode", "MixedEventAttendanceMode"]
Method = Literal[
    "json-ld",
    "microdata",
    "rdfa",
    "microformats",
    "opengraph",
    "ics",
    "rss",
    "embedded-state",
    "listing",
    "time",
    "text",
    "selector",
    "llm",
    "refined",
    "person",
]


CONFIDENCE: dict[str, float] = {
    "person": 1.0,
    "selector": 1.0,
    "json-ld": 0.95,
    "ics": 0.95,
    "microdata": 0.9,
    "rdfa": 0.9,
    "microformats": 0.9,
    "embedded-state": 0.9,
    "rss": 0.8,
    "opengraph": 0.8,
    "time": 0.8,
    "listing": 0.7,
    "text": 0.6,
    "llm": 0.5,
    "refined": 0.5,
}
"""How far each method is believed: an order of trust, from what a person or publisher says to what is guessed, and no measured rate."""


def _confidence(data: dict[str, Any]) -> float:
    return CONFIDENCE.get(data.get("method", ""), 0.0)


class Provenance(Model):
    """Where one field's value was read, and how far that way of reading is believed."""

    method: Method
    page: str = ""
    """The URL of the page; empty where a person states the value."""
    page_sha256: str = ""
    """Of the page's body as it was received, decompressed."""
    evidence: str = ""
    """The text that states the value, at most 200 characters."""
    confidence: float = Field(default_factory=_confidence, ge=0, le=1)
    """0 to 1: the method's own, where nothing else was said."""


class AgeRange(Model):
    """Ages in years; None means that side is open."""

    minValue: float | None = None
    maxValue: float | None = None


class PostalAddress(Model):
    """schema.org PostalAddress; a free-text address stands in streetAddress until it is parsed."""

    streetAddress: str = ""
    addressLocality: str = ""
    addressRegion: str = ""
    postalCode: str = ""
    addressCountry: str = ""
    """ISO 3166-1 alpha-2 in an activity; as stated in a raw one."""


class GeoCoordinates(Model):
    """WGS 84 degrees."""

    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)


class Place(Model):
    """Where an activity happens, as its publisher states it."""

    name: str = ""
    address: PostalAddress = PostalAddress()
    geo: GeoCoordinates | None = None
    """The publisher's own coordinates; None where the page states none."""


class Offer(Model):
    """One price; price is a decimal in text such as "4.50", priceCurrency an ISO 4217 code."""

    name: str = ""
    price: str = ""
    priceCurrency: str = ""
    url: str = ""


class Organizer(Model):
    """Who runs the activity."""

    name: str = ""
    url: str = ""


class Schedule(Model):
    """schema.org Schedule: one rule of recurrence, or one stated occurrence (startDate equal to endDate, no repeatFrequency)."""

    startDate: str = ""
    """ISO 8601 date."""
    endDate: str = ""
    startTime: str = ""
    """Local wall time, HH:MM, with its offset where one is known."""
    endTime: str = ""
    scheduleTimezone: str = ""
    repeatFrequency: str = ""
    """An ISO 8601 duration such as P1W."""
    repeatCount: int | None = None
    byDay: tuple[str, ...] = ()
    """Monday to Sunday."""
    byMonthDay: tuple[int, ...] = ()
    byMonthWeek: tuple[int, ...] = ()
    """Which of a month's byDay: 1 to 5 as schema.org says (the second Monday is 2, whatever day the month begins on); -1 is the last, as
    RFC 5545 counts, for schema.org has no number for it and 5 would leave out the months with four."""
    exceptDate: tuple[str, ...] = ()


class OpeningHours(Model):
    """schema.org OpeningHoursSpecification."""

    dayOfWeek: tuple[str, ...] = ()
    """Monday to Sunday."""
    opens: str = ""
    closes: str = ""
    validFrom: str = ""
    validThrough: str = ""


ImageRole = Literal["", "shared", "listing", "content"]
"""What a page shows a candidate as: the activity's own picture (""), the page's for those who link it, that of a list's block, one in the text."""


class Thumbnail(Model):
    """The small variant of a stored picture, in the same format."""

    contentUrl: str
    sha256: str
    width: int
    height: int


class ImageObject(Model):
    """A picture: a candidate where only sourceUrl is known, a stored one where contentUrl and sha256 are."""

    sourceUrl: str
    role: ImageRole = ""
    """Of a candidate."""
    contentUrl: str = ""
    sha256: str = ""
    width: int | None = None
    height: int | None = None
    encodingFormat: str = ""
    blurhash: str = ""
    thumbnail: Thumbnail | None = None
    """None where the picture itself is no wider than 320 pixels."""
    creditText: str = ""
    license: str = ""


class RawActivity(Model):
    """One occurrence as one page states it (a recurring rule is one, with its rule); an unstated field is empty.

    startDate and endDate are local wall time with their offset (without one where the zone is unknown), or a date.
    """

    page: str
    """The URL of the page that states it."""
    name: str
    url: str = ""
    """The activity's own page, absolute; empty where the page names none."""
    identifier: str = ""
    """The publisher's own id (schema.org identifier, @id, an ICS UID); never an index on the page."""
    type: str = "Event"
    description: str = ""
    inLanguage: str = ""
    category: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    startDate: str = ""
    endDate: str = ""
    eventSchedule: tuple[Schedule, ...] = ()
    openingHoursSpecification: tuple[OpeningHours, ...] = ()
    eventStatus: EventStatus | None = None
    eventAttendanceMode: AttendanceMode | None = None
    ageRange: AgeRange | None = None
    location: Place | None = None
    offers: tuple[Offer, ...] = ()
    isAccessibleForFree: bool | None = None
    organizer: Organizer | None = None
    image: tuple[ImageObject, ...] = ()
    """Candidates, best first."""
    provenance: dict[str, Provenance] = {}


class Geocoding(Model):
    """How the coordinates of an activity were found."""

    status: Literal["ok", "not_found", "ambiguous", "deferred", "no_address", "rejected"]
    type: str = ""
    """What the answer is: publisher, house, venue, street, postcode, locality, region; unknown where the provider does not say."""
    accuracy: str = ""
    """exact, house, interpolated, street, postcode, locality, region or unknown: an honest precision, never finer than the provider's data."""
    confidence: float | None = None
    """0 to 1."""
    rung: str = ""
    """The step of the ladder that answered: publisher, house, venue, street, postcode, locality, region."""
    provider: str = ""
    label: str = ""
    licence: str = ""
    attribution: str = ""


class Point(Model):
    """GeoJSON Point (RFC 7946): longitude first."""

    type: Literal["Point"] = "Point"
    coordinates: Annotated[tuple[float, ...], Field(min_length=2, max_length=2)]


class Embedding(Model):
    """Which vector belongs to the activity; the vector itself stands in embeddings_map."""

    model: str
    dimensions: int
    text_sha256: str


class Quality(Model):
    """What is known to be wrong with one activity."""

    score: float
    """0 to 1: the share of the fields that a guide needs that are filled."""
    problems: tuple[str, ...] = ()
    """Problem codes, sorted."""


class Activity(Model):
    """One activity of one source: the one record from `activities` to the catalog; later stages fill what is empty."""

    schema_version: str = SCHEMA_VERSION
    id: ActivityId
    index: int
    """The position in this run's `activities`, which is ordered by id."""
    source_key: SourceKey
    source_url: str
    url: str
    """The activity's own page, else the page that states it."""
    type: str
    name: str
    description: str = ""
    inLanguage: str = ""
    category: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    startDate: str = ""
    endDate: str = ""
    eventSchedule: tuple[Schedule, ...] = ()
    openingHoursSpecification: tuple[OpeningHours, ...] = ()
    eventStatus: EventStatus | None = None
    eventAttendanceMode: AttendanceMode | None = None
    ageRange: AgeRange | None = None
    location: Place | None = None
    geometry: Point | None = None
    geocoding: Geocoding | None = None
    offers: tuple[Offer, ...] = ()
    isAccessibleForFree: bool | None = None
    organizer: Organizer | None = None
    image: tuple[ImageObject, ...] = ()
    tags: dict[str, Any] = {}
    embedding: Embedding | None = None
    provenance: dict[str, Provenance] = {}
    quality: Quality | None = None
    attribution: tuple[str, ...] = ()
    content_sha256: str = ""
    """Of the record's canonical JSON without index, provenance and this field itself (domain/identity.py)."""


PageTrouble = Literal["", "soft_404", "login_wall", "captcha", "empty_shell"]
"""Why a page with a good status says nothing: it is missing, wants a login or a person, or is only filled in by scripts."""


class PageFacts(Model):
    """What a page says of itself, apart from activities."""

    canonical: str = ""
    """The absolute URL that it names as its own; empty where it names none, or the one that it was read at."""
    refresh: str = ""
    """The absolute URL that it sends its reader on to at once."""
    paging: list[str] = []
    """Those of its links that go on with its own list."""
    trouble: PageTrouble = ""


class Extraction(Model):
    """What one document states: its activities, the links worth following and what could not be read."""

    activities: list[RawActivity] = []
    links: list[str] = []
    """Absolute http(s) URLs, each once, in page order."""
    problems: list[Problem] = []
    page: PageFacts = PageFacts()
