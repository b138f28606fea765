"""What selected texts say: the transforms of a rule, and the field's own way of reading what they leave."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from tripper_assets.domain.activities import ImageObject, Offer, Organizer, Place, PostalAddress
from tripper_assets.domain.selectors import FIELDS, DateReading, PriceReading, Rule, Step
from tripper_assets.extract.addresses import place_from_text
from tripper_assets.extract.ages import find_ages
from tripper_assets.extract.clock import Clock
from tripper_assets.extract.dates import find_dates
from tripper_assets.extract.drafts import Draft
from tripper_assets.extract.page import absolute
from tripper_assets.extract.prices import decimal, find_prices, is_free
from tripper_assets.extract.texts import MAX_DESCRIPTION, MAX_NAME, clean, clipped

MAX_TEXT = 20_000
MAX_VALUES = 50
PLACE = "location."
_AMOUNT = re.compile(r"\d{1,6}(?:[.,' ]\d{3})*(?:[.,]\d{1,2})?")
_DOTTED = re.compile(r"\b([01]?\d|2[0-3])\.([0-5]\d)\b")
_YES = frozenset({"true", "yes", "1", "free", "frei", "gratis", "gratuit", "gratuito"})
_NO = frozenset({"false", "no", "0"})


def transformed(texts: Sequence[str], rule: Rule) -> list[str]:
    """Return what the transforms of a rule make of the texts that it matched, without empty ones."""
    found = [text[:MAX_TEXT] for text in texts]
    for step in rule.transform:
        found = [text for text in _step(found, step) if text]
    return found


def _step(texts: list[str], step: Step) -> list[str]:
    if step.regex is not None:
        matches = (re.search(step.regex, text) for text in texts)
        return [clean((match[1] or "") if match.re.groups else match[0]) for match in matches if match]
    if step.replace is not None:
        pattern, by = step.replace
        return [clean(re.sub(pattern, lambda _: by, text)) for text in texts]
    if step.split is not None:
        return [clean(part) for text in texts for part in text.split(step.split)]
    if step.join is not None:
        return [step.join.join(texts)]
    if step.strip is not None:
        return [text.strip(f"{step.strip} \t\n") for text in texts]
    return texts or ([step.default] if step.default is not None else [])


def put_values(draft: Draft, values: dict[str, tuple[Rule, list[str], str]], base: str, clock: Clock) -> list[str]:
    """Put the fields into the draft, each given as its rule, its texts and its evidence; return those whose texts could not be read."""
    unread = [name for name, (rule, texts, evidence) in values.items() if not _put(draft, name, rule, texts, evidence, base, clock)]  # fmt: skip
    if "startDate" in draft.values:
        unread += _put_times(draft, values, clock)
    return [name for name in unread if values[name][1]]


def _put(draft: Draft, name: str, rule: Rule, texts: list[str], evidence: str, base: str, clock: Clock) -> bool:
    kind = FIELDS[name]
    if kind == "time":
        return True  # read once the day is known
    if kind == "date":
        return _put_date(draft, name, rule, texts, evidence, clock)
    if name.startswith(PLACE):
        return _put_place_part(draft, name.removeprefix(PLACE), texts, evidence)
    value = _READ[kind](texts, name, rule, base)
    draft.put(name, value, evidence)
    return name in draft.values


def _put_date(draft: Draft, name: str, rule: Rule, texts: list[str], evidence: str, clock: Clock) -> bool:
    how = rule.reader.date if rule.reader and rule.reader.date else DateReading()
    start, end = next((found for text in texts if (found := _dates(text, how, clock))[0]), ("", ""))
    draft.put(name, start, evidence)
    if name == "startDate":
        draft.put("endDate", end, evidence)
    return bool(start)


def _dates(text: str, how: DateReading, clock: Clock) -> tuple[str, str]:
    if how.format is None:
        return replace(clock, language=_reading_language(how, clock)).read(text)
    try:
        stated = datetime.strptime(text, how.format)  # noqa: DTZ007 (the zone is the source's, where the text states none)
    except ValueError:
        return "", ""
    has_time = re.search(r"%[HIS]", how.format) is not None
    return clock.iso(stated if has_time else stated.date()), ""


def _reading_language(how: DateReading, clock: Clock) -> str:
    language = how.language or clock.language
    if how.day_first is None:
        return language
    if not how.day_first:
        return "en-US"
    return "en-GB" if language.casefold().startswith("en") else language or "x-day-first"


def _put_times(draft: Draft, values: dict[str, tuple[Rule, list[str], str]], clock: Clock) -> list[str]:
    """Give the stated days their stated times of day, and return the fields whose texts are no times."""
    unread: list[str] = []
    for name, day_name in (("startTime", "startDate"), ("endTime", "endDate")):
        if name not in values or not values[name][1]:
            continue
        _, texts, evidence = values[name]
        day = date.fromisoformat((draft.get(day_name) or draft.get("startDate"))[:10])
        start, end = _times(texts[0], day)
        if start is None:
            unread.append(name)
            continue
        if name == "endTime" and "endDate" not in draft.values and start < _start_of(draft):
            start += timedelta(days=1)  # it ends past midnight
        draft.replace(day_name, clock.iso(start), f"{draft.get(day_name)} {evidence}".strip(), "selector")
        if end is not None and name == "startTime" and "endTime" not in values:
            draft.replace("endDate", clock.iso(end), evidence, "selector")
    return unread


def _start_of(draft: Draft) -> datetime:
    return datetime.fromisoformat(draft.get("startDate")).replace(tzinfo=None)


def _times(text: str, day: date) -> tuple[datetime | None, datetime | None]:
    """Return start and end on a day, read beside the day as the times of any date are."""
    moment = datetime(day.year, day.month, day.day)  # noqa: DTZ001 (only the day is read of it)
    text = _DOTTED.sub(r"\1:\2", text)  # no day stands beside it, so 19.30 can only be a time
    for span in find_dates(f"{day.isoformat()} {text}"[:200], now=moment, language="")[:1]:
        start, end = span.start, span.end
        if isinstance(start, datetime) and start.date() == day:
            return start, end if isinstance(end, datetime) else None
    return None, None


def _put_place_part(draft: Draft, part: str, texts: list[str], evidence: str) -> bool:
    if not texts:
        return False
    known: Any = draft.values.get("location") or Place()
    text = clipped(texts[0], MAX_NAME)
    address: PostalAddress = known.address.model_copy(update={} if part == "name" else {part: text})
    place = known.model_copy(update={"address": address} | ({"name": text} if part == "name" else {}))
    before = draft.found["location"][1] if "location" in draft.found else ""
    draft.replace("location", place, ", ".join(filter(None, (before, evidence))), "selector")
    return True


def _text(texts: list[str], name: str, rule: Rule, base: str) -> Any:  # noqa: ANN401 (any field's value)
    del rule, base
    text = clipped(texts[0], MAX_DESCRIPTION if name == "description" else MAX_NAME) if texts else ""
    return Organizer(name=text) if name == "organizer" and text else text


def _url(texts: list[str], name: str, rule: Rule, base: str) -> Any:  # noqa: ANN401 (any field's value)
    del rule
    urls = dict.fromkeys(url for text in texts[:MAX_VALUES] if (url := absolute(text, base)))
    return tuple(ImageObject(sourceUrl=url) for url in urls) if name == "image" else next(iter(urls), "")


def _list(texts: list[str], name: str, rule: Rule, base: str) -> Any:  # noqa: ANN401 (any field's value)
    del name, rule, base
    return tuple(dict.fromkeys(clipped(text, MAX_NAME) for text in texts))[:MAX_VALUES]


def _ages(texts: list[str], name: str, rule: Rule, base: str) -> Any:  # noqa: ANN401 (any field's value)
    del name, rule, base
    # An element that holds ages needs no unit beside the numbers.
    spans = next((found for text in texts if (found := find_ages(text) or find_ages(f"ages {text}"))), [])
    return spans[0].range if spans else None


def _price(texts: list[str], name: str, rule: Rule, base: str) -> Any:  # noqa: ANN401 (any field's value)
    del name, base
    how = rule.reader.price if rule.reader and rule.reader.price else PriceReading()
    return tuple(dict.fromkeys(offer for text in texts for offer in _offers(text, how.currency)))[:MAX_VALUES]


def _offers(text: str, currency: str | None) -> list[Offer]:
    shown = [one.offer for one in find_prices(text)]
    if shown or (currency is None and not is_free(text)):
        return shown
    if is_free(text):
        return [Offer(price="0.00", priceCurrency=currency or "")]
    return [Offer(price=decimal(match[0]), priceCurrency=currency or "") for match in _AMOUNT.finditer(text)]


def _free(texts: list[str], name: str, rule: Rule, base: str) -> Any:  # noqa: ANN401 (any field's value)
    del name, rule, base
    words = {text.casefold().strip(" .!") for text in texts}
    return True if words & _YES or any(map(is_free, texts)) else False if words & _NO else None


def _place(texts: list[str], name: str, rule: Rule, base: str) -> Any:  # noqa: ANN401 (any field's value)
    del name, rule, base
    return next((place for text in texts if (place := place_from_text(text))), None)


_READ: dict[str, Callable[[list[str], str, Rule, str], Any]] = {
    "text": _text,
    "url": _url,
    "list": _list,
    "ages": _ages,
    "price": _price,
    "free": _free,
    "place": _place,
}
