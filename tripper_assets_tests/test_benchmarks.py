import importlib
import json
import math
import pkgutil
import re
from pathlib import Path

import dagster as dg
import httpx2
import psutil
import pytest
import yaml

import benchmarks
from benchmarks import backfill, consensus, empty_graph, tagging
from benchmarks.__main__ import NOT_MEASURING, RESULTS
from benchmarks.figure import Figure, seconds_in_turns
from benchmarks.labelled_activities import LABELS as LABELS_BY_HAND
from benchmarks.labelled_activities import Labelled, labelled_activities
from benchmarks.one_core import answered
from benchmarks.page_server import CHANGE, Site, paths, running
from benchmarks.sample_pages import PAGE_BYTES, listing_page, structured_page
from benchmarks.sample_records import changed, records_of, vectors_of
from tripper_assets.domain.embeddings import vector_problem
from tripper_assets.domain.sources import make_source
from tripper_assets.domain.tags import CHOICES, FIELDS, LABELS, ActivityTags

PROJECT = Path(__file__).resolve().parent.parent
KEYS = {
    "name", "unit", "better", "ours", "peer", "peer_name", "limit", "limit_name", "ratio_to_peer", "ratio_to_limit",
}  # fmt: skip
MEASURING = sorted({module.name for module in pkgutil.iter_modules(benchmarks.__path__)} - NOT_MEASURING)


def test_a_ratio_above_one_means_ours_is_better_whichever_way_is_better() -> None:
    faster = Figure("rate", "pages/s", "higher", 200, 100, "peer", 400, "limit").row()
    shorter = Figure("time", "s", "lower", 2, 4, "peer", 1, "limit").row()

    assert (faster["ratio_to_peer"], faster["ratio_to_limit"]) == (2, 0.5)
    assert (shorter["ratio_to_peer"], shorter["ratio_to_limit"]) == (2, 0.5)


def test_without_a_peer_or_a_limit_there_is_no_ratio() -> None:
    row = Figure("rate", "pages/s", "higher", 200).row()

    assert (row["ratio_to_peer"], row["ratio_to_limit"]) == (None, None)


def test_a_figure_has_the_promised_keys() -> None:
    assert Figure("rate", "pages/s", "higher", 200).row().keys() == KEYS


def test_works_take_turns_and_the_first_round_is_not_counted() -> None:
    calls: list[str] = []

    found = seconds_in_turns(lambda: calls.append("a"), lambda: calls.append("b"), rounds=2)

    assert "".join(calls) == "ababab"
    assert len(found) == 2


def test_the_result_file_has_the_promised_keys_and_no_figure_twice() -> None:
    rows = json.loads(RESULTS.read_text(encoding="utf-8"))

    assert all(row.keys() == KEYS and row["better"] in {"higher", "lower"} for row in rows)
    assert all(math.isfinite(row["ours"]) and row["ours"] > 0 for row in rows)
    assert len({row["name"] for row in rows}) == len(rows)
    assert all(bool(row[f"{other}_name"]) == (row[other] is not None) for row in rows for other in ("peer", "limit"))


@pytest.mark.parametrize("name", MEASURING)
def test_each_benchmark_can_be_asked_for_its_figures(name: str) -> None:
    assert callable(importlib.import_module(f"benchmarks.{name}").measure)


def test_each_benchmark_has_a_figure_in_the_result_file() -> None:
    rows = json.loads(RESULTS.read_text(encoding="utf-8"))

    for name in MEASURING:
        assert any(row["name"].startswith(name.removesuffix("s")) for row in rows), name


def test_the_peer_of_the_consensus_comes_to_the_same_where_all_are_of_one_mind() -> None:
    votes = [one for one in consensus.sample_votes(20) if one.model == "voter1" and one.run_number == 1]
    votes = [one.model_copy(update={"model": f"voter{voter}"}) for one in votes for voter in range(3)]

    peer = consensus.grouped(consensus.framed(votes))

    ours = {one.activity_id: one.tags for one in consensus.consensus(votes).activities}
    assert dict(peer["setting"].itertuples(index=False)) == {name: tags.setting for name, tags in ours.items()}
    assert set(peer["amenities"].itertuples(index=False, name=None)) == {
        (name, label) for name, tags in ours.items() for label in tags.amenities
    }


def test_the_labels_by_hand_are_of_the_vocabulary_and_the_sample_site_still_says_what_was_labelled() -> None:
    found = labelled_activities()

    assert len(yaml.safe_load(LABELS_BY_HAND.read_text(encoding="utf-8"))) == 60
    assert len(found) >= 36
    assert all(getattr(one.tags, name) in values for one in found for name, values in CHOICES.items())
    assert all(set(getattr(one.tags, name)) <= set(values) for one in found for name, values in LABELS.items())


def test_a_tagger_is_right_silent_wrong_or_without_ground() -> None:
    activity = labelled_activities()[0].activity
    read = [ActivityTags(setting=one) for one in ("indoor", "indoor", "indoor", "unknown", "unknown")]
    said = [ActivityTags(setting=one) for one in ("indoor", "unknown", "outdoor", "both", "unknown")]

    scores = tagging.scored([Labelled(activity, tags) for tags in read], said)

    assert {one.field: one for one in scores}["setting"] == ("setting", 0.4, 3, 1, 1, 1, 1)


def test_the_agreement_that_the_document_tells_is_what_was_measured() -> None:
    measured = {one["name"]: one["ours"] for one in json.loads(RESULTS.read_text(encoding="utf-8"))}
    told = (PROJECT / "docs" / "tagging-quality.md").read_text(encoding="utf-8")

    rows = re.findall(r"^\| `(\w+)` \| ([\d.]+) ", told, re.MULTILINE)
    assert dict(rows) == {name: f"{measured[f'tagging_{name}']:.2f}" for name in FIELDS}


def test_the_sample_pages_are_as_large_as_they_claim() -> None:
    pages = [structured_page(3), listing_page(3), structured_page(0, tuple(paths(500)))]

    assert all(abs(len(page) - PAGE_BYTES) < 1_000 for page in pages)
    assert b"ChildrensEvent" in pages[0]
    assert b"application/ld+json" not in pages[1]


def test_a_site_changes_one_page_in_a_hundred_and_answers_304_for_the_others() -> None:
    with running(Site(200)) as (url,), httpx2.Client(base_url=url, trust_env=False) as client:
        tags = {path: client.get(path).headers["etag"] for path in paths(200)}
        before = _changed(client, tags)
        client.get(CHANGE)
        after = _changed(client, tags)

    assert (before, after) == ([], ["/events/50", "/events/150"])


def _changed(client: httpx2.Client, tags: dict[str, str]) -> list[str]:
    return [path for path, tag in tags.items() if client.get(path, headers={"If-None-Match": tag}).status_code != 304]


@pytest.mark.parametrize("site", [Site(30), Site(30, kind="small"), Site(10, hosts=3)])
def test_every_page_of_a_site_of_the_benchmarks_is_read(site: Site) -> None:
    with running(site) as urls:
        found = answered("our_crawls", work="first", urls=urls, pages=site.pages)

    assert (found["pages"], found["activities"]) == (30, 30)


def test_the_sample_records_can_be_imported_and_one_in_a_hundred_changes() -> None:
    records = records_of(make_source("https://example.org/"), 300)
    other = changed(records, 100)
    vectors = vectors_of(records)

    assert [one.index for one in records] == list(range(300))
    assert sum(old.content_sha256 != new.content_sha256 for old, new in zip(records, other, strict=True)) == 3
    assert not any(vector_problem(vector, vectors.dimensions) for vector in vectors.vectors)


def test_a_backfill_takes_from_its_creation_to_the_end_of_its_last_run() -> None:
    found = backfill.Backfilled(created=100, started=[130, 131], ended=[142, 135])

    assert found.seconds == 42


def test_the_two_ways_differ_in_the_projects_file_and_its_executor() -> None:
    ours, defaults = backfill.our_settings(), backfill.DEFAULTS

    assert yaml.safe_load(ours.dagster_yaml).keys() > yaml.safe_load(defaults.dagster_yaml).keys() == {"telemetry"}
    assert empty_graph.EXECUTORS[ours.executor] is dg.in_process_executor
    assert empty_graph.EXECUTORS[defaults.executor] is None


def test_the_empty_graph_has_six_assets_of_one_partitioning() -> None:
    graph = empty_graph.defs.resolve_asset_graph()

    assert len(graph.get_all_asset_keys()) == 6
    assert {graph.get(key).partitions_def for key in graph.get_all_asset_keys()} == {empty_graph.PARTITIONS}


@pytest.mark.long
def test_a_backfill_of_two_partitions_is_measured_in_both_ways_and_leaves_no_process() -> None:
    before = set(psutil.Process().children(recursive=True))  # of other tests

    (figure,) = backfill.measure(partitions=2)

    assert figure.ours > 0
    assert figure.peer
    assert not set(psutil.Process().children(recursive=True)) - before
