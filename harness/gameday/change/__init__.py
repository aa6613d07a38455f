"""Changes as data: what a fault returns.

A change is one of three things:

- `SettingChange`: set one setting of one resource; its undo writes back the value from before.
- `CreatedResource`: create a resource that carries the run's tag; its undo deletes it.
- `IrreversibleAction`: nothing undoes it, the system must heal by itself.

All of it is JSON: the plan prints it, the journal keeps it, and undo needs nothing else. The methods of each class
describe its kind of change (`base` lists them). All of them are pure, and take what was read as an `Observation`.

A `Condition` says what must be true on AWS for the changes to be made, undone or felt, and which read tells it.

**Placeholders.** Inside `Call.params` and `SettingChange.after`, the object `{"$": path}` stands in for a value that is
known only later. `path` is a JMESPath over the current *bindings*. Braces inside strings stay as they are, since IAM
documents contain `${…}`. The bindings are:

    id, ids     the resource's id, or the ids of one plural read
    value       the value to write (scalar, switch), or the items to add or remove (set)
    row         the row just read for this id: {id, value, look-ups of the setting's `rows`}
    args        the change's own arguments
    made        ids of the resources that this run created, by name: {"$": "made.acl"}
    run         the run's id, which tags what it creates
    since, now  times in seconds since the epoch (probes only): when the fault went in, and now
    before      the start of the time with which an `Excess` compares, in seconds since the epoch
"""

from __future__ import annotations

from gameday.change.base import Bindings, CallTemplate, Change, Description, Standing
from gameday.change.call import RUN_TAG, Call, Frozen, Json, JsonLike
from gameday.change.condition import Condition
from gameday.change.created_resource import CreatedResource
from gameday.change.irreversible_action import IrreversibleAction
from gameday.change.normal_form import NormalForm
from gameday.change.planned_fault import AnyChange, Effect, HitResource, PlannedFault
from gameday.change.probe import Excess, Probe
from gameday.change.setting import Observation, Read, Setting, Shape
from gameday.change.setting_change import SettingChange, Side

__all__ = [
    "RUN_TAG",
    "AnyChange",
    "Bindings",
    "Call",
    "CallTemplate",
    "Change",
    "Condition",
    "CreatedResource",
    "Description",
    "Effect",
    "Excess",
    "Frozen",
    "HitResource",
    "IrreversibleAction",
    "Json",
    "JsonLike",
    "NormalForm",
    "Observation",
    "PlannedFault",
    "Probe",
    "Read",
    "Setting",
    "SettingChange",
    "Shape",
    "Side",
    "Standing",
]
