import re
from urllib.parse import urlsplit

import pytest
from fastapi.testclient import TestClient

from tripper_assets.api.app import create_app
from tripper_assets.catalog.activities import current_activities
from tripper_assets.domain.activities import Provenance
from tripper_assets.domain.sources import Source
from tripper_assets.domain.workflows import ImportSummary
from tripper_assets_tests.api.conftest import AT, TOKEN, World
from tripper_assets_tests.api.review_world import an_activity, bundle, imported

PART = {"HX-Request": "true"}
FAILED = {
    "removals_against_last_import": {"severity": "ERROR", "sentence": "4 of 9 activities are missing.", "failing": []},
}


@pytest.fixture
def source(world: World) -> Source:
    return world.source()


def decision(world: World, sha256: str, source: Source) -> str | None:
    found = world.context.catalog.workflows.decision_for(sha256, source.key)
    return found.decision if found else None


def names(page: str) -> list[str]:
    return re.findall(r'class="item-name">([^<]*)<', page)


def test_each_activity_stands_with_what_changed_its_problems_and_when_and_where_it_is(
    world: World, source: Source
) -> None:
    old = [an_activity(source, "Puppet theatre", startDate="2026-06-05"), an_activity(source, "Gone for good")]
    new = [an_activity(source, "Puppet theatre"), an_activity(source, "Beach day")]
    workflow, _ = bundle(world, source, new, before=old)

    page = world.client.get(f"/review/{workflow}").text

    assert names(page) == ["Beach day", "Gone for good", "Puppet theatre"]
    assert "Sat 6 Jun 2026, 15:00" in page
    assert "Stadtpark, Freiburg" in page
    assert "image missing" in page
    assert "<del>Fri 5 Jun 2026</del>" in page
    assert [page.count(f'class="badge {kind}"') for kind in ("added", "removed", "changed")] == [1, 1, 1]


def test_a_page_that_was_opened_before_the_bundle_was_compared_shows_what_changed_once_it_is(
    world: World, source: Source
) -> None:
    records = [an_activity(source, "Puppet theatre")]
    workflow, _ = bundle(world, source, records, is_compared=False)
    early = world.client.get(f"/review/{workflow}").text

    bundle(world, source, records, workflow=workflow)
    page = world.client.get(f"/review/{workflow}").text

    assert [one.count('class="badge added"') for one in (early, page)] == [0, 1]


def test_an_opened_activity_says_where_each_field_was_read(world: World, source: Source) -> None:
    one = an_activity(source, "Puppet theatre")
    workflow, _ = bundle(world, source, [one])

    part = world.client.get(f"/review/{workflow}/activities/{one.id}", headers=PART).text

    assert "json-ld" in part
    assert "name: Puppet theatre" in part
    assert f'href="{one.url}"' in part
    assert "<html" not in part


def test_a_corrected_field_holds_at_once_and_says_what_the_site_says(world: World, source: Source) -> None:
    one = an_activity(source, "Pupet theatre")
    workflow, sha256 = bundle(world, source, [one])
    form = {"bundle": sha256, "field": "name", "value": "Puppet theatre", "reason": "a slip", "by": "Ada"}

    done = world.client.post(f"/review/{workflow}/activities/{one.id}/corrections", data=form)
    page = world.client.get(done.headers["location"]).text

    assert done.status_code == 303
    assert [(c.value, c.by) for c in world.context.catalog.corrections.corrections(source.key)[one.id]] == [
        ("Puppet theatre", "Ada")
    ]
    assert "corrected</span> by Ada: a slip; the site says <del>Pupet theatre</del>" in page


def test_a_correction_can_be_taken_back(world: World, source: Source) -> None:
    one = an_activity(source, "Pupet theatre")
    workflow, sha256 = bundle(world, source, [one])
    there = f"/review/{workflow}/activities/{one.id}/corrections"
    world.client.post(there, data={"bundle": sha256, "field": "name", "value": "Puppet theatre"})

    world.client.post(there, data={"bundle": sha256, "field": "name", "remove": "1"})

    assert world.context.catalog.corrections.corrections(source.key) == {}


def test_ages_and_places_are_corrected_by_their_parts(world: World, source: Source) -> None:
    one = an_activity(source, "Puppet theatre")
    workflow, sha256 = bundle(world, source, [one])
    there = f"/review/{workflow}/activities/{one.id}/corrections"

    world.client.post(there, data={"bundle": sha256, "field": "ageRange", "part.minValue": "4", "part.maxValue": "9,5"})
    world.client.post(
        there,
        data={
            "bundle": sha256,
            "field": "location",
            "part.name": "Zoo",
            "part.geo.latitude": "48",
            "part.geo.longitude": "7.8",
        },
    )

    held = {c.field: c.value for c in world.context.catalog.corrections.corrections(source.key)[one.id]}
    assert held["ageRange"] == {"minValue": 4, "maxValue": 9.5}
    assert held["location"] == {"name": "Zoo", "geo": {"latitude": 48, "longitude": 7.8}}


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("name", "", "needs a name"),
        ("offers", "free", "is no JSON"),
        ("eventStatus", "Off", "eventStatus"),
        ("id", "x", "cannot be corrected"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_a_sentence_and_nothing_is_written(
    world: World, source: Source, field: str, value: str, said: str
) -> None:
    one = an_activity(source, "Puppet theatre")
    workflow, sha256 = bundle(world, source, [one])
    form = {"bundle": sha256, "field": field, "value": value}

    done = world.client.post(f"/review/{workflow}/activities/{one.id}/corrections", data=form, headers=PART)

    assert done.status_code == 422
    assert said in done.text
    assert world.context.catalog.corrections.corrections(source.key) == {}


def test_approval_is_of_the_bundle_that_was_seen_and_of_the_checks_that_were_named(
    world: World, source: Source
) -> None:
    workflow, sha256 = bundle(world, source, [an_activity(source, "Puppet theatre")], failed=FAILED)
    page = world.client.get(f"/review/{workflow}").text
    form = {"bundle": sha256, "decision": "approved", "by": "Ada", "override": "removals_against_last_import"}

    done = world.client.post(f"/review/{workflow}/decision", data=form)

    assert "4 of 9 activities are missing." in page
    assert f'name="bundle" value="{sha256}"' in page
    assert done.status_code == 303
    found = world.context.catalog.workflows.decision_for(sha256, source.key)
    assert found is not None
    assert (found.decision, found.by, found.overrides) == ("approved", "Ada", ("removals_against_last_import",))


def test_a_check_that_there_is_not_is_the_forms_mistake_and_approves_nothing(world: World, source: Source) -> None:
    workflow, sha256 = bundle(world, source, [an_activity(source, "Puppet theatre")])
    form = {"bundle": sha256, "decision": "approved", "override": "no_such_check"}

    done = world.client.post(f"/review/{workflow}/decision", data=form, headers={"Accept": "text/html"})

    assert done.status_code == 422
    assert "no_such_check" in done.text
    assert decision(world, sha256, source) is None


def test_a_bundle_is_rejected_with_a_reason_and_not_without(world: World, source: Source) -> None:
    workflow, sha256 = bundle(world, source, [an_activity(source, "Puppet theatre")])
    there = f"/review/{workflow}/decision"

    without = world.client.post(there, data={"bundle": sha256, "decision": "rejected", "reason": "  "})
    before = decision(world, sha256, source)
    world.client.post(there, data={"bundle": sha256, "decision": "rejected", "reason": "the dates are of last year"})

    assert (without.status_code, before) == (422, None)
    assert decision(world, sha256, source) == "rejected"


def test_a_bundle_that_was_made_anew_meanwhile_is_a_conflict_and_nothing_is_decided(
    world: World, source: Source
) -> None:
    workflow, seen = bundle(world, source, [an_activity(source, "Puppet theatre")])
    _, now = bundle(world, source, [an_activity(source, "Beach day")], workflow=workflow)

    done = world.client.post(f"/review/{workflow}/decision", data={"bundle": seen, "decision": "approved"})

    assert done.status_code == 409
    assert "made anew after you opened the page" in done.text
    assert f'href="/review/{workflow}"' in done.text
    assert (decision(world, seen, source), decision(world, now, source)) == (None, None)


def test_a_newer_workflows_bundle_makes_the_older_page_stale_and_is_linked(world: World, source: Source) -> None:
    older, seen = bundle(world, source, [an_activity(source, "Puppet theatre")])
    newer, _ = bundle(world, source, [an_activity(source, "Beach day")])

    done = world.client.post(f"/review/{older}/decision", data={"bundle": seen, "decision": "approved"})
    page = world.client.get(f"/review/{older}").text

    assert done.status_code == 409
    assert f'href="/review/{newer}"' in done.text
    assert f'href="/review/{newer}"' in page
    assert decision(world, seen, source) is None


@pytest.mark.parametrize("what", ["corrections", "refusal"])
def test_a_stale_page_changes_no_activity_either(world: World, source: Source, what: str) -> None:
    one = an_activity(source, "Puppet theatre")
    workflow, _ = bundle(world, source, [one])
    form = {"bundle": "f" * 64, "field": "name", "value": "x", "action": "reject", "reason": "x"}

    done = world.client.post(f"/review/{workflow}/activities/{one.id}/{what}", data=form, headers=PART)

    assert done.status_code == 409
    assert "Nothing was changed" in done.text
    assert world.context.catalog.corrections.refusals(source.key) == {}


def test_a_list_is_searched_by_every_word_and_filtered_by_problem_and_kind(world: World, source: Source) -> None:
    kept = an_activity(source, "Zoo night")
    records = [an_activity(source, "Beach day"), an_activity(source, "Beach night", quality={"score": 1}), kept]
    workflow, _ = bundle(world, source, records, before=[kept])
    found = {
        query: names(world.client.get(f"/review/{workflow}?{query}").text)
        for query in (
            "q=beach",
            "q=NIGHT+beach",
            "problem=image_missing",
            "kind=added&q=night",
            "kind=unchanged",
            "kind=nonsense",
            "q=dragon",
        )
    }

    assert found == {
        "q=beach": ["Beach day", "Beach night"],
        "q=NIGHT+beach": ["Beach night"],
        "problem=image_missing": ["Beach day", "Zoo night"],
        "kind=added&q=night": ["Beach night"],
        "kind=unchanged": ["Zoo night"],
        "kind=nonsense": ["Beach day", "Beach night", "Zoo night"],
        "q=dragon": [],
    }


def walk(world: World, workflow: str) -> list[str]:
    seen: list[str] = []
    there = f"/review/{workflow}"
    while there:
        page = world.client.get(there).text
        seen += names(page)
        following = re.search(r'rel="next" href="([^"]*)"', page)
        there = following[1].replace("&amp;", "&") if following else ""
    return seen


def test_pages_show_each_activity_once_also_where_names_are_the_same(world: World, source: Source) -> None:
    records = [an_activity(source, "Same name", id=an_activity(source, f"n{number}").id) for number in range(120)]
    workflow, _ = bundle(world, source, records)

    assert walk(world, workflow) == ["Same name"] * 120


@pytest.mark.long
def test_five_thousand_activities_are_walked_through_page_by_page(world: World, source: Source) -> None:
    records = [an_activity(source, f"Activity {number:05}") for number in range(5_000)]
    workflow, _ = bundle(world, source, records)

    assert walk(world, workflow) == [one.name for one in records]


HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'{{7*7}}"


def test_what_strangers_wrote_is_shown_as_text_and_no_script_becomes_a_link(world: World, source: Source) -> None:
    evil = "javascript:alert(document.cookie)"
    one = an_activity(
        source, HOSTILE, url=evil, description=HOSTILE, organizer={"name": HOSTILE, "url": evil}, category=[HOSTILE],
        provenance={"name": Provenance(method="text", page=evil, evidence=HOSTILE)}, quality={"score": 0, "problems": [HOSTILE]},
    )  # fmt: skip
    workflow, sha256 = bundle(world, source, [one], before=[an_activity(source, HOSTILE, description="x")])
    world.client.post(
        f"/review/{workflow}/activities/{one.id}/corrections",
        data={"bundle": sha256, "field": "type", "value": HOSTILE, "reason": HOSTILE, "by": HOSTILE[:80]},
    )

    pages = [
        world.client.get(there).text
        for there in (
            f"/review/{workflow}",
            f"/review/{workflow}/activities/{one.id}",
            f"/review/{workflow}?q={HOSTILE}&kind={HOSTILE}&said={HOSTILE}",
        )
    ]

    for page in pages:
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "49" not in re.findall(r"&#39;(.{1,4})", page)
        assert not re.search(r'(href|src|action)="javascript:', page)


def test_nobody_sees_or_decides_without_signing_in(world: World, source: Source) -> None:
    one = an_activity(source, "Puppet theatre")
    workflow, sha256 = bundle(world, source, [one])
    html = {"Accept": "text/html"}

    seen = world.stranger.get(f"/review/{workflow}", headers=html)
    done = world.stranger.post(
        f"/review/{workflow}/decision", data={"bundle": sha256, "decision": "approved"}, headers=html
    )

    assert (seen.status_code, urlsplit(seen.headers["location"]).path) == (303, "/sign-in")
    assert done.status_code == 303
    assert decision(world, sha256, source) is None


def test_a_form_without_the_sessions_own_token_decides_nothing(world: World, source: Source) -> None:
    workflow, sha256 = bundle(world, source, [an_activity(source, "Puppet theatre")])
    with TestClient(create_app(world.context), follow_redirects=False) as person:
        person.post("/sign-in", data={"token": TOKEN})
        page = person.get(f"/review/{workflow}").text
        token = re.findall(r'name="csrf_token" value="([^"]+)"', page)[0]
        form = {"bundle": sha256, "decision": "approved"}

        forged = [
            person.post(f"/review/{workflow}/decision", data=form | more) for more in ({}, {"csrf_token": "0" * 64})
        ]
        foreign = person.post(
            f"/review/{workflow}/decision",
            data=form | {"csrf_token": token},
            headers={"Origin": "https://evil.example"},
        )
        before = decision(world, sha256, source)
        done = person.post(f"/review/{workflow}/decision", data=form | {"csrf_token": token})

    assert [one.status_code for one in (*forged, foreign)] == [403, 403, 403]
    assert before is None
    assert (done.status_code, decision(world, sha256, source)) == (303, "approved")


def test_an_imported_bundle_is_shown_and_cannot_be_decided_again(world: World, source: Source) -> None:
    one = an_activity(source, "Puppet theatre")
    workflow, _ = bundle(world, source, [one])
    summary = ImportSummary(lines=1, inserted=1)

    world.context.catalog.workflows.set_import_summary(workflow, summary, 1)
    world.context.catalog.workflows.set_status(workflow, "completed", at=AT)

    page = world.client.get(f"/review/{workflow}").text

    assert "1 line imported" in page
    assert 'name="decision"' not in page


def test_a_rejected_activity_leaves_the_catalog_where_it_was(world: World, source: Source) -> None:
    one = an_activity(source, "Puppet theatre")
    imported(world, source, [one])
    workflow, sha256 = bundle(world, source, [one], before=[one])

    world.client.post(
        f"/review/{workflow}/activities/{one.id}/refusal",
        data={"bundle": sha256, "action": "reject", "reason": "for adults"},
    )

    assert current_activities(world.database, source.key) == []


def test_a_workflow_without_a_bundle_says_what_to_do(world: World) -> None:
    workflow = world.workflow("running")

    page = world.client.get(f"/review/{workflow}", headers={"Accept": "text/html"})

    assert page.status_code == 404
    assert "<code>tripper run" in page.text
