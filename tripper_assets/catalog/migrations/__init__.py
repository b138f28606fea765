"""The catalog's schema, one Alembic revision a file; a revision that was released is never changed."""
