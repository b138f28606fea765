"""The job `add_source`: the form in Dagster's Launchpad that registers a source, or changes what is said of one."""

from typing import Any, Literal, get_args, get_origin

import dagster as dg
from dagster import ResourceParam
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from tripper_assets.domain.errors import TripperError
from tripper_assets.domain.sources import SourceConfig
from tripper_assets.failures import verdict
from tripper_assets.partitions import SOURCES
from tripper_assets.registering import put_source
from tripper_assets.resources import Catalog

PLAIN: dict[Any, Any] = {bool: bool, int: int, float: float, str: str}


def launchpad_fields(model: type[BaseModel]) -> dict[str, dg.Field]:
    """Return a pydantic model's fields as Dagster's Launchpad shows and completes them: each may be left out, and keeps its default."""
    return {name: _field(info) for name, info in model.model_fields.items()}


def _field(info: FieldInfo) -> dg.Field:
    kind = _kind(info.annotation)
    optional = type(None) in get_args(info.annotation)
    return dg.Field(dg.Noneable(kind) if optional else kind, is_required=False, description=_described(info))


def _described(info: FieldInfo) -> str:
    default = "" if info.is_required() else f"Default: {info.default!r}."
    return " ".join(filter(None, (info.description, default)))


def _kind(annotation: Any) -> Any:  # noqa: ANN401 (an annotation in, a Dagster configuration type out)
    """Return what the Launchpad takes for an annotation; whatever else pydantic wants of a value it says itself."""
    parts = [one for one in get_args(annotation) if one is not type(None)]
    origin = get_origin(annotation)
    if origin is Literal:
        return str  # not an Enum: there a wrong word gets a trace, and here pydantic's sentence
    if origin is dict:
        return dg.Permissive()  # its names are the site's own
    if origin is tuple:
        return [_kind(parts[0])]
    if len(parts) >= 1:  # X | None, or Annotated[X, …]
        return _kind(parts[0])
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return dg.Shape(launchpad_fields(annotation))
    return PLAIN[annotation]


FORM = {
    "url": dg.Field(str, description="The site, such as https://example.org/events; a registered one is changed."),
    "location_id": dg.Field(str, is_required=False, description="The location that the source serves."),
    "config": dg.Field(
        dg.Shape(launchpad_fields(SourceConfig)),
        is_required=False,
        description="How it is crawled and published; a field that is left out stays as it is.",
    ),
}


@dg.op(config_schema=FORM, out=dg.Out(dg.Nothing))
def register_source(context: dg.OpExecutionContext, catalog: ResourceParam[Catalog]) -> None:
    """Write the source into the registry and add its partition, so that it can be materialized at once."""
    given = context.op_config
    try:
        source = put_source(catalog, given["url"], given.get("config") or {}, given.get("location_id"))
    except TripperError as error:
        raise verdict(error, context.retry_number) from error
    context.instance.add_dynamic_partitions(SOURCES, [source.key])
    context.log.info(
        "%s is registered as %s; materialize raw_activities and what follows for that partition.",
        source.url,
        source.key,
    )
    context.add_output_metadata({"source_key": source.key, "source_url": dg.MetadataValue.url(source.url)})


# What the Launchpad shows at first. Launched as it is, its URL is refused; it names no other field, for each field that it
# names would be changed of a source that is registered already.
TEMPLATE: dict[str, Any] = {"ops": {"register_source": {"config": {"url": "https://", "config": {}}}}}


@dg.job(
    config=TEMPLATE,
    description="Register a source, or change what is said of one: fill in its URL in the Launchpad, and what differs from the defaults.",
)
def add_source() -> None:
    """Add one source."""
    register_source()
