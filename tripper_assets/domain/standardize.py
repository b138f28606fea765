"""From what pages say to activities: occurrences are grouped by identity, folded into one record each, and given their id."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from tripper_assets.domain.activities import Activity, Provenance, Quality, RawActivity, Schedule
from tripper_assets.domain.cleaning import Cleaned, clean
from tripper_assets.domain.identity import activity_id, content_sha256, fold
from tripper_assets.domain.model import Problem, Rejection
from tripper_assets.domain.quality import score
from tripper_assets.domain.sources import Source, normalize_url

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
TEXT_METHODS = frozenset({"time", "listing", "text", "opengraph", "llm"})
# What a group's members may each contribute: the first member by rank that states it wins.
FILLED_FIELDS = (
    "description", "inLanguage", "category", "keywords", "openingHoursSpecification", "eventStatus", "eventAttendanceMode",
    "ageRange", "location", "offers", "isAccessibleForFree", "organizer", "image",
)  # fmt: skip
DATE_FIELDS = ("startDate", "endDate", "eventSchedule")
DAY = len("2026-01-31")


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
    groups = group_by_identity([one for one in results if isinstance(one, Cleaned)])
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


def group_by_identity(members: Sequence[Cleaned]) -> dict[str, list[Cleaned]]:
    """Return the members of each activity by its identity.

    The identity is the first that exists of: the publisher's own id; the activity's own URL, if one activity has it; page URL, folded
    name and postcode or locality. Dates stay out of it, so that a series keeps its id when an occurrence passes.
    """
    ids, urls = _trusted_ids(members), _trusted_urls(members)
    joined: dict[str, set[str]] = defaultdict(set)
    for member in members:
        if member.raw.identifier in ids and member.url in urls:
            joined[member.url].add(member.raw.identifier)
    groups: dict[str, list[Cleaned]] = defaultdict(list)
    for member in sorted(members, key=_rank):
        groups[_identity(member, ids, urls, joined)].append(member)
    return dict(groups)


def _identity(member: Cleaned, ids: set[str], urls: set[str], joined: dict[str, set[str]]) -> str:
    known = joined.get(member.url, set()) if member.url in urls else set[str]()
    if len(known) > 1:  # each occurrence has an id of its own: what they share is the page
        return f"url:{member.url}"
    if member.raw.identifier in ids:
        return f"id:{member.raw.identifier}"
    if len(known) == 1:  # a listing that links to the page whose markup states the id
        return f"id:{next(iter(known))}"
    if member.url in urls:
        return f"url:{member.url}"
    address = member.raw.location.address if member.raw.location else None
    place = fold((address.postalCode or address.addressLocality) if address else "")
    return f"text:{normalize_url(member.raw.page)}\n{fold(member.raw.name)}\n{place}"


def _trusted_ids(members: Sequence[Cleaned]) -> set[str]:
    """Return the publisher's ids that name one activity each: one name in each language."""
    names: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for member in members:
        if member.raw.identifier:
            names[member.raw.identifier][member.raw.inLanguage].add(fold(member.raw.name))
    return {one for one, languages in names.items() if all(len(found) == 1 for found in languages.values())}


def _trusted_urls(members: Sequence[Cleaned]) -> set[str]:
    """Return the URLs that one activity has: all that say them agree on the name, and it is not merely the page of a list."""
    names: dict[str, set[str]] = defaultdict(set)
    for member in members:
        names[member.url].add(fold(member.raw.name))
    return {url for url, found in names.items() if len(found) == 1}


def _rank(member: Cleaned) -> tuple[object, ...]:
    raw = member.raw
    own_page = normalize_url(raw.page) == member.url
    method = raw.provenance["name"].method if "name" in raw.provenance else "text"
    stated = sum(bool(getattr(raw, name)) for name in (*FILLED_FIELDS, *DATE_FIELDS))
    return (not own_page, METHOD_RANK[method], -stated, raw.page, raw.startDate, raw.model_dump_json())


def _fold_group(identity: str, members: Sequence[Cleaned], source: Source) -> Activity:
    best = members[0]
    values: dict[str, object] = {"name": best.raw.name, "type": best.raw.type}
    provenance: dict[str, Provenance] = {}
    for name in ("name", *FILLED_FIELDS):
        giver = next((one.raw for one in members if _states(one.raw, name)), None)
        if giver is not None:
            values[name] = getattr(giver, name)
            if name in giver.provenance:
                provenance[name] = giver.provenance[name]
    provenance |= _date_provenance(members)
    values |= _occurrences(members)
    problems = tuple(sorted(set[str]().union(*(one.problems for one in members))))
    activity = Activity.model_validate(
        {
            "id": activity_id(source.key, identity), "index": 0, "source_key": source.key, "source_url": source.url,
            "url": best.url, "provenance": dict(sorted(provenance.items())), **values,
        }
    )  # fmt: skip
    return activity.model_copy(update={"quality": Quality(score=score(activity), problems=problems)})


def _states(raw: RawActivity, name: str) -> bool:
    value = getattr(raw, name)
    return value is not None and value not in ("", ())


def _dated(members: Sequence[Cleaned]) -> list[RawActivity]:
    """Return the members whose dates count: those in markup where there are any, for a text may repeat a date of something else."""
    dated = [one.raw for one in members if any(_states(one.raw, name) for name in DATE_FIELDS)]
    sure = [raw for raw in dated if not _from_text(raw)]
    return sure or dated


def _from_text(raw: RawActivity) -> bool:
    found = raw.provenance.get("startDate") or raw.provenance.get("eventSchedule") or raw.provenance.get("name")
    return found is None or found.method in TEXT_METHODS


def _date_provenance(members: Sequence[Cleaned]) -> dict[str, Provenance]:
    dated = _dated(members)
    return {name: raw.provenance[name] for name in DATE_FIELDS for raw in reversed(dated) if name in raw.provenance}


def _occurrences(members: Sequence[Cleaned]) -> dict[str, object]:
    """Return startDate, endDate and eventSchedule of a group: one occurrence as it is, several as a schedule from first to last."""
    dated = _dated(members)
    rules = tuple(dict.fromkeys(schedule for raw in dated for schedule in raw.eventSchedule))
    stated = sorted({(raw.startDate, raw.endDate) for raw in dated if raw.startDate})
    # A day that one page states with its time and another without is one occurrence.
    timed_days = {start[:DAY] for start, _ in stated if len(start) > DAY}
    kept = [pair for pair in stated if len(pair[0]) > DAY or pair[0][:DAY] not in timed_days]
    kept = [pair for pair in kept if pair[1] or not any(other[0] == pair[0] and other[1] for other in kept)]
    if not kept:
        return {"eventSchedule": rules}
    if len(kept) == 1:
        return {"startDate": kept[0][0], "endDate": kept[0][1], "eventSchedule": rules}
    schedule = (*rules, *(_one_occurrence(start, end) for start, end in kept if not rules))
    return {"startDate": kept[0][0], "endDate": max(end or start for start, end in kept), "eventSchedule": schedule}


def _one_occurrence(start: str, end: str) -> Schedule:
    return Schedule(
        startDate=start[:DAY],
        endDate=(end or start)[:DAY],
        startTime=_wall_time(start),
        endTime=_wall_time(end),
    )


def _wall_time(moment: str) -> str:
    """Return HH:MM and the offset of an ISO date-time, empty for a date."""
    return f"{moment[DAY + 1 : DAY + 6]}{moment[DAY + 9 :]}"


def _numbered(activity: Activity, index: int) -> Activity:
    numbered = activity.model_copy(update={"index": index})
    return numbered.model_copy(update={"content_sha256": content_sha256(numbered.dump())})
