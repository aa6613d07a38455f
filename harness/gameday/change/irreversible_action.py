"""An action that nothing undoes: the system must heal by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import ClassVar, Literal

from pydantic import Field

from gameday.change.base import Bindings, CallTemplate, Change, Description, Standing
from gameday.change.call import Call, Json
from gameday.change.placeholders import bind, search
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
    whole: str = ""  # JMESPath over {answer, was}: true before the action, by the same read; empty: that of `healed`
    claims_healing: bool = True  # false: nothing known heals it; `healed` shows only that the action is over
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
        return f"none; {self._healed_when}"

    @property
    def _healed_when(self) -> str:
        return f"healed when {self.healed.about}" if self.claims_healing else self.healed.about

    def describe(self) -> Description:
        """Return the change in words."""
        healed = f"; {self._healed_when}" if self.healed.about else ""
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

    def was_whole(self, answer: Json) -> bool:
        """Return whether an answer of before the action shows a whole system; raises GamedayError for a bad path."""
        return search(self.whole or self.healed.holds, {"answer": answer, "was": self.healed.value_in(answer)}) is True

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
