"""Whatever a page names as a picture, and wherever a picture's server sends on to: no connection is made to an address that is not open."""

import asyncio
import html
import json

import pytest

from tripper_assets.clients.addresses import AddressGuard
from tripper_assets.clients.http import HttpClient
from tripper_assets.clients.image_desk import Darkroom
from tripper_assets.clients.images import collect_images
from tripper_assets.clients.objects import Objects
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.maps import ImageRow
from tripper_assets.domain.sources import make_source
from tripper_assets.domain.standardize import standardize
from tripper_assets.extract import extract_activities
from tripper_assets_tests.clients.hostile_run import activity
from tripper_assets_tests.clients.loopback import Answer, LoopbackSite
from tripper_assets_tests.clients.picture_town import NOW, Remembered, Sketches, sketch
from tripper_assets_tests.clients.test_ssrf_doors import NAMES, Names, inward

# Were an inner address let through, it should be the listener that tells, and not the tests' own guard.
pytestmark = pytest.mark.allow_hosts(["127.0.0.1", "127.0.0.2", "::1"])
EVENT = '{"@type": "Event", "name": "Door %d", "startDate": "2026-05-12", "url": "/door/%d", "image": [%s]}'
DOORS = {
    "JSON-LD": '<script type="application/ld+json">{event}</script>',
    "og:image": '<meta property="og:title" content="Door {number}"><meta property="og:image" content="{url}">{bare}',
    "og:image:secure_url": (
        '<meta property="og:title" content="Door {number}"><meta property="og:image" content="/good.jpg">'
        '<meta property="og:image:secure_url" content="{url}">{bare}'
    ),
    "twitter:image": '<meta property="og:title" content="Door {number}"><meta name="twitter:image" content="{url}">{bare}',
    "img src": '<main><h1>Door {number}</h1><p>12 May 2026, 10:00</p><img src="{url}"></main>',
    "img data-src": '<main><h1>Door {number}</h1><p>12 May 2026, 10:00</p><img data-src="{url}"></main>',
    "img srcset": '<main><h1>Door {number}</h1><p>12 May 2026, 10:00</p><img src="/good.jpg" srcset="{url} 2x, {url} 1w"></main>',
    "picture source": '<main><h1>Door {number}</h1><p>12 May 2026, 10:00</p><picture><source srcset="{url} 2000w"><img></picture></main>',
    "base": '<base href="{url}"><main><h1>Door {number}</h1><p>12 May 2026, 10:00</p><img src="inside.jpg"></main>',
    "microdata": (
        '<div itemscope itemtype="https://schema.org/Event"><b itemprop="name">Door {number}</b>'
        '<time itemprop="startDate" datetime="2026-05-12"></time><img itemprop="image" src="{url}"></div>'
    ),
}


def collect(activities: list[Activity], site: LoopbackSite) -> tuple[ImageRow, ...]:
    async def run() -> tuple[ImageRow, ...]:
        guard = AddressGuard(frozenset({("127.0.0.1", site.port)}))
        async with HttpClient(user_agent="doors/1", guard=guard, timeout_seconds=20, resolve=Names(NAMES)) as client:
            rows, _ = await collect_images(
                activities,
                client=client,
                darkroom=Darkroom(Objects("memory://"), Sketches()),
                known=Remembered(),
                clock=lambda: NOW,
            )
        return rows

    return asyncio.run(run())


def stated_behind(door: str, site: LoopbackSite, urls: list[str]) -> list[Activity]:
    """Return the activities of pages that put each URL there, and the URLs that the last one names."""
    raw = []
    for number, url in enumerate(urls):
        event = EVENT % (number, number, json.dumps(url))
        bare = f'<script type="application/ld+json">{EVENT % (number, number, "")}</script>'
        page = DOORS[door].format(url=html.escape(url), event=event, number=number, bare=bare)
        found = extract_activities(
            page.encode("utf-8", "replace"), url=site.url(f"/door/{number}"), content_type="text/html", now=NOW
        )
        raw += found.activities
    return list(standardize(raw, make_source(site.url("/")), now=NOW).activities)


@pytest.mark.parametrize("door", DOORS)
def test_no_picture_of_a_page_leads_inward(
    site: LoopbackSite, inner: LoopbackSite, trap: LoopbackSite, door: str
) -> None:
    site.answer("/good.jpg", Answer(200, sketch(1, 640, 480)))
    urls = [*inward(site, trap), f"{site.root}/good.jpg"]

    activities = stated_behind(door, site, urls)
    rows = collect(activities, site)

    assert len(activities) >= len(urls) - 12
    assert any(image.sourceUrl.partition("//")[2].startswith("169.254.") for one in activities for image in one.image)
    assert (inner.connections, trap.connections) == (0, 0)
    assert {row.sourceUrl for row in rows if not row.problem} <= {site.url("/good.jpg")}


@pytest.mark.parametrize("hops", [1, 3])
def test_no_redirect_of_a_picture_leads_inward(
    site: LoopbackSite, inner: LoopbackSite, trap: LoopbackSite, hops: int
) -> None:
    urls = inward(site, trap)
    for number, url in enumerate(urls):
        location = url.replace("\r\n", " ").encode().decode("latin-1")
        for hop in range(hops):
            onward = f"/{number}.jpg" + f"?{hop + 1}" if hop + 1 < hops else location
            site.answer(
                f"/{number}.jpg" + (f"?{hop}" if hop else ""), Answer((302, 307, 308)[hop], b"", {"Location": onward})
            )

    rows = collect([activity(number, site.root) for number in range(len(urls))], site)

    assert len(rows) == len(urls)
    assert all(row.problem for row in rows)
    assert (inner.connections, trap.connections) == (0, 0)
