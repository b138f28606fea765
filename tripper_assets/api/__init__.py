"""The API and the pages: what programs and people see of the catalog, and ask of the graph."""
