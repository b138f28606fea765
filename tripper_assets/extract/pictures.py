"""Which file a page's element means as its picture: the largest sensible one of a srcset, what a lazy loader would load, a background."""

import re
from collections.abc import Iterator

from selectolax.lexbor import LexborNode

from tripper_assets.domain.activities import ImageObject, ImageRole
from tripper_assets.domain.images import MIN_STATED_PIXELS, url_refusal
from tripper_assets.domain.picture_rules import FULL_WIDTH
from tripper_assets.extract.page import Page, absolute

MAX_SRCSET = 20_000
MAX_SHARED = 3
MAX_LOOKED_AT = 10
"""Pictures of a page's main part, before one is taken."""
# What lazy loaders read, before what stands there until they have.
_SETS = ("data-srcset", "data-lazy-srcset", "srcset")
_LINKS = ("data-src", "data-lazy-src", "data-original", "src")
# HTML 4.8.4.2.2: a URL may hold commas, and one that ends with one has no descriptor. Possessive, so that no text is gone through twice.
_ENTRY = re.compile(r"([^\s,]\S*+)(?<=,)|([^\s,]\S*+)([^,]*+)")
_DESCRIPTOR = re.compile(r"\s*(\d{1,6}(?:\.\d{1,4})?)([wx])\b")
_BACKGROUND = re.compile(
    r"background(?:-image)?\s*:[^;]{0,200}?url\(\s*([\"']?)([^\"')]{1,2048})\1\s*\)", re.IGNORECASE
)
_DIGITS = re.compile(r"\d{1,5}")
_SHARED = {"og:image", "og:image:url", "twitter:image", "twitter:image:src"}


def picture_of(node: LexborNode, base: str, role: ImageRole) -> ImageObject | None:
    """Return the picture that an img element shows, with a size only where it is a file's own or tells a button; None for none."""
    attributes = node.attributes
    sources = _sources(node) if node.parent is not None and node.parent.tag == "picture" else []
    for stated in [*(attributes.get(name) or "" for name in _SETS), *sources]:
        url, width = best_of_srcset(stated, base)
        if url:
            return ImageObject(sourceUrl=url, width=width, role=role)
    url = next((url for name in _LINKS if (url := absolute(attributes.get(name) or "", base))), "")
    if not url:
        return None
    # The attributes tell how large a picture is shown, which says something of its file only where it is a dot.
    width, height = (_small(attributes.get(name)) for name in ("width", "height"))
    return ImageObject(sourceUrl=url, width=width, height=height, role=role)


def best_of_srcset(srcset: str, base: str) -> tuple[str, int | None]:
    """Return the URL of a set's picture that is just large enough to be kept, else of its largest, with its width where that is stated."""
    best: tuple[tuple[bool, float], str, int | None] | None = None
    for match in _ENTRY.finditer(srcset[:MAX_SRCSET]):
        url = absolute((match[1] or match[2]).rstrip(","), base)
        described = _DESCRIPTOR.match(match[3] or "")
        number, unit = (float(described[1]), described[2]) if described else (1.0, "x")
        enough = unit == "w" and number >= FULL_WIDTH
        rank = (enough, -number if enough else number)
        if url and (best is None or rank > best[0]):
            best = (rank, url, int(number) if unit == "w" else None)
    return best[1:] if best else ("", None)


def _sources(node: LexborNode) -> Iterator[str]:
    """Yield the srcsets of the other formats and shapes of a picture element."""
    for source in node.parent.css("source") if node.parent is not None else []:
        yield from (source.attributes.get(name) or "" for name in _SETS)


def _small(stated: str | None) -> int | None:
    match = _DIGITS.match(stated or "")
    return int(match[0]) if match and int(match[0]) < MIN_STATED_PIXELS else None


def block_picture(block: LexborNode, base: str) -> tuple[ImageObject, ...]:
    """Return the first picture of a list's block, an img or a background; none where it has none."""
    for node in block.css("img"):
        picture = picture_of(node, base, "listing")
        if picture is not None:
            return (picture,)
    for node in block.css("[style*=url]")[:MAX_LOOKED_AT]:
        match = _BACKGROUND.search(node.attributes.get("style") or "")
        url = absolute(match[2], base) if match else ""
        if url:
            return (ImageObject(sourceUrl=url, role="listing"),)
    return ()


def shared_pictures(page: Page) -> tuple[ImageObject, ...]:
    """Return the pictures that a page names for those who link it (OpenGraph, else Twitter), with their stated sizes."""
    found: dict[str, dict[str, object]] = {}
    current: dict[str, object] = {}
    kinds: set[str] = set()
    for node in page.tree.css(
        "meta[property^='og:image'], meta[name^='og:image'], meta[name^='twitter:image'], meta[property^='twitter:image']"
    ):
        attributes = node.attributes
        name = (attributes.get("property") or attributes.get("name") or "").strip().lower()
        content = attributes.get("content") or ""
        if name in _SHARED and not (name.startswith("twitter") and "og" in kinds):
            url = absolute(content, page.base)
            current = found.setdefault(url, {"sourceUrl": url, "role": "shared"}) if url else {}
            kinds |= {name[:2]} if url else set()
        elif name == "og:image:secure_url" and current and (url := absolute(content, page.base)):
            current["sourceUrl"] = url
        elif name in {"og:image:width", "og:image:height"} and (match := _DIGITS.match(content.strip())):
            current[name.rpartition(":")[2]] = int(match[0])
    return tuple(ImageObject.model_validate(one) for one in [*found.values()][:MAX_SHARED])


def main_picture(page: Page) -> tuple[ImageObject, ...]:
    """Return the first picture of a page's main part that is none by its looks; none where there is none."""
    for node in page.tree.css("main img, article img, figure img")[:MAX_LOOKED_AT]:
        picture = picture_of(node, page.base, "content")
        if picture is not None and picture.height is None and url_refusal(picture.sourceUrl) is None:
            return (picture,)
    return ()
