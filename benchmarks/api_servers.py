"""The two servers that the benchmark of the API asks: the API, and a bare FastAPI app whose routes ask the catalog the same and nothing else."""

import json
import sys
from datetime import UTC, datetime
from typing import Any

import uvicorn
from fastapi import FastAPI

from tripper_assets.api.app import create_app
from tripper_assets.catalog.activity_reading import current_record
from tripper_assets.catalog.database import Database
from tripper_assets.domain.search import Question
from tripper_assets.questions import ask
from tripper_assets.resources import catalog_on
from tripper_assets.settings import load_settings


def bare_app() -> FastAPI:
    """Return an app without a token, limits, headers, counts or problems."""
    app, settings = FastAPI(), load_settings()
    database = Database(settings.database_url.get_secret_value())
    catalog = catalog_on(database, settings.home)

    @app.get("/healthz")
    def alive() -> dict[str, str]:
        return {}

    @app.get("/v1/activities/search")
    def found(q: str, limit: int) -> dict[str, Any]:
        page = ask(settings, catalog, Question(text=q, meaning=q), limit=limit, now=datetime.now(UTC))
        return page.model_dump(mode="json")

    @app.get("/v1/activities/{activity_id}")
    def one(activity_id: str) -> Any:  # noqa: ANN401 (any JSON value)
        with database.reading() as connection:
            record = current_record(connection, activity_id)
        return json.loads(record.text) if record else None

    return app


if __name__ == "__main__":
    app = create_app() if sys.argv[1] == "ours" else bare_app()
    uvicorn.run(app, port=int(sys.argv[2]), access_log=False, log_level="warning")
