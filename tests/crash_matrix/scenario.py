"""One scenario: a run that dies at a step, perhaps a restore that dies too, a restore; and what is wrong afterwards."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import botocore.endpoint
from gameday.aws.account import LONGEST_CALL, Account
from gameday.change import Call, Json, Observation, SettingChange, Shape
from gameday.engine.apply import apply
from gameday.engine.journal import Journal
from gameday.engine.settings import read_settings
from gameday.engine.undo import DROPS, undo
from gameday.errors import GamedayError, Refused
from gameday.events import ChangeClosed
from gameday.restore.dead_runs import dead_runs, restore
from gameday.steady_state.clock import TestClock
from gameday.testing import DyingAccount, DyingJournal, Killed, Life, RoughAccount, Way
from gameday.testing.crashes import When

from tests.crash_matrix.shapes import SHAPES
from tests.crash_matrix.stand import ACCOUNT, MEMORY, differences, made, stand
from tests.crash_matrix.troubles import Trouble
from tests.doubles.hostile import NOTICE, REASON, Dropping, Hostility, LateGroups, hostile
from tests.doubles.runs import Planned
from tests.doubles.shop import REGION, Shop

ROUGH = frozenset(Way) - {Way.LATE, Way.STRANGER}
MUST_APPLY = ("plain", "unseen", "rough", Hostility.THROTTLED, Hostility.LATE_GROUPS)
"""Kinds of account on which an injection must succeed all the same."""
SLOW = ("rough", Hostility.THROTTLED, Hostility.LATE_GROUPS)
"""Kinds of account on which an undo may take longer."""
WORKLOAD = "shop"
LONGEST_UNDO = LONGEST_CALL + 60.0 + 30.0
"""Seconds that an undo takes at most where nothing stands in its way: a late request, what is stale then, and looks."""


@dataclass(frozen=True)
class Point:
    """Where a process dies: at which of its steps, and when."""

    at: int
    when: When

    def __str__(self) -> str:
        return f"{self.when} {self.at}"


@dataclass(frozen=True)
class Key:
    """What tells a scenario from all others."""

    shape: str
    kind: str  # plain · rough · unseen · late, later (the request is still on its way) · stranger · a Hostility
    first: Point | None = None
    second: Point | None = None

    def __str__(self) -> str:
        return " | ".join(str(one) for one in (self.shape, self.kind, self.first, self.second) if one is not None)

    @classmethod
    def of(cls, text: str) -> Key:
        shape, kind, *points = (part.strip() for part in text.split("|"))
        when_at = [point.split() for point in points]
        return cls(shape, kind, *(Point(int(at), "after" if when == "after" else "before") for when, at in when_at))


@dataclass(frozen=True)
class Played:
    """What came of a scenario: the steps of each process, and what is wrong (nothing, or one line each)."""

    key: Key
    first: tuple[str, ...]
    second: tuple[str, ...]
    dirt: tuple[str, ...]


class Bench:
    """A shape on its world, played again and again: a clean scenario leaves the world as it found it."""

    def __init__(self, name: str, shop: Shop, folder: Path) -> None:
        self.name = name
        self.shop = shop
        self.folder = folder
        self.clock = TestClock(1_800_000_000.0)
        self.runs = 0
        self.applied = 0  # steps until the undo began, of the last run that came so far
        self.apply_failed: GamedayError | None = None  # in the last run
        self._plan()
        self._clean: dict[str, tuple[str, ...]] = {}
        self.their_acl = self._call("ec2", "create_network_acl", VpcId=shop.look().inventory.subnets[0].vpc)

    def _plan(self) -> None:
        """Resolve the fault: what it hit for good has other ids the next time."""
        self.planned_fault = SHAPES[self.name].planned_fault(self.shop)
        self.hit = self.planned_fault.irreversible_actions
        self.turned = {n: one for n, one in enumerate(self.planned_fault.changes) if isinstance(one, SettingChange)}

    def _call(self, service: str, operation: str, **params: Json) -> Json:
        return self.shop.account.call(Call(service=service, operation=operation, params=params), REGION)

    def stand(self) -> dict[str, Any]:
        """How the world stands, the rules of a proxy beside it too."""
        return stand() | {f"rule {one.name}": one.rule for one in self.shop.rules.named}

    # the processes ----------------------------------------------------------------------------------------------------

    def play(self, key: Key) -> Played:
        self.runs += 1
        if key.kind == Hostility.LATE_GROUPS:
            self._plan()
        run = f"run-{self.runs}"
        before, began = self.stand(), self.clock.now()
        rough, life = self._account(run, key), Life(*((key.first.at, key.first.when) if key.first else ()))
        lives, calls = [life], self._lives(run, rough, life)
        owed = self._owed(run)
        expected = self._stranger(before) if (strangers := key.kind == "stranger") else before
        for point in [key.second] if key.second else []:
            lives.append(Life(point.at, point.when))
            calls += self._restores(rough, lives[-1])[0]
        lives.append(Life())
        more, trouble = self._restores(rough, lives[-1])
        took = self.clock.now() - began
        rough.arrive()
        hit = {change.id for change in self.hit if change.call.operation in LateGroups.REPLACES}
        if isinstance(rough.account, LateGroups) and hit & rough.account.listed and took < NOTICE:
            trouble.append(f"healed after {took:.0f} s, while the group still listed what is gone")
        if key.first is None and key.kind in MUST_APPLY and self.apply_failed:
            trouble.append(f"the injection failed: {self.apply_failed}")
        dirt = [*trouble, *self._wrong(run, expected, calls + more), *self._ends(run, owed if strangers else None)]
        dirt += self._twice(run, rough)
        if key.kind not in SLOW and took > LONGEST_UNDO * (len(lives) - 1):
            dirt.append(f"it took {took:.0f} s")
        if strangers:
            self._stranger_leaves(before)
        return Played(key, tuple(life.steps), tuple(lives[1].steps), tuple(dirt))

    def _account(self, run: str, key: Key) -> RoughAccount:
        ways = {"rough": ROUGH, "unseen": {Way.UNSEEN}, "late": {Way.LATE}, "later": {Way.LATE}}.get(
            key.kind, frozenset()
        )
        late = self._mutating_before(key.first) if Way.LATE in ways and key.first else None
        late_by = 0.9 * LONGEST_CALL if key.kind == "later" else 0.0
        changes = self.planned_fault.changes
        account = hostile(self.shop.account, self.clock, key.kind)
        return RoughAccount(account, self.clock, changes, run, ways, late=late, late_by=late_by)

    def _mutating_before(self, point: Point) -> int:
        """The number of the mutating call at this step, as the rough account counts them."""
        return sum(is_mutating(step) for step in self.steps("plain")[: point.at])

    def steps(self, kind: str) -> tuple[str, ...]:
        """The steps of a run that nothing ends."""
        if kind not in self._clean:
            self._clean[kind] = self.play(Key(self.name, kind)).first
        return self._clean[kind]

    def _lives(self, run: str, rough: RoughAccount, life: Life) -> list[Call]:
        """A run's process, as far as it gets."""
        account = DyingAccount(rough, life=life)
        journal = DyingJournal.of(self.folder, life)

        def undo_begins() -> None:
            self.applied = len(life.steps)
            rough.undo_begins()

        with suppress(Killed):
            self._runs(run, account, journal, undo_begins)
        journal.close()
        return account.calls

    def _runs(
        self, run: str, account: Account, journal: Journal, undo_begins: Callable[[], None] = lambda: None
    ) -> list[ChangeClosed]:
        """Apply and undo as a run does, also when apply raises."""
        journal.begin(run, Planned(account=ACCOUNT), pid=1)
        journal.take(run, WORKLOAD, ACCOUNT, "aws")
        self.apply_failed = None
        try:
            apply(self.planned_fault.stages, 0, run, account, journal, self.clock, lambda _: None)
        except GamedayError as error:
            self.apply_failed = error
        undo_begins()
        settled = undo(run, account, journal, self.clock, lambda _: None)
        journal.end(run)
        return settled

    def drop(self, key: Key) -> Played:
        """A run whose starts EC2 drops: stuck with the reason after a few calls, its group held; then it is mended."""
        self.runs += 1
        run, before, began = f"run-{self.runs}", self.stand(), self.clock.now()
        dropping = Dropping(self.shop.account, self.clock)
        rough = RoughAccount(dropping, self.clock, self.planned_fault.changes, run)
        life = Life(*((key.first.at, key.first.when) if key.first else ()))
        calls = self._lives(run, rough, life)
        calls += self._restores(rough, Life())[0]
        dirt = [*self._dropped(run, dropping, before)]
        if (took := self.clock.now() - began) > 2 * LONGEST_UNDO:
            dirt.append(f"it took {took:.0f} s to give up")
        dropping.is_mended = True
        more, trouble = self._restores(rough, Life())
        dirt += [*trouble, *self._wrong(run, before, calls + more), *self._ends(run, None), *self._twice(run, rough)]
        return Played(key, tuple(life.steps), (), tuple(dirt))

    def _dropped(self, run: str, dropping: Dropping, before: dict[str, Any]) -> Iterator[str]:
        """What is wrong while EC2 drops starts: no reason, too many calls, or a group that is not held."""
        journal = Journal.open(self.folder)
        rows = journal.entries(run)
        journal.close()
        down = {id_ for id_ in dropping.dropped if self.stand().get(f"state of {id_}") == "stopped"}
        for row in rows:
            is_down = isinstance(row.change, SettingChange) and row.change.id in down
            if is_down and (row.state != "stuck" or REASON not in row.note):
                yield f"a dropped start is not named: {row.change.about} is {row.state}: {row.note}"
        for id_, times in dropping.starts.items():
            if times > 2 * (DROPS + 1):  # of two processes
                yield f"{id_} was started {times} times"
        held = [change for change in self.turned.values() if change.undo_when]
        for change in held if down else []:
            if set(change.adds) - set(self.stand()[f"suspended of {change.id}"]):
                yield f"the group of a stuck instance is not held: {change.about}"

    def inject_only(self) -> None:
        """Bring the fault about, and leave it so."""
        journal = Journal.open(self.folder)
        journal.begin("injected", Planned(account=ACCOUNT), pid=1)
        apply(self.planned_fault.stages, 0, "injected", self.shop.account, journal, self.clock, lambda _: None)
        journal.close()

    def fail(self, trouble: Trouble, at: int) -> Played:
        """A run one of whose calls fails: put back, or said to be stuck, and then put back with what works again."""
        self.runs += 1
        run, before = f"run-{self.runs}", self.stand()
        account, journal = trouble.on(self.shop.account, self.clock, at), Journal.open(self.folder)
        with patch.object(botocore.endpoint.time, "sleep", lambda _: None):  # botocore's own pauses
            settled = self._runs(run, account, journal)
        closed = journal.run(run).ended is not None  # type: ignore[union-attr]
        journal.close()
        dirt = [] if account.met else ["it did not come to that"]
        if closed:
            dirt += self._differences(before)
        elif trouble.passes:
            dirt.append(f"it was not put back, though AWS answers again: {settled}")
        elif not any(one.state == "stuck" for one in settled):
            dirt.append(f"what is left was not said: {settled}")
        rough = RoughAccount(self.shop.account, self.clock, self.planned_fault.changes, run)
        more, could_not = self._restores(rough, Life())
        dirt += [*could_not, *self._wrong(run, before, account.calls + more), *self._ends(run, None)]
        dirt += self._twice(run, rough)
        return Played(
            Key(self.name, str(trouble), Point(at, "before")), tuple(map(str, account.calls)), (), tuple(dirt)
        )

    def _restores(self, rough: RoughAccount, life: Life) -> tuple[list[Call], list[str]]:
        """Another process that restores, as far as it gets; its calls, and what it could not do."""
        rough.undo_begins()
        account = DyingAccount(rough, life=life)
        journal = DyingJournal.of(self.folder, life)
        trouble: list[str] = []
        try:
            for dead in dead_runs(journal):
                done = restore(dead, journal, self.clock, lambda _: None, lambda: account)
                trouble += [] if done.closed else [f"the run was not closed: {done.about} {done.settled}"]
        except Killed:
            pass
        except GamedayError as error:
            trouble.append(f"restore failed: {error}")
        finally:
            journal.close()
        return account.calls, trouble

    # the third party --------------------------------------------------------------------------------------------------

    def _stranger(self, before: dict[str, Any]) -> dict[str, Any]:
        """Somebody else changes the first setting that has a third value; how all should stand in the end."""
        for setting_change, value in self.others():
            was = self.stand()
            self._set(setting_change, value)
            theirs = {key: is_ for key, is_ in self.stand().items() if was.get(key) != is_}
            if setting_change.setting.shape is Shape.SET:
                theirs = {key: sorted({*before[key], *value}) for key in theirs}
            return before | theirs
        return before

    def others(self) -> list[tuple[SettingChange, Json]]:
        """Setting changes with a value that is neither what was there nor ours."""
        values: dict[str, Json] = {
            "subnet.acl": self.their_acl["NetworkAcl"]["NetworkAclId"],
            "group.suspended": ["AddToLoadBalancer"],
            "function.concurrency": 7,
            "table.capacity": {"ReadCapacityUnits": 33, "WriteCapacityUnits": 33},
            "table.maximum": {"MaxReadRequestUnits": 33, "MaxWriteRequestUnits": 33},
            "stage.throttling": {"rate": 77, "burst": 33},
            "stage.default-throttling": {"rate": 77, "burst": 33},
            "proxy.rule": {"kind": "throttle", "service": "dynamodb", "share": "7%"},
        }
        found = [
            (setting_change, _alike(setting_change.before, values[setting_change.setting.name]))
            for setting_change in self.turned.values()
            if setting_change.setting.name in values
        ]
        groups = [
            setting_change
            for setting_change in self.turned.values()
            if setting_change.setting.name == "interface.groups"
        ]
        return found + [(setting_change, setting_change.before[:1]) for setting_change in groups]

    def _set(self, setting_change: SettingChange, value: Json) -> None:
        is_set = setting_change.setting.shape is Shape.SET
        changed = setting_change.model_copy(
            update={"adds": tuple(value), "removes": ()} if is_set else {"after": value}
        )
        now = read_settings({0: setting_change}, self.shop.account)[0]
        assert isinstance(now, Observation)
        for call in changed.writes("after", now, {}):
            self.shop.account.call(call, setting_change.region)

    def _stranger_leaves(self, before: dict[str, Any]) -> None:
        setting_change, value = self.others()[0]
        if setting_change.setting.shape is Shape.SET:
            self._call(
                "autoscaling", "resume_processes", AutoScalingGroupName=setting_change.id, ScalingProcesses=value
            )
        else:
            now = read_settings({0: setting_change}, self.shop.account)[0]
            assert isinstance(now, Observation)
            for call in setting_change.writes("before", now, {}):
                self.shop.account.call(call, setting_change.region)

    # the judgement ----------------------------------------------------------------------------------------------------

    def _wrong(self, run: str, expected: dict[str, Any], calls: list[Call]) -> Iterator[str]:
        actions = {f"{one.call} {one.id}": 0 for one in self.hit}
        for call in calls:
            for one in call.params.get("InstanceIds", ()):
                if (action := f"{call} {one}") in actions:
                    actions[action] += 1
        yield from (f"{action} was hit {times} times" for action, times in actions.items() if times > 1)
        yield from self._differences(expected)
        yield from (f"{one} was made, and is left" for one in made())

    def _differences(self, expected: dict[str, Any]) -> Iterator[str]:
        """What does not stand as it should; of what was hit only its replacement counts, which is the group's."""
        now = self.stand()
        if self.hit:  # what heals has other ids
            now, expected = ({k: v for k, v in one.items() if not _of_instance(k)} for one in (now, expected))
        yield from differences(expected, now)

    def _owed(self, run: str) -> set[int]:
        """The positions that the journal holds open."""
        journal = Journal.open(self.folder)
        rows = journal.entries(run)
        journal.close()
        return {row.position for row in rows if row.is_open}

    def _ends(self, run: str, owed: set[int] | None) -> Iterator[str]:
        """What is wrong in the journal; `owed` is what was open when a stranger came."""
        journal = Journal.open(self.folder)
        known, rows = journal.run(run), journal.entries(run)
        try:
            journal.must_be_free(WORKLOAD, ACCOUNT)
        except Refused as refused:
            yield str(refused)
        journal.close()
        if known is not None and known.ended is None:
            yield "the run is not closed"
        # Some victim was never hit, since the process died first: a probe that leaves out all victims never holds.
        spared = [one.id for one in self.hit if self.stand().get(f"state of {one.id}") == "running"]
        for row in rows:
            is_theirs = owed is not None and row.position in owed and self._is_overwritten(row.position)
            if is_theirs and (row.state != "conflict" or "somebody else set" not in row.note):
                yield f"a third party's change is not named: {row.change.about} is {row.state}: {row.note}"
            is_unhit = row.state == "not-healed" and row.change in self.hit and spared
            if not is_theirs and not is_unhit and row.state not in ("restored", "healed", "untouched"):
                yield f"{row.change.about} is {row.state}: {row.note}"

    def _is_overwritten(self, position: int) -> bool:
        """Whether the stranger wrote a third value where this change wrote ours."""
        setting_change, _ = self.others()[0]
        return setting_change.setting.shape is not Shape.SET and self.turned.get(position) == setting_change

    def _twice(self, run: str, rough: RoughAccount) -> Iterator[str]:
        """A second restore, and a second undo of this very run, make no call at all."""
        calls, _ = self._restores(rough, Life())
        journal, account = Journal.open(self.folder), DyingAccount(rough)
        undo(run, account, journal, self.clock, lambda _: None)
        journal.close()
        yield from (f"a second restore called {call}" for call in (*calls, *account.calls))


def _of_instance(key: str) -> bool:
    return key.startswith(("state of", "groups of"))


def is_mutating(step: str) -> bool:
    """Whether a step changes something in the account."""
    return not step.startswith("journal.") and not step.partition(".")[2].startswith(("describe_", "get_"))


@contextmanager
def bench(name: str) -> Iterator[Bench]:
    """A shape on a world of its own, with a journal of its own."""
    folder = Path(tempfile.mkdtemp(dir=MEMORY))
    try:
        with SHAPES[name].world() as shop:
            yield Bench(name, shop, folder)
    finally:
        shutil.rmtree(folder)


def _alike(before: Json, value: Json) -> Json:
    """A stranger's value in the form of a setting of several parts, such as a table with its indexes."""
    if isinstance(before, dict) and before.keys() != (value.keys() if isinstance(value, dict) else set()):
        return {key: _alike(part, value) for key, part in before.items()}
    return value
