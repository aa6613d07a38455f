"""The filter: of all calls that change something, only those of the plan may leave.

It stands between the harness and botocore's sending, so that neither a bug of ours nor a fault's own code gets past it.
A call is the plan's when service, operation, region and all parameters are equal once the placeholders are bound. What
they stand for is learnt from AWS' own answers: the id in the answer of a planned create, the ids that carry the run's
tag, the row just read for a planned setting. Calls that only read pass; all others are refused.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product

from gameday.aws.read_only import only_reads
from gameday.change import Call, CreatedResource, IrreversibleAction, Json, SettingChange
from gameday.engine.apply import filled
from gameday.engine.entries import Entry
from gameday.engine.placeholders import bind, search
from gameday.engine.settings import SettingValue, Side, readings_of, writes
from gameday.errors import GamedayError, Unplanned


@dataclass
class _Learned:
    """What is known of the placeholders of one injection."""

    made: dict[str, str] = field(default_factory=dict)  # by a created resource's name: the id that others refer to
    ours: dict[str, list[str]] = field(
        default_factory=dict
    )  # by a created resource's name: all ids that carry the run's tag


class AllowList:
    """Which calls may pass: reads, the harness's `own`, and the calls of these injections' changes for this run.

    Without injections nothing but reads passes: a plan is made so. `own` lists calls apart that the harness makes for
    itself (its journal, its lease), each with its region.
    """

    def __init__(
        self,
        planned_faults: Iterable[Sequence[SettingChange | CreatedResource | IrreversibleAction]] = (),
        run: str = "",
        own: Iterable[tuple[Call, str]] = (),
    ) -> None:
        self._run = run
        self._changes = [(change, known) for changes in planned_faults for known in [_Learned()] for change in changes]
        self._sources = {str(call) for change, _ in self._changes for call in _sources(change)}
        self._readings: list[dict[str, SettingValue]] = [{"": SettingValue()} for _ in self._changes]  # by their row
        self._allowed = {_key(call, region) for call, region in own}
        self._lock = threading.Lock()
        for position in range(len(self._changes)):
            self._allow(position)

    def check(self, call: Call, region: str) -> None:
        """Raises Unplanned for a call that may change something and is not the plan's; nothing was sent then."""
        if only_reads(call.service, call.operation) or _key(call, region) in self._allowed:
            return
        what = f"{call} in {region} was stopped before it was sent: it is not a call of the plan"
        raise Unplanned(what, f"a fault's code may only read; its parameters were {_said(call.params)}")

    def learn(self, call: Call, region: str, answer: Json) -> None:
        """Take from an answer what placeholders of the plan stand for."""
        if str(call) not in self._sources:
            return
        with self._lock:
            turned: dict[
                str, list[tuple[int, SettingChange]]
            ] = {}  # by setting: one read answers for many of its Setting changes
            for position, (_, known) in enumerate(self._changes):
                change = self._filled(position) or self._changes[position][0]
                if change.region != region:
                    continue
                if isinstance(change, SettingChange) and _is_read_by(change, call):
                    turned.setdefault(change.setting.name, []).append((position, change))
                elif isinstance(change, CreatedResource):
                    self._learn_ids(change, known, call, answer)
            for setting_changes in turned.values():
                self._learn_rows(setting_changes, answer)

    def _learn_rows(self, setting_changes: list[tuple[int, SettingChange]], answer: Json) -> None:
        found = readings_of(
            setting_changes[0][1].setting, [setting_change.id for _, setting_change in setting_changes], answer
        )
        for position, setting_change in setting_changes:
            now = found[setting_change.id]
            key = json.dumps(now.row, sort_keys=True, default=str) if isinstance(now, SettingValue) else ""
            if isinstance(now, SettingValue) and now.row and key not in self._readings[position]:
                self._readings[position][key] = now
                self._allow(position)

    def _learn_ids(self, make: CreatedResource, known: _Learned, call: Call, answer: Json) -> None:
        bound = {"run": self._run, "args": make.args, "made": known.made}
        if call == bind(make.create, bound):
            ids = [search(make.made, answer)]
        elif call == bind(make.find, bound):
            ids = search(make.found, answer) or []
        else:
            return
        ours = known.ours.setdefault(make.name, [])
        fresh = [str(one) for one in ids if one and str(one) not in ours]
        if fresh:
            ours += fresh
            known.made.setdefault(make.name, fresh[0])
            for position, (_, scope) in enumerate(self._changes):
                if scope is known:
                    self._allow(position)

    def _filled(self, position: int) -> SettingChange | CreatedResource | IrreversibleAction | None:
        """A change with its values filled; None while it refers to what is not made yet."""
        change, known = self._changes[position]
        try:
            return filled(change, self._run, known.made)
        except GamedayError:
            return None

    def _allow(self, position: int) -> None:
        change = self._filled(position)
        if change is not None:
            calls = _calls(change, self._changes[position][1], self._run, self._readings[position].values())
            self._allowed |= {_key(call, change.region) for call in calls}


def by_planned_fault(entries: Iterable[Entry]) -> list[list[SettingChange | CreatedResource | IrreversibleAction]]:
    """The changes of a journal, as a Filter takes them: what may be undone when the plan is no longer at hand."""
    found: dict[int, list[SettingChange | CreatedResource | IrreversibleAction]] = {}
    for entry in entries:
        found.setdefault(entry.planned_fault, []).append(entry.change)
    return list(found.values())


def _sources(change: SettingChange | CreatedResource | IrreversibleAction) -> tuple[Call, ...]:
    """The calls whose answers say what placeholders stand for."""
    if isinstance(change, SettingChange):
        return (change.setting.read.call,)
    return (change.create, change.find) if isinstance(change, CreatedResource) else ()


def _is_read_by(setting_change: SettingChange, call: Call) -> bool:
    template = setting_change.setting.read.call
    if str(call) != str(template):
        return False
    return setting_change.setting.read.plural or call == bind(
        template, {"id": setting_change.id, "ids": [setting_change.id], "args": setting_change.args}
    )


def _calls(
    change: SettingChange | CreatedResource | IrreversibleAction,
    known: _Learned,
    run: str,
    readings: Iterable[SettingValue],
) -> Iterator[Call]:
    """Every call that brings a change about or takes it back, given what its setting was read as."""
    bound: dict[str, Json] = {"run": run, "args": change.args, "made": known.made}
    if isinstance(change, IrreversibleAction):
        yield bind(change.call, bound | {"id": change.id})
    elif isinstance(change, CreatedResource):
        yield bind(change.create, bound)
        for one in known.ours.get(change.name, ()):
            yield from (bind(call, bound | {"id": one}) for call in (*change.then, change.delete))
    else:
        sides: tuple[Side, Side] = ("before", "after")
        for now, side in product(readings, sides):
            try:
                yield from writes(change, side, now, bound)
            except GamedayError:
                continue  # it needs a look-up of a row that was not read yet


def _key(call: Call, region: str) -> str:
    return json.dumps([call.service, call.operation, region, call.params], sort_keys=True, default=str)


def _said(params: Json) -> str:
    text = json.dumps(params, default=str)
    return text if len(text) <= 200 else f"{text[:199]}…"
