"""The Postgres catalog: sources, workflows, caches and the activities themselves."""
