"""The numbers that Prometheus collects: requests as they are answered, and what the catalog counts when it is asked."""

import time
from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tripper_assets.api.context import ApiContext
from tripper_assets.catalog.statistics import source_statistics, stage_statistics
from tripper_assets.catalog.usage import usage_by
from tripper_assets.catalog.workflow_reading import workflow_counts


class Metrics:
    """What one app counts of its requests."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "tripper_requests", "Answered requests.", ["method", "route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "tripper_request_seconds",
            "Seconds to the end of an answer.",
            ["route"],
            registry=self.registry,
        )


class CountedRequests:
    """Counts each request by its route, which has no ids in it, and its status."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and count."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), "500"

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            route = getattr(scope.get("route"), "path", "other")
            method = scope["method"] if scope["method"] in METHODS else "other"
            self._metrics.requests.labels(method, route, status).inc()
            self._metrics.seconds.labels(route).observe(time.perf_counter() - began)


METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def exposition(metrics: Metrics, context: ApiContext) -> tuple[bytes, str]:
    """Return the text of all numbers, and its media type.

    Raises:
        TransientError: the catalog does not answer.
    """
    registry = CollectorRegistry()
    registry.register(_Collected(list(_catalog(context))))
    return generate_latest(metrics.registry) + generate_latest(registry), CONTENT_TYPE_LATEST


class _Collected(Collector):
    """Numbers that were read already: an outage is told before anything is collected."""

    def __init__(self, found: list[Metric]) -> None:
        self._found = found

    def collect(self) -> Iterable[Metric]:
        return self._found


def _catalog(context: ApiContext) -> Iterator[Metric]:
    database = context.database
    states: dict[tuple[str, ...], float] = {(status,): count for status, count in workflow_counts(database).items()}
    yield _gauge("tripper_workflows", "Workflows by state.", ["status"], states)
    sources = source_statistics(database)
    labels = ["location", "source"]
    of_sources = {(one.location_id or "", one.source_key): one for one in sources}
    for name, help_text in (
        ("activities", "Activities in the catalog."),
        ("media_items", "Stored pictures."),
        ("errors", "Errors that were written down."),
    ):
        values = {key: getattr(one, name) for key, one in of_sources.items()}
        yield _gauge(f"tripper_source_{name}", help_text, labels, values)
    imported = {key: one.imported_at.timestamp() for key, one in of_sources.items() if one.imported_at}
    yield _gauge("tripper_source_imported_timestamp_seconds", "When a source was imported last.", labels, imported)
    stages = {(one.location_id or "", one.source_key, one.asset): one for one in stage_statistics(database)}
    for name in ("completed", "skipped", "failed"):
        values = {key: getattr(one, name) for key, one in stages.items()}
        yield _gauge(f"tripper_stages_{name}", f"Stages of workflows that {name}.", [*labels, "stage"], values)
    rates = {key: one.error_rate for key, one in stages.items() if one.error_rate is not None}
    yield _gauge("tripper_stage_error_rate", "Failed stages of all that ended, 0 to 1.", [*labels, "stage"], rates)
    usage = {(one.group,): one for one in usage_by(database, "provider")}
    yield _gauge(
        "tripper_usage_usd", "US dollars, with what is open.", ["provider"], {k: o.usd for k, o in usage.items()}
    )
    yield _gauge(
        "tripper_usage_tokens", "Tokens, with what is open.", ["provider"], {k: o.tokens for k, o in usage.items()}
    )
    pool = {(name,): float(value) for name, value in database.pool_stats().items()}
    yield _gauge("tripper_database_connections", "The pool of the API's process.", ["kind"], pool)


def _gauge(name: str, help_text: str, labels: list[str], values: dict[tuple[str, ...], float]) -> Metric:
    gauge = GaugeMetricFamily(name, help_text, labels=labels)
    for key, value in values.items():
        gauge.add_metric(list(key), value)
    return gauge
