import pytest

from tripper_assets.domain.activities import (
    ImageObject,
    Offer,
)
from tripper_assets.domain.identity import activity_id, content_sha256
from tripper_assets.domain.model import Problem
from tripper_assets.domain.sources import SourceConfig, make_source
from tripper_assets.domain.standardize import Standardized
from tripper_assets_tests.domain.statements import LIST, SITE, SOURCE, identified, ids, only, standard, stated

# Who is who


def test_the_publishers_own_id_comes_first() -> None:
    found = standard(stated(page="/events/1", url="/events/1", identifier="42"))

    assert ids(found) == identified("id:42")


def test_then_the_activitys_own_page() -> None:
    found = standard(stated(url="/events/1"), stated("Zoo", url="/events/2"))

    assert ids(found) == identified("url:https://town.example/events/1", "url:https://town.example/events/2")


def test_then_the_page_with_the_name_and_the_place() -> None:
    found = standard(stated("Theatre!", place="50667 Köln"), stated("Zoo", place="Köln"), stated("Fair"))

    assert ids(found) == identified(
        "text:https://town.example/events\ntheatre\n50667",
        "text:https://town.example/events\nzoo\nkoln",
        "text:https://town.example/events\nfair\n",
    )


def test_listing_detail_page_and_calendar_of_one_activity_are_one() -> None:
    found = only(
        standard(
            stated("Theatre", "/events", "listing", url="/events/1", startDate="2026-05-02"),
            stated(
                "THEATRE",
                "/events/1",
                "json-ld",
                startDate="2026-05-02T10:00+02:00",
                description="A play for children from four years on, in the park.",
            ),
            stated(
                "Theatre", "/events.ics", "ics", url="/events/1", identifier="42@town", startDate="2026-05-02T08:00Z"
            ),
        )
    )

    assert found.id == activity_id(SOURCE.key, "id:42@town")
    assert found.url == f"{SITE}/events/1"
    assert found.name == "THEATRE"  # the activity's own page says it best
    assert found.startDate == "2026-05-02T10:00:00+02:00"
    assert found.eventSchedule == ()


def test_a_series_whose_calendar_gives_each_occurrence_an_id_is_one_with_its_page() -> None:
    # Once it became three: the page by its URL, and each entry of the calendar, which names no URL, by its id.
    found = only(
        standard(
            stated("Theatre", "/events/1", identifier="1@town", startDate="2026-05-02"),
            stated("Theatre", "/events/1", identifier="2@town", startDate="2026-05-09"),
            stated("Theatre", "/events.ics", "ics", identifier="1@town", startDate="2026-05-02"),
            stated("Theatre", "/events.ics", "ics", identifier="2@town", startDate="2026-05-09"),
        )
    )

    assert found.id == activity_id(SOURCE.key, "url:https://town.example/events/1")
    assert (found.startDate, found.endDate) == ("2026-05-02", "2026-05-09")


def test_a_feed_is_nobodys_own_page() -> None:
    found = standard(stated("Theatre", "/theatre.ics", "ics"), stated("Zoo", "/zoo.ics", "ics", url="/zoo"))

    assert ids(found) == identified("text:https://town.example/theatre.ics\ntheatre\n", "url:https://town.example/zoo")


def test_pages_in_two_languages_are_one_where_the_publisher_says_so() -> None:
    german = stated("Kindertheater", "/de/1", identifier="42", inLanguage="de", description="Ein Stück")
    english = stated(
        "Children's theatre", "/en/1", identifier="42", inLanguage="en", description="A play", keywords=("fun",)
    )

    found = only(standard(german, english, source=make_source(LIST, SourceConfig(language="de"))))

    assert (found.name, found.description, found.inLanguage, found.url) == (
        "Kindertheater",
        "Ein Stück",
        "de",
        f"{SITE}/de/1",
    )
    assert found.keywords == ("fun",)  # only the other language states any


def test_the_page_in_the_sources_language_speaks_for_both() -> None:
    german = stated(
        "Kindertheater", "/de/1", identifier="42", inLanguage="de", description="Ein Stück", startDate="2026-05-02"
    )
    english = stated("Children's theatre", "/en/1", identifier="42", inLanguage="en", startDate="2026-05-02")

    found = only(standard(german, english, source=make_source(LIST, SourceConfig(language="en-GB"))))

    assert (found.name, found.inLanguage, found.description) == ("Children's theatre", "en", "Ein Stück")


def test_one_languages_text_is_not_filled_from_the_other_where_it_need_not() -> None:
    found = only(
        standard(
            stated("Kindertheater", "/de/1", identifier="42", inLanguage="de", startDate="2026-05-02"),
            stated(
                "Children's theatre",
                "/en/1",
                identifier="42",
                inLanguage="en",
                description="A play",
                startDate="2026-05-02",
            ),
            stated("Kindertheater", "/events", "listing", url="/de/1", inLanguage="de", description="Ein Stück"),
            source=make_source(LIST, SourceConfig(language="de")),
        )
    )

    assert found.description == "Ein Stück"


def test_pages_in_two_languages_are_two_where_nothing_joins_them() -> None:
    found = standard(
        stated("Kindertheater", "/de/1", inLanguage="de"), stated("Children's theatre", "/en/1", inLanguage="en")
    )

    assert ids(found) == identified("url:https://town.example/de/1", "url:https://town.example/en/1")


def test_an_id_that_a_publisher_gives_to_everything_names_nothing() -> None:
    found = standard(
        stated("Theatre", "/events/1", identifier="#event"),
        stated("Zoo", "/events/2", identifier="#event"),
        stated("Fair", "/events", identifier="#event"),
    )

    assert ids(found) == identified(
        "url:https://town.example/events/1",
        "url:https://town.example/events/2",
        "text:https://town.example/events\nfair\n",
    )


def test_a_page_that_is_the_url_of_everything_names_nothing() -> None:
    found = standard(stated("Theatre", url="/calendar"), stated("Zoo", url="/calendar"))

    assert ids(found) == identified(
        "text:https://town.example/events\ntheatre\n", "text:https://town.example/events\nzoo\n"
    )
    assert {one.url for one in found.activities} == {f"{SITE}/calendar"}


@pytest.mark.parametrize("page", ["/events", "/"])
def test_the_next_entry_of_a_list_does_not_inherit_the_id_of_its_only_one(page: str) -> None:
    # While a list held one entry, that entry once had the id of the page.
    this_week, next_week = standard(stated("Theatre", page)), standard(stated("Zoo", page))

    assert ids(this_week) != ids(next_week)
    assert ids(standard(stated("Theatre", page), stated("Zoo", page))) == sorted(ids(this_week) + ids(next_week))


def test_a_start_page_with_a_query_is_a_page_of_its_own() -> None:
    assert ids(standard(stated(url="/?event=42"))) == identified("url:https://town.example/?event=42")


def test_a_ticket_shops_page_is_nobodys_own_page() -> None:
    found = only(standard(stated("Theatre", "/kids", url="https://tickets.example/42")))

    assert found.id == activity_id(SOURCE.key, "text:https://town.example/kids\ntheatre\n")
    assert found.url == f"{SITE}/kids"


def test_the_same_name_on_two_pages_is_two_activities() -> None:
    found = standard(
        stated("Story time", "/library-north", place="50667"), stated("Story time", "/library-south", place="50999")
    )

    assert len(found.activities) == 2


def test_the_same_name_at_two_places_of_one_page_is_two_activities() -> None:
    found = standard(stated("Story time", place="50667 Köln"), stated("Story time", place="50999 Köln"))

    assert ids(found) == identified(
        "text:https://town.example/events\nstory time\n50667", "text:https://town.example/events\nstory time\n50999"
    )


def test_a_statement_that_leaves_the_place_open_joins_the_one_place_of_its_name() -> None:
    found = only(
        standard(stated("Story time", place="50667 Köln"), stated("Story time"), stated("Story time", place="Köln"))
    )

    assert found.id == activity_id(SOURCE.key, "text:https://town.example/events\nstory time\n50667")


def test_a_statement_that_could_be_at_either_place_joins_none() -> None:
    found = standard(
        stated("Story time", place="50667 Köln"), stated("Story time", place="50999 Köln"), stated("Story time")
    )

    assert len(found.activities) == 3


def test_names_without_a_letter_are_told_from_each_other() -> None:
    assert len(standard(stated("🎪🎪🎪"), stated("🎠🎠🎠")).activities) == 2


def test_one_source_does_not_share_ids_with_another() -> None:
    elsewhere = make_source(f"{SITE}/elsewhere")

    assert ids(standard(stated(url="/1"))) != ids(standard(stated(url="/1"), source=elsewhere))


def test_a_series_keeps_its_id_when_an_occurrence_passes() -> None:
    series = [stated(url="/1", startDate=f"2026-05-{day}") for day in ("02", "09", "16")]

    before, after = only(standard(*series)), only(standard(*series[1:]))

    assert before.id == after.id
    assert (before.startDate, after.startDate) == ("2026-05-02", "2026-05-09")


# What a record says


def test_what_one_statement_leaves_open_comes_from_the_next_best() -> None:
    found = only(
        standard(
            stated("Theatre", "/1", "json-ld", image=(ImageObject(sourceUrl=f"{SITE}/a.jpg"),)),
            stated("Theatre", "/1", "microdata", description="A play", place="50667 Köln"),
            stated(
                "Theatre",
                "/events",
                "listing",
                url="/1",
                description="Not from the list",
                offers=(Offer(price="4", priceCurrency="EUR"),),
            ),
        )
    )

    assert found.image == (ImageObject(sourceUrl=f"{SITE}/a.jpg"),)
    assert found.description == "A play"
    assert found.location is not None
    assert found.isAccessibleForFree is False
    assert {name: one.method for name, one in found.provenance.items()} == {
        "name": "json-ld",
        "image": "json-ld",
        "description": "microdata",
        "offers": "listing",
    }


def test_a_record_is_addressed_numbered_and_hashed() -> None:
    found = standard(stated("Theatre", url="/1"), stated("Zoo", url="/2"), stated("Fair", url="/3"))

    assert ids(found) == sorted(ids(found))
    assert [one.index for one in found.activities] == [0, 1, 2]
    for one in found.activities:
        assert (one.source_key, one.source_url) == (SOURCE.key, SOURCE.url)
        assert one.content_sha256 == content_sha256(one.dump())


def test_a_price_on_one_page_outweighs_free_on_another() -> None:
    # Standing side by side they failed the check prices_valid, which held the whole source.
    found = only(
        standard(
            stated("Theatre", "/1", "json-ld", isAccessibleForFree=True),
            stated("Theatre", "/events", "listing", url="/1", offers=(Offer(price="4", priceCurrency="EUR"),)),
        )
    )

    assert found.isAccessibleForFree is False
    assert found.quality is not None
    assert found.quality.problems == ("free_contradicted",)


def test_problems_and_rejections_are_reported_each_with_its_subject() -> None:
    found = standard(
        stated("Theatre", url="/1", startDate="never", offers=(Offer(price="4"),)),
        stated("x", url="/2"),
        stated("Old fair", url="/3", startDate="2001-01-01"),
    )

    one = only(found)
    assert found.problems == (
        Problem(code="currency_missing", subject=one.id, message="Theatre"),
        Problem(code="date_invalid", subject=one.id, message="Theatre"),
    )
    assert [(rejection.reason, rejection.subject) for rejection in found.rejections] == [
        ("date_out_of_range", f"{SITE}/3"),
        ("name_missing", f"{SITE}/2"),
    ]


def test_a_page_that_fills_more_fields_scores_higher() -> None:
    poor = only(standard(stated(url="/1")))
    rich = only(
        standard(stated(url="/1", startDate="2026-05-02", place="Köln", description="x" * 40, isAccessibleForFree=True))
    )

    assert poor.quality is not None
    assert rich.quality is not None
    assert poor.quality.score < rich.quality.score <= 1


def test_nothing_stated_is_no_activity() -> None:
    assert standard() == Standardized((), (), ())


def test_every_page_of_an_activity_gives_its_pictures_the_activitys_own_page_first() -> None:
    thumbnail = ImageObject(sourceUrl=f"{SITE}/thumb.jpg", role="listing")
    shared = ImageObject(sourceUrl=f"{SITE}/share.jpg", role="shared")
    credited = ImageObject(sourceUrl=f"{SITE}/share.jpg", creditText="A. Painter")
    statements = [
        stated(page="/events", url="/clay", method="listing", image=(thumbnail,)),
        stated(page="/clay", url="/clay", image=(shared,)),
        stated(page="/other", url="/clay", image=(credited,)),
    ]

    found = [standard(*some).activities for some in (statements, statements[::-1])]

    assert found[0] == found[1]
    assert [(one.sourceUrl, one.role, one.creditText) for one in found[0][0].image] == [
        (f"{SITE}/share.jpg", "shared", "A. Painter"),
        (f"{SITE}/thumb.jpg", "listing", ""),
    ]
