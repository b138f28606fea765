import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tripper_assets.domain.activities import Activity, Embedding, Geocoding, GeoCoordinates, Place, Point, Quality
from tripper_assets.domain.consensus import TaggedActivity
from tripper_assets.domain.embeddings import embedding_text_sha256
from tripper_assets.domain.errors import CorruptObjectError
from tripper_assets.domain.identity import activity_id, content_sha256, ids_sha256
from tripper_assets.domain.maps import EmbeddingsMap, GeocodedMap, ImageRow, ImagesMap, PlaceRow, TagsMap
from tripper_assets.domain.merge import merge
from tripper_assets.domain.model import Problem
from tripper_assets.domain.tags import ActivityTags, tagging_text_sha256

CC_BY = "GeoNames, CC BY 4.0"


def activity(number: int, **fields: object) -> Activity:
    return Activity.model_validate(
        {
            "id": activity_id("e-org-01234567", str(number)),
            "index": number,
            "source_key": "e-org-01234567",
            "source_url": "https://e.org/",
            "url": f"https://e.org/{number}",
            "type": "Event",
            "name": f"Theatre {number}",
            "quality": Quality(score=0.5, problems=("currency_missing",)),
            **fields,
        }
    )


def picture(one: Activity, position: int = 0, **fields: object) -> ImageRow:
    source = f"{one.url}/{position}.jpg"
    return ImageRow.model_validate({"activity_id": one.id, "position": position, "sourceUrl": source, **fields})


def place(one: Activity, status: str = "ok", latitude: float | None = 50.9, longitude: float | None = 6.9) -> PlaceRow:
    geocoding = Geocoding(status=status, provider="geonames", attribution=CC_BY)  # pyright: ignore[reportArgumentType]
    return PlaceRow(activity_id=one.id, latitude=latitude, longitude=longitude, geocoding=geocoding)


def vectors(*activities: Activity, of: str) -> EmbeddingsMap:
    matrix = np.ones((len(activities), 3), dtype=np.float32)
    texts = tuple(embedding_text_sha256(one) for one in activities)
    return EmbeddingsMap(of, "minilm", tuple(one.id for one in activities), texts, matrix)


def of(*activities: Activity) -> str:
    return ids_sha256(one.id for one in activities)


def test_each_enrichment_joins_the_activity_that_it_was_made_for() -> None:
    one, two = activity(1), activity(2)
    hashed = of(one, two)

    merged = merge(
        [one, two],
        images=ImagesMap(
            hashed, (picture(two, contentUrl="memory:/m.webp", sha256="f" * 64, creditText="Ada", width=640),)
        ),
        places=GeocodedMap(hashed, (place(two), place(one, "not_found", None, None))),
        embeddings=vectors(two, one, of=hashed),
    )

    first, second = merged.records
    assert [image.contentUrl for image in second.image] == ["memory:/m.webp"]
    assert first.image == ()
    assert second.geometry == Point(coordinates=(6.9, 50.9))
    assert second.location == Place(geo=GeoCoordinates(latitude=50.9, longitude=6.9))
    assert first.geometry is None
    assert first.geocoding == Geocoding(status="not_found", provider="geonames", attribution=CC_BY)
    assert [record.embedding for record in merged.records] == [
        Embedding(model="minilm", dimensions=3, text_sha256=embedding_text_sha256(source)) for source in (one, two)
    ]
    assert second.attribution == ("Ada", CC_BY)


def test_a_missing_enrichment_is_an_absent_field_and_a_counted_problem() -> None:
    one = activity(1)

    merged = merge([one], images=None, places=None, embeddings=None)

    record = merged.records[0]
    assert record.quality is not None
    assert record.quality.problems == ("currency_missing", "embedding_missing", "image_missing", "place_missing")
    assert merged.problems == tuple(
        Problem(code=code, subject=one.id, message="Theatre 1") for code in record.quality.problems
    )
    assert not {"image", "geometry", "geocoding", "embedding"} & record.dump().keys()


def test_an_online_activity_misses_no_place() -> None:
    merged = merge(
        [activity(1, eventAttendanceMode="OnlineEventAttendanceMode")], images=None, places=None, embeddings=None
    )

    assert "place_missing" not in {one.code for one in merged.problems}


@pytest.mark.parametrize("name", ["images_map", "geocoded_map", "embeddings_map"])
def test_a_map_of_another_list_is_refused_by_name(name: str) -> None:
    one, other = activity(1), activity(2)
    maps = {
        "images_map": ImagesMap(of(other), ()),
        "geocoded_map": GeocodedMap(of(other), ()),
        "embeddings_map": vectors(of=of(other)),
    }
    given = {key: maps[key] if key == name else None for key in maps}

    with pytest.raises(CorruptObjectError, match=f"Joining {name} was refused.*materialize {name} again"):
        merge([one], images=given["images_map"], places=given["geocoded_map"], embeddings=given["embeddings_map"])  # pyright: ignore[reportArgumentType]


def test_the_same_ids_in_another_order_are_another_list() -> None:
    one, two = activity(1), activity(2)

    with pytest.raises(CorruptObjectError):
        merge([one, two], images=ImagesMap(of(two, one), ()), places=None, embeddings=None)


def test_a_stated_place_keeps_its_name_and_gets_the_point_rounded() -> None:
    one = activity(1, location=Place(name="Park"))

    merged = merge(
        [one], images=None, places=GeocodedMap(of(one), (place(one, "ok", 50.123456789, 6.987654321),)), embeddings=None
    )

    assert merged.records[0].location == Place(
        name="Park", geo=GeoCoordinates(latitude=50.1234568, longitude=6.9876543)
    )
    assert merged.records[0].geometry == Point(coordinates=(6.9876543, 50.1234568))


def test_a_place_that_was_found_without_a_point_gives_none() -> None:
    one = activity(1)

    merged = merge([one], images=None, places=GeocodedMap(of(one), (place(one, "ok", None, None),)), embeddings=None)

    assert merged.records[0].geometry is None
    assert merged.records[0].location == Place()


def test_the_content_of_a_record_is_hashed_after_the_join() -> None:
    one = activity(1)
    located = GeocodedMap(of(one), (place(one),))

    with_place = merge([one], images=None, places=located, embeddings=None).records[0]
    without = merge([one], images=None, places=None, embeddings=None).records[0]

    assert with_place.content_sha256 == content_sha256(with_place.dump())
    assert with_place.content_sha256 != without.content_sha256


def test_the_vector_of_a_text_that_was_changed_since_is_left_out_and_counted() -> None:
    before = activity(1)
    after = before.model_copy(update={"description": "Now with a dragon."})

    merged = merge([after], images=None, places=None, embeddings=vectors(before, of=of(before)))

    assert merged.records[0].embedding is None
    assert "embedding_missing" in {problem.code for problem in merged.problems}


@given(st.sets(st.integers(0, 40), max_size=12), st.randoms(use_true_random=False))
def test_the_join_loses_no_activity_and_gives_nobody_a_strangers_picture(
    numbers: set[int], dice: random.Random
) -> None:
    activities = [activity(number) for number in sorted(numbers)]
    hashed = of(*activities)
    pictured, placed, embedded = ([one for one in activities if dice.random() < 0.5] for _ in range(3))
    rows = [picture(one, position) for one in pictured for position in range(dice.randrange(1, 4))]
    dice.shuffle(rows)
    dice.shuffle(embedded)

    merged = merge(
        activities,
        images=ImagesMap(hashed, tuple(rows)),
        places=GeocodedMap(hashed, tuple(map(place, placed))),
        embeddings=vectors(*embedded, of=hashed),
    )

    assert [one.id for one in merged.records] == [one.id for one in activities]
    for record in merged.records:
        assert all(image.sourceUrl.startswith(f"{record.url}/") for image in record.image)
        assert bool(record.image) == any(one.id == record.id for one in pictured)
        assert (record.geometry is not None) == any(one.id == record.id for one in placed)
        assert record.embedding is None or record.embedding.text_sha256 == embedding_text_sha256(record)
        assert (record.embedding is not None) == any(one.id == record.id for one in embedded)


@given(st.lists(st.integers(0, 9), max_size=6, unique=True), st.lists(st.integers(0, 9), max_size=6, unique=True))
def test_a_map_joins_exactly_the_list_that_it_was_made_from(mine: list[int], theirs: list[int]) -> None:
    activities, others = ([activity(number) for number in numbers] for numbers in (mine, theirs))
    images = ImagesMap(of(*others), ())

    if mine == theirs:
        assert len(merge(activities, images=images, places=None, embeddings=None).records) == len(mine)
    else:
        with pytest.raises(CorruptObjectError):
            merge(activities, images=images, places=None, embeddings=None)


def test_coordinates_of_a_publisher_that_cannot_be_true_do_not_stay_in_the_record() -> None:
    wrong = activity(1).model_copy(update={"location": Place(name="Park", geo=GeoCoordinates(latitude=1, longitude=2))})
    row = PlaceRow(activity_id=wrong.id, geocoding=Geocoding(status="not_found"), problems=("publisher_wrong_country",))

    record = merge([wrong], images=None, places=GeocodedMap(ids_sha256([wrong.id]), (row,)), embeddings=None).records[0]

    assert record.location == Place(name="Park")
    assert record.quality is not None
    assert "place_publisher_wrong_country" in record.quality.problems


def test_the_vector_of_a_refined_text_joins_the_activity_whose_text_it_stands_for_and_no_changed_one() -> None:
    one, two = activity(1), activity(2)
    changed = two.model_copy(update={"description": "Now with a dragon."})
    own = vectors(one, two, of=of(one, two))
    refined = replace(own, text_sha256=("refined", own.text_sha256[1]), stated_sha256=own.text_sha256)

    records = merge([one, changed], images=None, places=None, embeddings=refined).records

    assert records[0].embedding == Embedding(model="minilm", dimensions=3, text_sha256="refined")
    assert records[1].embedding is None


@pytest.mark.parametrize("refined", [True, False])
def test_a_record_tells_whether_its_tags_are_refined(*, refined: bool) -> None:
    one = activity(1)
    row = TaggedActivity(
        activity_id=one.id,
        text_sha256=tagging_text_sha256(one),
        tags=ActivityTags(setting="indoor"),
        voters=2,
        refined=refined,
    )

    given = {"images": None, "places": None, "embeddings": None}
    record, changed = (
        merge([said], **given, tags=TagsMap(of(one), (row,))).records[0]
        for said in (one, one.model_copy(update={"description": "Now with a dragon."}))
    )

    assert record.tags["setting"] == "indoor"
    assert ("tags" in record.provenance) == refined
    assert (changed.tags, changed.provenance) == ({}, {})
    if refined:
        assert record.provenance["tags"].method == "refined"
