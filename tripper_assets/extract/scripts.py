"""The scripts that stand in a page: JSON-LD, states and code are all read from here, so that the tree is looked through once."""

from dataclasses import dataclass

from tripper_assets.extract.page import Page

MAX_SCRIPTS = 50_000


@dataclass(frozen=True, slots=True)
class Script:
    """The text of a script that stands in the page, with its type in lower case and its id."""

    kind: str
    name: str
    text: str


def inline_scripts(page: Page) -> list[Script]:
    """Return the scripts in the page in document order, but those that only load another."""
    found: list[Script] = []
    for script in page.tree.css("script:not([src])")[:MAX_SCRIPTS]:
        attributes = script.attributes
        kind = (attributes.get("type") or "").partition(";")[0].strip().lower()
        name = "__NUXT_DATA__" if "data-nuxt-data" in attributes else attributes.get("id") or ""
        found.append(Script(kind, name, script.text(deep=True, strip=False)))
    return found
