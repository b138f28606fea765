"""Refine, within activity_tags: what an earlier workflow asked a strong model is collected, and what is not refined yet is asked, never waited for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from tripper_assets.assets.tag_batches import EVER, REFINEMENT, asked_before, left_of_month
from tripper_assets.catalog.submissions import Submissions
from tripper_assets.catalog.tag_refinements import TagRefinementTable
from tripper_assets.clients.asking_voters import UnderWay
from tripper_assets.clients.refining import Refiner, bring, is_overdue
from tripper_assets.domain.activities import Activity
from tripper_assets.domain.batches import Batch, Origin, Submission
from tripper_assets.domain.consensus import TaggedActivity
from tripper_assets.domain.errors import ConfigurationError, TripperError
from tripper_assets.domain.llm import Spending
from tripper_assets.domain.model import Problem
from tripper_assets.domain.refinement import (
    Refinable,
    Refinement,
    RefinementKey,
    RefinementProgress,
    refinables,
    refine,
    votes_sha256,
    with_all_votes,
)
from tripper_assets.domain.tag_questions import request_id
from tripper_assets.domain.tag_runs import Voter, affordable
from tripper_assets.domain.tags import Vote, tagging_text, tagging_text_sha256
from tripper_assets.failures import is_last_attempt
from tripper_assets.tracking import Stage
from tripper_assets.voters import Panel, Reach, Taggers

T = TypeVar("T")


@dataclass
class Refining:
    """One round of refinement of a source's tags; whatever fails in it keeps no tags from being published."""

    work: Stage
    taggers: Taggers
    reach: Reach
    retry_number: int

    def refined(
        self, activities: Sequence[Activity], votes: Sequence[Vote], agreed: Sequence[TaggedActivity]
    ) -> tuple[TaggedActivity, ...]:
        """Return the consensus with the refinements that there are of it in its place, and ask for those that there are not."""
        refiner = self._refiner()
        if self.reach.catalog.database.is_absent:
            return tuple(agreed)
        under_way = self._tried(self._collected) if refiner and not self.work.replay_of else None
        known = self._tried(lambda: self._known(agreed))
        if known is None:
            return tuple(agreed)
        panel, cast = self.taggers.panel(self.work.source.config.taggers, self.reach), votes_sha256(votes)
        tagged = refine(agreed, None if panel.off else cast, known, refiner.refiner if refiner else None)
        self._count(tagged, known)
        # Where it is not known what is under way, or the workflow is a replay, nobody is asked.
        if refiner and under_way is not None:
            complete = self._complete(activities, votes, panel)
            questions = refinables(agreed, cast, complete, refiner.refiner, {one.key for one in known})
            self._tell(incomplete=sum(one.activity_id not in complete for one in agreed))
            self._tried(lambda: self._ask(refiner, questions, under_way))
        return tagged

    def _known(self, agreed: Sequence[TaggedActivity]) -> list[Refinement]:
        return self._table.load(self.work.source.key, [(one.activity_id, one.text_sha256) for one in agreed])

    def _count(self, tagged: Sequence[TaggedActivity], known: Sequence[Refinement]) -> None:
        refined, useless = sum(one.refined for one in tagged), [one for one in known if one.error]
        self.work.counts["refined"] = refined
        self._tell(**RefinementProgress(refined=refined, wanted=len(tagged), errors=len(useless)).model_dump())
        self.work.problems += map(_useless, useless)

    def _tell(self, **counts: int) -> None:
        self.work.counts["refinement"] = {**self.work.counts.get("refinement", {}), **counts}

    @property
    def _table(self) -> TagRefinementTable:
        return TagRefinementTable(self.reach.catalog.database)

    def _refiner(self) -> Refiner | None:
        try:
            return self.taggers.refiner(self.reach)
        except ConfigurationError as error:
            self.work.problems.append(Problem(code="refiner_off", subject=self.work.source.url, message=str(error)))
            return None

    def _tried(self, work: Callable[[], T]) -> T | None:
        """Return what ``work`` gives; None, with a problem, where it failed at the last attempt too."""
        try:
            return work()
        except TripperError as error:
            if not is_last_attempt(error, self.retry_number):
                raise
            message = f"{error} The next workflow goes on with the refinement."
            self.work.problems.append(
                Problem(code="refiner_unavailable", subject=self.work.source.url, message=message)
            )
            return None

    def _collected(self) -> UnderWay:
        """Keep what is done of what was asked before, and return what is still under way."""
        batches: dict[str, list[Submission]] = {}
        for one in self._open():
            batches.setdefault(one.batch_id, []).append(one)
        for submissions in batches.values():
            self._tried(lambda of_batch=submissions: self._brought(of_batch))
        return asked_before(self.work.source, self.reach)

    def _open(self) -> list[Submission]:
        return Submissions(self.reach.catalog.database).of_source(self.work.source.key, REFINEMENT, EVER)

    def _brought(self, submissions: Sequence[Submission]) -> None:
        """Keep what one batch brought; one whose refiner is off now stays for a later workflow."""
        first, now = submissions[0], self.reach.clock()
        refiner = self.taggers.refiner_named(first.provider, first.model, self.reach)
        if refiner is None:
            return
        status, codes = bring(refiner, first.batch_id, self._keep, at=now, overdue=is_overdue(submissions, now))
        self.reach.catalog.batches.checked(_row(first), status, now)
        self.work.problems += [_unanswered(key, code) for key, code in codes.items()]

    def _keep(self, refinements: Sequence[Refinement]) -> None:
        self._table.save(self.work.source.key, refinements)

    def _complete(self, activities: Sequence[Activity], votes: Sequence[Vote], panel: Panel) -> dict[str, str]:
        """Return the texts of the activities of which nobody's vote is missing, by id; none while somebody who votes is off."""
        if panel.off:
            self.work.problems.append(_incomplete(self.work, panel))
            return {}
        local = panel.local.voter if panel.local else None
        runs = {one: 1 if one == local else self.work.source.config.tag_runs for one in panel.voters}
        hashes = {one.id: tagging_text_sha256(one) for one in activities}
        complete = with_all_votes(hashes, runs, {one.key for one in votes})
        return {one.id: tagging_text(one) for one in activities if one.id in complete}

    def _ask(self, refiner: Refiner, questions: Sequence[Refinable], under_way: UnderWay) -> None:
        """Submit what is not under way, as far as the month's budget goes."""
        fresh = [one for one in questions if request_id(one.key) not in under_way.batches]

        def most(some: Sequence[Refinable]) -> Spending:
            return Spending(refiner.most_tokens(some), refiner.most_usd(some))

        asked, _ = affordable(fresh, most, left_of_month(self.work.source, self.reach, under_way))
        unaffordable = len(fresh) - len(asked)
        self._tell(under_way=len(questions) - unaffordable, asked=len(asked), unaffordable=unaffordable)
        if unaffordable:
            self.work.problems.append(_over_budget(self.work, refiner.refiner, unaffordable))
        if asked:
            refiner.submit(asked, Origin(self.work.workflow_id, self.work.source.key, self.work.asset, REFINEMENT))


def _row(submission: Submission) -> Batch:
    """Return the row of a batch, which is that of the workflow that asked."""
    origin = submission.origin
    return Batch(
        workflow_id=origin.workflow_id, asset=origin.asset, provider=submission.provider, batch_id=submission.batch_id,
        submitted_at=submission.intended_at, deadline_at=submission.intended_at,
    )  # fmt: skip


def _useless(one: Refinement) -> Problem:
    message = f"{one.provider} {one.model} gave an answer of no use, which was paid and is not asked for again; the voters' consensus stands."
    return Problem(code=one.error, subject=one.activity_id, message=message)


def _unanswered(key: RefinementKey, code: str) -> Problem:
    message = f"{key.provider} {key.model} gave no answer; the consensus stands, and is refined later."
    return Problem(code=code, subject=key.activity_id, message=message)


def _incomplete(work: Stage, panel: Panel) -> Problem:
    message = (
        f"No refinement was asked for, as votes are missing of {', '.join(panel.off)}, and with them it would be another question; "
        "give what `tripper doctor` says is missing, or name those taggers no more."
    )
    return Problem(code="refinement_waits", subject=work.source.url, message=message)


def _over_budget(work: Stage, refiner: Voter, count: int) -> Problem:
    config = work.source.config
    message = (
        f"{count} questions to the refiner {refiner.provider} {refiner.model} were not asked, for they could take the source beyond its "
        f"{config.tag_tokens_per_month:,} tokens or ${config.tag_usd_per_month:g} of this month; raise tag_tokens_per_month or "
        "tag_usd_per_month, or wait: a later workflow asks them."
    )
    return Problem(code="tag_budget", subject=work.source.url, message=message)
