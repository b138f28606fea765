"""How a source gets into the registry from a form, whoever shows that: the Launchpad, the API and the dashboard."""

from typing import Any

from tripper_assets.domain.sources import Source, make_source, parse_config
from tripper_assets.resources import Catalog


def put_source(catalog: Catalog, url: str, config: dict[str, Any], location_id: str | None) -> Source:
    """Register a source, or change the fields of a registered one that ``config`` names.

    Raises:
        ConfigurationError: the URL or a field is wrong.
        NotFoundError: the location is not in the catalog.
    """
    made = make_source(url)
    known = catalog.sources.get(made.key) or made
    values = known.config.model_dump(mode="json") | config
    wanted = known.model_copy(
        update={
            "config": parse_config(values, subject=made.url),
            "location_id": location_id or known.location_id,
        }
    )
    catalog.sources.sync([wanted])
    return wanted
