"""What tests of the import and of the search share: a registered source, and activities of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import numpy as np
import pytest

from tripper_assets.catalog.activities import import_snapshot
from tripper_assets.catalog.database import Database
from tripper_assets.catalog.sources import SourceRegistry
from tripper_assets.catalog.workflows import Workflows
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.identity import activity_id, content_sha256, ids_sha256, text_sha256
from tripper_assets.domain.maps import EmbeddingsMap
from tripper_assets.domain.sources import Source, make_source
from tripper_assets.domain.workflows import ImportSummary, Workflow

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
MODEL = "tiny"


@dataclass
class Site:
    """One source of the catalog, and how its activities are made and imported."""

    database: Database
    source: Source
    at: datetime = AT
    workflow_ids: list[str] = field(default_factory=list)

    def activity(self, name: str, *, index: int = 0, **fields: Any) -> Activity:
        values = {
            "id": activity_id(self.source.key, f"url:{name}"),
            "index": index,
            "source_key": self.source.key,
            "source_url": self.source.url,
            "url": f"{self.source.url}{name.replace(' ', '-')}",
            "type": "Event",
            "name": name,
        }
        made = Activity.model_validate({**values, **fields})
        try:
            return made.model_copy(update={"content_sha256": content_sha256(made.dump())})
        except ValueError:
            return made  # NaN has no canonical form, and that is what its test is about

    def activities(self, count: int) -> list[Activity]:
        return [self.activity(f"activity {number:03d}", index=number) for number in range(count)]

    def new_workflow(self) -> str:
        name = str(uuid4())
        workflow = Workflow(
            id=name, source_key=self.source.key, source_url=self.source.url, status="running", config={}, created_at=AT
        )
        Workflows(self.database).start(workflow)
        self.workflow_ids.append(name)
        return name

    def load(self, records: Sequence[Activity], vectors: EmbeddingsMap | None = None, **options: Any) -> ImportSummary:
        """Import the records as a new workflow; the bundle's hash follows from them."""
        bundle = text_sha256("\n".join(map(repr, records)))
        values = {"workflow_id": self.new_workflow(), "bundle_sha256": bundle, "at": self.at}
        return import_snapshot(
            self.database, source_key=self.source.key, records=records, vectors=vectors, **{**values, **options}
        )

    def vectors(self, records: Sequence[Activity], dimensions: int = 3, model: str = MODEL) -> EmbeddingsMap:
        """Return a unit vector for each record, from its name alone."""
        rows = [_unit(one.name, dimensions) for one in records]
        ids = tuple(one.id for one in records)
        texts = tuple(text_sha256(one.name) for one in records)
        return EmbeddingsMap(ids_sha256(ids), model, ids, texts, np.array(rows, dtype=np.float32))


def _unit(text: str, dimensions: int) -> np.ndarray[Any, Any]:
    seed = int(text_sha256(text)[:8], 16)
    vector = np.random.default_rng(seed).normal(size=dimensions)
    return vector / np.linalg.norm(vector)


@pytest.fixture
def make_site(database: Database) -> Callable[[str], Site]:
    def make(host: str) -> Site:
        return Site(database, SourceRegistry(database).add(make_source(f"https://{host}/")))

    return make


@pytest.fixture
def site(make_site: Callable[[str], Site]) -> Site:
    return make_site("zoo.example")
