"""The columns of what is stored: what each one means, and which columns of the assets above it is made from."""

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, get_args, get_origin

import dagster as dg

from tripper_assets.domain.activities import Activity, RawActivity
from tripper_assets.domain.model import Model

Origins: TypeAlias = Mapping[str, tuple[str, ...]]
"""By column, the columns that it is made from, as ``asset.column``."""


def column_metadata(schema: dg.TableSchema, origins: Origins | None = None) -> dict[str, Any]:
    """Return what an asset's definition shows of its columns."""
    shown: dict[str, Any] = {"dagster/column_schema": schema}
    return shown | ({"dagster/column_lineage": _lineage(origins)} if origins else {})


def column_schema(model: type[Model]) -> dg.TableSchema:
    """Return the columns of a stored model, with what each one means."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(name, _type_name(field.annotation), description=field.description)
            for name, field in model.model_fields.items()
        ]
    )


VECTOR_COLUMNS = dg.TableSchema(
    columns=[
        dg.TableColumn("activity_id", "str"),
        dg.TableColumn("text_sha256", "str", description="Of the text that the vector was made from."),
        dg.TableColumn("vector", "list of float32", description="Unit length."),
    ]
)
"""The columns of embeddings_map, which is stored as arrays and not as rows of a model."""

REMOVED_COLUMNS = dg.TableSchema(
    columns=[
        dg.TableColumn("asset", "str", description="Whose stored object was removed."),
        dg.TableColumn("uri", "str", description="Where it was."),
        dg.TableColumn("bytes", "int", description="What removing it freed."),
    ]
)
"""The columns of the table that workflow_cleanup shows of what it removed."""

_STATED = tuple(name for name in RawActivity.model_fields if name in Activity.model_fields)
_KEPT = (*_STATED, "id", "index", "source_key", "source_url", "schema_version")
_TEXT = ("name", "category", "keywords", "location", "ageRange", "startDate", "description")
"""What the text that is embedded is made of."""
_FACTS = ("isAccessibleForFree", "offers", "endDate", "eventSchedule", "openingHoursSpecification")
"""What voters read beside it."""

ACTIVITY_ORIGINS: Origins = {
    **{name: (f"raw_activities.{name}",) for name in _STATED},
    "url": ("raw_activities.url", "raw_activities.page"),
    "id": ("raw_activities.identifier", "raw_activities.url", "raw_activities.page", "raw_activities.name", "raw_activities.location"),
}  # fmt: skip
IMAGE_ORIGINS: Origins = {
    "activity_id": ("activities.id",),
    **dict.fromkeys(("sourceUrl", "creditText", "license"), ("activities.image",)),
}
PLACE_ORIGINS: Origins = {
    "activity_id": ("activities.id",),
    **dict.fromkeys(("latitude", "longitude", "geocoding"), ("activities.location",)),
}
BATCH_ORIGINS: Origins = {
    "ids": ("activities.id",),
    "text_sha256": tuple(f"activities.{name}" for name in _TEXT),
}
VECTOR_ORIGINS: Origins = {
    "activity_id": ("embedding_batch.ids",),
    "text_sha256": ("embedding_batch.text_sha256",),
    "vector": ("embedding_batch.text_sha256",),
}
ASKED_ORIGINS: Origins = {"ids_sha256": ("activities.id",)}
VOTE_ORIGINS: Origins = {
    "activity_id": ("activities.id",),
    **dict.fromkeys(("text_sha256", "tags"), tuple(f"activities.{name}" for name in (*_TEXT, *_FACTS))),
}
TAG_ORIGINS: Origins = {
    **{name: (f"tag_votes.{name}",) for name in ("activity_id", "text_sha256")},
    "voters": ("tag_votes.provider", "tag_votes.model"),
    **dict.fromkeys(("tags", "agreement", "review"), ("tag_votes.tags",)),
}
FINAL_ORIGINS: Origins = {
    **{name: (f"activities.{name}",) for name in _KEPT},
    "image": tuple(
        f"images_map.{name}"
        for name in (
            "sourceUrl", "contentUrl", "sha256", "width", "height", "encodingFormat", "blurhash", "thumbnail", "creditText", "license",
        )
    ),
    "geocoding": ("geocoded_map.geocoding",),
    "geometry": ("geocoded_map.latitude", "geocoded_map.longitude"),
    "location": ("activities.location", "geocoded_map.latitude", "geocoded_map.longitude"),
    "attribution": ("images_map.creditText", "geocoded_map.geocoding"),
    "tags": ("activity_tags.tags", "activity_tags.agreement", "activity_tags.review"),
    "embedding": ("embeddings_map.activity_id", "embeddings_map.text_sha256"),
}  # fmt: skip


def _lineage(origins: Origins) -> dg.TableColumnLineage:
    return dg.TableColumnLineage({column: [_origin(one) for one in made_from] for column, made_from in origins.items()})


def _origin(name: str) -> dg.TableColumnDep:
    asset, column = name.split(".")
    return dg.TableColumnDep(asset_key=dg.AssetKey(asset), column_name=column)


def _type_name(annotation: Any) -> str:  # noqa: ANN401 (any annotation)
    """Return a type as a person says it: ``list of Offer``, ``AgeRange or nothing``, ``str`` for an enumeration."""
    kind, parts = get_origin(annotation), get_args(annotation)
    if kind is tuple:
        return f"list of {_type_name(parts[0])}"
    if kind is dict:
        return f"{_type_name(parts[1])} by name"
    if kind is Literal:
        return type(parts[0]).__name__
    if type(None) in parts:
        return " or ".join([*(_type_name(part) for part in parts if part is not type(None)), "nothing"])
    return "anything" if annotation is Any else str(annotation.__name__)
