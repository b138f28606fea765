"""What a page says of itself: its canonical URL, where its list goes on, and whether it is an error, a wall or a shell with a good status."""

import re
from urllib.parse import urlsplit

from selectolax.lexbor import LexborNode

from tripper_assets.domain.activities import PageFacts, PageTrouble
from tripper_assets.domain.paging import has_page_number, without_page_number
from tripper_assets.extract.blocks import read_lines
from tripper_assets.extract.page import Page, absolute
from tripper_assets.extract.texts import clean

MAX_HEADING = 150
MAX_WALL_TEXT = 1_200
"""Characters of own text; a page that shows more than a form is no wall."""
MAX_SHELL_TEXT = 200
MAX_NOTICE_TEXT = 600
MAX_REFRESH_SECONDS = 5
MAX_PAGING = 50
LARGEST_SUSPECT = 400_000
"""Characters of markup beyond which nobody looks for a wall."""
FEWEST_LINKS = 3

NOT_FOUND = re.compile(
    r"^\W*404\b|\b(?:error|fehler|erreur|errore?)\W{0,3}404\b|\b404\W{0,3}(?:error|fehler|not found|page|seite)"
    r"|\b(?:page|event|activity|content|site|resource|document|article|listing|entry|item|url)\s(?:you[\w\s']{0,40}\s)?"
    r"(?:(?:was|is|has been|could|can|does|do)\s?)?(?:not|n't|cannot|can't|couldn't|isn't|doesn't)\s?(?:be\s)?(?:found|exist|available)"
    r"|\bno longer (?:exists?|available|on this site)|\b(?:has|have) been (?:removed|deleted)\b|\bnothing (?:was )?found\b|^\W*not found\b"
    r"|\b(?:seite|veranstaltung|inhalt|eintrag|termin)\s(?:[\w\s]{0,30}\s)?nicht (?:mehr )?(?:gefunden|verfügbar|vorhanden|existiert)"
    r"|^\W*nicht gefunden\b|\bexistiert nicht(?: mehr)?\b|\b(?:page|événement|contenu)\s(?:[\w\s]{0,20}\s)?(?:introuvable|non trouvée?|inexistante)"
    r"|\bn['’](?:existe|est) (?:pas|plus)(?: disponible)?\b|\bno (?:se (?:ha )?)?encontrad[ao]\b|\bno existe\b|\bno se ha podido encontrar"
    r"|\bnon (?:è stat[ao] )?trovat[ao]\b|\bnon esiste\b|\bniet (?:meer )?(?:gevonden|beschikbaar)\b|\bbestaat niet\b|\bnie (?:została )?znalezion",
    re.IGNORECASE,
)
LOGIN = re.compile(
    r"\b(?:log|sign)[\s-]?in\b|\blogin\b|\bmembers? only\b|\banmeld(?:en|ung)\b|\beinloggen\b|\bse connecter\b|\bconnexion\b|\bidentifi(?:ez|cation)"
    r"|\biniciar sesi[oó]n\b|\bacceder\b|\baccedi\b|\baccesso\b|\binloggen\b|\baanmelden\b|\bzaloguj",
    re.IGNORECASE,
)
LOGIN_PATH = re.compile(
    r"log-?in|sign-?in|account|anmeld|konto|connexion|compte|sesion|acceso|accedi|inloggen|register|auth", re.IGNORECASE
)
CHALLENGE = re.compile(
    r"challenge-platform|_cf_chl_opt|cf-browser-verification|captcha-delivery\.com|px-captcha|_incapsula_resource|/_sec/cp_challenge"
    r"|awswafcaptcha|ddos-guard|id=[\"']?challenge-(?:form|running)|/\.within\.website/|sgcaptcha",
    re.IGNORECASE,
)
CAPTCHA_WIDGET = re.compile(r"g-recaptcha|h-captcha|cf-turnstile|friendly-?captcha|smart-captcha", re.IGNORECASE)
PROVE_HUMAN = re.compile(
    r"\b(?:verify|prove|confirm|check)\w*\s(?:that\s)?you(?:'re| are)\s(?:a\s)?(?:human|not a (?:ro)?bot)|\bare you a (?:human|robot)\b|\bnot a robot\b"
    r"|\bunusual traffic\b|\bsecurity check\b|\bjust a moment\b|\battention required\b|\bchecking your browser\b|\bkein roboter\b|\bpas un robot\b"
    r"|\bno (?:eres|soy) un robot\b|\bnon sono un robot\b|\bgeen robot\b",
    re.IGNORECASE,
)
APP_ROOT = "#root, #app, #__next, #__nuxt, #___gatsby, #svelte, app-root, [ng-app], [data-reactroot], #application, #main-app, #spa"
NEEDS_SCRIPT = re.compile(r"java\s?script", re.IGNORECASE)
REFRESH = re.compile(r"^\s*(\d{1,4})(?:\.\d*)?\s*[;,]\s*(?:url\s*=\s*)?[\"']?([^\"']+)", re.IGNORECASE)


def page_facts(page: Page, links: list[str], *, says_nothing: bool) -> PageFacts:
    """Return what a page says of itself; only one that ``says_nothing`` (no activity) can be a wall or a shell."""
    return PageFacts(
        canonical=canonical_url(page),
        refresh=refresh_url(page),
        paging=paging_links(page, links),
        trouble=page_trouble(page, links) if says_nothing else "",
    )


def canonical_url(page: Page) -> str:
    """Return the page's own name for itself; empty where it names none, several, or where it was read."""
    found = {absolute(href, page.base) for href in _related(page, "canonical", ("link",))}
    only = found.pop() if len(found) == 1 else ""
    return "" if only == page.url else only


def refresh_url(page: Page) -> str:
    """Return where a meta refresh of at most 5 seconds leads; a page that reloads itself leads nowhere."""
    match = REFRESH.match(page.meta.get("refresh", ""))
    if match is None or int(match[1]) > MAX_REFRESH_SECONDS:
        return ""
    target = absolute(match[2], page.base)
    return "" if target == page.url else target


def paging_links(page: Page, links: list[str]) -> list[str]:
    """Return the links that go on with the page's own list: rel=next, and its own URL but for a page number."""
    # Of those that are no address some more are looked at; a list without end would take seconds.
    hrefs = list(dict.fromkeys(_related(page, "next", ("a", "link"))))[: 4 * MAX_PAGING]
    stated = [absolute(href, page.base) for href in hrefs]
    own = without_page_number(page.url)
    alike = [link for link in links if has_page_number(link) and without_page_number(link) == own]
    return [link for link in dict.fromkeys([*stated, *alike]) if link][:MAX_PAGING]


def _related(page: Page, relation: str, tags: tuple[str, ...]) -> list[str]:
    """Return the hrefs of a relation, as they stand in the page."""
    stated = ((tag, attributes.get("rel"), attributes.get("href") or "") for tag, attributes in page.links)
    return [href for tag, rel, href in stated if rel and tag in tags and relation in rel.lower().split()]


def page_trouble(page: Page, links: list[str]) -> PageTrouble:
    """Return why a page that states no activity says nothing, empty for an ordinary one."""
    if len(page.text) > LARGEST_SUSPECT or page.tree.body is None:
        return ""
    headings, text = _headings(page), _own_text(page)
    if CHALLENGE.search(page.text) and (len(text) < MAX_NOTICE_TEXT or any(map(PROVE_HUMAN.search, headings))):
        return "captcha"
    if len(text) < MAX_WALL_TEXT and CAPTCHA_WIDGET.search(page.text) and PROVE_HUMAN.search(text):
        return "captcha"
    if any(map(NOT_FOUND.search, headings)) or (len(text) < MAX_NOTICE_TEXT and NOT_FOUND.search(text)):
        return "soft_404"
    if _is_login_wall(page, headings, text):
        return "login_wall"
    return "empty_shell" if _is_shell(page, links, text) else ""


def _headings(page: Page) -> list[str]:
    nodes = [*page.tree.css("title")[:1], *page.tree.css("h1")[:2]]
    return [clean(node.text(deep=True, separator=" "))[:MAX_HEADING] for node in nodes]


def _own_text(page: Page) -> str:
    body = page.tree.body
    return " ".join(line.text for line in read_lines(body)) if body else ""


def _is_login_wall(page: Page, headings: list[str], text: str) -> bool:
    # The login page itself is no wall: nobody expected anything there.
    parts = urlsplit(page.url)
    if LOGIN_PATH.search(parts.path) or page.tree.css_first("input[type=password i]") is None:
        return False
    return len(text) < MAX_WALL_TEXT and (any(map(LOGIN.search, headings)) or LOGIN.search(text) is not None)


def _is_shell(page: Page, links: list[str], text: str) -> bool:
    if len(text) >= MAX_SHELL_TEXT or not _has_script(page):
        return False
    root = page.tree.css_first(APP_ROOT)
    asks = any(NEEDS_SCRIPT.search(node.text(deep=True)) for node in page.tree.css("noscript"))
    return (root is not None and not _shown(root)) or asks or (not text and len(links) < FEWEST_LINKS)


def _shown(root: LexborNode) -> bool:
    return sum(len(line.text) for line in read_lines(root)) > MAX_SHELL_TEXT // 4


def _has_script(page: Page) -> bool:
    return any(
        "src" in node.attributes or len(node.text(deep=True)) > MAX_SHELL_TEXT
        for node in page.tree.css("script:not([type]), script[type*=javascript i], script[type=module i]")
    )
