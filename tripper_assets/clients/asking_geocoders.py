"""The geocoder role and its cache, and how questions are asked: each once, down the ladder, in rounds, what is known from the cache."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from tripper_assets.domain.errors import TransientError
from tripper_assets.domain.geocoding import GeocodeAnswer, PlaceQuery
from tripper_assets.domain.ladder import Settled, settle

SAVED_TOGETHER = 50
"""Answers of a free geocoder that a killed run may lose at most; one that costs or is limited loses none but the one it waits for."""
OUTAGES_IN_A_ROW = 5
"""After so many the provider is down, and the rest is asked by a later run."""


class Geocoder(Protocol):
    """Says where a place is; that it is unknown or ambiguous is an answer, an outage is a TransientError."""

    @property
    def provider(self) -> str:
        """What caches know the answers by."""
        ...

    @property
    def is_free(self) -> bool:
        """Whether asking again costs and annoys nobody, so that work goes on where the cache cannot be read."""
        ...

    @property
    def steps(self) -> tuple[str, ...]:
        """The steps of the ladder that are asked one after another; empty where the question is asked as a whole."""
        ...

    @property
    def keep_days(self) -> int | None:
        """How long an answer may be kept; None is for good."""
        ...

    def turn(self) -> AbstractContextManager[None]:
        """Wait until this process may ask, and hold the turn meanwhile.

        Raises:
            TransientError: nobody may ask for now.
        """
        ...

    def geocode(self, query: PlaceQuery) -> GeocodeAnswer:
        """Return the answer to one question."""
        ...


@runtime_checkable
class BatchGeocoder(Geocoder, Protocol):
    """A geocoder that answers many questions in one request."""

    @property
    def most_together(self) -> int:
        """Questions in one request."""
        ...

    def geocode_together(self, questions: Sequence[PlaceQuery]) -> Mapping[str, GeocodeAnswer]:
        """Return the answers by the questions' keys; a question that was not answered is absent."""
        ...


class GeocodeCache(Protocol):
    """Answers by provider and question."""

    def load(self, provider: str, queries: Sequence[str]) -> dict[str, GeocodeAnswer]:
        """Return the known answers by question."""
        ...

    def save(self, provider: str, answers: Mapping[str, GeocodeAnswer]) -> None:
        """Keep the answers."""
        ...


@dataclass
class GeocodeCounts:
    """What a run asked and found: queries, outages and reused count distinct questions, the others activities."""

    queries: int = 0
    """Questions that the geocoder was asked, answered or not."""
    reused: int = 0
    """Questions that the cache answered."""
    outages: int = 0
    """Questions that the geocoder failed to answer."""
    publisher: int = 0
    """Places by their publisher's own coordinates."""
    found: int = 0
    """Places by the geocoder or the cache."""
    not_found: int = 0
    ambiguous: int = 0
    rejected: int = 0
    """Answers outside the source's region."""
    deferred: int = 0
    no_address: int = 0
    disbelieved: int = 0
    """Activities that the publisher or the geocoder stated coordinates for that cannot be true."""
    shared: int = 0
    """Activities whose coordinates are also those of another address."""


class Asking:
    """One run's questions to one geocoder."""

    def __init__(
        self,
        geocoder: Geocoder,
        cache: GeocodeCache,
        counts: GeocodeCounts,
        on_progress: Callable[[int, int], object],
        *,
        asks: bool,
    ) -> None:
        self._geocoder, self._cache, self._counts, self._on_progress = geocoder, cache, counts, on_progress
        self._answers: dict[str, GeocodeAnswer] = {}
        self._open: set[str] = set()
        """Questions that this run does not answer."""
        self._unsaved: dict[str, GeocodeAnswer] = {}
        """What was answered while the cache could not be written."""
        self._asks = asks
        self._outages = 0
        self._total = 0

    def settle(self, queries: Mapping[str, PlaceQuery]) -> dict[str, Settled]:
        """Return what each query came to, by its key; where a question on its ladder stays open, there is no answer.

        Each round asks the next question of every query's ladder, so that many in one town ask for their town once.

        Raises:
            TripperError: the cache does not answer, or the geocoder fails for good; the answers until then are kept.
        """
        while True:
            found = {key: settle(query, self._geocoder.steps, self._answers) for key, query in queries.items()}
            wanted = {one.question.key(): one.question for one in found.values() if one.question}
            # In the order of their keys, so that an outage hits the same questions however the pages were ordered.
            fresh = {key: wanted[key] for key in sorted(wanted) if key not in self._open}
            if not fresh:
                self._save({})
                return found
            self._round(fresh)

    def _round(self, questions: Mapping[str, PlaceQuery]) -> None:
        known = self._cache.load(self._geocoder.provider, list(questions))
        self._counts.reused += len(known)
        self._answers |= known
        missing = [(key, question) for key, question in questions.items() if key not in known]
        self._total += len(missing)
        if self._asks and self._geocoder.is_free:
            self._ask_freely(missing)
        elif self._asks:
            self._ask_in_turns(missing)
        self._open |= {key for key, _ in missing if key not in self._answers}

    def _ask_freely(self, missing: Sequence[tuple[str, PlaceQuery]]) -> None:
        try:
            for key, question in missing:
                if self._outages >= OUTAGES_IN_A_ROW:
                    return
                self._unsaved |= self._said({key: question})
                if len(self._unsaved) >= SAVED_TOGETHER:
                    self._save({})
        finally:
            self._save({})

    def _ask_in_turns(self, missing: Sequence[tuple[str, PlaceQuery]]) -> None:
        """Ask in turns that other processes wait for; what one of them was answered meanwhile is not asked again."""
        together = self._geocoder.most_together if isinstance(self._geocoder, BatchGeocoder) else 1
        for start in range(0, len(missing), together):
            if self._outages >= OUTAGES_IN_A_ROW:
                return
            self._take_turn(dict(missing[start : start + together]))

    def _take_turn(self, questions: Mapping[str, PlaceQuery]) -> None:
        try:
            with self._geocoder.turn():
                known = self._cache.load(self._geocoder.provider, list(questions))
                self._counts.reused += len(known)
                self._answers |= known
                self._save(self._said({key: one for key, one in questions.items() if key not in known}))
        except TransientError:
            # The turn was not to be had, or the cache is away: what it was to keep is kept before the end, or the run fails.
            self._outages += 1
            self._counts.outages += 1

    def _said(self, questions: Mapping[str, PlaceQuery]) -> dict[str, GeocodeAnswer]:
        """Return the answers that the geocoder gives now, without those that it defers."""
        if not questions:
            return {}
        self._counts.queries += len(questions)
        self._on_progress(self._counts.queries, self._total)
        try:
            said = self._ask(questions)
        except TransientError:
            self._outages += 1
            self._counts.outages += len(questions)
            return {}
        self._outages = 0
        found = {key: one for key, one in said.items() if one.geocoding.status != "deferred"}
        self._answers |= found
        return found

    def _ask(self, questions: Mapping[str, PlaceQuery]) -> Mapping[str, GeocodeAnswer]:
        if isinstance(self._geocoder, BatchGeocoder):
            return self._geocoder.geocode_together(list(questions.values()))
        return {key: self._geocoder.geocode(question) for key, question in questions.items()}

    def _save(self, answers: Mapping[str, GeocodeAnswer]) -> None:
        """Keep the answers, and those that an earlier attempt could not keep: they were paid, or waited for."""
        self._unsaved |= answers
        if self._unsaved:
            self._cache.save(self._geocoder.provider, self._unsaved)
            self._unsaved = {}
