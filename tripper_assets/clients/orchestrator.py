"""Who runs the graph, asked over GraphQL: to register partitions, to launch, retry and end runs, and whether it is well."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx2

from tripper_assets.domain.errors import PermanentError, TransientError, error_for_status
from tripper_assets.domain.model import SourceKey

ANSWER_SECONDS = 5.0
LAUNCH_SECONDS = 60.0
FIRST_ERROR = 400
PARTITIONS = "source"
WORKFLOW_TAG, TRIGGER_TAG, SOURCE_URL_TAG = "tripper/workflow_id", "tripper/trigger", "tripper/source_url"
TAGGERS_TAG = "tripper/taggers"
"""The words of partitions.py, which cannot be imported here: it is Dagster's side of the house."""
ROOT_TAG = "dagster/root_run_id"
ENDED = frozenset({"SUCCESS", "FAILURE", "CANCELED"})
STARTING, ENDING = "STARTING", "CANCELING"
REFUSED_TERMINATION = frozenset({"TerminateRunFailure", "PythonError", "UnauthorizedError", "RunNotFoundError"})


@dataclass(frozen=True)
class Launch:
    """A run that is wanted: of a job, for one source, in one workflow; ``assets`` are part of the job's, all where there are none."""

    job: str
    source_key: SourceKey
    workflow_id: str
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    assets: tuple[str, ...] = ()
    after: str = ""
    """The run that this one goes on after, so that Dagster shows them together; empty for a first one."""


@dataclass(frozen=True)
class OrchestratedRun:
    """A run of a workflow, and the assets that it stored a value of."""

    id: str
    status: str
    """Dagster's word, such as STARTED or FAILURE."""
    stored: frozenset[str] = frozenset()
    taggers: str = ""
    """The value of its TAGGERS_TAG; empty where it has none."""

    @property
    def is_over(self) -> bool:
        """Whether nothing of it goes on."""
        return self.status in ENDED

    @property
    def is_ending(self) -> bool:
        """Whether it was asked to end, and goes on until it notices."""
        return self.status == ENDING


@dataclass(frozen=True)
class Health:
    """What the orchestrator says of itself."""

    is_loaded: bool
    """Whether it has the graph."""
    beats: bool
    """Whether what starts runs gives signs of life: without it runs are queued, and wait."""


class Orchestrator(Protocol):
    """Runs the graph; every method raises TransientError where it does not answer, with what to start."""

    def launch(self, wanted: Launch) -> str:
        """Start a run, and return its id; the source's partition is added where it is missing.

        Raises:
            PermanentError: it is refused, and why.
        """
        ...

    def runs(self, workflow_id: str) -> list[OrchestratedRun]:
        """Return the runs of a workflow, the newest first."""
        ...

    def end(self, run_ids: Collection[str]) -> int:
        """Ask runs to end as canceled, and return how many take it; one that is over or ends already does not.

        One that is queued or just starting is canceled at once, and one that works when it notices.

        Raises:
            PermanentError: it is refused, and why.
        """
        ...

    def health(self) -> Health:
        """Return how it is."""
        ...


@dataclass(frozen=True)
class _Place:
    """Where the graph is served: in a repository of a code location."""

    location: str
    repository: str

    def selector(self) -> dict[str, str]:
        """Return it as GraphQL takes it."""
        return {"repositoryLocationName": self.location, "repositoryName": self.repository}


class DagsterWebserver:
    """The webserver at a URL, such as http://127.0.0.1:3000; it is the operator's own, so that no address is refused."""

    def __init__(self, url: str, *, transport: httpx2.BaseTransport | None = None) -> None:
        self.url = url.rstrip("/")
        self._transport = transport

    def launch(self, wanted: Launch) -> str:
        """Start a run."""
        place = self._place()
        self._add_partition(place, wanted.source_key)
        selector: dict[str, Any] = {**place.selector(), "pipelineName": wanted.job}
        if wanted.assets:
            selector["assetSelection"] = [{"path": [name]} for name in wanted.assets]
        tags = {**wanted.tags, "dagster/partition": wanted.source_key, WORKFLOW_TAG: wanted.workflow_id}
        metadata: dict[str, Any] = {"tags": [{"key": key, "value": value} for key, value in tags.items()]}
        if wanted.after:
            metadata |= {"parentRunId": wanted.after, "rootRunId": self._root(wanted.after)}
        params = {"mode": "default", "selector": selector, "executionMetadata": metadata}
        work = f"Launching {wanted.job} of {wanted.source_key}"
        told = self._ask(work, LAUNCH, seconds=LAUNCH_SECONDS, params=params)["launchRun"]
        if told["__typename"] != "LaunchRunSuccess":
            raise _refused(work, told)
        return str(told["run"]["runId"])

    def runs(self, workflow_id: str) -> list[OrchestratedRun]:
        """Return the runs of a workflow."""
        answer = self._ask(
            f"Looking for the runs of workflow {workflow_id}",
            RUNS,
            tagged={"tags": [{"key": WORKFLOW_TAG, "value": workflow_id}]},
            again={"tags": [{"key": ROOT_TAG, "value": workflow_id}]},
            own={"runIds": [workflow_id]},
        )
        # A tag says it of a run before all else: a run that goes on after another's may be of its own workflow.
        found = {
            run["id"]: run
            for name in ("tagged", "again", "own")
            for run in answer[name].get("results", ())
            if _tag(run, WORKFLOW_TAG) in (None, workflow_id)
        }
        return [
            _run(one) for one in sorted(found.values(), key=lambda run: run.get("creationTime") or 0.0, reverse=True)
        ]

    def end(self, run_ids: Collection[str]) -> int:
        """Ask runs to end."""
        told = self._end(END, run_ids)
        # Dagster asks no run that is starting. One that is marked as canceled by then does not begin.
        starting = [one["run"]["id"] for one in told if one.get("run", {}).get("status") == STARTING]
        told += self._end(END_AT_ONCE, starting)
        return sum(one["__typename"] not in REFUSED_TERMINATION for one in told)

    def _end(self, mutation: str, run_ids: Collection[str]) -> list[dict[str, Any]]:
        if not run_ids:
            return []
        work = f"Canceling {len(run_ids)} runs"
        told = self._ask(work, mutation, ids=sorted(run_ids))["terminateRuns"]
        results = told.get("terminateRunResults")
        if results is None:
            raise _refused(work, told)
        return results

    def health(self) -> Health:
        """Return how it is."""
        answer = self._ask("Asking Dagster how it is", HEALTH)
        entries = answer["workspaceOrError"].get("locationEntries", ())
        loaded = any(
            (one.get("locationOrLoadError") or {}).get("__typename") == "RepositoryLocation" for one in entries
        )
        daemons = answer["instance"]["daemonHealth"]["allDaemonStatuses"]
        return Health(loaded, all(one["healthy"] for one in daemons if one["required"]))

    def _place(self) -> _Place:
        """Return where the graph is served.

        Raises:
            TransientError: no code location has it yet.
        """
        answer = self._ask("Looking for the graph", PLACES)
        for entry in answer["workspaceOrError"].get("locationEntries", ()):
            location = entry.get("locationOrLoadError") or {}
            for repository in location.get("repositories", ()):
                if any(job["name"] == "scrape_source" for job in repository["jobs"]):
                    return _Place(entry["name"], repository["name"])
        raise TransientError(
            f"Dagster at {self.url} has no graph of ours loaded; look at its Deployment page, or run `tripper doctor`."
        )

    def _add_partition(self, place: _Place, key: SourceKey) -> None:
        work = f"Adding the partition {key}"
        told = self._ask(work, ADD_PARTITION, place=place.selector(), name=PARTITIONS, key=key)["addDynamicPartition"]
        if told["__typename"] not in ("AddDynamicPartitionSuccess", "DuplicateDynamicPartitionError"):
            raise _refused(work, told)

    def _root(self, run_id: str) -> str:
        answer = self._ask(f"Looking for the run {run_id}", ROOT, id=run_id)["runOrError"]
        return str(answer.get("rootRunId") or run_id)

    def _ask(self, work: str, query: str, *, seconds: float = ANSWER_SECONDS, **variables: object) -> dict[str, Any]:
        """Return the answer's data.

        Raises:
            TransientError: there is no answer.
            PermanentError: the answer is none of Dagster's, or says that the question is wrong.
        """
        try:
            with httpx2.Client(timeout=seconds, transport=self._transport) as client:
                reply = client.post(f"{self.url}/graphql", json={"query": query, "variables": variables})
        except httpx2.TransportError as error:
            raise TransientError(
                f"{work} got no answer from Dagster at {self.url} ({type(error).__name__}); start it with `tripper up`, "
                "or set TRIPPER_DAGSTER_URL."
            ) from error
        if reply.status_code >= FIRST_ERROR and not _is_json(reply):
            raise error_for_status(reply.status_code, f"{work} at {self.url}")
        data = _data(reply)
        if data is None:
            raise PermanentError(f"{work} got no answer of Dagster's from {self.url}; check TRIPPER_DAGSTER_URL.")
        return data


def _is_json(reply: httpx2.Response) -> bool:
    return "json" in reply.headers.get("content-type", "")


def _data(reply: httpx2.Response) -> dict[str, Any] | None:
    try:
        answer = reply.json()
    except ValueError:
        return None
    data = answer.get("data") if isinstance(answer, dict) else None
    return data if isinstance(data, dict) else None


def _refused(work: str, told: Mapping[str, Any]) -> PermanentError:
    reasons = [str(one.get("message", "")) for one in told.get("errors") or ()]
    reason = " ".join(filter(None, (str(told.get("message") or ""), *reasons))) or str(told["__typename"])
    return PermanentError(
        f"{work} was refused by Dagster ({reason.strip().splitlines()[0][:300]}); `tripper doctor` tries the graph."
    )


def _tag(run: Mapping[str, Any], key: str) -> str | None:
    return next((str(one["value"]) for one in run["tags"] if one["key"] == key), None)


def _run(told: Mapping[str, Any]) -> OrchestratedRun:
    stored = {
        one["assetKey"]["path"][-1]
        for one in told["assetMaterializations"]
        if any(entry.get("label") == "uri" for entry in one["metadataEntries"])
    }
    return OrchestratedRun(str(told["id"]), str(told["status"]), frozenset(stored), _tag(told, TAGGERS_TAG) or "")


PLACES = """{ workspaceOrError { ... on Workspace { locationEntries { name locationOrLoadError {
  ... on RepositoryLocation { repositories { name jobs { name } } } } } } } }"""
HEALTH = """{ workspaceOrError { ... on Workspace { locationEntries { locationOrLoadError { __typename } } } }
  instance { daemonHealth { allDaemonStatuses { daemonType required healthy } } } }"""
ADD_PARTITION = """mutation($place: RepositorySelector!, $name: String!, $key: String!) {
  addDynamicPartition(repositorySelector: $place, partitionsDefName: $name, partitionKey: $key) {
    __typename ... on PythonError { message } ... on UnauthorizedError { message } } }"""
LAUNCH = """mutation($params: ExecutionParams!) { launchRun(executionParams: $params) { __typename
  ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } ... on InvalidSubsetError { message }
  ... on PipelineNotFoundError { message } ... on UnauthorizedError { message }
  ... on RunConfigValidationInvalid { errors { message } } } }"""
RUN = """... on Runs { results { id status creationTime tags { key value }
  assetMaterializations { assetKey { path } metadataEntries { label } } } }"""
RUNS = f"""query($tagged: RunsFilter!, $again: RunsFilter!, $own: RunsFilter!) {{
  tagged: runsOrError(filter: $tagged) {{ {RUN} }}
  again: runsOrError(filter: $again) {{ {RUN} }}
  own: runsOrError(filter: $own) {{ {RUN} }} }}"""
ROOT = "query($id: ID!) { runOrError(runId: $id) { ... on Run { rootRunId } } }"
ENDS = """{ __typename
  ... on TerminateRunsResult { terminateRunResults { __typename ... on TerminateRunFailure { run { id status } } } }
  ... on PythonError { message } } }"""
END = f"mutation($ids: [String!]!) {{ terminateRuns(runIds: $ids) {ENDS}"
END_AT_ONCE = f"""mutation($ids: [String!]!) {{
  terminateRuns(runIds: $ids, terminatePolicy: MARK_AS_CANCELED_IMMEDIATELY) {ENDS}"""
