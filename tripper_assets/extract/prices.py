"""Prices that a text states: amounts with their currency and for whom, and that something is free."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tripper_assets.domain.activities import Offer
from tripper_assets.extract.price_words import (
    BEHIND,
    FOR_SOME,
    FREE,
    FREE_FOR,
    MULTIPLE_AFTER,
    NAMED,
    NO_PRICE_AFTER,
    NO_PRICE_BEFORE,
    NOT_FREE_AFTER,
    NOT_FREE_BEFORE,
    OTHER_MONEY,
)
from tripper_assets.extract.texts import folded, holds_one

MAX_TEXT = 20_000
NAME_REACH = 60
CURRENCIES = {
    "€": "EUR", "eur": "EUR", "euro": "EUR", "euros": "EUR", "£": "GBP", "gbp": "GBP", "pounds": "GBP", "pound": "GBP", "p": "GBP", "$": "USD",
    "us$": "USD", "usd": "USD", "dollars": "USD", "chf": "CHF", "sfr": "CHF", "fr.": "CHF", "francs": "CHF", "franken": "CHF", "franchi": "CHF",
    "sek": "SEK", "nok": "NOK", "dkk": "DKK", "pln": "PLN", "zł": "PLN", "czk": "CZK", "kč": "CZK", "cad": "CAD", "ca$": "CAD", "c$": "CAD",
    "aud": "AUD", "au$": "AUD", "a$": "AUD", "nzd": "NZD", "nz$": "NZD", "¥": "JPY", "jpy": "JPY", "huf": "HUF", "ft": "HUF", "inr": "INR", "₹": "INR",
    "cent": "EUR", "centimes": "EUR", "céntimos": "EUR", "centesimi": "EUR",
}  # fmt: skip
_SMALL = frozenset({"p", "cent", "centimes", "céntimos", "centesimi"})
_BEFORE = r"(?<!\w)(?:us|ca|au|nz|a|c)\$|[€£$¥₹]|\b(?:eur|gbp|usd|chf|sfr\.?|fr\.(?!\s?\d{1,2}\.\s?[\da-zä])|cad|aud|nzd|sek|nok|dkk|pln|czk|huf|inr|euro)"
_AFTER = (
    r"[€£$¥₹](?![a-z_])|(?:eur|gbp|usd|chf|cad|aud|nzd|sek|nok|dkk|pln|czk|huf|inr|euros?|pounds?|dollars|francs|franken|franchi|zł|kč|cent|centimes|céntimos"
    r"|centesimi|(?<=\d)p(?!\.|\sm\b))(?!\w)"
)
_AMOUNT = r"\d{1,3}(?:[.,'’ \u00a0\u202f]\d{3}){1,2}(?!\d)(?:[.,](?:\d{2}(?!\d)|-{1,2}|–|—))?|\d{1,6}(?:[.,](?:\d{1,2}(?!\d)|-{1,2}|–|—))?"
_TO = r"\s?(?:-|–|—|/|to|bis|à|al?|tot)\s?"
_AND = r"\s(?:and|und|et|y|e|en)\s"
_ALONE = r"(?=\s{0,2}(?:$|[,;)|·]|\.(?!\d)|per\b|pro\b|par\b|por\b|each\b|p\.?\s?p\b))"
_PRICE = re.compile(
    rf"(?:(?P<before>{_BEFORE})\s{{0,2}}(?P<one>{_AMOUNT})(?:{_TO}(?P<upto>\d{{1,4}}(?:[.,]\d{{2}})?){_ALONE})?"
    rf"|(?<![\w.,:])(?<!\d/)(?<![\d]-)(?:(?P<least>\d{{1,4}}(?:[.,](?:\d{{1,2}}|-))?)(?:{_TO}|(?<=between \d){_AND}|(?<=zwischen \d){_AND}|(?<=entre \d){_AND}|(?<=tra \d){_AND}|(?<=tussen \d){_AND}))?"
    rf"(?P<two>{_AMOUNT})\s{{0,2}}(?P<after>{_AFTER})(?:(?<=€)(?P<cents>\d{{2}})(?!\d))?)",
)
_SIGN = re.compile(r"[€£$¥₹]")
_REACH = 60
"""Characters before a sign in which what belongs to it begins: two amounts of at most 20 with what stands between them."""
_MONEY = (
    "eur", "gbp", "usd", "chf", "fr.", "sfr", "cad", "aud", "nzd", "sek", "nok", "dkk", "pln", "czk", "huf", "inr", "pound",
    "dollar", "franc", "frank", "franchi", "zł", "kč", "cent", "cént", *(f"{digit}p" for digit in range(10)),
)  # fmt: skip
_COSTLESS = (
    "free", "frei", "grat", "kosten", "libre", "liber", "no charge", "no cost", "complimentary", "unentgelt", "ohne", "sin cost", "senza", "vrij",
    "kosteloos", "no admission", "no entry",
)  # fmt: skip
_BRACKETS = re.compile(r"\([^()]{0,60}\)")


@dataclass(frozen=True, slots=True)
class PriceSpan:
    """One price at ``begin`` to ``stop``; ``price`` is a decimal text such as "4.50", ``name`` says for whom where the text does.

    What is free for some is 0.00 with their name, in the currency of the other prices; empty where there are none.
    """

    price: str
    currency: str
    name: str
    begin: int
    stop: int

    @property
    def offer(self) -> Offer:
        """The price as a schema.org Offer."""
        return Offer(name=self.name, price=self.price, priceCurrency=self.currency)


def find_prices(text: str) -> list[PriceSpan]:
    """Return the amounts of money in the first 20,000 characters, in text order; both ends of a range, and 0.00 for those who go free."""
    stated, text = text, folded(text[:MAX_TEXT])
    matches = _PRICE.finditer(text) if holds_one(text, _MONEY) else _near_signs(text)
    spans: list[PriceSpan] = []
    last, others = 0, holds_one(text, OTHER_MONEY)
    for match in matches:
        if MULTIPLE_AFTER.match(text, match.end()) or (others and _is_other_money(text, match)):
            continue
        begin, end = _audience(text, last, match)
        spans += _prices(match, stated[begin:end])
        last = max(match.end(), end)
    return sorted([*spans, *_free_for_some(stated, text, spans)], key=lambda span: span.begin)


def _near_signs(text: str) -> Iterator[re.Match[str]]:
    """Yield the matches of a text whose only words of money are signs: each holds one, so that the rest need not be gone through."""
    last = 0
    for sign in _SIGN.finditer(text):
        if sign.start() < last:
            continue
        match = _PRICE.search(text, max(last, sign.start() - _REACH))
        if match is None:
            return
        last = match.end()
        yield match


def _is_other_money(text: str, match: re.Match[str]) -> bool:
    return bool(
        NO_PRICE_AFTER.match(text, match.end())
        or NO_PRICE_BEFORE.search(text[max(0, match.start() - 30) : match.start()])
    )


def _prices(match: re.Match[str], name: str) -> list[PriceSpan]:
    """Return the price of a match, or the two of a range."""
    sign = (match["before"] or match["after"]).casefold()
    currency = CURRENCIES.get(sign, CURRENCIES.get(sign.rstrip("."), ""))
    amounts = [match["one"], match["upto"]] if match["before"] else [match["least"], match["two"]]
    prices = [decimal(amount) for amount in amounts if amount]
    if match["cents"]:
        prices = [f"{prices[-1][:-3]}.{match['cents']}"]
    if sign in _SMALL:
        prices = [f"{float(price) / 100:.2f}" for price in prices]
    return [PriceSpan(price, currency, name, *match.span()) for price in prices]


def _audience(text: str, last: int, match: re.Match[str]) -> tuple[int, int]:
    """Return where the audience stands: just before the price, but not in brackets there, or else right behind it."""
    begin = max(last, match.start() - NAME_REACH)
    before = _BRACKETS.sub(lambda found: " " * len(found[0]), text[begin : match.start()])
    named = [one.span() for one in NAMED.finditer(before)]
    if named:
        return begin + named[-1][0], begin + named[-1][1]
    after = BEHIND.match(text, match.end())
    return after.span("who") if after else (0, 0)


def _free_for_some(stated: str, text: str, spans: list[PriceSpan]) -> list[PriceSpan]:
    if not holds_one(text, _COSTLESS):
        return []
    currency = next((span.currency for span in spans if span.currency), "")
    return [
        PriceSpan("0.00", currency, stated[slice(*match.span("who" if match["who"] else "whom"))], *match.span())
        for match in FREE_FOR.finditer(text)
    ]


def decimal(amount: str) -> str:
    """Return an amount as a decimal text: 1.234,50 is 1234.50, 5,- is 5.00."""
    amount = re.sub(r"[\s'’]", "", amount)
    amount = re.sub(r"[.,][-–—]*$", "", amount)
    whole, mark, cents = amount, "", ""
    split = re.match(r"^(.*)([.,])(\d{1,2})$", amount)
    if split:
        whole, mark, cents = split.groups()
    digits = re.sub(r"\D", "", whole).lstrip("0") or "0"
    return f"{digits}.{(cents or '0').ljust(2, '0')}" if mark else f"{digits}.00"


def is_free(text: str) -> bool:
    """Return whether the text says that it costs nothing, to everybody."""
    text = folded(text[:MAX_TEXT])
    if not holds_one(text, _COSTLESS):
        return False
    some: list[tuple[int, int]] | None = None
    for match in FREE.finditer(text):
        before, after = text[max(0, match.start() - 20) : match.start()], text[match.end() : match.end() + 30]
        if NOT_FREE_BEFORE.search(before) or NOT_FREE_AFTER.match(after) or FOR_SOME.match(after):
            continue
        some = [one.span() for one in FREE_FOR.finditer(text)] if some is None else some
        if not any(begin < match.end() and match.start() < end for begin, end in some):
            return True
    return False
