from tripper_assets.catalog.database import Database


def test_a_migrated_catalog_is_what_this_version_needs(database: Database) -> None:
    database.check()
