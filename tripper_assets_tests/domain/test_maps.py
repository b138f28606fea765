import numpy as np

from tripper_assets.domain.activities import Geocoding
from tripper_assets.domain.maps import (
    EmbeddingsMap,
    GeocodedMap,
    ImageRow,
    ImagesMap,
    PlaceRow,
    empty_embeddings,
    missing_ids,
)


def test_pictures_come_best_first_and_rejected_ones_not_at_all() -> None:
    second = ImageRow(activity_id="a", position=1, sourceUrl="https://e.org/2.jpg")
    best = ImageRow(activity_id="a", position=0, sourceUrl="https://e.org/1.jpg")
    logo = ImageRow(activity_id="b", position=0, sourceUrl="https://e.org/logo.svg", problem="image_is_svg")

    assert ImagesMap("x", (second, logo, best)).by_id() == {"a": [best, second]}


def test_each_activity_has_one_place() -> None:
    row = PlaceRow(activity_id="a", geocoding=Geocoding(status="not_found"))

    assert GeocodedMap("x", (row,)).by_id() == {"a": row}


def test_vectors_are_found_by_id() -> None:
    found = EmbeddingsMap("x", "model", ("a", "b"), ("1", "2"), np.eye(2, 3, dtype=np.float32))

    assert found.by_id() == {"a": 0, "b": 1}
    assert found.dimensions == 3


def test_an_empty_map_of_vectors_knows_its_dimensions() -> None:
    empty = empty_embeddings("x", model="model", dimensions=384)

    assert empty.dimensions == 384
    assert empty.by_id() == {}


def test_what_is_no_matrix_has_no_dimensions() -> None:
    assert EmbeddingsMap("x", "model", (), (), np.zeros(3, dtype=np.float32)).dimensions == 0


def test_missing_ids_keep_their_order() -> None:
    assert missing_ids(["c", "a", "b"], ["a"]) == ["c", "b"]
    assert missing_ids([], ["a"]) == []
