"""A Dagster asset graph that turns a source URL into reviewed, searchable things to do with children."""
