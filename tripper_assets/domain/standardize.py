"""From what pages say to activities: occurrences are grouped by identity, folded into one record each, and given their id."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from urllib.parse import urlsplit

from tripper_assets.domain.activities import Activity, Provenance, Quality, RawActivity
from tripper_assets.domain.cleaning import Cleaned, clean, free_of_charge, language
from tripper_assets.domain.identity import activity_id, content_sha256, fold
from tripper_assets.domain.images import MAX_CANDIDATES, joined_pictures
from tripper_assets.domain.model import Problem, Rejection
from tripper_assets.domain.occurrences import DATE_FIELDS, states, when
from tripper_assets.domain.quality import score
from tripper_assets.domain.sources import Source

METHOD_RANK = {
    method: rank
    for rank, method in enumerate(
        (
            "selector",
            "json-ld",
            "microdata",
            "rdfa",
            "embedded-state",
            "ics",
            "microformats",
            "rss",
            "time",
            "listing",
            "text",
            "opengraph",
            "llm",
        )
    )
}
# A feed's own URL is nobody's page.
FEED_METHODS = frozenset({"ics", "rss"})
# What a group's members may each contribute: the first member by rank that states it wins.
FILLED_FIELDS = (
    "description", "inLanguage", "category", "keywords", "openingHoursSpecification", "eventAttendanceMode", "ageRange", "location",
    "offers", "isAccessibleForFree", "organizer", "image",
)  # fmt: skip


@dataclass(frozen=True)
class Standardized:
    """The activities of a source, ordered by id, and everything that did not become one."""

    activities: tuple[Activity, ...]
    rejections: tuple[Rejection, ...]
    problems: tuple[Problem, ...]
    """What was dropped or guessed inside of activities, by activity id."""


def standardize(raw_activities: Iterable[RawActivity], source: Source, *, now: datetime) -> Standardized:
    """Return the activities that ``raw_activities`` state; the order in which pages arrived changes nothing.

    ``now`` only bounds the years that are believed.
    """
    results = [clean(raw, source, now=now) for raw in raw_activities]
    rejections = [one for one in results if isinstance(one, Rejection)]
    groups = group_by_identity([one for one in results if isinstance(one, Cleaned)], source)
    folded = sorted(
        (_fold_group(identity, members, source) for identity, members in groups.items()), key=lambda one: one.id
    )
    activities = tuple(_numbered(activity, index) for index, activity in enumerate(folded))
    problems = [
        Problem(code=code, subject=one.id, message=one.name)
        for one in activities
        if one.quality
        for code in one.quality.problems
    ]
    return Standardized(
        activities, tuple(sorted(rejections, key=lambda one: (one.reason, one.subject, one.message))), tuple(problems)
    )


def group_by_identity(members: Sequence[Cleaned], source: Source) -> dict[str, list[Cleaned]]:
    """Return the members of each activity by its identity, each group's best first.

    The identity is the first that exists of: the publisher's own id; the activity's own URL, if one activity has it; page URL, folded
    name and postcode or locality. Ids and URLs that one member states together name one activity; where each of its occurrences has an id
    of its own, what they share is the URL. Dates stay out of it, so that a series keeps its id when an occurrence passes.
    """
    ids, urls = _trusted_ids(members), _trusted_urls(members, source)
    known = _joined([_keys(member, ids, urls) for member in members])
    places = _stated_places(members)
    groups: dict[str, list[Cleaned]] = defaultdict(list)
    for member in sorted(members, key=lambda one: _rank(one, language(source.config.language or ""))):
        key = next(iter(_keys(member, ids, urls)), None)
        groups[_text_identity(member, places) if key is None else known[key]].append(member)
    return dict(groups)


def _keys(member: Cleaned, ids: set[str], urls: set[str]) -> list[str]:
    """Return what names the activity beyond doubt, the publisher's id first."""
    own_id = [f"id:{member.raw.identifier}"] if member.raw.identifier in ids else []
    return own_id + ([f"url:{member.url}"] if member.url in urls else [])


def _joined(stated: Sequence[Sequence[str]]) -> dict[str, str]:
    """Return the identity that each key stands for; ``stated`` holds the keys of each member."""
    neighbours: dict[str, set[str]] = defaultdict(set)
    for keys in stated:
        for key in keys:
            neighbours[key].update(keys)
    identities: dict[str, str] = {}
    for key in neighbours:
        if key not in identities:
            reached = _reached(key, neighbours)
            identities |= dict.fromkeys(reached, _identity_of(reached))
    return identities


def _reached(key: str, neighbours: dict[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    waiting = [key]
    while waiting:
        one = waiting.pop()
        if one not in reached:
            reached.add(one)
            waiting += neighbours[one]
    return reached


def _identity_of(keys: set[str]) -> str:
    own_ids = [key for key in keys if key.startswith("id:")]
    return own_ids[0] if len(own_ids) == 1 else min(key for key in keys if key.startswith("url:"))


def _text_identity(member: Cleaned, places: dict[tuple[str, str], set[tuple[str, str]]]) -> str:
    name = _folded_name(member)
    return f"text:{member.page}\n{name}\n{_place_of(_stated_place(member), places[member.page, name])}"


def _folded_name(member: Cleaned) -> str:
    return fold(member.raw.name) or member.raw.name  # a name without a letter is told from others by its signs


def _stated_place(member: Cleaned) -> tuple[str, str]:
    """Return the folded postcode and locality."""
    address = member.raw.location.address if member.raw.location else None
    return (fold(address.postalCode), fold(address.addressLocality)) if address else ("", "")


def _stated_places(members: Sequence[Cleaned]) -> dict[tuple[str, str], set[tuple[str, str]]]:
    """Return the places that one page states for one name."""
    places: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
    for member in members:
        places[member.page, _folded_name(member)].add(_stated_place(member))
    return places


def _place_of(stated: tuple[str, str], beside: set[tuple[str, str]]) -> str:
    """Return the postcode or locality; what one statement leaves open comes from the others beside it, where they agree."""
    postcode, locality = stated
    if postcode:
        return postcode
    if locality:
        codes = {code for code, name in beside if code and name == locality}
        return codes.pop() if len(codes) == 1 else locality
    others = {_place_of(other, beside) for other in beside if any(other)}
    return others.pop() if len(others) == 1 else ""


def _trusted_ids(members: Sequence[Cleaned]) -> set[str]:
    """Return the publisher's ids that name one activity each: one name in each language."""
    names: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for member in members:
        if member.raw.identifier:
            names[member.raw.identifier][member.raw.inLanguage].add(_folded_name(member))
    return {one for one, languages in names.items() if all(len(found) == 1 for found in languages.values())}


def _trusted_urls(members: Sequence[Cleaned], source: Source) -> set[str]:
    """Return the URLs that one activity has: all that say them agree on the name, and it is not merely the page of a list.

    The source's own page and a start page are lists, even while they hold one entry: the next entry must not inherit its id.
    """
    names: dict[str, set[str]] = defaultdict(set)
    for member in members:
        names[member.url].add(_folded_name(member))
    own = {member.url for member in members if _names_own_page(member)}
    return {url for url in own if len(names[url]) == 1 and not _is_list(url, source)}


def _names_own_page(member: Cleaned) -> bool:
    stated = bool(member.raw.url) and "url_off_site" not in member.problems
    return stated or (not member.raw.url and _method(member) not in FEED_METHODS)


def _is_list(url: str, source: Source) -> bool:
    parts = urlsplit(url)
    return url == source.url or (parts.path == "/" and not parts.query)


def _rank(member: Cleaned, wanted_language: str) -> tuple[object, ...]:
    """Return what members are ordered by, best first: the activity's own page, in the source's language, with the surest method."""
    raw = member.raw
    foreign = bool(wanted_language) and raw.inLanguage != wanted_language
    stated = sum(bool(getattr(raw, name)) for name in (*FILLED_FIELDS, *DATE_FIELDS))
    return (
        member.page != member.url, foreign, METHOD_RANK[_method(member)], -stated, raw.page, raw.startDate, raw.model_dump_json(),
    )  # fmt: skip


def _method(member: Cleaned) -> str:
    found = member.raw.provenance.get("name")
    return found.method if found else "text"


def _fold_group(identity: str, members: Sequence[Cleaned], source: Source) -> Activity:
    best = members[0]
    values: dict[str, object] = {"name": best.raw.name, "type": best.raw.type}
    provenance: dict[str, Provenance] = {}
    # Stable: the best's own language first, so that one record does not mix two versions of a page where it need not.
    givers = sorted((one.raw for one in members), key=lambda raw: raw.inLanguage not in ("", best.raw.inLanguage))
    for name in ("name", *FILLED_FIELDS):
        giver = next((raw for raw in givers if states(raw, name)), None)
        if giver is not None:
            values[name] = getattr(giver, name)
            if name in giver.provenance:
                provenance[name] = giver.provenance[name]
    # Where the best picture fails or is a stand-in, one of another page takes its place.
    values["image"] = reduce(joined_pictures, (raw.image for raw in givers), ())[:MAX_CANDIDATES]
    dates = when([one.raw for one in members])
    provenance |= dates.provenance
    problems = set[str]().union(*(one.problems for one in members))
    activity = Activity.model_validate(
        {
            "id": activity_id(source.key, identity), "index": 0, "source_key": source.key, "source_url": source.url,
            "url": best.url, "provenance": dict(sorted(provenance.items())), **values, "startDate": dates.startDate,
            "endDate": dates.endDate, "eventSchedule": dates.eventSchedule, "eventStatus": dates.eventStatus,
        }
    )  # fmt: skip
    return _judged(activity, problems)


def _judged(activity: Activity, problems: set[str]) -> Activity:
    """Return the activity with its quality; what one page says of the price may contradict what another says of being free."""
    free = free_of_charge(activity.isAccessibleForFree, activity.offers)
    contradicted = {"free_contradicted"} if free != activity.isAccessibleForFree else set[str]()
    quality = Quality(score=score(activity), problems=tuple(sorted(problems | contradicted)))
    return activity.model_copy(update={"isAccessibleForFree": free, "quality": quality})


def _numbered(activity: Activity, index: int) -> Activity:
    numbered = activity.model_copy(update={"index": index})
    return numbered.model_copy(update={"content_sha256": content_sha256(numbered.dump())})
