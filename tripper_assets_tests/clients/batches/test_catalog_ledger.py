"""The same voters with the catalog's own ledger: what is reserved and paid for tags stands in the usage of their workflow."""

from pathlib import Path

import pytest
from sqlalchemy import select

from tripper_assets.catalog.database import Database
from tripper_assets.catalog.llm_models import LlmUsageRow
from tripper_assets.catalog.submissions import Submissions
from tripper_assets.domain.batches import Origin
from tripper_assets.domain.sources import make_source
from tripper_assets.domain.workflows import Workflow
from tripper_assets.resources import catalog_on
from tripper_assets_tests.clients.batches.provider_server import CACHED, INPUT, OUTPUT, REASONING
from tripper_assets_tests.clients.batches.tag_world import NOW, PROVIDERS, Doors

SITE = make_source("https://zoo.example/")


@pytest.mark.long
@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_votes_cost_is_reserved_before_and_booked_after(
    doors: Doors, database: Database, tmp_path: Path, provider: str
) -> None:
    catalog = catalog_on(database, tmp_path)
    catalog.sources.add(SITE)
    catalog.workflows.start(
        Workflow(id="w", source_key=SITE.key, source_url=SITE.url, status="waiting", config={}, created_at=NOW)
    )
    world = doors.world(provider)
    world.ledger = Submissions(database)  # type: ignore[assignment]
    asked = world.questions(5)

    batch = world.tagger().submit(asked, Origin("w", SITE.key, "tag_batches", "tags"))
    reserved = usage_of(database)
    world.now = world.server.held["batch_000000"].ends_at
    world.tagger().poll(batch)
    world.tagger().collect(batch, asked, world.keep, at=world.now)
    paid = usage_of(database)

    assert [(row.status, row.purpose, row.provider) for row in reserved] == [("reserved", "tags", provider)]
    assert reserved[0].usd == pytest.approx(world.tagger().most_usd(asked))
    assert [row.status for row in paid] == ["paid"]
    assert (paid[0].input_tokens, paid[0].output_tokens) == (5 * INPUT, 5 * OUTPUT)
    assert (paid[0].cached_input_tokens, paid[0].reasoning_tokens) == (5 * CACHED, 5 * REASONING)
    assert paid[0].total_tokens == 5 * (INPUT + OUTPUT)


def usage_of(database: Database) -> list[LlmUsageRow]:
    with database.session() as session:
        return list(session.scalars(select(LlmUsageRow)))
