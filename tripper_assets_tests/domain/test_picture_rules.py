import pytest

from tripper_assets.domain.picture_rules import are_alike, average_colour


@pytest.mark.parametrize(
    ("blurhash", "colour"),
    [("LEHV6nWB2yk8pyo0adR*.7kCMdnj", (151, 150, 149)), ("L00000fQfQfQfQfQfQfQfQfQfQfQ", (0, 0, 0)), ("L2TSUA~qfQ~q~qj[fQj[fQfQfQfQ", (255, 255, 255))],
)  # fmt: skip
def test_a_blurhash_tells_the_average_colour(blurhash: str, colour: tuple[int, int, int]) -> None:
    assert average_colour(blurhash) == colour


def test_pictures_of_one_colour_each_are_copies_only_where_it_is_the_same_one() -> None:
    flat, black, white = "8000000000000000", "L00000fQfQfQ", "L2TSUA~qfQ~q"

    assert are_alike((flat, flat), (black, black))
    assert not are_alike((flat, flat), (black, white))
    assert not are_alike((flat, ""), (black, black))
