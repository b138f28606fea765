"""What a list or a page is about where its own title does not say it: the sentence that introduces it, or the site's name."""

import re
from urllib.parse import urlsplit

from tripper_assets.domain.identity import fold
from tripper_assets.extract.blocks import Line
from tripper_assets.extract.page import Page, absolute
from tripper_assets.extract.page_titles import is_home
from tripper_assets.extract.texts import clean, plain_text

MAX_SITE_NAME = 80
MAX_SUBJECT_WORDS = 14
MAX_INTRODUCTION = 600
MAX_FIRST_LINKS = 60
_WORDS_OF_EVERY_LIST = (
    r"20\d\d|the|our|all|a|an|and|of|for|to|in|upcoming|past|previous|recent|future|current|next|new|open|public|regular|special|monthly|weekly|annual|"
    r"meetings?|sessions?|hearings?|schedules?|agendas?|minutes|notices?|dates?|times?|calendars?|events?|classes|activit(?:y|ies)|workshops?|archives?|"
    r"year|information|info|details?|documents?|presentations?|resources?|materials?|videos?|recordings?|list|listings?|programmes?|programs?|news|home|"
    r"welcome|overview|default|logo|image|header|banner|website|site|page|untitled|index|what s|whats|on|board|commission(?:ers?)?|committees?|council|groups?|kommende|nachste|vergangene|alle|unsere?|aktuelle?s?|termine|"
    r"veranstaltungen|veranstaltungskalender|kalender|programm|kurse|angebote|ubersicht|startseite|und|der|die|das|prochains?|evenements?|agenda|les|nos|"
    r"actualites|programmation|activites|ateliers|accueil|et|des|proximos|eventos|actividades|talleres|calendario|inicio|y|de|los|las|prossimi|eventi|"
    r"attivita|corsi|programma|laboratori|e|i|gli|komende|evenementen|activiteiten|overzicht|cursussen|en|onze|het"
)
_ABOUT_PAPERS = re.compile(
    r"\b(?:20\d\d|agendas?|minutes|schedules?|calendars?|information|archives?|documents?|presentations?|list|all|home|kalender|agenda|calendario|programma?)\b",
    re.IGNORECASE,
)
_NO_NAME = re.compile(rf"(?:(?:{_WORDS_OF_EVERY_LIST})(?:\s|$))+")
_HAPPENS = (
    r"(?:meets?|gathers?|(?:is|are) (?:usually |normally |generally )?(?:held|scheduled|running)|takes? place|will (?:be held|meet|take place)|"
    r"findet|finden|trifft sich|treffen sich|a lieu|ont lieu|se tient|se tiennent|se réuni(?:t|ssent)|se celebran?|tienen? lugar|se reúnen?|"
    r"si svolg(?:e|ono)|si tiene|si tengono|si riunis(?:ce|cono)|vind(?:t|en) plaats|kom(?:t|en) bijeen)"
)
_ARTICLE = r"(?:(?:the|our|all|die|der|das|unsere?|alle|le|la|les|nos|el|los|las|il|lo|gli|de|het|onze)\s)?"
_INTRODUCED = (
    re.compile(
        r"\bnext (?:[a-z]+ ){0,2}(?:meeting|session|hearing|class|performance)s? of (?:the )?(?P<subject>[^.!?,:;]{4,100}?)\s(?:is|will|takes|has)\b",
        re.IGNORECASE,
    ),
    re.compile(rf"^{_ARTICLE}(?P<subject>[^.!?:;]{{4,110}}?)\s{_HAPPENS}\b", re.IGNORECASE),
)
_MEETINGS_OF = re.compile(
    r"^(?:(?:regular|public|monthly|open|all)\s)*(?:meetings?|sessions?)\sof\s(?:the\s)?", re.IGNORECASE
)
_NO_SUBJECT = re.compile(
    r"^(?:it|they|we|you|he|she|this|these|that|those|which|there|who|what|where|each|every|any|no|if|when|while|as|please|in|on|at|from|by|for|to|with|during|"
    r"because|since|after|before|until|er|sie|es|wir|dies\w*|wenn|il|elle|ils|elles|nous|ce|cette|ces|si|questo|questa|quando|dit|deze|als|wij)\b",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-ZÄÖÜÉ])")
_PARTS = re.compile(r"\s[-–—·»|:]{1,2}\s")


def says_nothing(title: str) -> bool:
    """Return whether a title is made of words that every list has: Board Meeting Schedule 2021, Upcoming Events, Veranstaltungskalender."""
    words = fold(title)
    return not words or _NO_NAME.fullmatch(words) is not None


def introduced_name(text: str) -> str:
    """Return what a sentence says that meets or takes place, empty where it says no such thing.

    "All meetings of the Youth Council are held on Mondays" introduces the Youth Council, "The committee meets at nine" nothing.
    """
    for sentence in _SENTENCE_END.split(text[:MAX_INTRODUCTION]):
        for pattern in _INTRODUCED:
            match = pattern.search(sentence)
            subject = _MEETINGS_OF.sub("", match["subject"].strip(" ,\"'“”")) if match else ""
            if _is_subject(subject):
                return subject
    return ""


def _is_subject(text: str) -> bool:
    # A name begins with a capital or a number; what does not is the middle of a sentence.
    begins = bool(text) and (
        text[0].isupper() or (text[0].isdecimal() and any(word.istitle() for word in text.split()))
    )
    return begins and len(text.split()) <= MAX_SUBJECT_WORDS and not _NO_SUBJECT.match(text) and not says_nothing(text)


def telling_title(title: str, page: Page, lines: list[Line]) -> tuple[str, str]:
    """Return a title that names something, with the text that it was read from: the page's own, the introduced one, or the site's with its own."""
    if not says_nothing(title):
        return title, title
    for line in lines:
        subject = introduced_name(line.text) if not line.links else ""
        if subject:
            return subject, line.text
    site = site_name(page, title)
    if not site:
        return title, title
    own = _ABOUT_PAPERS.sub(" ", title).split()
    tells = any(fold(word) not in fold(site).split() for word in own)
    return (f"{site}: {' '.join(own)}" if tells else site), title or site


def site_name(page: Page, title: str) -> str:
    """Return what the site calls itself: in its meta elements, beside the page's title in the title element, or on its logo; empty where nowhere."""
    node = page.tree.css_first("title")
    shown = clean(node.text(deep=True)) if node else ""
    parts = [part for part in _PARTS.split(shown) if fold(part) != fold(title)]
    named = [
        page.meta.get("og:site_name", ""),
        page.meta.get("application-name", ""),
        *parts,
        *_shown_names(page),
    ]
    for text in named:
        name = re.sub(r"(?i)\s?\b(?:logo|home ?page)\b\s?", " ", plain_text(text)).strip()
        if name and len(name) <= MAX_SITE_NAME and not says_nothing(name) and fold(name) != fold(title):
            return name
    return ""


def _shown_names(page: Page) -> list[str]:
    """Return the texts of logos, and of the first links that lead to the home page."""
    logos = page.tree.css("[class*=logo] img[alt], img[class*=logo][alt], [id*=logo] img[alt], a[href='/'] img[alt]")[
        :3
    ]
    home = [
        link
        for link in page.tree.css("a[href]")[:MAX_FIRST_LINKS]
        if _leads_home(link.attributes.get("href") or "", page)
    ]
    return [
        *(logo.attributes.get("alt") or "" for logo in logos),
        *(text for link in home if len((text := clean(link.text(deep=True))).split()) > 1),
    ]


def _leads_home(href: str, page: Page) -> bool:
    url = absolute(href, page.base)
    return bool(url) and urlsplit(url).netloc == urlsplit(page.url).netloc and is_home(url)
