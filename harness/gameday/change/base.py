"""What every kind of change must say of itself; all of it is pure, and none of it asks AWS."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Self

from gameday.change.call import Call, Frozen, Json, JsonLike
from gameday.change.placeholders import bind, fill, filled
from gameday.change.probe import Probe
from gameday.change.setting import Observation

Bindings = Mapping[str, JsonLike]
"""What placeholders stand for (the package's docstring lists them)."""


class Standing(StrEnum):
    """How a change stands, by what was just observed."""

    BEFORE = "before"  # as before the run: undone
    OURS = "ours"  # as the run left it: to be undone
    THEIRS = "theirs"  # as neither: somebody else changed it
    CHANGING = "changing"  # the resource is changing right now
    GONE = "gone"  # the resource no longer exists
    HEALED = "healed"
    NOT_HEALED = "not healed"


@dataclass(frozen=True)
class CallTemplate:
    """A call of a change before the run: `known` is what it sees, which may hold placeholders itself."""

    call: Call
    known: Bindings

    def bound(self, bindings: Bindings) -> Call:
        """Return the call with all placeholders filled; raises GamedayError for one that stands for nothing."""
        return bind(self.call, {**bindings, **filled(self.known, bindings)})


@dataclass(frozen=True)
class Description:
    """A change in words: what, from what to what, and how it is undone."""

    about: str
    where: str
    before: str
    after: str
    undo: str


class Change(Frozen):
    """What all changes have: where, to what, and one line for people; and what the engine asks of each kind."""

    region: str
    module: str | None = None  # the module that the resource belongs to, where it belongs to one
    about: str = ""

    undoable: ClassVar[bool] = True  # false: nothing undoes it, and it is never sent twice
    creates: ClassVar[bool] = False  # true: what it makes is found by the run's tag

    # what it is about -------------------------------------------------------------------------------------------------

    @property
    @abstractmethod
    def targets(self) -> tuple[str, ...]:
        """The ids of the resources that it changes; none of what it creates."""

    @property
    @abstractmethod
    def headline(self) -> str:
        """One line for a plan: what changes, from what to what."""

    @property
    @abstractmethod
    def undo_note(self) -> str:
        """What a plan adds to the undo's calls, or says in their place; empty where there is nothing to add."""

    @abstractmethod
    def describe(self) -> Description:
        """Return the change in words."""

    @property
    def implied_resource(self) -> str | None:
        """The id of the resource that its calls need a permission for, where their parameters name none."""
        return None

    def is_created_by(self, call: Call) -> bool:  # noqa: ARG002 - only what creates needs it
        """Return whether a call is the one that creates its resource."""
        return False

    # before the run ---------------------------------------------------------------------------------------------------

    @property
    @abstractmethod
    def read_call(self) -> Call:
        """The call whose answer shows how the change stands; its placeholders are not filled."""

    @abstractmethod
    def apply_templates(self) -> Iterator[CallTemplate]:
        """Yield the calls that bring it about, in order."""

    @abstractmethod
    def undo_templates(self) -> Iterator[CallTemplate]:
        """Yield the calls that undo it, in order."""

    # placeholders -----------------------------------------------------------------------------------------------------

    @abstractmethod
    def bindings(self, run: str, made: Mapping[str, str]) -> dict[str, Json]:
        """Return what its calls see; `made` holds ids by the created resource's name."""

    def filled(self, run: str, made: Mapping[str, str]) -> Self:
        """Return it with its values filled, since undo must not need to know what their placeholders stood for.

        Raises GamedayError for a placeholder that stands for nothing.
        """
        bindings = self.bindings(run, made)
        return self.model_copy(update={"args": fill(bindings["args"], bindings)})

    def made_binding(self, made: str | None) -> dict[str, str]:  # noqa: ARG002 - only what creates needs it
        """Return what `{"$": "made.<name>"}` stands for once it has made something: name → id."""
        return {}

    @property
    @abstractmethod
    def learned_from(self) -> tuple[Call, ...]:
        """The calls whose answers say what its placeholders stand for; their own are not filled."""

    def learned_ids(self, call: Call, answer: Json, bindings: Bindings) -> list[str]:  # noqa: ARG002 - as above
        """Return the ids of what it created, from the answer to one of its own calls."""
        return []

    # apply ------------------------------------------------------------------------------------------------------------

    @abstractmethod
    def apply_calls(self, seen: Observation, bindings: Bindings) -> list[Call]:
        """Return the calls that bring it about, given what was just read. Raises GamedayError."""

    def finish_calls(self, made: str, bindings: Bindings) -> list[Call]:  # noqa: ARG002 - as above
        """Return the calls that finish what was just created."""
        return []

    def made_id(self, answer: Json) -> str | None:  # noqa: ARG002 - as above
        """Return the id of what a call has just created; raises ApplyFailed where the answer names none."""
        return None

    @property
    def probe_before(self) -> Probe | None:
        """The probe that must be read before its call, to know what was; None where nothing need be known."""
        return None

    def drift(self, seen: Observation) -> str:  # noqa: ARG002 - only a setting drifts
        """Return how the account has moved on since the plan, in words; empty where it has not."""
        return ""

    @abstractmethod
    def is_applied(self, seen: Observation, made: Mapping[str, str]) -> bool:
        """Return whether what was just read shows the change as it was made."""

    @property
    def apply_retry_codes(self) -> tuple[str, ...]:
        """Error codes of apply's calls that mean "not now"."""
        return ()

    # undo -------------------------------------------------------------------------------------------------------------

    @property
    @abstractmethod
    def settle_time(self) -> float:
        """Seconds for which a read may still show the time before a write."""

    @abstractmethod
    def standing(self, seen: Observation, was: Json) -> Standing:
        """Return how it stands; `was` is what its probe read before the action."""

    @abstractmethod
    def undo_calls(self, seen: Observation, bindings: Bindings) -> list[Call]:
        """Return the calls that undo what still stands. Raises GamedayError."""

    @abstractmethod
    def explain(self, standing: Standing, seen: Observation) -> str:
        """Return in words how it stands."""

    @property
    def undo_retry_codes(self) -> tuple[str, ...]:
        """Error codes of undo's calls that pass by themselves."""
        return ()

    # both -------------------------------------------------------------------------------------------------------------

    @abstractmethod
    def possible_calls(self, seen: Iterable[Observation], ids: Sequence[str], bindings: Bindings) -> Iterator[Call]:
        """Yield every call that brings it about or undoes it, given all that was read, and the ids it created."""
