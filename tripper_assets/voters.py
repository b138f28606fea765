"""Who votes on tags, as the settings and a source say: opened for whoever asks, or off with a reason where something is missing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from pydantic import SecretStr

from tripper_assets.catalog.spooled_caches import LenientEmbeddings
from tripper_assets.catalog.submissions import Submissions
from tripper_assets.catalog.without_database import NEEDED
from tripper_assets.clients.local_embedder import LocalEmbedder, usable_threads
from tripper_assets.clients.local_tagger import LocalTagger
from tripper_assets.clients.objects import Objects
from tripper_assets.clients.refining import Refiner
from tripper_assets.clients.remote_refiner import RemoteRefiner
from tripper_assets.clients.remote_tagger import TaggerDoor, need_sdk, open_batches, open_tagger
from tripper_assets.clients.tagging import BatchTagger, Tagger
from tripper_assets.domain.errors import ConfigurationError
from tripper_assets.domain.llm import Usage, cost
from tripper_assets.domain.prices import tagging_price
from tripper_assets.domain.tag_runs import Voter
from tripper_assets.domain.taggers import LOCAL, TaggerName, parse_refiner, parse_taggers, stated_prices
from tripper_assets.resources import Catalog, Clock
from tripper_assets.settings import Settings, variable

ACCOUNTS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "openai": (("openai_api_key",), "openai_base_url"),
    "anthropic": (("anthropic_api_key",), "anthropic_base_url"),
    "gemini": (("gemini_api_key", "google_api_key"), "gemini_base_url"),
    "groq": (("groq_api_key",), "groq_base_url"),
}
"""By provider the settings of its key, of which the first that is set counts, and of its address."""


class Reach(NamedTuple):
    """What voters work through."""

    catalog: Catalog
    objects: Objects
    clock: Clock


class Panel(NamedTuple):
    """Who votes on the activities of one source."""

    local: Tagger | None
    remote: tuple[BatchTagger, ...]
    off: Mapping[str, str]
    """By name why somebody who is named does not vote."""

    @property
    def voters(self) -> tuple[Voter, ...]:
        """All who vote."""
        return (*((self.local.voter,) if self.local else ()), *(one.voter for one in self.remote))

    def asking(self, names: Sequence[str]) -> "Panel":
        """Return the panel with those of the remote voters alone that are named."""
        named = {(one.provider, one.model) for one in parse_taggers(names)}
        return self._replace(remote=tuple(one for one in self.remote if one.voter[:2] in named))


@dataclass(frozen=True)
class Taggers:
    """The taggers of the settings; nothing is opened before somebody asks."""

    settings: Settings

    def panel(self, names: Sequence[str], reach: Reach) -> Panel:
        """Return who votes; without ``names`` those of TRIPPER_TAGGERS."""
        wanted = parse_taggers(names or self.settings.taggers)
        remote: list[BatchTagger] = []
        off: dict[str, str] = {}
        for name in (one for one in wanted if one.provider != LOCAL):
            try:
                remote.append(self._opened(name, reach))
            except ConfigurationError as error:
                off[str(name)] = str(error)
        local = local_tagger(reach.catalog) if any(one.provider == LOCAL for one in wanted) else None
        return Panel(local, tuple(remote), off)

    def named(self, provider: str, model: str, reach: Reach) -> BatchTagger | None:
        """Return the remote voter of a provider's model, None where it is off now."""
        try:
            return self._opened(TaggerName(provider, model), reach)
        except ConfigurationError:
            return None

    def refiner(self, reach: Reach) -> Refiner:
        """Return who refines tags.

        Raises:
            ConfigurationError: nobody is named, or something that the refiner needs is missing.
        """
        return self._refiner(refiner_name(self.settings), reach)

    def refiner_named(self, provider: str, model: str, reach: Reach) -> Refiner | None:
        """Return the refiner of a provider's model, None where it is off now."""
        try:
            return self._refiner(TaggerName(provider, model), reach)
        except ConfigurationError:
            return None

    def _refiner(self, name: TaggerName, reach: Reach) -> Refiner:
        check_tagger(self.settings, name, role="refiner")
        return RemoteRefiner(
            open_batches(name.provider, name.model, _door(self.settings, name)),
            name.model,
            ledger=Submissions(reach.catalog.database),
            objects=reach.objects,
            cost=_cost(self.settings, name),
            clock=reach.clock,
        )

    def _opened(self, name: TaggerName, reach: Reach) -> BatchTagger:
        check_tagger(self.settings, name)
        return open_tagger(
            name.provider,
            name.model,
            _door(self.settings, name),
            ledger=Submissions(reach.catalog.database),
            objects=reach.objects,
            cost=_cost(self.settings, name),
            clock=reach.clock,
        )


def local_tagger(catalog: Catalog) -> LocalTagger:
    """Return the voter that needs no key; it embeds with the local model, whichever the activities' own vectors are of."""
    return LocalTagger(LocalEmbedder(threads=usable_threads()), LenientEmbeddings(catalog.embeddings))


def taggers_off(settings: Settings, names: Sequence[str] = ()) -> dict[str, str]:
    """Return by name why somebody who is to vote does not; nobody is asked for that."""
    off: dict[str, str] = {}
    for name in parse_taggers(names or settings.taggers):
        try:
            check_tagger(settings, name)
        except ConfigurationError as error:
            off[str(name)] = str(error)
    return off


def refiner_name(settings: Settings) -> TaggerName:
    """Return who refines tags: TRIPPER_REFINER, else who is asked about gaps.

    Raises:
        ConfigurationError: nobody is named.
    """
    try:
        return parse_refiner(settings.refiner or settings.llm)
    except ConfigurationError as error:  # of TRIPPER_LLM, for TRIPPER_REFINER was checked when it was read
        raise ConfigurationError(
            "Tags are not refined, for TRIPPER_REFINER is not set; set it, such as anthropic:claude-sonnet-5-5, or switch refine_tags off."
        ) from error


def check_tagger(settings: Settings, name: TaggerName, *, role: str = "tagger") -> None:
    """Check that a tagger or refiner has what it needs.

    Raises:
        ConfigurationError: its key, its SDK, its price or the catalog is missing.
    """
    if name.provider == LOCAL:
        return
    if settings.catalog == "none":
        raise ConfigurationError(f"The {role} {name} is off, for it needs {NEEDED}.")
    if not _key(settings, name.provider):
        wanted = " or ".join(variable(one) for one in ACCOUNTS[name.provider][0])
        raise ConfigurationError(
            f"The {role} {name} is off, for {wanted} is not set; set it, or name another {role} than {name.provider}."
        )
    need_sdk(name.provider)
    tagging_price(name.provider, name.model, stated_prices(settings.tagger_prices).get(str(name), ""))


def _door(settings: Settings, name: TaggerName) -> TaggerDoor:
    base_url = str(getattr(settings, ACCOUNTS[name.provider][1]))
    return TaggerDoor(_key(settings, name.provider), base_url, settings.tagger_queue_tokens)


def _key(settings: Settings, provider: str) -> str:
    keys: list[SecretStr] = [getattr(settings, one) for one in ACCOUNTS[provider][0]]
    return next(filter(None, (one.get_secret_value() for one in keys)), "")


def _cost(settings: Settings, name: TaggerName) -> Callable[[Usage, datetime], float]:
    stated = stated_prices(settings.tagger_prices).get(str(name), "")

    def usd(usage: Usage, at: datetime) -> float:
        return cost(usage, tagging_price(name.provider, name.model, stated, at.date()))

    return usd
