"""How Alembic runs on the connection that it is handed (catalog/database.py); there is no alembic.ini and no offline mode."""

from alembic import context
from sqlalchemy import Connection, text

from tripper_assets.catalog.database import SCHEMA
from tripper_assets.catalog.tag_models import Base


def _migrate(connection: Connection) -> None:
    # Alembic writes its version table before the first revision runs, so the schema comes first.
    connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        version_table_schema=SCHEMA,
        include_schemas=True,
        include_name=lambda name, kind, _: kind != "schema" or name == SCHEMA,
    )
    context.run_migrations()


_migrate(context.config.attributes["connection"])
