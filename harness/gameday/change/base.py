"""The interface of every kind of change. All of it is pure: no method calls AWS."""

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
from gameday.errors import AwsError

Bindings = Mapping[str, JsonLike]
"""The values of placeholders (the package's docstring lists them)."""


class Standing(StrEnum):
    """The state of a change, by what was just observed."""

    BEFORE = "before"  # as before the run: undone
    OURS = "ours"  # as the run left it: not undone yet
    THEIRS = "theirs"  # neither: somebody else changed it
    CHANGING = "changing"  # the resource is changing right now
    GONE = "gone"  # the resource no longer exists
    HEALED = "healed"
    NOT_HEALED = "not healed"


@dataclass(frozen=True)
class CallTemplate:
    """A call of a change before the run: `known` holds its bindings, which may hold placeholders themselves."""

    call: Call
    known: Bindings

    def bound(self, bindings: Bindings) -> Call:
        """Return the call with all placeholders filled; raises GamedayError for one without a value."""
        return bind(self.call, {**bindings, **filled(self.known, bindings)})


@dataclass(frozen=True)
class Description:
    """A change in words: what changes, where, the values before and after, and the undo."""

    about: str
    where: str
    before: str
    after: str
    undo: str


class Change(Frozen):
    """A change to the account: where it is, one line for people, and the methods that the engine calls."""

    region: str
    module: str | None = None  # the module of the resource; None where it belongs to none
    about: str = ""
    lost: tuple[str, ...] = ()  # what it loses for good, in words: no undo brings that back

    undoable: ClassVar[bool] = True  # false: nothing undoes it, and it is never sent twice
    creates: ClassVar[bool] = False  # true: the run's tag finds what it creates

    # what it is about -------------------------------------------------------------------------------------------------

    @property
    @abstractmethod
    def targets(self) -> tuple[str, ...]:
        """The ids of the existing resources that it changes."""

    @property
    def resource_kind(self) -> str:
        """The kind of those resources, in words; empty where no tags of an account apply to them."""
        return ""

    @property
    @abstractmethod
    def headline(self) -> str:
        """One line for a plan: what changes, from what to what."""

    @property
    @abstractmethod
    def undo_note(self) -> str:
        """The note that a plan adds to the undo's calls, or shows in their place; empty where it adds nothing."""

    @abstractmethod
    def describe(self) -> Description:
        """Return the change in words."""

    @property
    def implied_resource(self) -> str | None:
        """The id of the resource for which its calls need a permission, where their parameters name none."""
        return None

    def is_created_by(self, call: Call) -> bool:  # noqa: ARG002 - only what creates needs it
        """Return whether a call is the one that creates its resource."""
        return False

    # before the run ---------------------------------------------------------------------------------------------------

    @property
    @abstractmethod
    def read_call(self) -> Call:
        """The call whose answer shows the state of the change; its placeholders are not filled."""

    @abstractmethod
    def apply_templates(self) -> Iterator[CallTemplate]:
        """Yield the calls that make the change, in order."""

    @abstractmethod
    def undo_templates(self) -> Iterator[CallTemplate]:
        """Yield the calls that undo it, in order."""

    def reads(self, made: str | None, bindings: Bindings) -> list[Call]:  # noqa: ARG002 - only what creates needs it
        """Return the calls whose answers show its state; `made` is the id of what it created. Raises GamedayError."""
        return [bind(self.read_call, bindings)]

    def observed(self, answers: Sequence[Json | AwsError], made: str | None) -> Observation | AwsError:  # noqa: ARG002 - as above
        """Return what the answers to its reads show, or the error that keeps them from showing it."""
        first = answers[0]
        return first if isinstance(first, AwsError) else Observation(first)

    # placeholders -----------------------------------------------------------------------------------------------------

    @abstractmethod
    def bindings(self, run: str, made: Mapping[str, str]) -> dict[str, Json]:
        """Return the bindings of its calls; `made` maps the name of a created resource to its id."""

    def filled(self, run: str, made: Mapping[str, str]) -> Self:
        """Return the change with its values filled, since undo must not depend on placeholders.

        Raises GamedayError for a placeholder without a value.
        """
        bindings = self.bindings(run, made)
        return self.model_copy(update={"args": fill(bindings["args"], bindings)})

    def made_binding(self, made: str | None) -> dict[str, str]:  # noqa: ARG002 - only what creates needs it
        """Return the value of `{"$": "made.<name>"}` once the resource exists: name → id."""
        return {}

    @property
    @abstractmethod
    def learned_from(self) -> tuple[Call, ...]:
        """The calls whose answers give values to its placeholders; their own placeholders are not filled."""

    def learned_ids(self, call: Call, answer: Json, bindings: Bindings) -> list[str]:  # noqa: ARG002 - as above
        """Return the ids of the resources it created, from the answer to one of its own calls."""
        return []

    # apply ------------------------------------------------------------------------------------------------------------

    @abstractmethod
    def apply_calls(self, seen: Observation, bindings: Bindings) -> list[Call]:
        """Return the calls that make the change, given what was just read. Raises GamedayError."""

    def finish_calls(self, made: str, bindings: Bindings) -> list[Call]:  # noqa: ARG002 - as above
        """Return the calls that finish the resource just created."""
        return []

    def made_id(self, answer: Json) -> str | None:  # noqa: ARG002 - as above
        """Return the id of the resource that a call has just created; raises ApplyFailed if the answer has none."""
        return None

    @property
    def probe_before(self) -> Probe | None:
        """The probe to read before its call, for comparison later; None where nothing is compared."""
        return None

    def drift(self, seen: Observation) -> str:  # noqa: ARG002 - only a setting drifts
        """Return in words how the account differs from the plan; empty where it does not."""
        return ""

    @abstractmethod
    def is_applied(self, seen: Observation, made: Mapping[str, str]) -> bool:
        """Return whether what was just read shows the change."""

    @property
    def apply_retry_codes(self) -> tuple[str, ...]:
        """Error codes of apply's calls that mean "not now"."""
        return ()

    # undo -------------------------------------------------------------------------------------------------------------

    @property
    @abstractmethod
    def settle_time(self) -> float:
        """Seconds after a write for which a read may still show the value before it."""

    @abstractmethod
    def standing(self, seen: Observation, was: Json) -> Standing:
        """Return the state of the change; `was` is what its probe read before the action."""

    @abstractmethod
    def undo_calls(self, seen: Observation, bindings: Bindings) -> list[Call]:
        """Return the calls that undo what is not undone yet. Raises GamedayError."""

    @abstractmethod
    def explain(self, standing: Standing, seen: Observation) -> str:
        """Return the state of the change in words."""

    @property
    def undo_probes(self) -> tuple[Probe, ...]:
        """The probes that must all hold before the undo takes the change back."""
        return ()

    @property
    def undo_retry_codes(self) -> tuple[str, ...]:
        """Error codes of undo's calls that go away by themselves."""
        return ()

    # both -------------------------------------------------------------------------------------------------------------

    @abstractmethod
    def possible_calls(self, seen: Iterable[Observation], ids: Sequence[str], bindings: Bindings) -> Iterator[Call]:
        """Yield every call that makes or undoes the change, given all observations and the ids it created."""
