import hashlib
from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tripper_assets.domain.activities import (
    Activity,
    AgeRange,
    Embedding,
    Geocoding,
    GeoCoordinates,
    ImageObject,
    Offer,
    OpeningHours,
    Organizer,
    Place,
    Point,
    PostalAddress,
    Provenance,
    Quality,
    RawActivity,
    Schedule,
)
from tripper_assets.domain.batches import SubmittedBatch
from tripper_assets.domain.diff import ActivityChange, ActivityDiff, FieldChange
from tripper_assets.domain.errors import CorruptObjectError
from tripper_assets.domain.identity import ids_sha256
from tripper_assets.domain.maps import EmbeddingsMap, GeocodedMap, ImageRow, ImagesMap, PlaceRow, empty_embeddings
from tripper_assets.domain.workflows import ImportSummary
from tripper_assets.formats import Bundle, Encoded, decode, encode

TEXT = st.text(max_size=8)
FILLED = st.text(min_size=1, max_size=8)
FLOAT = st.floats(allow_nan=False, allow_infinity=False)
DEGREES = st.floats(-90, 90)
IDS = st.lists(FILLED, max_size=5, unique=True)
WORDS = st.lists(TEXT, max_size=2).map(tuple)


def tuples(of: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(of, max_size=2).map(tuple)


PROVENANCE = st.dictionaries(
    FILLED, st.builds(Provenance, method=st.just("ics"), page=FILLED, evidence=TEXT), max_size=2
)
PLACE = st.builds(
    Place,
    name=TEXT,
    address=st.builds(PostalAddress, streetAddress=TEXT, postalCode=TEXT),
    geo=st.none() | st.builds(GeoCoordinates, latitude=DEGREES, longitude=DEGREES),
)
STATED: dict[str, st.SearchStrategy[Any]] = {
    "name": FILLED,
    "description": TEXT,
    "category": WORDS,
    "startDate": TEXT,
    "eventSchedule": tuples(
        st.builds(
            Schedule, startDate=TEXT, repeatCount=st.none() | st.integers(0, 99), byMonthDay=tuples(st.integers(1, 31))
        )
    ),
    "openingHoursSpecification": tuples(st.builds(OpeningHours, dayOfWeek=WORDS, opens=TEXT)),
    "eventStatus": st.sampled_from([None, "EventCancelled"]),
    "ageRange": st.none() | st.builds(AgeRange, minValue=st.none() | FLOAT, maxValue=st.none() | FLOAT),
    "location": st.none() | PLACE,
    "offers": tuples(st.builds(Offer, name=TEXT, price=TEXT)),
    "isAccessibleForFree": st.sampled_from([None, True, False]),
    "organizer": st.none() | st.builds(Organizer, name=TEXT),
    "image": tuples(st.builds(ImageObject, sourceUrl=FILLED, width=st.none() | st.integers(0, 9999))),
    "provenance": PROVENANCE,
}
RAW = st.builds(RawActivity, page=FILLED, url=TEXT, identifier=TEXT, **STATED)
GEOCODING = st.builds(
    Geocoding, status=st.sampled_from(["ok", "not_found"]), confidence=st.none() | st.floats(0, 1), provider=TEXT
)
ACTIVITY = st.builds(
    Activity,
    id=FILLED,
    index=st.integers(0, 9),
    source_key=FILLED,
    source_url=FILLED,
    url=FILLED,
    type=FILLED,
    geometry=st.none() | st.builds(Point, coordinates=st.tuples(DEGREES, DEGREES)),
    geocoding=st.none() | GEOCODING,
    tags=st.dictionaries(FILLED, st.booleans() | FILLED, max_size=2),
    embedding=st.none() | st.builds(Embedding, model=FILLED, dimensions=st.integers(1, 9), text_sha256=FILLED),
    quality=st.none() | st.builds(Quality, score=st.floats(0, 1), problems=WORDS),
    **STATED,
)
IMAGE_ROW = st.builds(
    ImageRow,
    activity_id=FILLED,
    position=st.integers(0, 9),
    sourceUrl=TEXT,
    width=st.none() | st.integers(0, 2**40),
    problem=TEXT,
)
PLACE_ROW = st.builds(
    PlaceRow, activity_id=FILLED, latitude=st.none() | FLOAT, longitude=st.none() | FLOAT, geocoding=GEOCODING
)
IMAGES = st.builds(ImagesMap, ids_sha256=TEXT, rows=tuples(IMAGE_ROW))
PLACES = st.builds(GeocodedMap, ids_sha256=TEXT, rows=tuples(PLACE_ROW))


def activity(one: str = "a", **fields: object) -> Activity:
    base = {"id": one, "index": 0, "source_key": "k", "source_url": "u", "url": "u", "type": "Event", "name": "Theatre"}
    return Activity.model_validate({**base, **fields})


def read(encoded: Encoded, wanted: Any) -> Any:
    return decode(encoded.data, wanted, extension=encoded.extension, uri="memory:/x")


@settings(deadline=None, max_examples=40)
@given(st.lists(RAW, max_size=4))
def test_raw_activities_come_back_saying_what_they_said(raw: list[RawActivity]) -> None:
    encoded = encode(raw)
    found = read(encoded, list[RawActivity])

    assert [one.dump() for one in found] == [one.dump() for one in raw]
    assert encode(found) == encoded
    assert encode(list(raw)) == encoded
    assert (encoded.extension, encoded.rows) == ("jsonl", len(raw))


@settings(deadline=None, max_examples=40)
@given(st.lists(ACTIVITY, max_size=4))
def test_activities_come_back_saying_what_they_said_with_the_hash_of_their_ids(activities: list[Activity]) -> None:
    encoded = encode(tuple(activities))
    found = read(encoded, list[Activity])

    assert [one.dump() for one in found] == [one.dump() for one in activities]
    assert encode(found) == encoded
    assert read(encoded, Sequence[Activity]) == found
    assert encode(list(activities)) == encoded
    assert encoded.ids_sha256 == ids_sha256(one.id for one in activities)


@settings(deadline=None, max_examples=40)
@given(IMAGES)
def test_pictures_come_back_as_they_went(images: ImagesMap) -> None:
    encoded = encode(images)

    assert read(encoded, ImagesMap) == images
    assert encode(images) == encoded
    assert (encoded.extension, encoded.rows, encoded.ids_sha256) == ("parquet", len(images.rows), images.ids_sha256)


@settings(deadline=None, max_examples=40)
@given(PLACES)
def test_places_come_back_as_they_went(places: GeocodedMap) -> None:
    encoded = encode(places)

    assert read(encoded, GeocodedMap) == places
    assert encode(places) == encoded


@settings(deadline=None, max_examples=40)
@given(IDS, st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_vectors_come_back_bit_for_bit(ids: list[str], dimensions: int, seed: int) -> None:
    vectors = np.random.default_rng(seed).standard_normal((len(ids), dimensions)).astype(np.float32)
    stored = EmbeddingsMap("hash", "minilm", tuple(ids), tuple(reversed(ids)), vectors)

    encoded = encode(stored)
    found = read(encoded, EmbeddingsMap)

    assert (found.ids_sha256, found.model, found.ids, found.text_sha256) == (
        "hash",
        "minilm",
        stored.ids,
        stored.text_sha256,
    )
    assert found.vectors.dtype == np.float32
    assert found.vectors.tobytes() == vectors.tobytes()
    assert found.vectors.shape == vectors.shape
    assert encode(stored) == encoded


def test_vectors_of_refined_texts_come_back_with_the_hashes_of_the_stated_ones() -> None:
    vectors = np.ones((2, 3), dtype=np.float32)
    stored = EmbeddingsMap("h", "m", ("a", "b"), ("1", "refined"), vectors, ("1", "2"))

    found = read(encode(stored), EmbeddingsMap)

    assert (found.text_sha256, found.stated_sha256) == (("1", "refined"), ("1", "2"))


def test_vectors_of_another_layout_are_stored_by_their_values() -> None:
    columns_first = np.asfortranarray(np.arange(6, dtype=np.float64).reshape(2, 3))

    found = read(encode(EmbeddingsMap("h", "m", ("a", "b"), ("1", "2"), columns_first)), EmbeddingsMap)  # pyright: ignore[reportArgumentType]

    assert found.vectors.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_an_empty_map_of_vectors_keeps_its_dimensions() -> None:
    found = read(encode(empty_embeddings("h", model="m", dimensions=384)), EmbeddingsMap)

    assert found.vectors.shape == (0, 384)
    assert found.ids == ()


def test_vectors_are_stored_as_split_floats_without_a_dictionary() -> None:
    vectors = np.random.default_rng(1).standard_normal((200, 384)).astype(np.float32)
    ids = tuple(map(str, range(200)))

    data = encode(EmbeddingsMap("h", "m", ids, ids, vectors)).data

    column = next(
        chunk
        for chunk in (pq.ParquetFile(BytesIO(data)).metadata.row_group(0).column(number) for number in range(3))
        if chunk.path_in_schema.startswith("vector")
    )
    assert "BYTE_STREAM_SPLIT" in column.encodings
    assert not column.has_dictionary_page
    assert column.compression == "ZSTD"
    assert len(data) < vectors.nbytes


@pytest.mark.parametrize(
    "value",
    [
        ImportSummary(lines=3, inserted=3, rejections={"a": "vector_not_finite"}),
        # Both names must be stated, and the first is empty where nothing came before: leaving it out made the file unreadable.
        ActivityDiff(before="", after="w1"),
        ActivityDiff(
            before="catalog",
            after="w1",
            changed=1,
            activities=(
                ActivityChange(
                    activity_id="a",
                    name="",
                    kind="changed",
                    changes=(FieldChange(field="offers", before=[{"price": "4"}], after=None),),
                ),
            ),
        ),
    ],
)
def test_one_model_comes_back_as_it_went(value: ImportSummary | ActivityDiff) -> None:
    encoded = encode(value)

    assert read(encoded, type(value)) == value
    assert encode(value) == encoded
    assert (encoded.extension, encoded.rows, encoded.ids_sha256) == ("json", 1, "")


def test_a_batch_with_nothing_to_ask_comes_back_with_the_hash_of_its_ids() -> None:
    batch = SubmittedBatch(
        ids_sha256=ids_sha256([]), model="minilm", dimensions=384, ids=(), text_sha256=(), provider="local"
    )

    encoded = encode(batch)

    assert read(encoded, SubmittedBatch) == batch
    assert encoded.ids_sha256 == ids_sha256([])


def test_a_bundle_is_its_records_with_the_hash_of_the_file() -> None:
    records = (activity("a"), activity("b", index=1))
    encoded = encode(records)

    assert read(encoded, Bundle) == Bundle(hashlib.sha256(encoded.data).hexdigest(), records)


def test_one_record_stands_on_one_line_whatever_its_text_holds() -> None:
    text = 'Line\u2028one\u0085two "quoted" \\ ä 🎪'

    data = encode([activity("a", name=text), activity("b")]).data

    assert data.count(b"\n") == 2
    assert "ä 🎪".encode() in data
    assert [one.name for one in decode(data, list[Activity], extension="jsonl", uri="x")] == [text, "Theatre"]


def test_dicts_are_records_too() -> None:
    encoded = encode([{"id": "a", "n": 1}, {"id": "b"}])

    assert read(encoded, list[dict]) == [{"id": "a", "n": 1}, {"id": "b"}]
    assert read(encoded, list) == [{"id": "a", "n": 1}, {"id": "b"}]
    assert encoded.ids_sha256 == ids_sha256(["a", "b"])
    assert encode([{"id": "a"}, {"n": 1}]).ids_sha256 == ""


# Frames and tables


def test_records_come_as_a_frame_and_as_a_table_with_every_column() -> None:
    # A record leaves out what is empty: the columns of the first are not those of all.
    encoded = encode([activity("a"), activity("b", description="A play", category=("x", "y"))])

    frame, table = read(encoded, pd.DataFrame), read(encoded, pa.Table)

    assert list(frame["id"]) == ["a", "b"]
    assert frame["description"].tolist()[1] == "A play"
    assert table.column("description").to_pylist() == [None, "A play"]
    assert table.column("category").to_pylist() == [None, ["x", "y"]]


def test_maps_and_vectors_come_as_a_frame_and_as_a_table() -> None:
    places = encode(GeocodedMap("h", (PlaceRow(activity_id="a", latitude=50.5, geocoding=Geocoding(status="ok")),)))
    vectors = encode(EmbeddingsMap("h", "m", ("a",), ("t",), np.ones((1, 3), dtype=np.float32)))

    assert read(places, pd.DataFrame)["latitude"].tolist() == [50.5]
    assert read(places, pa.Table).column("geocoding").to_pylist()[0]["status"] == "ok"
    assert read(vectors, pd.DataFrame)["vector"].tolist()[0].tolist() == [1, 1, 1]
    assert read(vectors, pa.Table).num_rows == 1


def test_one_value_is_a_frame_of_one_row() -> None:
    encoded = encode(ImportSummary(lines=3))

    assert read(encoded, pd.DataFrame)["lines"].tolist() == [3]
    assert read(encoded, pa.Table).column("lines").to_pylist() == [3]


def test_nothing_is_an_empty_frame_and_an_empty_table() -> None:
    encoded = encode([])

    assert encoded.data == b""
    assert read(encoded, pd.DataFrame).empty
    assert read(encoded, pa.Table).num_rows == 0
    assert read(encoded, list[Activity]) == []


def test_a_frame_and_a_table_come_back_as_they_went() -> None:
    frame = pd.DataFrame({"n": [1, 2], "name": ["a", None]})
    table = pa.table({"n": [1, 2]})

    pd.testing.assert_frame_equal(read(encode(frame), pd.DataFrame), frame)
    assert read(encode(table), pa.Table).equals(table)
    assert encode(frame) == encode(frame.copy())
    assert encode(table).rows == 2


@pytest.mark.parametrize("value", [42, "text", {"a": 1}, object(), {1, 2}])
def test_what_is_of_no_stored_kind_is_refused_by_its_name(value: object) -> None:
    with pytest.raises(TypeError, match=f"A {type(value).__name__} cannot be stored; yield a list of models"):
        encode(value)


# What cannot be read


@pytest.mark.parametrize(
    ("data", "wanted", "extension"),
    [
        (b'{"id": "a"', list[Activity], "jsonl"),
        (b'{"id": "a"}\n', list[Activity], "jsonl"),
        (b"42\n", list[Activity], "jsonl"),
        (b"", ImportSummary, "json"),
        (b'{"lines": "many"}', ImportSummary, "json"),
        (b'{"prize": 1}', ImportSummary, "json"),
        (b"PAR1", ImagesMap, "parquet"),
        (b"", EmbeddingsMap, "parquet"),
        (encode(pa.table({"n": [1]})).data, ImagesMap, "parquet"),
        (encode(pa.table({"vector": [1.0]})).data, EmbeddingsMap, "parquet"),
        (encode(ImagesMap("h", ())).data, EmbeddingsMap, "parquet"),
        (encode(ImagesMap("h", ())).data[:-20], ImagesMap, "parquet"),
        (encode(ImagesMap("h", ())).data, list[Activity], "parquet"),
        (b"{", pd.DataFrame, "json"),
        (b"42\n", pa.Table, "jsonl"),
        (b'{"a": 1}\n{"a": "x"}\n', pa.Table, "jsonl"),
        (b"\xff\xfe", list[dict], "jsonl"),
    ],
)
def test_bytes_that_are_not_what_is_wanted_are_explained_in_one_sentence(
    data: bytes, wanted: object, extension: str
) -> None:
    with pytest.raises(
        CorruptObjectError, match=r"^Reading memory:/x as .* failed \(.*\); materialize the asset"
    ) as caught:
        decode(data, wanted, extension=extension, uri="memory:/x")

    assert "\n" not in str(caught.value)


def test_a_map_without_the_hash_of_its_ids_is_refused() -> None:
    table = pa.Table.from_pylist([], schema=pa.schema([("activity_id", pa.string())]))

    with pytest.raises(CorruptObjectError, match="the file does not say its ids_sha256"):
        decode(encode(table).data, ImagesMap, extension="parquet", uri="memory:/x")
