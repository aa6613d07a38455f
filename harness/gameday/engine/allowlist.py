"""The allow-list of a run: of all calls that change something, only the calls of the plan pass.

An account with an allow-list (`Aws.allowing`) checks every call inside botocore, just before it sends. So neither a bug
of ours nor the code of a fault can send an unplanned call.

A call belongs to the plan when its service, operation, region and all parameters equal those of a planned call with its
placeholders filled. The allow-list learns the values of placeholders from the answers of AWS:

- the id in the answer to a planned create;
- the ids that carry the run's tag, as the read by tag alone answers;
- the ids of created resources that the journal holds;
- the row just read for a planned setting.

Calls that only read pass. The allow-list refuses all others.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Sequence
from typing import Self

from gameday.aws.read_only import only_reads, unplanned
from gameday.change import Call, Change, Json, Observation, SettingChange
from gameday.engine.entries import Entry
from gameday.errors import GamedayError


class AllowList:
    """Let pass: reads, the harness's `own` calls, and the calls of these changes for this run.

    `own` lists the calls that the harness makes for itself (its lease, its sessions), each with its region.
    """

    def __init__(
        self,
        planned_faults: Iterable[Sequence[Change]] = (),
        run: str = "",
        own: Iterable[tuple[Call, str]] = (),
    ) -> None:
        self._run = run
        # Each change, with the known placeholders of its fault: name of the created resource → id.
        self._changes: list[tuple[Change, dict[str, str]]] = [
            (change, known)
            for changes, known in ((changes, dict[str, str]()) for changes in planned_faults)
            for change in changes
        ]
        self._sources = {str(call) for change, _ in self._changes for call in change.learned_from}
        self._seen: list[dict[str, Observation]] = [{"": Observation()} for _ in self._changes]  # by row
        self._ids: list[list[str]] = [[] for _ in self._changes]  # of all resources that the change created
        self._allowed = {_key(call, region) for call, region in own}
        self._lock = threading.Lock()
        for position in range(len(self._changes)):
            self._allow(position)

    @classmethod
    def of_journal(cls, entries: Sequence[Entry], run: str) -> Self:
        """Return the allow-list of an undo, which has the journal but no plan. It knows the ids that the journal holds.

        `entries` are in the order of the plan.
        """
        planned_faults: dict[int, list[Change]] = {}
        for entry in entries:
            planned_faults.setdefault(entry.planned_fault, []).append(entry.change)
        allow_list = cls(planned_faults.values(), run)
        for position, entry in enumerate(entries):
            allow_list._learn_ids(position, [entry.made] if entry.made else [])
        return allow_list

    def check(self, call: Call, region: str) -> None:
        """Raise Unplanned for a call that may change something and is not in the plan. It is not sent."""
        if only_reads(call.service, call.operation) or _key(call, region) in self._allowed:
            return
        raise unplanned(call, region)

    def learn(self, call: Call, region: str, answer: Json) -> None:
        """Learn the values of the plan's placeholders from an answer."""
        if str(call) not in self._sources:
            return
        with self._lock:
            # One read can answer for many changes of one setting, so they learn from it together.
            read: dict[tuple[str, str], list[tuple[int, SettingChange]]] = {}
            for position, (planned, known) in enumerate(self._changes):
                change = self._filled(position) or planned
                if change.region != region:
                    continue
                if isinstance(change, SettingChange):
                    if change.is_read_by(call):
                        key = (change.setting.name, change.setting.read.rows)
                        read.setdefault(key, []).append((position, change))
                else:
                    ids = change.learned_ids(call, answer, change.bindings(self._run, known))
                    self._learn_ids(position, ids)
            for changes in read.values():
                self._learn_rows(changes, answer)

    def _learn_rows(self, changes: list[tuple[int, SettingChange]], answer: Json) -> None:
        setting = changes[0][1].setting
        observations = setting.observations([change.id for _, change in changes], answer)
        for position, change in changes:
            now = observations[change.id]
            key = json.dumps(now.row, sort_keys=True, default=str) if isinstance(now, Observation) else ""
            if isinstance(now, Observation) and now.row and key not in self._seen[position]:
                self._seen[position][key] = now
                self._allow(position)

    def _learn_ids(self, position: int, ids: Iterable[str]) -> None:
        change, known = self._changes[position]
        fresh = [made for made in ids if made not in self._ids[position]]
        if fresh:
            self._ids[position] += fresh
            for name, made in change.made_binding(fresh[0]).items():
                known.setdefault(name, made)
            for other, (_, scope) in enumerate(self._changes):
                if scope is known:
                    self._allow(other)

    def _filled(self, position: int) -> Change | None:
        """Return a change with its values filled; None while it refers to a resource that does not exist yet."""
        change, known = self._changes[position]
        try:
            return change.filled(self._run, known)
        except GamedayError:
            return None

    def _allow(self, position: int) -> None:
        change = self._filled(position)
        if change is not None:
            known = change.bindings(self._run, self._changes[position][1])
            calls = change.possible_calls(self._seen[position].values(), self._ids[position], known)
            self._allowed |= {_key(call, change.region) for call in calls}


def _key(call: Call, region: str) -> str:
    return json.dumps([call.service, call.operation, region, call.params], sort_keys=True, default=str)
