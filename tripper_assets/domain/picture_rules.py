"""What holds for each picture that is kept: how large it is at least, and when two are copies of one; imports nothing, for a quick start of processes."""

FULL_WIDTH = 1024
"""A stored picture is at most so wide."""
MIN_PIXELS = 300 * 300
"""What is smaller is an icon or a thumbnail, and looks it in a guide."""

BASE_83 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~"
"""The digits of a blurhash."""
MAX_BITS_APART = 8
"""Of 64. Of 60 drawn pictures, copies of other sizes, qualities and formats were 0 to 4 bits apart, two different ones 11 or more."""
MAX_COLOUR_APART = 24
"""Of 255, for each of red, green and blue on average; a hash knows only light and dark, and pictures of one colour have neither."""
AVERAGE = slice(2, 6)
"""Where a blurhash holds the average colour (woltapp/blurhash, Algorithm.md)."""


def are_alike(hashes: tuple[str, str], blurhashes: tuple[str, str]) -> bool:
    """Return whether two pictures are copies of one; where a hash is not known they are not."""
    if not all((*hashes, *blurhashes)):
        return False
    one, two = (int(value, 16) for value in hashes)
    colours = zip(*map(average_colour, blurhashes), strict=True)
    return (one ^ two).bit_count() <= MAX_BITS_APART and all(abs(a - b) <= MAX_COLOUR_APART for a, b in colours)


def average_colour(blurhash: str) -> tuple[int, int, int]:
    """Return red, green and blue, 0 to 255."""
    value = 0
    for digit in blurhash[AVERAGE]:
        value = value * len(BASE_83) + BASE_83.index(digit)
    return value >> 16, value >> 8 & 255, value & 255
