"""What a fault answers with: changes, as data.

A change is one of three things:

- `SettingChange`: set one setting of one resource; its undo writes back the value from before.
- `CreatedResource`: create a resource that carries the run's tag; its undo deletes it.
- `IrreversibleAction`: nothing undoes it, the system must heal by itself.

All of it is JSON: the plan prints it, the journal keeps it, and undo needs nothing else.

**Placeholders.** Inside `Call.params` and `SettingChange.after` the object `{"$": path}` is replaced by a value that is
known only later. `path` is a JMESPath over the *bindings* of the moment. Braces inside strings are never touched,
since IAM documents contain `${…}`. The bindings are:

    id, ids     the resource's id, or the ids of one plural read
    value       the value to write (scalar, switch), or the items to add or remove (set)
    row         the row just read for this id: {id, value, look-ups of the setting's `rows`}
    args        the change's own arguments
    made        ids of what this run made, by the created resource's name: {"$": "made.acl"}
    run         the run's id, which tags whatever it makes
    since, now  times in seconds since the epoch (probes only): when the fault went in, and now
    before      when the time began with which an `Excess` compares, in seconds since the epoch
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Json = Any
"""A JSON value: None, bool, int, float, str, list of Json, or dict of str to Json."""

RUN_TAG = "gameday:run"
"""The tag that everything made by a run carries; its value is the run's id."""


class Frozen(BaseModel):
    """A value: immutable, and a mistake where a field is unknown."""

    # Built at first use: `validate` reads experiments without ever making a change.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Call(Frozen):
    """One API call: `service` as boto3 names its client, `operation` as the client's method (snake_case)."""

    service: str
    operation: str
    params: dict[str, Json] = {}

    def __str__(self) -> str:
        return f"{self.service}.{self.operation}"


class Shape(StrEnum):
    """How a setting's setting is written and undone."""

    SCALAR = "scalar"  # one value, written whole; `clear` where "nothing" is a value
    SWITCH = "switch"  # a position, each reached by a call of its own
    SET = "set"  # items, added and removed one by one, so that others' items survive


class NormalForm(StrEnum):
    """The form in which two values of a setting are compared, since AWS reorders and reserialises."""

    PLAIN = "plain"  # equal as JSON
    SORTED = "sorted"  # a list whose order means nothing (and a comma-separated text of such)
    TEXT = "text"  # numbers and booleans may come back as text
    DOCUMENT = "document"  # a policy: single value ↔ list, key order, JSON text ↔ object


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


class Setting(Frozen):
    """A setting that faults set, as data; its laws are a lens's laws."""

    name: str
    about: str
    shape: Shape
    read: Read
    write: Call | None = None  # scalar: sees value
    clear: Call | None = None  # scalar: writes "absent" (None); without it, `write` writes None's absence never
    positions: dict[str, Call] = {}  # switch: the call that reaches each position
    add: Call | None = None  # set: sees value (a list of items)
    remove: Call | None = None
    transitional: tuple[str, ...] = ()  # switch: values in passing, never compared
    ready: str = ""  # JMESPath over the row: false while the resource is changing and refuses writes
    canonical: NormalForm = NormalForm.PLAIN
    settle: float = 0.0  # seconds for which reads may be stale after a write
    co_writers: tuple[str, ...] = ()  # who else may write it by itself, in words
    retry: tuple[str, ...] = ()  # error codes of a write that mean "not now": waited out
    gone: tuple[str, ...] = ()  # error codes that mean the resource itself no longer exists


class Change(Frozen):
    """What all changes have: where, to what, and one line for people."""

    region: str
    module: str | None = None  # the module that the resource belongs to, where it belongs to one
    about: str = ""


class SettingChange(Change):
    """Set one setting of one resource; the undo writes back `before`.

    Scalar and switch: `after` replaces `before` (None is "absent"). Set: `before` is unused, `adds` and `removes` are
    exactly the items that were not, or were, there when the plan was made.
    """

    kind: Literal["setting"] = "setting"
    setting: Setting
    id: str
    args: dict[str, Json] = {}
    before: Json = None
    after: Json = None
    adds: tuple[Json, ...] = ()
    removes: tuple[Json, ...] = ()

    @property
    def subject(self) -> str:
        """What is set, for people: `network ACL of subnet-1`."""
        return f"{self.setting.name} of {self.id}"


class CreatedResource(Change):
    """Create a resource that carries the run's tag; the undo finds all that carry it, and deletes them."""

    kind: Literal["create"] = "create"
    name: str  # what `{"$": "made.<name>"}` refers to
    args: dict[str, Json] = {}
    create: Call  # sees run, args
    made: str  # JMESPath over create's answer → the new id
    then: tuple[Call, ...] = ()  # finish it, in order; they see id (the new one), run, args
    find: Call  # sees run, args
    found: str  # JMESPath over find's answer → [ids]
    delete: Call  # sees id
    busy: tuple[str, ...] = ()  # error codes of delete that mean "still in use": waited out
    gone: tuple[str, ...] = ()  # error codes of delete that mean "no longer there"
    settle: float = 5.0  # seconds for which `find` may be stale after a create or a delete


class Excess(Frozen):
    """Counts by period that say yes once they run clearly above what they were before the injection.

    `counted` and `known` are JMESPaths over the answer to [[times], [counts]], one pair a series and page. A period is
    known where either has a value; what is known and not counted is zero, what is not known tells nothing.
    """

    counted: str
    known: str
    period: float = 60.0  # seconds


class Probe(Frozen):
    """A read with a yes-or-no answer: `holds` is a JMESPath over {answer, was}, or an `excess` stands in its place.

    `was` is `value` (a JMESPath over the answer) as it stood before the injection; null without `value`.
    """

    call: Call  # sees since, before, now, run, made
    holds: str = ""
    excess: Excess | None = None
    value: str = ""
    about: str = ""


class IrreversibleAction(Change):
    """An irreversible action: nothing undoes it, the system must heal itself, and `healed` reads whether it has."""

    kind: Literal["irreversible"] = "irreversible"
    id: str
    call: Call  # sees id, args
    args: dict[str, Json] = {}
    healed: Probe
    why: str  # why it cannot be undone
    settle: float = 60.0  # seconds for which `healed` may still read the time before the action


AnyChange = Annotated[SettingChange | CreatedResource | IrreversibleAction, Field(discriminator="kind")]


class Effect(Frozen):
    """The proof that a fault works: an effect read from the account, never our own write read back.

    It has taken effect as soon as any probe holds; after `deadline` seconds without, it had no effect, and the
    run's verdict is unknown. The fault's time (`lasts`) starts at the effect.
    """

    about: str
    probes: tuple[Probe, ...]
    deadline: float = 300.0


class PlannedFault(Frozen):
    """One fault, resolved against the account: stages of changes (each stage may depend on those before it).

    Within a stage the changes are independent and go out in parallel. Undo takes the stages in reverse.
    """

    fault: str  # its name in the catalogue
    label: str  # one line: what it will do
    stages: tuple[tuple[AnyChange, ...], ...]
    effect: Effect
    hits: dict[str, float] = {}  # module → share of its capacity that is taken away, 0 to 1
    refusals: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def changes(self) -> tuple[SettingChange | CreatedResource | IrreversibleAction, ...]:
        """All changes, in the order of the stages."""
        return tuple(change for stage in self.stages for change in stage)
