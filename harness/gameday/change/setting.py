"""Settings: what faults set of a resource, how to read it, and the calls that write it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby

from pydantic import Field

from gameday.change.call import Call, Frozen, Json
from gameday.change.normal_form import NormalForm
from gameday.change.placeholders import bind, search
from gameday.errors import UNEXPECTED_ANSWER, AwsError, Unreachable


class Shape(StrEnum):
    """How a setting is written and undone."""

    SCALAR = "scalar"  # one value, written whole; has `clear` where "absent" is a value
    SWITCH = "switch"  # a position; each position has a call of its own
    SET = "set"  # items, added and removed each alone, so that others' items survive


class Read(Frozen):
    """How to read a setting of many resources at once.

    - `call` sees `ids`; where `plural` is false, it sees `id`, and each resource takes a call of its own.
    - `rows` is a JMESPath over the answer to rows {id, value, …look-ups}. With `plural` false a row needs no id. Rows
      of other ids are dropped.
    - Error codes in `absent` mean that the resource exists and the setting does not.
    - `needs` are JMESPaths that find something in every answer of AWS; without them, a missing key would mean "absent".
    """

    call: Call
    rows: str
    plural: bool = True
    absent: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Observation:
    """What a change's read shows right now.

    For a setting: its `value` (None is "absent") and the `row` that holds it. `ready` is false while the resource is
    changing; `gone` means that the resource does not exist. `failed` says why AWS dropped a write that it had accepted;
    empty where it did not. For any other change, `value` is the whole answer.
    """

    value: Json = None
    row: dict[str, Json] = field(default_factory=dict)
    ready: bool = True
    gone: bool = False
    failed: str = ""


class Setting(Frozen):
    """A setting that faults set, as data. It obeys the laws of a lens: what is written is what is read."""

    name: str
    about: str
    shape: Shape
    resource: str = ""  # the kind of resource that has it, in words; empty where it is no resource of an account
    read: Read
    write: Call | None = None  # scalar: sees value
    clear: Call | None = None  # scalar: writes "absent" (None); without it, nothing writes "absent"
    positions: dict[str, Call] = Field({})  # switch: the call that reaches each position
    add: Call | None = None  # set: sees value (a list of items)
    remove: Call | None = None
    transitional: tuple[str, ...] = ()  # switch: values between two positions, never compared
    ready: str = ""  # JMESPath over the row: false while the resource is changing and refuses writes
    failed: str = ""  # JMESPath over the row → why AWS dropped a write that it had accepted; else null or false
    canonical: NormalForm = NormalForm.PLAIN
    settle: float = 0.0  # seconds for which reads may be stale after a write
    co_writers: tuple[str, ...] = ()  # what else may write it, in words
    retry: tuple[str, ...] = ()  # error codes of a write that mean "not now": apply and undo wait and try again
    gone: tuple[str, ...] = ()  # error codes that mean the resource itself no longer exists

    def setter(self, value: Json) -> Call | None:
        """Return the call that sets a scalar or a switch to a value; None where no call does."""
        if self.shape is Shape.SWITCH:
            return self.positions.get(str(value))
        return self.clear if value is None else self.write

    def write_calls(self) -> Iterator[Call]:
        """Yield every call that writes the setting."""
        yield from self.positions.values()
        yield from (call for call in (self.write, self.clear, self.add, self.remove) if call)

    def read_calls(
        self, ids: Iterable[str], args: Mapping[str, dict[str, Json]], chunk: int
    ) -> Iterator[tuple[list[str], Call]]:
        """Yield the calls that read the setting of these resources, each with the ids that it covers.

        `args` holds the arguments of each change by id; `chunk` is the number of resources in one plural read.
        """
        for _, group in groupby(ids, key=lambda name: args.get(name, {})):
            alike = list(group)
            step = chunk if self.read.plural else 1
            for start in range(0, len(alike), step):
                some = alike[start : start + step]
                yield some, bind(self.read.call, {"id": some[0], "ids": some, "args": args.get(some[0], {})})

    def observations(self, ids: Sequence[str], answer: Json | AwsError) -> Mapping[str, Observation | AwsError]:
        """Return what one read shows of each of its resources, from its answer or its error."""
        if isinstance(answer, AwsError):
            if answer.code in self.read.absent:
                return {name: Observation() for name in ids}
            return {name: Observation(gone=True) if answer.code in self.gone else answer for name in ids}
        if missing := next((path for path in self.read.needs if search(path, answer) is None), None):
            return dict.fromkeys(ids, self._unexpected(missing))
        rows = search(self.read.rows, answer)
        if not isinstance(rows, list):  # not even an empty list: this is no answer to that read
            return dict.fromkeys(ids, self._unexpected(self.read.rows))
        found = [row for row in rows if isinstance(row, dict)]
        if self.read.plural and not all(map(self._is_whole, found)):
            return dict.fromkeys(ids, self._unexpected(self.read.rows))
        by_id = {str(row["id"] if self.read.plural else row.get("id") or ids[0]): row for row in found}
        # A plural read without a row means that the resource is gone; a single read without one, that the setting is.
        without = Observation(gone=self.read.plural)
        return {name: self._observation(by_id[name]) if name in by_id else without for name in ids}

    def _is_whole(self, row: dict[str, Json]) -> bool:
        """Return whether a row has an id, and a value where no call writes "absent"."""
        is_valued = row.get("value") is not None or self.shape is Shape.SET or self.clear is not None
        return row.get("id") is not None and is_valued

    def _unexpected(self, path: str) -> AwsError:
        call = self.read.call
        return Unreachable(call.service, call.operation, UNEXPECTED_ANSWER, f"it has no `{path}`")

    def _observation(self, row: dict[str, Json]) -> Observation:
        value = row.get("value")
        in_passing = isinstance(value, str) and value in self.transitional
        refuses = bool(self.ready) and search(self.ready, row) is False
        failed = search(self.failed, row) if self.failed else None
        reason = failed if isinstance(failed, str) else ""
        return Observation(value, row, ready=not in_passing and not refuses, failed=reason)
