"""Activities over the API: read with an ETag, listed, searched and exported, and never those of a removed source."""

import csv
import io
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from tripper_assets.catalog.search_conditions import conditions
from tripper_assets_tests.api.conftest import World
from tripper_assets_tests.catalog.conftest import Site
from tripper_assets_tests.waiting import AT_ONCE, wait_until

NOWHERE = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def site(world: World) -> Site:
    return Site(world.database, world.source())


@pytest.fixture
def ids(site: Site) -> list[str]:
    made = [
        site.activity("petting zoo", isAccessibleForFree=True, startDate="2026-05-02", keywords=("animals",)),
        site.activity("=cmd|calc", index=1, startDate="2026-05-03"),
        site.activity("paint a boat", index=2),
    ]
    site.load(made)
    return [one.id for one in made]


def test_a_record_is_read_once_and_then_only_where_it_changed(world: World, site: Site, ids: list[str]) -> None:
    address = f"/v1/activities/{ids[0]}"
    first = world.client.get(address)
    etag = first.headers["etag"]

    again = {
        named: world.client.get(address, headers={"If-None-Match": named}).status_code
        for named in (etag, f"W/{etag}", f'"x", {etag}', "*", '"x"', "")
    }
    site.load([site.activity("petting zoo", description="Now with goats.")])
    changed = world.client.get(address, headers={"If-None-Match": etag})

    assert first.json()["name"] == "petting zoo"
    assert again == {etag: 304, f"W/{etag}": 304, f'"x", {etag}': 304, "*": 304, '"x"': 200, "": 200}
    assert (changed.status_code, changed.json()["description"]) == (200, "Now with goats.")
    assert changed.headers["etag"] != etag
    assert "no-cache" in first.headers["cache-control"]


def test_what_is_removed_and_what_a_removed_source_had_is_nobodys(world: World, site: Site, ids: list[str]) -> None:
    site.load([site.activity("petting zoo")])
    gone = world.client.get(f"/v1/activities/{ids[2]}").status_code
    world.context.catalog.sources.remove(site.source.key)

    hidden = world.client.get(f"/v1/activities/{ids[0]}").status_code

    assert (gone, hidden) == (404, 404)
    assert world.client.get("/v1/activities").json() == {"activities": [], "next": None}
    assert world.client.get("/v1/activities.jsonl").content == b""


@pytest.mark.parametrize("name", [NOWHERE, "nothing", "..%2f..%2fetc%2fpasswd", "1'; DROP TABLE x --", "%00"])
def test_an_id_that_is_none_is_refused_or_not_found(world: World, name: str) -> None:
    assert world.client.get(f"/v1/activities/{name}").status_code in (404, 422)


def test_a_list_goes_page_by_page_and_is_narrowed(world: World, ids: list[str]) -> None:
    first = world.client.get("/v1/activities", params={"limit": 2}).json()
    second = world.client.get("/v1/activities", params={"limit": 2, "cursor": first["next"]}).json()

    assert [one["id"] for one in (*first["activities"], *second["activities"])] == sorted(ids)
    assert second["next"] is None
    free = world.client.get("/v1/activities", params={"free": True}).json()["activities"]
    assert [one["name"] for one in free] == ["petting zoo"]
    for wrong in ({"cursor": "é"}, {"limit": 0}, {"changed_since": "yesterday"}, {"type": "a\0b"}):
        assert world.client.get("/v1/activities", params=wrong).status_code == 422, wrong


def test_a_search_reads_filters_in_the_words_and_says_why_something_was_found(world: World, ids: list[str]) -> None:
    said = world.client.get("/v1/activities/search", params={"q": "free zoo"}).json()
    literal = world.client.get("/v1/activities/search", params={"q": "free zoo", "literally": True}).json()

    assert said["activities"][0]["id"] == ids[0]
    assert said["activities"][0]["found_by"]
    assert said["question"]["filters"]["free"] is True
    assert [one["kind"] for one in said["question"]["chips"]] == ["free"]
    assert literal["question"]["chips"] == []


def test_a_search_by_filters_alone_goes_page_by_page(world: World, site: Site, ids: list[str]) -> None:
    asked = {"source": site.source.url, "limit": 1}
    names, cursor = list[str](), None
    for _ in range(3):
        page = world.client.get("/v1/activities/search", params=asked | ({"cursor": cursor} if cursor else {})).json()
        names += [one["name"] for one in page["activities"]]
        cursor = page["next"]

    assert len(set(names)) == len(ids)
    assert cursor is None


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "asks for nothing"),
        ({"q": " "}, "asks for nothing"),
        ({"latitude": 1}, "give both"),
        ({"radius_km": 1, "q": "zoo"}, "around no point"),
        ({"source": "nothing-00000000"}, "no such source"),
        ({"source": "ftp://x"}, "not an absolute"),
        ({"since": "2026-05-03", "until": "2026-05-02"}, "until 2026-05-02 is before"),
        ({"on": "0001-01-01"}, "is not in the years"),
        ({"q": "zoo", "cursor": "guessed"}, "cursor"),
        ({"q": "zoo", "limit": 201}, "something wrong"),
        ({"q": "zoo", "unknown": 1}, "something wrong"),
        ({"latitude": "nan", "longitude": 1}, "something wrong"),
    ],
)
def test_what_is_wrong_with_a_question_is_said(world: World, asked: dict[str, Any], said: str) -> None:
    answer = world.client.get("/v1/activities/search", params=asked)

    assert answer.status_code == 422
    assert said in answer.json()["detail"]


@pytest.mark.parametrize(
    ("form", "media_type"),
    [
        ("csv", "text/csv"),
        ("geojson", "application/geo+json"),
        ("ics", "text/calendar"),
        ("jsonl", "application/x-ndjson"),
    ],
)
def test_an_export_has_what_passes_the_filters_in_its_format(
    world: World, ids: list[str], form: str, media_type: str
) -> None:
    said = world.client.get(f"/v1/activities.{form}", params={"on": "2026-05-02"})

    assert said.headers["content-type"].startswith(media_type)
    assert said.headers["content-disposition"] == f'attachment; filename="activities.{form}"'
    assert "petting zoo" in said.text
    assert "paint a boat" not in said.text
    assert len(ids) == 3


def test_a_cell_is_never_a_formula(world: World, ids: list[str]) -> None:
    rows = list(csv.DictReader(io.StringIO(world.client.get("/v1/activities.csv").text)))

    assert {one["name"] for one in rows} == {"petting zoo", "'=cmd|calc", "paint a boat"}
    assert len(rows) == len(ids)


def test_an_export_of_words_has_the_best_first(world: World, ids: list[str]) -> None:
    lines = world.client.get("/v1/activities.jsonl", params={"q": "zoo"}).content.splitlines()

    assert orjson.loads(lines[0])["id"] == ids[0]


def test_a_long_export_goes_out_in_pieces_and_frees_its_connection(world: World, site: Site) -> None:
    site.load([site.activity(f"activity {number}", index=number, description="x" * 500) for number in range(400)])

    with world.client.stream("GET", "/v1/activities.jsonl") as stream:
        pieces: Iterator[bytes] = stream.iter_raw()
        first = next(pieces)

    assert len(first) > 60_000
    wait_until(lambda: world.database.pool_stats()["checked_out"] == 0, seconds=AT_ONCE)
    assert len(world.client.get("/v1/activities.jsonl").content.splitlines()) == 400


def test_an_export_that_cannot_begin_is_a_problem_and_no_half_file(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: Any, **options: Any) -> Any:
        found = conditions(*arguments, **options)
        return found._replace(sql="no_such_column = 1")

    monkeypatch.setattr("tripper_assets.catalog.exports.conditions", broken)

    said = world.client.get("/v1/activities.csv")

    assert said.status_code == 503
    assert said.headers["content-type"] == "application/problem+json"
