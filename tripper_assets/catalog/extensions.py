"""Which extensions of PostgreSQL the catalog needs, and what has to be done about one that is missing or stands elsewhere."""

from typing import NamedTuple

from sqlalchemy import Connection, text

EXTENSIONS = ("vector", "pg_trgm", "unaccent")


class Extension(NamedTuple):
    """One extension in one database."""

    name: str
    schema: str | None
    """Where it is installed, None where it is not."""
    is_offered: bool
    """Whether the server has it at all."""
    may_create: bool
    """Whether this role may install it."""
    database: str
    role: str


def extensions(connection: Connection) -> list[Extension]:
    """Return the needed extensions as they are in the connection's database."""
    return [Extension(*row) for row in connection.execute(text(_EXTENSIONS), {"names": list(EXTENSIONS)})]


def misplaced(found: list[Extension]) -> str:
    """Return what mends the first extension that is installed in another schema than the one it is looked for in; empty where none is."""
    one = next((one for one in found if one.schema not in {None, "public"}), None)
    if one is None:
        return ""
    return (
        f"has the extension {one.name} in the schema {one.schema}, and public is where it is looked for; "
        f"run `ALTER EXTENSION {one.name} SET SCHEMA public` in the database {one.database} as its owner"
    )


def uninstallable(found: list[Extension]) -> str:
    """Return what mends the first extension that an upgrade cannot install; empty where it can install all that are missing."""
    for one in (one for one in found if one.schema is None):
        if not one.is_offered:
            return (
                f"has no extension {one.name}; install it there "
                "(vector is the package pgvector, the others are PostgreSQL's contrib)"
            )
        if not one.may_create:
            return (
                f"lacks the extension {one.name}, and the role {one.role} may not install it; have an administrator run "
                f"`CREATE EXTENSION {one.name} SCHEMA public` in the database {one.database}, then run `tripper db upgrade`"
            )
    return ""


# A trusted extension may be installed by whoever may create things in the database, any other by a superuser alone.
_EXTENSIONS = """
    SELECT wanted.name, namespace.nspname, offered.name IS NOT NULL,
        (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
            OR coalesce(offered.trusted AND has_database_privilege(current_database(), 'CREATE'), false),
        current_database(), current_user
    FROM unnest(CAST(:names AS text[])) WITH ORDINALITY AS wanted(name, place)
    LEFT JOIN pg_extension AS here ON here.extname = wanted.name
    LEFT JOIN pg_namespace AS namespace ON namespace.oid = here.extnamespace
    LEFT JOIN LATERAL (
        SELECT name, bool_or(trusted) AS trusted FROM pg_available_extension_versions WHERE name = wanted.name GROUP BY name
    ) AS offered ON true
    ORDER BY wanted.place
"""
