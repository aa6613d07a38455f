"""Settings: what of a resource faults set, how it is read, and by which calls it is written."""

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

    SCALAR = "scalar"  # one value, written whole; `clear` where "nothing" is a value
    SWITCH = "switch"  # a position, each reached by a call of its own
    SET = "set"  # items, added and removed one by one, so that others' items survive


class Read(Frozen):
    """How a setting is read for many resources at once.

    `call` sees `ids` (or `id` where `plural` is false: then one call a resource). `rows` is a JMESPath over the answer
    to rows {id, value, …look-ups}; with `plural` false the row's id may be left out. Rows of ids not asked for are
    dropped. Error codes in `absent` mean: the resource is there, the setting is not.
    """

    call: Call
    rows: str
    plural: bool = True
    absent: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Observation:
    """What a change's read shows right now.

    Of a setting: its `value` (None is "absent") and the `row` it stands in; `ready` is false while the resource is
    changing, `gone` means that there is no resource. Of any other change: `value` is the read's whole answer.
    """

    value: Json = None
    row: dict[str, Json] = field(default_factory=dict)
    ready: bool = True
    gone: bool = False


class Setting(Frozen):
    """A setting that faults set, as data; its laws are a lens's laws."""

    name: str
    about: str
    shape: Shape
    read: Read
    write: Call | None = None  # scalar: sees value
    clear: Call | None = None  # scalar: writes "absent" (None); without it, `write` writes None's absence never
    positions: dict[str, Call] = Field({})  # switch: the call that reaches each position
    add: Call | None = None  # set: sees value (a list of items)
    remove: Call | None = None
    transitional: tuple[str, ...] = ()  # switch: values in passing, never compared
    ready: str = ""  # JMESPath over the row: false while the resource is changing and refuses writes
    canonical: NormalForm = NormalForm.PLAIN
    settle: float = 0.0  # seconds for which reads may be stale after a write
    co_writers: tuple[str, ...] = ()  # who else may write it by itself, in words
    retry: tuple[str, ...] = ()  # error codes of a write that mean "not now": waited out
    gone: tuple[str, ...] = ()  # error codes that mean the resource itself no longer exists

    def setter(self, value: Json) -> Call | None:
        """Return the call that sets a scalar or a switch to a value; None where there is none."""
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
        """Yield the calls that read the setting of these resources, each with the ids it answers for.

        `args` holds a change's arguments by id; `chunk` is the number of resources in one plural read.
        """
        for _, group in groupby(ids, key=lambda name: args.get(name, {})):
            alike = list(group)
            step = chunk if self.read.plural else 1
            for start in range(0, len(alike), step):
                some = alike[start : start + step]
                yield some, bind(self.read.call, {"id": some[0], "ids": some, "args": args.get(some[0], {})})

    def observations(self, ids: Sequence[str], answer: Json | AwsError) -> Mapping[str, Observation | AwsError]:
        """Return what one read shows of each resource that it was asked for, from its answer or its error."""
        if isinstance(answer, AwsError):
            if answer.code in self.read.absent:
                return {name: Observation() for name in ids}
            return {name: Observation(gone=True) if answer.code in self.gone else answer for name in ids}
        rows = search(self.read.rows, answer)
        if not isinstance(rows, list):  # not even an empty list: this is no answer to that read
            return dict.fromkeys(ids, self._unexpected())
        by_id = {
            str(row["id"] if self.read.plural else row.get("id") or ids[0]): row
            for row in rows
            if isinstance(row, dict)
        }
        # A resource that a plural read does not list is gone; one whose own read finds no row lacks the setting.
        missing = Observation(gone=self.read.plural)
        return {name: self._observation(by_id[name]) if name in by_id else missing for name in ids}

    def _unexpected(self) -> AwsError:
        call = self.read.call
        return Unreachable(call.service, call.operation, UNEXPECTED_ANSWER, f"it has no `{self.read.rows}`")

    def _observation(self, row: dict[str, Json]) -> Observation:
        value = row.get("value")
        in_passing = isinstance(value, str) and value in self.transitional
        refuses = bool(self.ready) and search(self.ready, row) is False
        return Observation(value, row, ready=not in_passing and not refuses)
