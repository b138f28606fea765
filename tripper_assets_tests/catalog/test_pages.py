import math
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from tripper_assets.catalog.database import Database
from tripper_assets.catalog.pages import Pages
from tripper_assets.catalog.sources import SourceRegistry
from tripper_assets.domain.activities import AgeRange, Extraction, Provenance, RawActivity
from tripper_assets.domain.model import Problem
from tripper_assets.domain.pages import GonePage, KnownPage, PageState
from tripper_assets.domain.sources import make_source

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
SITE = make_source("https://zoo.example/")


@pytest.fixture
def pages(database: Database) -> Pages:
    SourceRegistry(database).add(SITE)
    return Pages(database)


def state(path: str, **fields: object) -> PageState:
    return PageState.model_validate({"url": f"https://zoo.example{path}", "status": 200, "fetched_at": AT, **fields})


def as_state(page: KnownPage) -> PageState:
    return PageState.model_validate({name: getattr(page, name) for name in PageState.model_fields})


def loaded(pages: Pages, key: str = SITE.key) -> dict[str, PageState]:
    return {url: as_state(page) for url, page in pages.load(key).items()}


def feeding(name: str = "Feeding the seals") -> Extraction:
    page = "https://zoo.example/seals"
    activity = RawActivity(
        page=page,
        name=name,
        ageRange=AgeRange(minValue=3),
        provenance={"name": Provenance(method="json-ld", page=page, evidence=name)},
    )
    problem = Problem(code="broken_block", subject=page)
    return Extraction(activities=[activity], links=["https://zoo.example/bears"], problems=[problem])


def test_a_page_comes_back_as_it_was_saved(pages: Pages) -> None:
    saved = state("/seals", etag='"abc"', last_modified="Fri", body_sha256="0" * 64, extraction=feeding())

    pages.save(SITE.key, [saved, state("/empty")])

    assert loaded(pages) == {saved.url: saved, "https://zoo.example/empty": state("/empty")}
    assert loaded(pages, "other-00000000") == {}


def test_saving_the_same_pages_again_writes_no_row(pages: Pages, database: Database) -> None:
    states = [state(f"/{number}", extraction=feeding(str(number))) for number in range(3)]
    pages.save(SITE.key, states)
    before = versions(database)

    pages.save(SITE.key, states)
    assert versions(database) == before

    pages.save(SITE.key, [states[0].model_copy(update={"etag": "new"}), *states[1:]])
    assert len(set(versions(database)) - set(before)) == 1


def versions(database: Database) -> list[str]:
    with database.connection() as connection:
        return list(connection.scalars(text("SELECT ctid::text || xmin::text FROM tripper.pages ORDER BY url")))


def test_text_that_postgres_refuses_does_not_lose_the_page(pages: Pages) -> None:
    odd = feeding("Seals\0 and \ud83d bears").model_copy(update={"links": ["https://zoo.example/a\0b"]})
    activity = odd.activities[0].model_copy(update={"ageRange": AgeRange(minValue=math.nan, maxValue=9)})

    pages.save(
        SITE.key,
        [state("/odd", content_type="text/\0html", extraction=odd.model_copy(update={"activities": [activity]}))],
    )

    found = pages.load(SITE.key)["https://zoo.example/odd"]
    assert found.extraction.activities[0].name == "Seals and \ufffd bears"
    assert found.extraction.activities[0].ageRange == AgeRange(maxValue=9)
    assert found.extraction.links == ["https://zoo.example/ab"]
    assert found.content_type == "text/html"


def test_a_url_as_long_as_a_url_may_be_can_be_saved(pages: Pages) -> None:
    long = state("/?q=" + "ü漢" * 1000)

    pages.save(SITE.key, [long])

    assert loaded(pages) == {long.url: long}


def test_a_gone_page_is_forgotten_until_it_answers_again(pages: Pages) -> None:
    pages.save(SITE.key, [state("/a"), state("/b")])

    gone = [GonePage(url=f"https://zoo.example{path}", reason="http_404") for path in ("/a", "/never-seen")]
    pages.forget(SITE.key, gone, AT)
    assert list(pages.load(SITE.key)) == ["https://zoo.example/b"]

    pages.save(SITE.key, [state("/a")])
    assert sorted(pages.load(SITE.key)) == ["https://zoo.example/a", "https://zoo.example/b"]


def test_a_page_that_another_version_wrote_is_unknown_and_not_an_error(pages: Pages, database: Database) -> None:
    pages.save(SITE.key, [state("/a"), state("/b")])
    with database.connection() as connection:
        connection.execute(text("""UPDATE tripper.pages SET extraction = '{"moods": []}' WHERE url LIKE '%/a'"""))

    assert list(pages.load(SITE.key)) == ["https://zoo.example/b"]


def test_nothing_to_save_asks_nothing(pages: Pages) -> None:
    pages.save(SITE.key, [])

    assert loaded(pages) == {}
