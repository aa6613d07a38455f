"""An action that nothing undoes: the system must heal by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import ClassVar, Literal

from pydantic import Field

from gameday.change.base import Bindings, CallTemplate, Change, Description, Standing
from gameday.change.call import Call, Json
from gameday.change.placeholders import bind
from gameday.change.probe import Probe
from gameday.change.setting import Observation


class IrreversibleAction(Change):
    """An irreversible action: nothing undoes it, and the probe `healed` reads whether the system has healed."""

    undoable: ClassVar[bool] = False

    kind: Literal["irreversible"] = "irreversible"
    id: str
    resource: str = "instance"  # its kind, in words
    call: Call  # sees id, args
    args: dict[str, Json] = Field({})
    healed: Probe
    why: str  # why it cannot be undone
    settle: float = 60.0  # seconds for which `healed` may still show the time before the action

    # what it is about -------------------------------------------------------------------------------------------------

    @property
    def targets(self) -> tuple[str, ...]:
        """The resource that it acts on."""
        return (self.id,)

    @property
    def resource_kind(self) -> str:
        """The kind of resource that it acts on."""
        return self.resource

    @property
    def headline(self) -> str:
        """One line: what is done."""
        return self.about

    @property
    def undo_note(self) -> str:
        """The note that there is no undo, and what shows that the system has healed."""
        return f"none; healed when {self.healed.about}"

    def describe(self) -> Description:
        """Return the change in words."""
        healed = f"; healed when {self.healed.about}" if self.healed.about else ""
        undo = f"cannot be undone: {self.why}{healed}"
        return Description(self.about or str(self.call), self.id, "in service", "hit", undo)

    # before the run ---------------------------------------------------------------------------------------------------

    @property
    def read_call(self) -> Call:
        """The probe that reads whether the system has healed."""
        return self.healed.call

    def apply_templates(self) -> Iterator[CallTemplate]:
        """Yield the one call."""
        yield CallTemplate(self.call, {"id": self.id, "args": self.args})

    def undo_templates(self) -> Iterator[CallTemplate]:
        """Yield nothing: there is no undo."""
        return iter(())

    # placeholders -----------------------------------------------------------------------------------------------------

    def bindings(self, run: str, made: Mapping[str, str]) -> dict[str, Json]:
        """Return the bindings of its calls."""
        return {"run": run, "made": dict(made), "id": self.id, "args": self.args}

    @property
    def learned_from(self) -> tuple[Call, ...]:
        """No call: its own call needs nothing from an answer."""
        return ()

    # apply ------------------------------------------------------------------------------------------------------------

    def apply_calls(self, seen: Observation, bindings: Bindings) -> list[Call]:  # noqa: ARG002 - nothing is compared
        """Return the one call."""
        return [bind(self.call, bindings)]

    @property
    def probe_before(self) -> Probe | None:
        """The probe `healed`, where it compares with a value of before; else None."""
        return self.healed if self.healed.value else None

    def is_applied(self, seen: Observation, made: Mapping[str, str]) -> bool:  # noqa: ARG002 - nothing shows it
        """Return true: nothing reads back that an action was done."""
        return True

    # undo -------------------------------------------------------------------------------------------------------------

    @property
    def settle_time(self) -> float:
        """Seconds for which `healed` may still show the time before the action."""
        return self.settle

    def standing(self, seen: Observation, was: Json) -> Standing:
        """Return whether the system has healed; `was` is what the probe read before the action."""
        return Standing.HEALED if self.healed.says_yes(seen.value, was) else Standing.NOT_HEALED

    def undo_calls(self, seen: Observation, bindings: Bindings) -> list[Call]:  # noqa: ARG002 - nothing is sent
        """Return nothing: there is no undo."""
        return []

    def explain(self, standing: Standing, seen: Observation) -> str:  # noqa: ARG002 - the probe says it
        """Return the state of the change in words."""
        what = self.healed.about or self.about
        return what if standing is Standing.HEALED else f"not healed, since this does not hold: {what}"

    def possible_calls(
        self,
        seen: Iterable[Observation],  # noqa: ARG002 - it needs no value of before
        ids: Sequence[str],  # noqa: ARG002 - it creates nothing
        bindings: Bindings,
    ) -> Iterator[Call]:
        """Yield the one call."""
        yield bind(self.call, bindings)
