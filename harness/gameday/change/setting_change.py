"""Set one setting of one resource; the undo writes back the value of before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Literal, Self

from pydantic import Field

from gameday.change.base import Bindings, CallTemplate, Change, Description, Standing
from gameday.change.call import Call, Json
from gameday.change.normal_form import items, same
from gameday.change.placeholders import bind, fill
from gameday.change.probe import Probe
from gameday.change.setting import Observation, Setting, Shape
from gameday.change.words import brief, in_full
from gameday.errors import GamedayError

Side = Literal["before", "after"]
"""The two sides of a setting change: the value of before, and the value we set."""


class SettingChange(Change):
    """Set one setting of one resource; the undo writes back `before`.

    Scalar and switch: `after` replaces `before` (None is "absent"). Set: `before` is unused. `adds` holds only items
    that were not there when the plan was made, and `removes` only items that were.

    Scalar: with `via`, apply writes that value and then `after`. A setting that reads `via` is ours.
    """

    kind: Literal["setting"] = "setting"
    setting: Setting
    id: str
    args: dict[str, Json] = Field({})
    before: Json = None
    via: Json = None  # written first, where AWS needs a step between; the undo never writes it
    after: Json = None
    adds: tuple[Json, ...] = ()
    removes: tuple[Json, ...] = ()
    replaced_by: str = ""  # what replaces the resource by itself, so that one that is gone has healed
    undo_when: tuple[Probe, ...] = ()  # the undo waits until all hold: what this change protects is whole again

    # what it is about -------------------------------------------------------------------------------------------------

    @property
    def subject(self) -> str:
        """What is set, for people: `network ACL of subnet-1`."""
        return f"{self.setting.name} of {self.id}"

    @property
    def is_set(self) -> bool:
        """Whether it adds and removes items, and leaves others' items alone."""
        return self.setting.shape is Shape.SET

    @property
    def targets(self) -> tuple[str, ...]:
        """The resource whose setting it sets."""
        return (self.id,)

    @property
    def resource_kind(self) -> str:
        """The kind of resource that has the setting."""
        return self.setting.resource

    @property
    def implied_resource(self) -> str:
        """The resource whose setting it sets, since not every call names it in a parameter."""
        return self.id

    @property
    def headline(self) -> str:
        """One line: the setting, its value of before and its new value."""
        if not self.is_set:
            values = (self.before, *self._steps("after"))
            return f"{self.subject}: {' → '.join(map(in_full, values))}"
        moved = [*(f"+{in_full(item)}" for item in self.adds), *(f"-{in_full(item)}" for item in self.removes)]
        return f"{self.subject}: {', '.join(moved)}"

    @property
    def undo_note(self) -> str:
        """What the undo waits for; empty where it waits for nothing."""
        return f"once {' and '.join(probe.about for probe in self.undo_when)}" if self.undo_when else ""

    def describe(self) -> Description:
        """Return the change in words."""
        about = self.about or self.setting.about
        if self.adds or self.removes:
            adds, removes = (", ".join(in_full(item) for item in moved) for moved in (self.adds, self.removes))
            before = _both(adds and f"without {adds}", removes and f"with {removes}")
            after = _both(adds and f"with {adds}", removes and f"without {removes}")
            undo = _both(adds and f"remove {adds}", removes and f"add back {removes}")
            return Description(about, self.subject, before, after, undo)
        before = in_full(self.before)
        undo = "clear it again" if self.before is None else f"write back {before}"
        return Description(about, self.subject, before, ", then ".join(map(in_full, self._steps("after"))), undo)

    # before the run ---------------------------------------------------------------------------------------------------

    @property
    def read_call(self) -> Call:
        """The call that reads the setting."""
        return self.setting.read.call

    def apply_templates(self) -> Iterator[CallTemplate]:
        """Yield the calls that set it."""
        return self._templates("after")

    def undo_templates(self) -> Iterator[CallTemplate]:
        """Yield the calls that write back the value of before."""
        return self._templates("before")

    def _templates(self, side: Side) -> Iterator[CallTemplate]:
        if self.is_set:
            removed, added = self._items(side)
            moved = [(self.setting.remove, list(removed)), (self.setting.add, list(added))]
            writes: list[tuple[Call | None, Json]] = [(call, part) for call, part in moved if part]
        else:
            writes = [(self.setting.setter(value), value) for value in self._steps(side)]
        known: Bindings = {"id": self.id, "ids": [self.id], "args": self.args}
        return (CallTemplate(call, {**known, "value": value}) for call, value in writes if call)

    # placeholders -----------------------------------------------------------------------------------------------------

    def bindings(self, run: str, made: Mapping[str, str]) -> dict[str, Json]:
        """Return the bindings of its calls, without those for the values read and written."""
        return {"run": run, "made": dict(made), "id": self.id, "ids": [self.id], "args": self.args}

    def filled(self, run: str, made: Mapping[str, str]) -> Self:
        """Return the change with its arguments and values filled; raises GamedayError."""
        change = super().filled(run, made)
        bindings = change.bindings(run, made)
        return change.model_copy(
            update={
                "via": fill(change.via, bindings),
                "after": fill(change.after, bindings),
                "adds": tuple(fill(item, bindings) for item in change.adds),
                "removes": tuple(fill(item, bindings) for item in change.removes),
            }
        )

    @property
    def learned_from(self) -> tuple[Call, ...]:
        """The read, since a write may need its row."""
        return (self.read_call,)

    def is_read_by(self, call: Call) -> bool:
        """Return whether a call reads this setting, perhaps of other resources too."""
        if str(call) != str(self.read_call):
            return False
        known: Bindings = {"id": self.id, "ids": [self.id], "args": self.args}
        return self.setting.read.plural or call == bind(self.read_call, known)

    # reading and writing ----------------------------------------------------------------------------------------------

    def reads_as(self, side: Side, seen: Observation) -> bool:
        """Return whether the setting reads as on one side; of a set, only our own items count."""
        if self.is_set:
            return not self._to_move(side, seen)
        return same(self.setting.canonical, seen.value, self._value(side))

    def writes(self, side: Side, seen: Observation, bindings: Bindings) -> list[Call]:
        """Return the calls that bring the setting to one side, given what was just read. Raises GamedayError."""
        known = {**bindings, "id": self.id, "ids": [self.id], "args": self.args, "row": seen.row}
        if self.is_set:
            return [bind(call, {**known, "value": value}) for call, value in self._to_move(side, seen)]
        return [self._write(value, known) for value in self._steps(side) if not self._has_passed(value, seen)]

    def _write(self, value: Json, known: Bindings) -> Call:
        call = self.setting.setter(value)
        if call is None:
            raise GamedayError(
                f"no call sets {self.subject} to {brief(value)}", "correct the setting in the fault's code"
            )
        return bind(call, {**known, "value": value})

    def _steps(self, side: Side) -> tuple[Json, ...]:
        """The values to write, in order."""
        is_direct = side == "before" or self.via is None
        return (self._value(side),) if is_direct else (self.via, self._value(side))

    def _has_passed(self, value: Json, seen: Observation) -> bool:
        """Whether a value is the step between, and reads as written."""
        return value is self.via and self._reads_via(seen)

    def _reads_via(self, seen: Observation) -> bool:
        return self.via is not None and same(self.setting.canonical, seen.value, self.via)

    def _value(self, side: Side) -> Json:
        return self.before if side == "before" else self.after

    def _items(self, side: Side) -> tuple[tuple[Json, ...], tuple[Json, ...]]:
        """The items to remove, and those to add."""
        return (self.adds, self.removes) if side == "before" else (self.removes, self.adds)

    def _to_move(self, side: Side, seen: Observation) -> list[tuple[Call, list[Json]]]:
        """Return the calls that a set still needs, with their items; others' items stay as they are."""
        setting = self.setting
        there = items(setting.canonical, seen.value)
        removed, added = self._items(side)
        extra = [item for key, item in items(setting.canonical, removed).items() if key in there]
        lacking = [item for key, item in items(setting.canonical, added).items() if key not in there]
        return [(call, moved) for call, moved in ((setting.remove, extra), (setting.add, lacking)) if call and moved]

    # apply ------------------------------------------------------------------------------------------------------------

    def apply_calls(self, seen: Observation, bindings: Bindings) -> list[Call]:
        """Return the calls that set it; none where it already reads as we set it."""
        return [] if self.reads_as("after", seen) else self.writes("after", seen, bindings)

    def drift(self, seen: Observation) -> str:
        """Return how the setting differs from the plan: undo would overwrite a stranger's new value."""
        if seen.gone:
            return f"{self.subject} is gone"
        is_ours = self.reads_as("before", seen) or self._reads_via(seen)
        return "" if is_ours else f"{self.subject} now reads {brief(seen.value)}"

    def is_applied(self, seen: Observation, made: Mapping[str, str]) -> bool:  # noqa: ARG002 - it creates nothing
        """Return whether the setting reads as we set it."""
        return seen.ready and self.reads_as("after", seen)

    @property
    def apply_retry_codes(self) -> tuple[str, ...]:
        """The setting's own codes for "not now"."""
        return self.setting.retry

    # undo -------------------------------------------------------------------------------------------------------------

    @property
    def settle_time(self) -> float:
        """Seconds for which reads of the setting may be stale."""
        return self.setting.settle

    def standing(self, seen: Observation, was: Json) -> Standing:  # noqa: ARG002 - it has no probe
        """Return the state of the change. A set that differs from before is ours, since only our items count."""
        if seen.gone:
            return Standing.HEALED if self.replaced_by else Standing.GONE
        if not seen.ready:
            return Standing.CHANGING
        if self.reads_as("before", seen):
            return Standing.BEFORE
        is_ours = self.is_set or self.reads_as("after", seen) or self._reads_via(seen)
        return Standing.OURS if is_ours else Standing.THEIRS

    def undo_calls(self, seen: Observation, bindings: Bindings) -> list[Call]:
        """Return one call at a time: undo reads again before the next call."""
        return self.writes("before", seen, bindings)[:1]

    def explain(self, standing: Standing, seen: Observation) -> str:
        """Return the state of the change in words."""
        if standing is Standing.GONE:
            return f"{self.id} no longer exists, and the run did not delete it: somebody else did"
        if standing is Standing.HEALED:
            return f"{self.id} no longer exists: {self.replaced_by} replaces it"
        if standing is Standing.THEIRS:
            was, ours, theirs = brief(self.before), brief(self.after), brief(seen.value)
            return f"{self.subject} was {was}, the run set {ours}, somebody else set {theirs}: the undo leaves it alone"
        return f"{self.subject} is {brief(seen.value)}"

    @property
    def undo_probes(self) -> tuple[Probe, ...]:
        """The probes that show that what this change protects is whole again."""
        return self.undo_when

    @property
    def undo_retry_codes(self) -> tuple[str, ...]:
        """The setting's own codes for "not now"."""
        return self.setting.retry

    def possible_calls(
        self,
        seen: Iterable[Observation],
        ids: Sequence[str],  # noqa: ARG002 - it creates nothing
        bindings: Bindings,
    ) -> Iterator[Call]:
        """Yield the calls that bring it to either side, from any of the observations."""
        sides: tuple[Side, Side] = ("before", "after")
        for now, side in product(seen, sides):
            try:
                yield from self.writes(side, now, bindings)
            except GamedayError:
                continue  # it needs a value from a row that is not read yet


def _both(first: str, second: str) -> str:
    return "; ".join(part for part in (first, second) if part)
