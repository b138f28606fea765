"""What a page says of itself."""

import pytest

from tripper_assets.extract.page import Page, find_links, parse_page
from tripper_assets.extract.page_facts import canonical_url, page_facts, page_trouble, paging_links, refresh_url

URL = "https://example.org/events?page=2"
LONG = "<p>There is a lot to read on this page of ours. </p>" * 60


def page(html: str, url: str = URL) -> Page:
    return parse_page(f"<html>{html}</html>".encode(), url, "text/html")[0]


def trouble(html: str, url: str = URL) -> str:
    shown = page(html, url)
    return page_trouble(shown, find_links(shown))


@pytest.mark.parametrize(
    ("head", "canonical"),
    [
        ('<link rel="canonical" href="/event/1#top">', "https://example.org/event/1"),
        ('<link rel="Canonical shortlink" href="https://example.org/event/1">', "https://example.org/event/1"),
        (f'<link rel="canonical" href="{URL}">', ""),
        ('<link rel="canonical" href="/a"><link rel="canonical" href="/b">', ""),
        (
            '<link rel="canonical" href="/a"><link rel="canonical" href="https://example.org/a">',
            "https://example.org/a",
        ),
        ('<link rel="canonical" href="mailto:a@b.c">', ""),
        ('<link rel="canonical">', ""),
        ('<base href="/kids/"><link rel="canonical" href="fair">', "https://example.org/kids/fair"),
    ],
)
def test_the_canonical_url_is_the_one_other_name_that_a_page_gives_itself(head: str, canonical: str) -> None:
    assert canonical_url(page(f"<head>{head}</head>")) == canonical


@pytest.mark.parametrize(
    ("content", "target"),
    [
        ("0; url=/new", "https://example.org/new"),
        ("5;URL='/new'", "https://example.org/new"),
        ("6; url=/new", ""),
        ("0", ""),
        (f"1; url={URL}", ""),
        ("0; url=javascript:void(0)", ""),
        ("soon; url=/new", ""),
    ],
)
def test_a_refresh_leads_on_where_it_does_so_at_once(content: str, target: str) -> None:
    assert refresh_url(page(f'<meta http-equiv="refresh" content="{content}">')) == target


def test_paging_links_are_those_stated_and_those_that_differ_in_a_page_number() -> None:
    shown = page(
        '<link rel="next" href="/more?token=x"><a href="?page=3">3</a><a href="/events?page=3&amp;sort=date">x</a>'
        '<a href="/events/page/4">4</a><a href="/news?page=3">n</a><a href="/event/1">e</a>'
    )

    assert paging_links(shown, find_links(shown)) == [
        "https://example.org/more?token=x",
        "https://example.org/events?page=3",
        "https://example.org/events/page/4",
    ]


@pytest.mark.parametrize(
    ("html", "kind"),
    [
        ("<title>404 – page not found</title><p>Sorry.</p>", "soft_404"),
        ("<title>Fair</title><h1>Seite nicht gefunden</h1>", "soft_404"),
        ("<h1>Oups</h1><p>Cette page est introuvable.</p>", "soft_404"),
        (f"<h1>Summer fair</h1><p>Lost property that is not found …</p>{LONG}", ""),
        ("<h1>Please log in</h1><form><input type=password></form>", "login_wall"),
        (f"<h1>Summer fair</h1>{LONG}<form>Log in <input type=password></form>", ""),
        ('<title>Just a moment...</title><script src="/cdn-cgi/challenge-platform/x.js"></script>', "captcha"),
        ('<p>Please verify that you are human.</p><div class="h-captcha"></div>', "captcha"),
        (f'<h1>Write to us</h1>{LONG}<div class="g-recaptcha"></div>', ""),
        ('<div id="root"></div><script src="/app.js"></script>', "empty_shell"),
        ('<noscript>Please enable JavaScript.</noscript><script src="/app.js"></script>', "empty_shell"),
        ("<h1>Fair</h1><p>On Sunday.</p>", ""),
    ],
)
def test_a_page_that_states_nothing_is_named_for_what_it_is_instead(html: str, kind: str) -> None:
    assert trouble(f"<body>{html}</body>") == kind


def test_a_login_page_is_no_wall() -> None:
    assert trouble("<body><h1>Log in</h1><input type=password></body>", "https://example.org/login") == ""


def test_a_page_that_states_something_has_no_trouble() -> None:
    shown = page("<title>404 not found</title>")

    assert page_facts(shown, [], says_nothing=False).trouble == ""
    assert page_facts(shown, [], says_nothing=True).trouble == "soft_404"
