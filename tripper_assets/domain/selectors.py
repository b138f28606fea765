"""What a person says of where a site's pages state each field: CSS or XPath, and how the text is read; only checked here, used in extract."""

import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import BeforeValidator, Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from tripper_assets.domain.identity import text_sha256
from tripper_assets.domain.model import Model
from tripper_assets.domain.patterns import Pattern

Kind = Literal["text", "url", "date", "time", "list", "ages", "price", "free", "place"]
FIELDS: dict[str, Kind] = {
    "name": "text",
    "url": "url",
    "identifier": "text",
    "type": "text",
    "description": "text",
    "inLanguage": "text",
    "category": "list",
    "keywords": "list",
    "startDate": "date",
    "endDate": "date",
    "startTime": "time",
    "endTime": "time",
    "location": "place",
    "location.name": "text",
    "location.streetAddress": "text",
    "location.postalCode": "text",
    "location.addressLocality": "text",
    "location.addressRegion": "text",
    "location.addressCountry": "text",
    "organizer": "text",
    "offers": "price",
    "isAccessibleForFree": "free",
    "ageRange": "ages",
    "image": "url",
}
"""The fields that selectors state, and what each is read as; startTime and endTime are the times of day of startDate."""
BARE: dict[str, dict[str, Any]] = {
    "strip": {"strip": ""},
    "date": {"date": {}},
    "price": {"price": {}},
    "time": {"time": True},
    "ages": {"ages": True},
    "url": {"url": True},
}
"""Steps that may be written as one word."""
STEPS = ("regex", "replace", "split", "join", "strip", "default", "date", "time", "price", "ages", "url")
READERS: frozenset[str] = frozenset({"date", "time", "price", "ages", "url"})
"""Steps that read a value; each is the last of its rule, and of a field of its own kind."""
XPATH = "xpath:"
_ATTRIBUTE = re.compile(r"(?P<path>.*?)@(?P<attribute>[A-Za-z_:][\w:.-]*)", re.DOTALL)


class Selector(NamedTuple):
    """One selector taken apart: the way to elements in its language, and the attribute of them that is meant, empty for their text."""

    language: Literal["css", "xpath"]
    path: str
    """Empty for the element that is looked in."""
    attribute: str


def parse_selector(text: str) -> Selector:
    """Return the parts of ``css``, ``css@attribute``, ``@attribute``, ``.`` or ``xpath:expression``."""
    text = text.strip()
    if text.startswith(XPATH):
        return Selector("xpath", text.removeprefix(XPATH).strip(), "")
    match = _ATTRIBUTE.fullmatch(text)
    path, attribute = (match["path"].strip(), match["attribute"]) if match else (text, "")
    return Selector("css", "" if path == "." else path, attribute)


def _checked(text: str) -> str:
    """Return a selector that can be followed.

    Raises:
        ValueError: it is none.
    """
    selector = parse_selector(text)
    if selector.language == "xpath":
        _check_xpath(selector.path)
    elif selector.path:
        _check_css(selector.path)
    elif not selector.attribute and text.strip() != ".":
        message = "is empty; give a CSS selector such as h3, a@href or xpath:.//h3"
        raise ValueError(message)
    return text


def _check_css(path: str) -> None:
    from selectolax.lexbor import LexborHTMLParser, SelectolaxError  # noqa: PLC0415 (only sources with selectors pay for it)

    try:
        LexborHTMLParser("<p>").css(path)
    except SelectolaxError as error:
        message = f"{path!r} is not a CSS selector; write one such as li.event > h3, or xpath: in front of an XPath"
        raise ValueError(message) from error


def _check_xpath(path: str) -> None:
    from lxml import etree  # noqa: PLC0415 (only sources with an XPath pay for it)

    try:
        # Evaluated once, because a function that does not exist is noticed only then.
        etree.XPath(path)(etree.fromstring("<p/>"))
    except etree.XPathError as error:
        message = f"{path!r} is not an XPath ({error})"
        raise ValueError(message) from error


SelectorText = Annotated[str, BeforeValidator(lambda text: _checked(text) if isinstance(text, str) else text)]


class Written(Model):
    """A model that is written back as a person wrote it: without what was left out."""

    @model_serializer(mode="wrap")
    def _as_written(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in handler(self).items() if value not in (None, (), [])}


class DateReading(Written):
    """How the words of a date are read, where the page's own language does not tell."""

    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")] | None = None
    day_first: bool | None = None
    """Whether 5/6 is the fifth of June."""
    format: str | None = None
    """As ``datetime.strptime`` takes it, with numbers alone: "%d.%m.%Y %H:%M"."""

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.format is not None and (self.language is not None or self.day_first is not None):
            message = "has a format, which needs neither language nor day_first"
            raise ValueError(message)
        stated = re.findall(r"%(.)", self.format or "")
        if self.format is not None and not ({"Y", "y"} & {*stated} and "m" in stated and "d" in stated):
            message = f"has the format {self.format!r}, which lacks %d, %m or the year (%Y or %y)"
            raise ValueError(message)
        if set(stated) - set("YymdHIMSpzfj%"):
            message = f"has the format {self.format!r}; only %Y %y %m %d %H %I %M %S %p and %z are read"
            raise ValueError(message)
        return self


class PriceReading(Written):
    """How a price is read."""

    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    """Of amounts that show none, ISO 4217."""


class Step(Written):
    """One transform: exactly one of these."""

    regex: Pattern | None = None
    """Keep the first group of its first match, or all of the match; a text without a match is dropped."""
    replace: tuple[Pattern, str] | None = None
    """What matches the first becomes the second."""
    split: str | None = None
    join: str | None = None
    strip: str | None = None
    """Remove these characters, and white space, from both ends."""
    default: str | None = None
    """What is stated where nothing is left."""
    date: DateReading | None = None
    time: Literal[True] | None = None
    price: PriceReading | None = None
    ages: Literal[True] | None = None
    url: Literal[True] | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_word(cls, value: Any) -> Any:  # noqa: ANN401 (whatever stands in the YAML)
        found = BARE.get(value, {value: None}) if isinstance(value, str) else value
        if not isinstance(found, dict) or len(found) != 1 or next(iter(found)) not in STEPS:
            message = f"is not a transform; each is one of {', '.join(STEPS)}, as strip or {{regex: …}}"
            raise ValueError(message)
        name, option = next(iter(found.items()))
        if option is None or option == "":
            given = {"split": "split: ','", "regex": "regex: …", "replace": "replace: [from, to]"}.get(name)
            if option is None or given:
                message = f"is a transform that needs a value, as {{{given or f'{name}: …'}}}"
                raise ValueError(message)
        return found

    @property
    def name(self) -> str:
        """Which transform it is."""
        return next(name for name in STEPS if getattr(self, name) is not None)


def _as_list(value: object) -> object:
    return [value] if isinstance(value, (str, dict)) else value


class Rule(Written):
    """Where one field stands, or what it always is."""

    select: SelectorText | None = None
    value: str | bool | int | float | None = None
    """Said of every activity, whatever the page says."""
    transform: Annotated[tuple[Step, ...], BeforeValidator(_as_list)] = ()

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:  # noqa: ANN401 (whatever stands in the YAML)
        return {"select": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.select is None) == (self.value is None):
            message = "needs either select or value"
            raise ValueError(message)
        early = [step.name for step in self.transform[:-1] if step.name in READERS]
        if early:
            message = f"reads a {early[0]} and then goes on; {early[0]} is the last transform"
            raise ValueError(message)
        return self

    @property
    def selector(self) -> Selector | None:
        """The selector taken apart; None for a value that is always the same."""
        return parse_selector(self.select) if self.select is not None else None

    @property
    def reader(self) -> Step | None:
        """The step that says how the value is read, None where the field itself says it."""
        return self.transform[-1] if self.transform and self.transform[-1].name in READERS else None


class Selectors(Written):
    """Where the pages of a site state what."""

    pages: Pattern | None = None
    """The URLs that this is for, a regular expression; None: all pages."""
    activity: SelectorText | None = None
    """The elements that state an activity each; None: a page states one."""
    fields: dict[str, Rule]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not self.fields:
            message = "names no field; give at least name"
            raise ValueError(message)
        for name, rule in self.fields.items():
            problem = _misfit(name, rule) or self._other_language(name, rule)
            if problem:
                raise ValueError(problem)
        if self.activity is not None and parse_selector(self.activity).attribute:
            message = f"has the activity {self.activity!r}, which is an attribute; give the element"
            raise ValueError(message)
        if {"startTime", "endTime"} & set(self.fields) and "startDate" not in self.fields:
            message = "states a time of day without a startDate"
            raise ValueError(message)
        return self

    def _other_language(self, name: str, rule: Rule) -> str:
        """Return what is wrong where a CSS selector would be followed from what an XPath found, or the other way round."""
        outer = parse_selector(self.activity).language if self.activity is not None else None
        inner = rule.selector.language if rule.selector else None
        if outer is None or inner is None or outer == inner:
            return ""
        return f"finds activities by {outer} and {name} by {inner}; write both in one language"

    def applies_to(self, url: str) -> bool:
        """Return whether a page is one that this is for."""
        return self.pages is None or re.search(self.pages, url) is not None


def _misfit(name: str, rule: Rule) -> str:
    """Return what is wrong with a field's name or with how it is read, empty where nothing is."""
    kind = FIELDS.get(name)
    if kind is None:
        return f"names {name!r}, which is no field; fields are {', '.join(FIELDS)}"
    if rule.reader is not None and rule.reader.name != kind:
        return f"reads {name} as {rule.reader.name}, and it is a {kind}"
    return ""


def reading_sha256(selectors: Sequence[Selectors]) -> str:
    """Return a hash of how pages are read: other selectors, another hash; empty where there are none."""
    return text_sha256("\n".join(one.model_dump_json() for one in selectors)) if selectors else ""


def one_or_many(value: object) -> object:
    """Return one set of selectors as a list of it: most sites need one."""
    return [value] if isinstance(value, dict) else value
