"""`tripper usage`: what was paid, for whom and on which day, and what of it is open."""

from datetime import UTC, datetime

import pytest

from tripper_assets.catalog.database import Database
from tripper_assets.catalog.usage import PaidCallTable
from tripper_assets.domain.batches import Origin
from tripper_assets.domain.llm import Usage
from tripper_assets.domain.sources import make_source
from tripper_assets.domain.workflows import Workflow
from tripper_assets.resources import catalog_on
from tripper_assets_tests.cli.conftest import Shell

ZOO = make_source("https://zoo.example/")
LATE, EARLY = datetime(2026, 5, 2, 0, 30, tzinfo=UTC), datetime(2026, 5, 1, 23, 30, tzinfo=UTC)


def paid_calls(shell: Shell) -> None:
    """Leave a call that was paid for a source, one that was lost, and one that a person's search cost."""
    database = Database(shell.environment["TRIPPER_DATABASE_URL"])
    catalog = catalog_on(database, shell.home)
    catalog.sources.add(ZOO)
    row = Workflow(id="w", source_key=ZOO.key, source_url=ZOO.url, status="running", config={}, created_at=EARLY)
    catalog.workflows.start(row)
    origin = Origin("w", ZOO.key, "embedding_batch", "embeddings")
    early, late = PaidCallTable(database, "openai", lambda: EARLY), PaidCallTable(database, "openai", lambda: LATE)
    early.settle(early.reserve("small", Usage(input=90), 0.9, origin, requests=2), Usage(input=50), 0.5)
    late.reserve("small", Usage(input=20), 0.2, origin, requests=1)
    late.settle(late.reserve("large", Usage(input=9), 0.3, None, requests=1), Usage(input=7), 0.25)
    database.dispose()


@pytest.mark.usefixtures("gazetteer")
def test_what_was_paid_is_shown_by_provider_source_and_day(shell: Shell) -> None:
    before = shell("usage")
    paid_calls(shell)

    title, *table = shell("usage").out.splitlines()
    by = {group: shell("usage", "--by", group, "--json").json for group in ("provider", "source", "purpose", "day")}

    assert (before.code, before.out.strip()) == (0, "Nothing was paid: no provider that costs something was asked.")
    assert title == "Paid to providers"
    assert table[0].split("\t") == [
        "provider",
        "requests",
        "input tokens",
        "output tokens",
        "all tokens",
        "USD",
        "of it open",
    ]
    assert table[1].split("\t") == ["openai:small", "3", "50", "0", "70", "0.7000", "0.2000"]
    assert table[2].split("\t") == ["openai:large", "1", "7", "0", "7", "0.2500", "0.0000"]
    sums = {
        group: [(one["group"], one["requests"], round(one["usd"], 6), one["open_usd"]) for one in found]
        for group, found in by.items()
    }
    assert sums == {
        "provider": [("openai:small", 3, 0.7, 0.2), ("openai:large", 1, 0.25, 0)],
        "source": [(ZOO.key, 3, 0.7, 0.2), ("(none)", 1, 0.25, 0)],
        "purpose": [("embeddings", 3, 0.7, 0.2), ("search", 1, 0.25, 0)],
        "day": [("2026-05-02", 2, 0.45, 0.2), ("2026-05-01", 2, 0.5, 0)],
    }
