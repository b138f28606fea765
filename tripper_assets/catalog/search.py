"""Search: words, typing errors in names and nearness of meaning, each a ranking of its own under the filters, fused into one."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection
from sqlalchemy import text as statement

from tripper_assets.catalog.database import Database
from tripper_assets.catalog.links import LinkedGroup, groups_in
from tripper_assets.catalog.search_conditions import DISTANCE, conditions
from tripper_assets.catalog.search_cursors import Cursor, fingerprint
from tripper_assets.catalog.search_rankings import (
    ENOUGH,
    Asked,
    Ranking,
    by_meaning,
    by_most_words,
    by_name,
    by_words,
    fuse,
    tune,
)
from tripper_assets.catalog.search_words import CONFIGURATIONS, NOTHING, Wanted, wanted_words
from tripper_assets.catalog.storable import storable_text
from tripper_assets.domain.errors import QuestionRefusedError
from tripper_assets.domain.model import ActivityId
from tripper_assets.domain.search import MOST_HITS, OtherSource, SearchFilters, SearchHit, SearchPage, Spot

RANK_CONSTANT = 20
"""k of reciprocal rank fusion (Cormack, Clarke and Büttcher 2009), who took 60 for systems that are much alike.

Here one ranking may know what the others cannot: with 60, what is tenth in three of them passes what is first in two, and a name with
typing errors was found at 0.58 of the best gain among 100,000, with 20 at 0.79.
"""
DEPTH = 100
"""How many each ranking gives to the fusion, at least."""
MARK, UNMARK = "\x02", "\x03"
MARKED = re.compile(f"{MARK}([^{MARK}{UNMARK}]*){UNMARK}")


class _Order(NamedTuple):
    """The ids of one page and their keys, the rankings that they are from, and where more follow."""

    keys: Mapping[ActivityId, float]
    rankings: Mapping[str, Ranking]
    end: tuple[ActivityId, float] | None
    """Behind which more follow; None on the last page."""
    groups: Mapping[ActivityId, LinkedGroup]
    """Of those of them that several sites tell of."""


def search(
    database: Database,
    *,
    text: str = "",
    filters: SearchFilters | None = None,
    vector: npt.NDArray[np.float32] | None = None,
    model: str | None = None,
    limit: int = 10,
    after: str | None = None,
    now: datetime,
) -> SearchPage:
    """Return the activities that fit ``text`` best under the filters; without words and a vector what passes them, the nearest or first to end first.

    Nothing is found where neither words nor filters ask for anything.

    ``vector`` is the text's own, of unit length; it is compared with those of ``model``, or of every model with its dimensions. ``after``
    is the cursor of the page before.

    Raises:
        QuestionRefusedError: the limit or the cursor is none.
        TransientError: the catalog does not answer.
    """
    if not 1 <= limit <= MOST_HITS:
        raise QuestionRefusedError(f"A search gives 1 to {MOST_HITS} hits, and not {limit}; change the limit.")
    asked_filters, words = filters or SearchFilters(), storable_text(text)
    question = fingerprint(words, asked_filters, model if vector is not None else None)
    cursor = Cursor.decode(after, question) if after else None
    depth, at = (cursor.depth, cursor.now) if cursor else (max(DEPTH, 2 * limit), now)
    with database.connection() as connection:
        tune(connection)
        asked = Asked(connection, conditions(asked_filters, now=at), depth)
        wanted = wanted_words(connection, words, asked_filters.language) if words.strip() else NOTHING
        if vector is None and not words.strip():
            order = _filtered(asked, asked_filters.near, limit, cursor)
        else:
            order = _fused(asked, _rankings(asked, words, wanted, vector, model), limit, cursor)
        hits = _hits(connection, order, wanted, asked_filters.near)
    following = Cursor(order.end[1], order.end[0], depth, at).encode(question) if order.end else None
    return SearchPage(hits=tuple(hits), next=following)


def _rankings(
    asked: Asked, text: str, wanted: Wanted, vector: npt.NDArray[np.float32] | None, model: str | None
) -> dict[str, Ranking]:
    rankings: dict[str, Ranking] = {}
    if wanted.strict:
        rankings["words"] = by_words(asked, wanted)
    has_operators = bool(wanted.own)
    if len(rankings.get("words", ())) < ENOUGH and wanted.relaxed:
        rankings["some_words"] = by_most_words(asked, wanted, text)
    # Where something has every word, none of them is a typing error.
    if not has_operators and not rankings.get("words"):
        rankings["name"] = by_name(asked, text)
    if vector is not None:
        rankings["meaning"] = by_meaning(asked, vector, model)
    return rankings


def _fused(asked: Asked, rankings: dict[str, Ranking], limit: int, cursor: Cursor | None) -> _Order:
    scores = {one: round(score, 9) for one, score in fuse(rankings, k=RANK_CONSTANT).items()}
    every = sorted(scores, key=lambda one: (-scores[one], one))
    groups = _groups(asked, every)
    ordered = _once(every, groups)
    if cursor is not None:
        ordered = [one for one in ordered if (-scores[one], one) > (-cursor.key, cursor.id)]
    shown = {one: scores[one] for one in ordered[:limit]}
    return _Order(shown, rankings, _end(shown, more=len(ordered) > limit), groups)


def _end(shown: Mapping[ActivityId, float], *, more: bool) -> tuple[ActivityId, float] | None:
    return list(shown.items())[-1] if shown and more else None


def _groups(asked: Asked, ids: Sequence[ActivityId]) -> dict[ActivityId, LinkedGroup]:
    """Return which of the found several sites tell of; none where one source alone is asked for, which shows all that it has."""
    return {} if asked.conditions.values.get("source_key") else groups_in(asked.connection, ids)


def _once(ids: Sequence[ActivityId], groups: Mapping[ActivityId, LinkedGroup]) -> list[ActivityId]:
    """Return the ids with the best of each group only."""
    best: dict[str, ActivityId] = {}
    return [one for one in ids if one not in groups or best.setdefault(groups[one].id, one) == one]


def _filtered(asked: Asked, near: Spot | None, limit: int, cursor: Cursor | None) -> _Order:
    """Return one page of everything that passes the filters, by distance or by its end."""
    if not asked.conditions.narrows:
        return _Order({}, {}, end=None, groups={})
    by = DISTANCE if near else "coalesce(extract(epoch FROM activities.over_at), 1e12)::double precision"
    beyond = "AND (key, id) > (CAST(:key AS double precision), CAST(:after AS uuid))" if cursor else ""
    sql = _FILTERED.replace("{key}", by).replace("{conditions}", asked.conditions.sql).replace("{beyond}", beyond)
    values = {**asked.conditions.values, "limit": limit + 1}
    if cursor is not None:
        values |= {"key": cursor.key, "after": cursor.id}
    rows = asked.connection.execute(statement(sql), values).all()
    found = {row.id: row.key for row in rows[:limit]}
    groups = _groups(asked, list(found))
    shown = {one: found[one] for one in _once(list(found), groups)}
    return _Order(shown, {}, _end(found, more=len(rows) > limit), groups)


def _hits(connection: Connection, order: _Order, wanted: Wanted, near: Spot | None) -> list[SearchHit]:
    place = {"latitude": near.latitude, "longitude": near.longitude} if near else {}
    values = {"ids": list(order.keys), "any_word": wanted.any_word or None, **place}
    rows = connection.execute(statement(_ROWS.replace("{distance}", DISTANCE if near else "NULL")), values).mappings()
    by_id = {row["id"]: {str(name): value for name, value in row.items()} for row in rows}
    return [
        _hit(by_id[one], key, order.rankings, _others(one, order.groups))
        for one, key in order.keys.items()
        if one in by_id
    ]


def _others(activity_id: ActivityId, groups: Mapping[ActivityId, LinkedGroup]) -> tuple[OtherSource, ...]:
    members = groups[activity_id].members if activity_id in groups else ()
    return tuple(
        OtherSource(id=one.id, source_key=one.source_key, url=one.url) for one in members if one.id != activity_id
    )


def _hit(row: dict[str, Any], key: float, rankings: Mapping[str, Ranking], also: tuple[OtherSource, ...]) -> SearchHit:
    ranks = {name: ranking.index(row["id"]) + 1 for name, ranking in rankings.items() if row["id"] in ranking}
    shown: str = row.pop("headline") or ""
    matched = tuple(dict.fromkeys(MARKED.findall(shown)))
    return SearchHit.model_validate(
        {
            **row,
            "score": round(key, 6) if rankings else 0,
            "found_by": tuple(ranks),
            "ranks": ranks,
            "matched": matched,
            "also": also,
            "snippet": " ".join(MARKED.sub(r"**\1**", shown).split()) if matched else "",
        }
    )


_FILTERED = """
    SELECT id::text, key FROM (SELECT activities.id, {key} AS key FROM tripper.activities WHERE {conditions}) AS found
    WHERE true {beyond} ORDER BY key, found.id LIMIT :limit
"""


def _headline(text: str) -> str:
    options = f"StartSel={MARK}, StopSel={UNMARK}, MaxFragments=2, MaxWords=24, MinWords=8, FragmentDelimiter=' … '"
    called = (
        f"ts_headline('tripper.{{}}', {text}, CAST(:any_word AS tsquery), E'{options.replace(chr(39), chr(39) * 2)}')"
    )
    cases = (f"WHEN '{tag}' THEN {called.format(name)}" for tag, name in CONFIGURATIONS.items() if tag)
    return f"CASE language {' '.join(cases)} ELSE {called.format(CONFIGURATIONS[''])} END"


_ROWS = f"""
    SELECT id::text AS id, name, url, source_key, type, start_text AS "startDate", end_text AS "endDate",
        concat_ws(', ', nullif(record #>> '{{location,name}}', ''), nullif(locality, '')) AS place,
        latitude, longitude, is_free AS "isAccessibleForFree", {{distance}} AS distance_km,
        {_headline("left(concat_ws(' — ', name, nullif(record ->> 'description', '')), 4000)")} AS headline
    FROM tripper.activities WHERE id = ANY(CAST(:ids AS uuid[]))
"""  # noqa: S608 (made of constants)
