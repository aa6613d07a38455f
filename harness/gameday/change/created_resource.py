"""Create a resource that carries the run's tag; the undo finds all that carry it, and deletes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import ClassVar, Literal

from pydantic import Field

from gameday.change.base import Bindings, CallTemplate, Change, Description, Standing
from gameday.change.call import Call, Json
from gameday.change.placeholders import bind, search, search_list
from gameday.change.setting import Observation
from gameday.errors import ApplyFailed


class CreatedResource(Change):
    """Create a resource that carries the run's tag; the undo finds all that carry it, and deletes them."""

    creates: ClassVar[bool] = True

    kind: Literal["create"] = "create"
    name: str  # what `{"$": "made.<name>"}` refers to
    args: dict[str, Json] = Field({})
    create: Call  # sees run, args
    made: str  # JMESPath over create's answer → the new id
    then: tuple[Call, ...] = ()  # finish it, in order; they see id (the new one), run, args
    find: Call  # sees run, args
    found: str  # JMESPath over find's answer → [ids]
    delete: Call  # sees id
    busy: tuple[str, ...] = ()  # error codes of delete that mean "still in use": waited out
    gone: tuple[str, ...] = ()  # error codes of delete that mean "no longer there"
    settle: float = 5.0  # seconds for which `find` may be stale after a create or a delete

    # what it is about -------------------------------------------------------------------------------------------------

    @property
    def targets(self) -> tuple[str, ...]:
        """Nothing: it changes no resource that is there."""
        return ()

    def is_created_by(self, call: Call) -> bool:
        """Return whether a call is the one that creates the resource."""
        return call.operation == self.create.operation

    @property
    def headline(self) -> str:
        """What is created."""
        return self.about

    @property
    def undo_note(self) -> str:
        """How the undo knows what to delete."""
        return "found by the run's tag"

    def describe(self) -> Description:
        """Return the change in words."""
        undo = f"{self.delete}: all that carries the run's tag"
        return Description(self.about or str(self.create), self.name, "not there", "made", undo)

    # before the run ---------------------------------------------------------------------------------------------------

    @property
    def read_call(self) -> Call:
        """The call that finds all that carries the run's tag."""
        return self.find

    def apply_templates(self) -> Iterator[CallTemplate]:
        """Yield the call that creates it, and those that finish it."""
        return (CallTemplate(call, self._known) for call in (self.create, *self.then))

    def undo_templates(self) -> Iterator[CallTemplate]:
        """Yield the call that deletes it."""
        yield CallTemplate(self.delete, self._known)

    @property
    def _known(self) -> dict[str, Json]:
        return {"id": {"$": f"made.{self.name}"}, "args": self.args}

    # placeholders -----------------------------------------------------------------------------------------------------

    def bindings(self, run: str, made: Mapping[str, str]) -> dict[str, Json]:
        """Return what its calls see, but for the new id."""
        return {"run": run, "made": dict(made), "args": self.args}

    def made_binding(self, made: str | None) -> dict[str, str]:
        """Return its name with the new id."""
        return {self.name: made} if made else {}

    @property
    def learned_from(self) -> tuple[Call, ...]:
        """The calls whose answers hold the new id."""
        return self.create, self.find

    def learned_ids(self, call: Call, answer: Json, bindings: Bindings) -> list[str]:
        """Return the new ids, from the answer to its own create or find."""
        if call == bind(self.create, bindings):
            made = search(self.made, answer)
            return [str(made)] if made else []
        return self._found_in(answer) if call == bind(self.find, bindings) else []

    def _found_in(self, answer: Json) -> list[str]:
        return [str(found) for found in search_list(self.found, answer)]

    # apply ------------------------------------------------------------------------------------------------------------

    def apply_calls(self, seen: Observation, bindings: Bindings) -> list[Call]:  # noqa: ARG002 - nothing is compared
        """Return the call that creates it."""
        return [bind(self.create, bindings)]

    def finish_calls(self, made: str, bindings: Bindings) -> list[Call]:
        """Return the calls that finish what was just created."""
        return [bind(call, {**bindings, "id": made}) for call in self.then]

    def made_id(self, answer: Json) -> str | None:
        """Return the new id; raises ApplyFailed where the answer names none."""
        made = search(self.made, answer)
        if not made:
            raise ApplyFailed(f"{self.about}: `{self.made}` names no id in the answer of {self.create}")
        return str(made)

    def is_applied(self, seen: Observation, made: Mapping[str, str]) -> bool:
        """Return whether what was created is found."""
        return made[self.name] in self._found_in(seen.value)

    # undo -------------------------------------------------------------------------------------------------------------

    @property
    def settle_time(self) -> float:
        """Seconds for which `find` may be stale."""
        return self.settle

    def standing(self, seen: Observation, was: Json) -> Standing:  # noqa: ARG002 - it has no probe
        """Return whether anything is left that carries the run's tag."""
        return Standing.OURS if self._found_in(seen.value) else Standing.BEFORE

    def undo_calls(self, seen: Observation, bindings: Bindings) -> list[Call]:
        """Return the calls that delete all that is left."""
        return [bind(self.delete, {**bindings, "id": found}) for found in self._found_in(seen.value)]

    def explain(self, standing: Standing, seen: Observation) -> str:
        """Return in words how it stands."""
        if standing is Standing.OURS:
            return f"{', '.join(self._found_in(seen.value))} is still there"
        return f"nothing is left of {self.about or self.name}"

    @property
    def undo_retry_codes(self) -> tuple[str, ...]:
        """Still in use, or no longer there: both pass."""
        return (*self.busy, *self.gone)

    def possible_calls(
        self,
        seen: Iterable[Observation],  # noqa: ARG002 - it needs no value of before
        ids: Sequence[str],
        bindings: Bindings,
    ) -> Iterator[Call]:
        """Yield the call that creates it, and those that finish and delete what was created."""
        yield bind(self.create, bindings)
        for made in ids:
            yield from (bind(call, {**bindings, "id": made}) for call in (*self.then, self.delete))
