"""Pages read by a person's selectors: what they find, and how it stands above what every other reader found."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, Protocol

from lxml import etree, html
from selectolax.lexbor import LexborNode

from tripper_assets.domain.identity import fold
from tripper_assets.domain.model import Problem
from tripper_assets.domain.selectors import Rule, Selector, Selectors, parse_selector
from tripper_assets.extract.clock import Clock
from tripper_assets.extract.drafts import Draft, fill, folded
from tripper_assets.extract.page import Page
from tripper_assets.extract.selector_values import put_values, transformed
from tripper_assets.extract.texts import clean, plain_text

MAX_ELEMENTS = 5_000
MAX_MATCHES = 200
DATES = ("endDate", "eventSchedule", "openingHoursSpecification")


class Element(Protocol):
    """An element in which selectors of one language are followed, or the whole page, in which those of both are."""

    def find(self, selector: Selector) -> Sequence["Element"]:
        """Return the elements that a selector matches, in page order."""
        ...

    def texts(self, selector: Selector) -> list[str]:
        """Return the texts or attributes that a selector matches, in page order, without empty ones."""
        ...


@dataclass(frozen=True)
class CssElement:
    """An element of the page's tree."""

    node: LexborNode

    def find(self, selector: Selector) -> Sequence[Element]:
        """Return the matching elements; the element itself is none of them unless the selector is only an attribute."""
        return [CssElement(node) for node in self._nodes(selector)[:MAX_ELEMENTS]]

    def texts(self, selector: Selector) -> list[str]:
        """Return texts or attributes."""
        nodes = self._nodes(selector)[:MAX_MATCHES]
        if selector.attribute:
            found = [clean(node.attributes.get(selector.attribute.lower()) or "") for node in nodes]
        else:
            found = [plain_text(node.html or "") for node in nodes]
        return [text for text in found if text]

    def _nodes(self, selector: Selector) -> list[LexborNode]:
        if not selector.path:
            return [self.node]
        return [node for node in self.node.css(selector.path) if node.mem_id != self.node.mem_id]


@dataclass(frozen=True)
class XPathElement:
    """An element of the page as lxml reads it."""

    node: Any

    def find(self, selector: Selector) -> Sequence[Element]:
        """Return the matching elements."""
        return [XPathElement(one) for one in self._results(selector.path) if isinstance(one, etree._Element)][  # noqa: SLF001 (lxml's only name for the class)  # pyright: ignore[reportPrivateUsage]
            :MAX_ELEMENTS
        ]

    def texts(self, selector: Selector) -> list[str]:
        """Return the text of elements, and attributes, texts and numbers as they are."""
        return [text for one in self._results(selector.path)[:MAX_MATCHES] if (text := _text_of(one))]

    def _results(self, path: str) -> list[Any]:
        try:
            found: Any = _xpath(path)(self.node)
        except etree.XPathError:
            return []  # it was tried when it was written; what fails on this page finds nothing on it
        return found if isinstance(found, list) else [found]


@dataclass
class WholePage:
    """The page, parsed a second time only where an XPath asks for it."""

    page: Page

    def find(self, selector: Selector) -> Sequence[Element]:
        """Return the matching elements."""
        root = self._root(selector)
        return root.find(selector) if root else []

    def texts(self, selector: Selector) -> list[str]:
        """Return texts or attributes."""
        root = self._root(selector)
        return root.texts(selector) if root else []

    def _root(self, selector: Selector) -> Element | None:
        if selector.language == "css":
            root = self.page.tree.root
            return CssElement(root) if root else None
        return XPathElement(self._lxml) if self._lxml is not None else None

    @cached_property
    def _lxml(self) -> Any:  # noqa: ANN401 (lxml's trees have no public class)
        """The page as lxml reads it, None for a page without an element; the depth of the text was bounded before."""
        try:
            return html.document_fromstring(self.page.text, parser=html.HTMLParser(huge_tree=True, no_network=True))
        except (etree.ParserError, ValueError):
            return None


@lru_cache(maxsize=256)
def _xpath(path: str) -> etree.XPath:
    return etree.XPath(path)


def _text_of(found: object) -> str:
    if isinstance(found, etree._Element):  # noqa: SLF001 (lxml's only name for the class)  # pyright: ignore[reportPrivateUsage]
        return plain_text(html.tostring(found, encoding="unicode", with_tail=False))
    if isinstance(found, float):
        return f"{found:g}"
    return clean(str(found)) if not isinstance(found, bool) else str(found).lower()


@dataclass
class Misses:
    """Which fields stated nothing anywhere on the page, and which something that could not be read."""

    empty: set[str] = field(default_factory=set[str])
    unread: dict[str, str] = field(default_factory=dict[str, str])
    read: set[str] = field(default_factory=set[str])

    def problems(self, rules: Selectors, url: str) -> list[Problem]:
        """Return one problem for each field, in the order of the rules."""
        found: list[Problem] = []
        for name, rule in rules.fields.items():
            if name in self.unread and name not in self.read:
                message = f"The selector of {name} finds {self.unread[name][:80]!r}, which does not read as one; add a transform, or mend it."
                found.append(Problem(code="selector_unreadable", subject=url, message=message))
            elif name in self.empty - self.read and rule.select is not None:
                found.append(_empty(name, rule.select, url))
        return found


def _empty(name: str, select: str, url: str) -> Problem:
    message = f"The selector {select!r} of {name} finds nothing on the page; where that is ordinary, give it a default or other pages."
    return Problem(code="selector_empty", subject=url, message=message)


def selected_drafts(
    page: Page, clock: Clock, others: list[Draft], selectors: Sequence[Selectors]
) -> tuple[list[Draft], list[Problem]]:
    """Return what the first selectors for the page find, each filled from what the other readers found of the same activity.

    Where they find no activity at all, the others' stand as they are.
    """
    rules = next((one for one in selectors if one.applies_to(page.url)), None)
    if rules is None:
        return others, []
    whole = WholePage(page)
    elements = whole.find(parse_selector(rules.activity)) if rules.activity is not None else [whole]
    if not elements:
        return others, [_empty("activity", rules.activity or "", page.url)]
    misses = Misses()
    drafts = [_draft(element, rules, page, clock, misses) for element in elements]
    found = combined(drafts, others, is_whole=rules.activity is None)
    return found or others, misses.problems(rules, page.url)


def _draft(element: Element, rules: Selectors, page: Page, clock: Clock, misses: Misses) -> Draft:
    draft = Draft("selector")
    values = {name: _found(element, rule) for name, rule in rules.fields.items()}
    unread = put_values(draft, values, page.base, clock)
    misses.empty |= {name for name, (_, texts, _) in values.items() if not texts}
    misses.unread |= {name: values[name][1][0] for name in unread}
    misses.read |= {name for name, (_, texts, _) in values.items() if texts and name not in unread}
    return draft


def _found(element: Element, rule: Rule) -> tuple[Rule, list[str], str]:
    """Return the rule with the texts it leaves and its evidence: the first text as the page shows it, empty for a constant."""
    if rule.selector is None:
        return rule, transformed([str(rule.value)], rule), ""
    texts = element.texts(rule.selector)
    return rule, transformed(texts, rule), texts[0] if texts else ""


def combined(drafts: list[Draft], others: list[Draft], *, is_whole: bool) -> list[Draft]:
    """Return the selected activities, filled from the same activities as others state them; what only others state is left out.

    One that states no day is all of the others of its name, each with its own day: a page may state ten dates of one show.
    """
    alone = is_whole and len(drafts) == 1
    completed = [one for draft in drafts for one in _completed(draft, _twins(draft, others, alone=alone))]
    return folded([draft for draft in completed if draft.get("name")])


def _twins(draft: Draft, others: list[Draft], *, alone: bool) -> list[Draft]:
    """Return the others that are the same activity, by name, or else by URL; a page's one activity is whatever the page states."""
    name, url = fold(draft.get("name")), draft.get("url")
    named = [one for one in others if name and fold(one.get("name")) == name]
    linked = [one for one in others if url and one.get("url") == url]
    if named or (linked and not name):
        return named or linked
    return others if alone and (not name or len(others) == 1) else []


def _completed(draft: Draft, twins: list[Draft]) -> list[Draft]:
    start = draft.get("startDate")
    if not twins:
        return [draft]
    if not start:
        return [_filled(draft, twin) for twin in twins]
    agreeing = [one for one in twins if _agree(start, one.get("startDate"))]
    return [_filled(draft, agreeing[0] if agreeing else _undated(twins[0]))]


def _agree(one: str, two: str) -> bool:
    shorter, longer = sorted((one[:16], two[:16]), key=len)
    return longer.startswith(shorter)


def _filled(draft: Draft, twin: Draft) -> Draft:
    copy = Draft(draft.method, dict(draft.values), dict(draft.found))
    fill(copy, twin)
    return copy


def _undated(draft: Draft) -> Draft:
    """Return a draft without its days: those of another date are not this one's."""
    kept = {name: value for name, value in draft.values.items() if name not in {"startDate", *DATES}}
    return Draft(draft.method, kept, {name: draft.found[name] for name in kept})
