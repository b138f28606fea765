"""Prices that a text states: amounts with their currency and for whom, and that something is free."""

import re
from dataclasses import dataclass

MAX_TEXT = 20_000
CURRENCIES = {
    "€": "EUR", "eur": "EUR", "euro": "EUR", "euros": "EUR", "£": "GBP", "gbp": "GBP", "pounds": "GBP", "$": "USD", "us$": "USD",
    "usd": "USD", "dollars": "USD", "chf": "CHF", "sfr": "CHF", "fr.": "CHF", "sek": "SEK", "nok": "NOK", "dkk": "DKK", "pln": "PLN",
    "zł": "PLN", "czk": "CZK", "kč": "CZK", "cad": "CAD", "ca$": "CAD", "aud": "AUD", "au$": "AUD", "nzd": "NZD", "nz$": "NZD",
    "¥": "JPY", "jpy": "JPY", "huf": "HUF", "ft": "HUF", "inr": "INR", "₹": "INR",
}  # fmt: skip
_BEFORE = r"US\$|CA\$|AU\$|NZ\$|[€£$¥₹]|\b(?:EUR|GBP|USD|CHF|SFr\.?|Fr\.|CAD|AUD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|INR)"
_AFTER = r"[€£$¥₹]|(?:EUR|GBP|USD|CHF|CAD|AUD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|INR|euros?|pounds|dollars|zł|Kč)\b"
_AMOUNT = (
    r"\d{1,3}(?:[.,'’ \u00a0\u202f]\d{3}){1,2}(?!\d)(?:[.,]\d{2}(?!\d))?|\d{1,6}(?:[.,](?:\d{1,2}(?!\d)|-{1,2}|–|—))?"
)
_PRICE = re.compile(
    rf"(?:(?P<before>{_BEFORE})\s{{0,2}}(?P<one>{_AMOUNT})|(?<![\d.,:/])(?P<two>{_AMOUNT})\s{{0,2}}(?P<after>{_AFTER}))",
    re.IGNORECASE,
)
_FREE = re.compile(
    r"\b(?:free (?:admission|entry|entrance|event|of charge|to (?:attend|enter|join|visit)|for (?:all|everyone|everybody)|drop[- ]in|tickets?)"
    r"|(?:admission|entry|entrance|event|tickets?|attendance|price|cost)\s?(?:is|are|:|-|–)?\s?free\b|no (?:charge|cost|admission fee)"
    r"|complimentary admission|kosten(?:los|frei)|gratis|unentgeltlich|eintritt\s?(?:ist\s)?(?::\s?)?frei|freier eintritt|gratuite?s?"
    r"|gratuit[ao]s?|(?:entr[ée]e|acc[eè]s) libre|entrada (?:libre|gratuita)|ingresso (?:libero|gratuito)|gratuitamente|vrije toegang"
    r"|toegang vrij)\b"
    r"|^\s?free\s?[.!]?\s?$",
    re.IGNORECASE,
)
_NOT_FREE = re.compile(
    r"\b(?:not|kein\w*|nicht|pas|non?|parking|parken|parkplatz|wi-?fi|wlan|under \d+s?|unter \d+)\W{0,3}$",
    re.IGNORECASE,
)
_FOR_SOME = re.compile(
    r"^\W{0,3}(?:for|für|pour|para|per|voor) (?!all|everyone|everybody|alle|tou|tod|tutti|iedereen)\w+", re.IGNORECASE
)
_AUDIENCE = re.compile(
    r"\b(adults?|child(?:ren)?|kids?|famil(?:y|ies)|concessions?|students?|seniors?|members?|non-members?|under[- ]\d{1,2}s?|toddlers?|"
    r"bab(?:y|ies)|erwachsene[rn]?|kind(?:er|ern)?|familien?|familienkarte|ermäßigt|schüler|studierende|adultes?|enfants?|famille|réduit|"
    r"adultos?|niñ[oa]s?|familia|reducida|adult[io]|bambin[io]|famiglia|ridotto|volwassenen?|kinderen|gezin)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class PriceSpan:
    """One price at ``begin`` to ``stop``; ``price`` is a decimal text such as "4.50", ``name`` says for whom where the text does."""

    price: str
    currency: str
    name: str
    begin: int
    stop: int


def find_prices(text: str) -> list[PriceSpan]:
    """Return the amounts of money in the first 20,000 characters, in text order."""
    text = text[:MAX_TEXT]
    spans: list[PriceSpan] = []
    last = 0
    for match in _PRICE.finditer(text):
        sign = (match["before"] or match["after"]).casefold()
        price = decimal(match["one"] or match["two"])
        spans.append(
            PriceSpan(
                price,
                CURRENCIES.get(sign, CURRENCIES.get(sign.rstrip("."), "")),
                _audience(text, last, match),
                *match.span(),
            )
        )
        last = match.end()
    return spans


def _audience(text: str, last: int, match: re.Match[str]) -> str:
    """The audience that stands just before the price, or else right behind it."""
    before = _AUDIENCE.findall(text[max(last, match.start() - 40) : match.start()])
    if before:
        return before[-1]
    after = _AUDIENCE.match(
        re.sub(
            r"^[\s(]{0,3}(?:(?:per|for|pro|für|par|pour|per|por|voor|each)\s)?",
            "",
            text[match.end() : match.end() + 30],
        )
    )
    return after[0] if after else ""


def decimal(amount: str) -> str:
    """Return an amount as a decimal text: 1.234,50 is 1234.50, 5,- is 5.00."""
    amount = re.sub(r"[\s'’]", "", amount)
    amount = re.sub(r"[.,][-–—]+$", "", amount)
    whole, mark, cents = amount, "", ""
    split = re.match(r"^(.*)([.,])(\d{1,2})$", amount)
    if split:
        whole, mark, cents = split.groups()
    digits = re.sub(r"\D", "", whole).lstrip("0") or "0"
    return f"{digits}.{(cents or '0').ljust(2, '0')}" if mark else f"{digits}.00"


def is_free(text: str) -> bool:
    """Return whether the text says that it costs nothing, to everybody."""
    text = text[:MAX_TEXT]
    for match in _FREE.finditer(text):
        if not _NOT_FREE.search(text[max(0, match.start() - 20) : match.start()]) and not _FOR_SOME.match(
            text[match.end() : match.end() + 30]
        ):
            return True
    return False
