"""What in a site's URLs makes no other page, on evidence: parameters and spellings under which the same is said, and values that never come twice."""

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from tripper_assets.domain.paging import dated, is_page_number
from tripper_assets.domain.templates import Said
from tripper_assets.domain.urls import PageUrl, path_shape

Place: TypeAlias = tuple[str, str]
"""A name and the URL without it."""

EVIDENCE = 2
"""Pages that say the same with and without it, before it is taken for noise there."""
EVIDENCE_EVERYWHERE = 3
"""Such pages, in two places at least, before it is taken for noise on the whole site."""
DOUBTS = 4
"""Pages that say the same, to make up for one that says something else."""
RENEWED = 3
"""Pages that are linked to under ever new values of a parameter, before it is taken for a session or a random number."""
MOST_AT_ONCE = 3
"""Values for one page among the links of one other; more of them are a choice, such as the ids of a list."""
MAX_REMEMBERED = 20_000
MAX_NAMES = 500
MAX_SHAPES = 200
MAX_VALUES = 200
"""Of names, of paths for each, and of values for each URL without one: memory, and enough to tell."""
MAX_LINKS = 500
"""Links of one page that are looked at for values that never come twice."""
FRONT_SCRIPT = re.compile(r"^/index\.(?:php\d?|cfm|aspx?)(?=/.)", re.IGNORECASE)
MATRIX = re.compile(r";([\w-]{1,30})=([^/;?]*)")
IN_FRONT, LETTER_CASE = "/index.php/", "Aa"
"""Names of what is no parameter and may be noise all the same: a script in front of each path, and capital letters in it."""


@dataclass
class Evidence:
    """What is known of one name on one site."""

    same: Counter[str] = field(default_factory=Counter[str])
    """Pages that say the same with and without it, or under two values of it, by the shape of their path."""
    other: Counter[str] = field(default_factory=Counter[str])
    """Pages that do not."""
    renewed: set[str] = field(default_factory=set[str])
    """Paths that other pages link to under other values."""
    kept: set[str] = field(default_factory=set[str])
    """Paths that several pages link to under one value."""
    is_choice: bool = False
    """Whether one page links to many of its values."""

    def verdict(self) -> frozenset[str]:
        """Return the shapes of the paths where it is noise; an empty one means the whole site."""
        noisy = {shape for shape, seen in self.same.items() if seen >= EVIDENCE + DOUBTS * self.other[shape]}
        is_noise = len(self.same) > 1 and self.same.total() >= EVIDENCE_EVERYWHERE
        is_new_each_time = not self.is_choice and len(self.renewed) >= RENEWED * (1 + len(self.kept))
        return frozenset({*noisy, ""} if (is_noise or is_new_each_time) and not self.other else noisy)


@dataclass
class Noise:
    """What is known of one site's noise; a page that states nothing teaches nothing, but its links do."""

    _evidence: dict[str, Evidence] = field(default_factory=dict[str, Evidence])
    _first: dict[Place, Said] = field(default_factory=dict[Place, Said])
    _values: dict[Place, set[int]] = field(default_factory=dict[Place, set[int]])
    _known: dict[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    """What is noise by now, by name."""

    def compare(self, identity: str, said: Said, others: Mapping[str, Said], canonical: str = "") -> bool:
        """Learn from what a page states, those that differ from it by one thing, and its own name for itself.

        Return whether more or less is noise now.
        """
        if not said:
            return False
        shape, rests = path_shape(identity), without_each(identity)
        for name, rest in rests.items():
            evidence = self._of(name)
            if len(evidence.same) + len(evidence.other) < MAX_SHAPES:
                _count(evidence, shape, self._is_same(name, rest, said, others), is_stated=rest == canonical)
        return self._decide(*rests)

    def _is_same(self, name: str, rest: str, said: Said, others: Mapping[str, Said]) -> bool | None:
        """Return whether a page says nothing but what it says without a thing, or with another value of it; None: nobody knows."""
        if rest in others:
            # A narrowed list says less than the whole one, and that is no reason to read it.
            return said <= others[rest]
        if (name, rest) in self._first:
            return said == self._first[name, rest]
        if len(self._first) < MAX_REMEMBERED:
            self._first[name, rest] = said
        return None

    def watch(self, links: Iterable[str]) -> bool:
        """Learn from the links of one page; return whether more or less is noise now."""
        here = defaultdict[Place, set[int]](set)
        for link in itertools.islice(links, MAX_LINKS):
            for name, rest, value in _valued(link):
                here[name, rest].add(hash(value))
        at_once = Counter[Place]()
        for (name, rest), values in here.items():
            at_once[name, _bare(rest)] += len(values)
            self._weigh(name, rest, values)
        for (name, _), count in at_once.items():
            self._of(name).is_choice |= count > MOST_AT_ONCE
        return self._decide(*sorted({name for name, _ in here}))

    def _weigh(self, name: str, rest: str, values: set[int]) -> None:
        before = self._values.get((name, rest))
        if before is None:
            if len(self._values) < MAX_REMEMBERED:
                self._values[name, rest] = values
            return
        evidence = self._of(name)
        paths = evidence.kept if before & values else evidence.renewed
        if len(paths) < MAX_SHAPES:
            paths.add(_bare(rest))
        if len(before) < MAX_VALUES:
            before |= values

    def _of(self, name: str) -> Evidence:
        if name not in self._evidence and len(self._evidence) >= MAX_NAMES:
            return Evidence()
        return self._evidence.setdefault(name, Evidence())

    def _decide(self, *names: str) -> bool:
        now = {name: self._of(name).verdict() for name in names}
        changed = [name for name in names if now[name] != self._known.get(name, frozenset())]
        self._known.update(now)
        return bool(changed)

    def without(self, page: PageUrl) -> PageUrl:
        """Return the page known by its URL without what is noise there; it is asked for as the link says."""
        if not self._known:
            return page
        shape = path_shape(page.identity)
        names = {name for name, shapes in self._known.items() if "" in shapes or shape in shapes}
        return PageUrl(_strip(page.identity, names), page.address) if names else page


def _count(evidence: Evidence, shape: str, same: bool | None, *, is_stated: bool) -> None:  # noqa: FBT001 (one of three answers)
    if same or is_stated:
        evidence.same[shape] += 1
    if same is False:
        evidence.other[shape] += 1


def without_each(identity: str) -> dict[str, str]:
    """Return the page's URL without each thing that may be noise, by its name; a page number and a date are never noise."""
    parts = urlsplit(identity)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    names = {name for name, value in pairs if not is_page_number(name, value)}
    names |= {f";{name}" for name, _ in MATRIX.findall(parts.path)}
    names |= {IN_FRONT} if FRONT_SCRIPT.match(parts.path) else set()
    names |= {LETTER_CASE} if parts.path != parts.path.lower() else set()
    rests = {name: _strip(identity, {name}) for name in sorted(names)}
    month = dated(identity)
    return {name: rest for name, rest in rests.items() if month is None or dated(rest) == month}


def _valued(link: str) -> Iterable[tuple[str, str, str]]:
    """Yield each parameter of a link with the URL without it, and its value."""
    parts = urlsplit(link)
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if not is_page_number(name, value):
            yield name, _strip(link, {name}), value
    for name, value in MATRIX.findall(parts.path):
        yield f";{name}", _strip(link, {f";{name}"}), value


def _bare(url: str) -> str:
    """Return a path however it is spelled: one page under many spellings is no evidence of many pages."""
    return FRONT_SCRIPT.sub("", MATRIX.sub("", urlsplit(url).path)).lower()


def _strip(url: str, names: AbstractSet[str]) -> str:
    parts = urlsplit(url)
    query = "&".join(pair for pair in parts.query.split("&") if _name(pair) not in names) if parts.query else ""
    path = FRONT_SCRIPT.sub("", parts.path) if IN_FRONT in names else parts.path
    if ";" in path:
        path = MATRIX.sub(lambda found: "" if f";{found[1]}" in names else found[0], path)
    return urlunsplit(parts._replace(path=path.lower() if LETTER_CASE in names else path, query=query))


def _name(pair: str) -> str:
    return next((name for name, _ in parse_qsl(pair, keep_blank_values=True)), pair)
