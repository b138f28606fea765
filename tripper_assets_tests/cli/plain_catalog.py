"""What a source's catalog holds after any decisions, in plain dictionaries: the model that the real one is held against."""

from collections.abc import Mapping
from dataclasses import dataclass, field

MOST_REMOVED = 0.3
Said = str
"""What the publisher says of an activity, beside its name."""


@dataclass(frozen=True)
class Bundle:
    """The final JSONL of one workflow."""

    workflow: str
    sha256: str
    stated: Mapping[str, Said]
    """By the activity's name."""


@dataclass
class PlainCatalog:
    """One source: what is published of it, and what people said."""

    live: dict[str, Said] = field(default_factory=dict[str, Said])
    """What the publisher said of each published activity at the last import."""
    corrections: dict[str, Said] = field(default_factory=dict[str, Said])
    refused: dict[str, Said] = field(default_factory=dict[str, Said])
    """What the publisher said when a person rejected the activity."""
    decisions: dict[str, bool] = field(default_factory=dict[str, bool])
    """Whether a bundle was approved, by its SHA-256; absent where nobody decided."""
    overridden: set[str] = field(default_factory=set[str])
    """Bundles whose failed checks a person lets pass."""

    @property
    def shown(self) -> dict[str, Said]:
        return {name: self.corrections.get(name, said) for name, said in self.live.items()}

    def run(self, bundle: Bundle, *, auto_import: bool) -> bool:
        """Import what may be imported, and return whether it was."""
        decision = self.decisions.get(bundle.sha256)
        wanted = self._wanted(bundle)
        is_held = self._is_held(bundle, wanted) and not (decision and bundle.sha256 in self.overridden)
        if decision is False or is_held or not (decision or auto_import):
            return False
        self.live = wanted
        return True

    def approve(self, bundle: Bundle, *, override: bool) -> bool:
        self.decisions[bundle.sha256] = True
        self.overridden.discard(bundle.sha256)
        if override:
            self.overridden.add(bundle.sha256)
        return self.run(bundle, auto_import=False)

    def reject(self, bundle: Bundle) -> None:
        self.decisions[bundle.sha256] = False

    def refuse(self, name: str, said: Said) -> None:
        self.refused[name] = said
        self.live.pop(name, None)

    def _wanted(self, bundle: Bundle) -> dict[str, Said]:
        return {name: said for name, said in bundle.stated.items() if self.refused.get(name) != said}

    def _is_held(self, bundle: Bundle, wanted: Mapping[str, Said]) -> bool:
        """Return whether a guard holds it: nothing at all, half or twice as much as before, or too much that is gone."""
        last = {name for name in self.live if name in wanted or name not in bundle.stated}
        if not wanted:
            return True
        if not last:
            return False
        return not 0.5 <= len(wanted) / len(last) <= 2 or len(last - set(wanted)) / len(last) > MOST_REMOVED
