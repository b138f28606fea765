"""Which countries the catalog's activities are in: a town that a question names is looked for there."""

from sqlalchemy import text

from tripper_assets.catalog.database import Database

MOST_COUNTRIES = 10


def stated_countries(database: Database) -> list[str]:
    """Return the countries of the activities as ISO 3166-1 alpha-2 codes, the one with the most first."""
    with database.connection() as connection:
        return list(connection.scalars(text(_COUNTRIES), {"most": MOST_COUNTRIES}))


_COUNTRIES = """
    SELECT country_code FROM tripper.activities WHERE removed_at IS NULL AND country_code IS NOT NULL
    GROUP BY country_code ORDER BY count(*) DESC, country_code LIMIT :most
"""
