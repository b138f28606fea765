"""What the review page's forms send, checked at the door."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

NOBODY = "somebody on the review page"
Sha256 = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
Short = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]


class Narrowed(BaseModel):
    """Which activities a list shows; each is empty where it is not asked for."""

    kind: str = ""
    problem: str = ""
    check: str = ""
    only: str = ""
    q: str = ""


class Listing(Narrowed):
    """Which activities the page shows, and what it says of what was done."""

    after: str = ""
    said: str = ""


class Seen(BaseModel):
    """A person's word on the bundle that they saw."""

    bundle: Sha256
    by: Short = ""
    reason: Short = ""

    @property
    def person(self) -> str:
        """Who says it, for the history."""
        return self.by[:80] or NOBODY


class DecisionForm(Seen):
    """On the whole bundle."""

    decision: Literal["approved", "rejected"]
    override: list[str] = []
    """The checks that it lets pass."""


class CorrectionForm(Seen):
    """On one field; further inputs are the field's own (api/correction_forms.py)."""

    model_config = ConfigDict(extra="allow")
    field: Annotated[str, StringConstraints(max_length=40)]
    remove: str = ""
    """Where it says anything, the correction ends."""

    @property
    def inputs(self) -> dict[str, str]:
        """The field's own inputs."""
        more: dict[str, Any] = self.model_extra or {}
        return {name: value for name, value in more.items() if isinstance(value, str)}


class RefusalForm(Seen):
    """On one activity."""

    action: Literal["reject", "allow"]


class SomeForm(Seen, Narrowed):
    """On several: those that are ticked, the others, or all that the list shows on its pages."""

    action: Literal["reject", "allow", "approve"]
    """To approve is to reject all others of the bundle, and approve it."""
    which: Literal["ticked", "others", "listed"] = "ticked"
    total: int = 0
    """How many the list had to decide on when the person saw it."""
    sure: int = 0
    """How many a person confirmed that it rejects, or allows."""
    activity: Annotated[list[str], Field(max_length=1_000)] = []
    back: Annotated[str, StringConstraints(max_length=2_000)] = ""

    @property
    def inputs(self) -> list[tuple[str, str]]:
        """Its inputs by name, for a page that asks again; without the button, and what was confirmed."""
        told = [(name, str(value)) for name, value in self if name not in ("activity", "action", "sure")]
        return [*told, *(("activity", one) for one in self.activity)]
