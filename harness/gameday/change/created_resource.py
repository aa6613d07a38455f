"""Create a resource that carries the run's tag. The undo finds it by tag and by id, and deletes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import ClassVar, Literal

from pydantic import Field

from gameday.change.base import Bindings, CallTemplate, Change, Description, Standing
from gameday.change.call import Call, Json
from gameday.change.placeholders import bind, search, search_list
from gameday.change.setting import Observation
from gameday.errors import UNEXPECTED_ANSWER, ApplyFailed, AwsError, Unreachable


class CreatedResource(Change):
    """Create a resource that carries the run's tag. The undo finds it by tag and by id, and deletes it."""

    creates: ClassVar[bool] = True

    kind: Literal["create"] = "create"
    name: str  # what `{"$": "made.<name>"}` refers to
    args: dict[str, Json] = Field({})
    create: Call  # sees run, args
    made: str  # JMESPath over create's answer → the new id
    then: tuple[Call, ...] = ()  # calls that finish it, in order; they see id (the new one), run, args
    find: Call  # sees run, args
    found: str  # JMESPath over find's answer → [ids]
    find_by_id: Call | None = None  # sees id, args; `found` reads it too: it finds what has lost its tag
    delete: Call  # sees id
    busy: tuple[str, ...] = ()  # error codes of delete that mean "still in use": undo waits and tries again
    gone: tuple[str, ...] = ()  # error codes of delete that mean "no longer there"
    settle: float = 5.0  # seconds for which `find` may be stale after a create or a delete

    # what it is about -------------------------------------------------------------------------------------------------

    @property
    def targets(self) -> tuple[str, ...]:
        """Nothing: it changes no existing resource."""
        return ()

    def is_created_by(self, call: Call) -> bool:
        """Return whether a call is the one that creates the resource."""
        return call.operation == self.create.operation

    @property
    def headline(self) -> str:
        """One line: what is created."""
        return self.about

    @property
    def undo_note(self) -> str:
        """How the undo knows what to delete."""
        return "found by the run's tag" + (" and by its id" if self.find_by_id else "")

    def describe(self) -> Description:
        """Return the change in words."""
        by_id = ", and the one with its id" if self.find_by_id else ""
        undo = f"{self.delete}: all resources with the run's tag{by_id}"
        return Description(self.about or str(self.create), self.name, "does not exist", "created", undo)

    # before the run ---------------------------------------------------------------------------------------------------

    @property
    def read_call(self) -> Call:
        """The call that finds all resources with the run's tag."""
        return self.find

    def apply_templates(self) -> Iterator[CallTemplate]:
        """Yield the call that creates it, then the calls that finish it."""
        return (CallTemplate(call, self._known) for call in (self.create, *self.then))

    def undo_templates(self) -> Iterator[CallTemplate]:
        """Yield the call that deletes it."""
        yield CallTemplate(self.delete, self._known)

    @property
    def _known(self) -> dict[str, Json]:
        return {"id": {"$": f"made.{self.name}"}, "args": self.args}

    def reads(self, made: str | None, bindings: Bindings) -> list[Call]:
        """Return the call that finds it by the run's tag and, once its id is known, the call that finds it by id."""
        by_id = [bind(self.find_by_id, {**bindings, "id": made})] if made and self.find_by_id else []
        return [bind(self.find, bindings), *by_id]

    def observed(self, answers: Sequence[Json | AwsError], made: str | None) -> Observation | AwsError:
        """Return the ids with the run's tag, and the known id if it is still there.

        An error that the id does not exist means that it is not there. An answer without a list of ids is an error: it
        would read as "deleted".
        """
        found: list[str] = []
        for number, answer in enumerate(answers):
            is_by_id = number > 0
            if isinstance(answer, AwsError):
                if is_by_id and answer.code in self.gone:
                    continue
                return answer
            if not isinstance(search(self.found, answer), list):
                reason = f"it has no `{self.found}`"
                return Unreachable(self.find.service, self.find.operation, UNEXPECTED_ANSWER, reason)
            found += [name for name in self._found_in(answer) if name == made or not is_by_id]
        return Observation([*dict.fromkeys(found)])

    # placeholders -----------------------------------------------------------------------------------------------------

    def bindings(self, run: str, made: Mapping[str, str]) -> dict[str, Json]:
        """Return the bindings of its calls, without the new id."""
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
        """Return the calls that finish the resource just created."""
        return [bind(call, {**bindings, "id": made}) for call in self.then]

    def made_id(self, answer: Json) -> str | None:
        """Return the new id; raises ApplyFailed where the answer names none."""
        made = search(self.made, answer)
        if not made:
            raise ApplyFailed(f"{self.about}: the JMESPath `{self.made}` finds no id in the answer of {self.create}")
        return str(made)

    def is_applied(self, seen: Observation, made: Mapping[str, str]) -> bool:
        """Return whether the read finds the created resource."""
        return made[self.name] in _ids(seen)

    @property
    def apply_retry_codes(self) -> tuple[str, ...]:
        """The codes for "no longer there": right after a create they mean "not there yet".

        A new id is unknown at first to some of AWS's servers, also after another has answered for it (Amazon EC2 API
        Reference, "Eventual consistency").
        """
        return self.gone

    # undo -------------------------------------------------------------------------------------------------------------

    @property
    def settle_time(self) -> float:
        """Seconds for which `find` may be stale."""
        return self.settle

    def standing(self, seen: Observation, was: Json) -> Standing:  # noqa: ARG002 - it has no probe
        """Return OURS while any resource of the run is left, else BEFORE."""
        return Standing.OURS if _ids(seen) else Standing.BEFORE

    def undo_calls(self, seen: Observation, bindings: Bindings) -> list[Call]:
        """Return the calls that delete all resources that are left."""
        return [bind(self.delete, {**bindings, "id": id_}) for id_ in _ids(seen)]

    def explain(self, standing: Standing, seen: Observation) -> str:
        """Return the state of the change in words."""
        if standing is Standing.OURS:
            return f"still there: {', '.join(_ids(seen))}"
        return f"deleted: {self.about or self.name}"

    @property
    def undo_retry_codes(self) -> tuple[str, ...]:
        """The codes for "still in use" and "no longer there": undo tries again after both."""
        return (*self.busy, *self.gone)

    def possible_calls(
        self,
        seen: Iterable[Observation],  # noqa: ARG002 - it needs no value of before
        ids: Sequence[str],
        bindings: Bindings,
    ) -> Iterator[Call]:
        """Yield the call that creates it, then the calls that finish and delete each created resource."""
        yield bind(self.create, bindings)
        for made in ids:
            yield from (bind(call, {**bindings, "id": made}) for call in (*self.then, self.delete))


def _ids(seen: Observation) -> list[str]:
    """Return the ids that an observation of created resources holds."""
    return [str(name) for name in seen.value] if isinstance(seen.value, list) else []
