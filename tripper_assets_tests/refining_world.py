"""A refiner on the real batch machine and catalog, with a provider and a clock of the test's own."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from tripper_assets.assets.refining import Refining
from tripper_assets.catalog.submissions import Submissions
from tripper_assets.clients.remote_refiner import RemoteRefiner
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.batch_requests import Result
from tripper_assets.domain.consensus import TaggedActivity, consensus
from tripper_assets.domain.errors import ConfigurationError
from tripper_assets.domain.llm import Usage
from tripper_assets.domain.tag_runs import Voter
from tripper_assets.domain.tags import ActivityTags, Vote, tagging_text_sha256
from tripper_assets.tracking import Stage
from tripper_assets.voters import Panel, Reach
from tripper_assets_tests.batch_world import NOW
from tripper_assets_tests.clients.batches.provider_server import tags_for
from tripper_assets_tests.voting_world import MODEL, PER_TOKEN, Service, VotingWorld

VOTER = Voter("local", "l", "v")


@dataclass
class RefiningService(Service):
    """A provider in memory that speaks as OpenAI does, and says "indoor" and the text's first line of everything."""

    name: str = "openai"

    def results(self, provider_id: str) -> Iterator[Result]:
        for one in self.taken[provider_id]:
            asked = json.loads(one.body["messages"][1]["content"])
            said = tags_for(asked["activity_id"], "") | {"embed_text": f"Refined {asked['text'][0]}"}
            del said["evidence"]
            message = {"content": json.dumps(said)}
            body = {"choices": [{"finish_reason": "stop", "message": message}]}
            yield Result(one.custom_id, body, usage=Usage(input=80, output=20))


@dataclass
class Refiners:
    """What stands in for the settings' taggers."""

    service: RefiningService
    around: Callable[[Any], Any] = lambda it: it
    off: str = ""
    """Why nobody refines."""
    voters_off: Mapping[str, str] = field(default_factory=dict)

    def panel(self, names: Sequence[str], reach: Reach) -> Panel:
        del names, reach
        local: Any = SimpleNamespace(voter=VOTER)
        return Panel(local, (), self.voters_off)

    def refiner(self, reach: Reach) -> RemoteRefiner:
        if self.off:
            raise ConfigurationError(self.off)
        return RemoteRefiner(
            self.around(self.service),
            MODEL,
            ledger=self.around(Submissions(reach.catalog.database)),
            objects=reach.objects,
            cost=lambda usage, _at: usage.total * PER_TOKEN,
            clock=reach.clock,
        )

    def refiner_named(self, provider: str, model: str, reach: Reach) -> RemoteRefiner | None:
        assert (provider, model) == (self.service.name, MODEL)
        return None if self.off else self.refiner(reach)


def votes(activities: Sequence[Activity]) -> list[Vote]:
    """Return a vote for "outdoor" on each activity."""
    return [
        Vote(
            activity_id=one.id,
            text_sha256=tagging_text_sha256(one),
            run_number=1,
            **VOTER._asdict(),
            tags=ActivityTags(setting="outdoor"),
            created_at=NOW,
        )
        for one in activities
    ]


@dataclass
class RefiningWorld:
    """A source whose tags are refined; each round goes through objects made anew, as after a restart."""

    voting: VotingWorld
    service: RefiningService = field(default_factory=RefiningService)
    off: str = ""
    voters_off: dict[str, str] = field(default_factory=dict)
    around: Callable[[Any], Any] = lambda it: it

    def round(
        self, activities: Sequence[Activity], cast: Sequence[Vote] | None = None, *, replays: bool = False
    ) -> tuple[tuple[TaggedActivity, ...], Stage]:
        """Refine as activity_tags does."""
        work = self.voting.stage("activity_tags")
        work = replace(work, replay_of="earlier") if replays else work
        taggers: Any = Refiners(self.service, self.around, self.off, self.voters_off)
        given = votes(activities) if cast is None else cast
        agreed = consensus(votes(activities)).activities
        return Refining(work, taggers, self.voting.reach, 9).refined(activities, given, agreed), work

    def later(self) -> None:
        """Let the provider end its work, and a new workflow begin."""
        self.service.done = True
        self.voting.now += timedelta(days=1)
        self.voting.begin()


def settings(tagged: Sequence[TaggedActivity]) -> list[str]:
    return [one.tags.setting for one in tagged]
