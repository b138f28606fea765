"""The consensus of 10,000 activities' votes, four voters with three runs each, beside pandas, which groups and counts the same votes."""

import random
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from operator import attrgetter

import pandas as pd

from benchmarks.figure import Figure, seconds_in_turns
from tripper_assets.domain.consensus import consensus
from tripper_assets.domain.tags import CHOICES, LABELS, NUMBERS, ActivityTags, Evidence, Vote, in_order

ACTIVITIES, VOTERS, RUNS = 10_000, 4, 3
KNOWN, SLIPS = 0.6, 0.15
"""The share of the fields of which a text says something, and of the votes that say something else."""
FREE_TAGS = tuple(
    f"{kind} {thing}" for kind in ("family", "outdoor", "quiet") for thing in ("fun", "walk", "music", "day")
)
AT = datetime(2026, 3, 15, 9, 0, tzinfo=UTC)
BALLOT = ["activity_id", "voter"]
SETS = (*LABELS, "free_tags")
VALUES = (*CHOICES, *NUMBERS, *SETS)


def measure() -> list[Figure]:
    """Return votes a second of processor time.

    The peer has its frame already, while ours reads the votes; it folds runs and voters as ours does (most frequent values, labels of
    half of the ballots, medians, free tags), and stops there: ours goes on to reliability, alpha, shares, spreads, quotes and review.
    """
    votes = sample_votes(ACTIVITIES)
    frame = framed(votes)
    ours, pandas = seconds_in_turns(lambda: consensus(votes), lambda: grouped(frame), clock=time.process_time)
    if len(consensus(votes).activities) != len(grouped(frame)["setting"]):
        raise ValueError("ours and pandas have not the same activities: the figure would say nothing")
    return [Figure("consensus_votes", "votes/s", "higher", len(votes) / ours, len(votes) / pandas, "pandas groupby")]


def sample_votes(activities: int) -> list[Vote]:
    """Return the votes of all voters and runs: mostly what is so, sometimes another value."""
    chance = random.Random(11)
    return [
        _vote(f"{number:06}", f"voter{voter}", run, _heard(chance, so))
        for number in range(activities)
        for so in [_so(chance)]
        for voter in range(VOTERS)
        for run in range(1, RUNS + 1)
    ]


def _vote(activity: str, model: str, run: int, tags: ActivityTags) -> Vote:
    return Vote(
        activity_id=activity, text_sha256="text", run_number=run, provider="provider", model=model, prompt_version="1",
        tags=tags, created_at=AT,
    )  # fmt: skip


def _so(chance: random.Random) -> ActivityTags:
    stated = [name for name in (*CHOICES, *LABELS, *NUMBERS) if chance.random() < KNOWN]
    quotes = tuple(Evidence(field=name, quote=f"what it says of {name}") for name in stated[:4])
    free = {"free_tags": tuple(chance.sample(FREE_TAGS, 4)), "evidence": quotes}
    return ActivityTags.model_validate(_values(chance, stated) | free)


def _heard(chance: random.Random, so: ActivityTags) -> ActivityTags:
    slips = [name for name in (*CHOICES, *LABELS, *NUMBERS) if chance.random() < SLIPS]
    return so.model_copy(update=_values(chance, slips)) if slips else so


def _values(chance: random.Random, names: Sequence[str]) -> dict[str, object]:
    """Return a value for each of the fields, and the ends of a range in their order."""
    found: dict[str, object] = {}
    for name in names:
        if name in CHOICES:
            found[name] = chance.choice(CHOICES[name])
        elif name in LABELS:
            found[name] = in_order(name, chance.sample(LABELS[name], chance.randint(1, 3)))
        else:
            found[name] = 12 * chance.randint(1, 5) + (60 if "_max_" in name else 0)
    return found


def framed(votes: Sequence[Vote]) -> pd.DataFrame:
    """Return the votes as pandas has them: a row for each, sets as lists, repeated texts as categories."""
    read = attrgetter(*VALUES)
    rows = [(one.activity_id, one.model, *read(one.tags)) for one in votes]
    frame = pd.DataFrame(rows, columns=[*BALLOT, *VALUES])
    return frame.astype(dict.fromkeys((*BALLOT, *CHOICES), "category") | dict.fromkeys(NUMBERS, "float64"))


def grouped(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return by field what the votes come to: the runs of a voter as one ballot, and an activity's ballots as one."""
    columns = {name: frame[[*BALLOT, name]] for name in (*CHOICES, *NUMBERS)}
    columns |= {name: frame[[*BALLOT, name]].explode(name).dropna() for name in SETS}
    for by in (BALLOT, BALLOT[:1]):
        size = frame.groupby(by, observed=True, sort=False).size()
        columns = {name: _folded(column, by, name, size) for name, column in columns.items()}
        frame = size.reset_index()
    return columns


def _folded(column: pd.DataFrame, by: list[str], name: str, size: pd.Series) -> pd.DataFrame:
    if name in NUMBERS:
        return column.groupby(by, observed=True, sort=False)[name].median().reset_index()
    counts = column.groupby([*by, name], observed=True, sort=False).size().reset_index(name="count")
    if name in CHOICES:
        return counts.sort_values("count", ascending=False).drop_duplicates(by)[[*by, name]]
    held = counts.join(size.rename("of"), on=by)
    return held[2 * held["count"] >= held["of"]][[*by, name]]
