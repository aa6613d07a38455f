"""Apply: bring an injection's changes about, stage by stage, with every undo in the journal before the first call.

A stage reads in bulk, commits all its intents at once, then only writes, in parallel, and then reads in bulk whether
everything stands. What fails stops it there; what was made until then is in the journal, and the caller undoes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gameday.aws.account import Account
from gameday.aws.rate_limits import RateLimiter, lasts
from gameday.change import Call, CreatedResource, IrreversibleAction, Json, SettingChange, Shape
from gameday.engine import probes
from gameday.engine.calls import CallSender, Emit, is_later, is_uncertain, until
from gameday.engine.entries import CallOutcome, Entry
from gameday.engine.journal import Journal
from gameday.engine.placeholders import bind, fill, search
from gameday.engine.settings import SettingValue, read_beside, read_settings, said, stands_at, writes
from gameday.errors import ApplyFailed, AwsError, GamedayError
from gameday.steady_state.clock import Clock

NOT_NOW = 120.0
"""Seconds for which "not now" is waited out: throttling, a resource that is still changing."""
STANDS_WITHIN = 300.0
"""Seconds within which a setting must read as it was set: a stopping instance takes minutes (EC2 User Guide)."""

Stages = tuple[tuple[SettingChange | CreatedResource | IrreversibleAction, ...], ...]


def apply(
    stages: Stages,
    first: int,
    run: str,
    account: Account,
    journal: Journal,
    clock: Clock,
    emit: Emit,
    pace: RateLimiter | None = None,
) -> None:
    """Make an injection's changes; `first` is the position in the plan of its first one, `pace` that of its calls.

    Raises ApplyFailed, JournalError or GamedayError; nothing is undone here. Again for the same run and positions it
    makes nothing twice: the first intent stays, and only what does not stand is written once more.
    """
    wire = CallSender(run, "inject", account, clock, emit)
    stage = _StageInProgress(wire, journal, pace)
    position = first
    for number, changes in enumerate(stages):
        entries = [
            Entry(position + n, first, number, filled(change, run, stage.made)) for n, change in enumerate(changes)
        ]
        position += len(changes)
        # What the next stage must know is read together with whether this one stands.
        following = stages[number + 1] if number + 1 < len(stages) else ()
        ahead = {position + n: change for n, change in enumerate(following) if isinstance(change, SettingChange)}
        stage.apply(entries, ahead)


def filled(
    change: SettingChange | CreatedResource | IrreversibleAction, run: str, made: Mapping[str, str]
) -> SettingChange | CreatedResource | IrreversibleAction:
    """A change with the values of its placeholders: undo must not need to know what they stood for."""
    known = {"run": run, "made": dict(made), "args": change.args}
    values: dict[str, Json] = {"args": fill(change.args, known)}
    if isinstance(change, SettingChange):
        known |= {"id": change.id, "args": values["args"]}
        values |= {"after": fill(change.after, known)}
        values |= {"adds": tuple(fill(change.adds, known)), "removes": tuple(fill(change.removes, known))}
    return change.model_copy(update=values)


@dataclass
class _Task:
    """The calls of one change that are still to go out, in order."""

    entry: Entry
    calls: list[Call]
    made: str | None = None


@dataclass
class _StageInProgress:
    wire: CallSender
    journal: Journal
    pace: RateLimiter | None = None  # None: as fast as it goes
    made: dict[str, str] = field(default_factory=dict)  # name → id of what the injection made so far
    readings: dict[int, SettingValue] = field(default_factory=dict)
    unproven: list[Entry] = field(default_factory=list)  # sent, and not yet read to stand

    def apply(self, entries: list[Entry], ahead: Mapping[int, SettingChange]) -> None:
        known = {entry.position: entry for entry in self.journal.entries(self.wire.run)}
        fresh = [entry for entry in entries if entry.position not in known]
        entries = [known.get(entry.position, entry) for entry in entries]
        if done := [entry for entry in entries if not entry.is_open]:
            raise ApplyFailed(f"{done[0].change.about} was undone already: a run injects once", "run it anew")
        # What is only made is in nobody's way: the next stage's settings can be read before, and it can be found after.
        only_creates = bool(ahead) and all(isinstance(entry.change, CreatedResource) for entry in entries)
        setting_changes = {
            entry.position: entry.change
            for entry in entries
            if isinstance(entry.change, SettingChange) and not self._is_read(entry)
        }
        self._read_settings({**setting_changes, **ahead} if only_creates else setting_changes)
        self._unmoved(fresh)
        was = self._healed_before([entry for entry in fresh if isinstance(entry.change, IrreversibleAction)])
        tasks = [self._task(entry, is_fresh=entry.position not in known) for entry in entries]
        now = self.wire.clock.now()
        self.journal.intend(
            self.wire.run, [replace(entry, intended=now, was=was.get(entry.position)) for entry in fresh]
        )
        self._send(tasks)
        self.unproven += [entry for entry in entries if not isinstance(entry.change, IrreversibleAction)]
        if not only_creates:
            self._all_stand(ahead)

    def _is_read(self, entry: Entry) -> bool:
        return entry.position in self.readings and self.readings[entry.position].ready

    # before anything is sent ------------------------------------------------------------------------------------------

    def _read_settings(self, setting_changes: Mapping[int, SettingChange]) -> None:
        """Read all settings, waiting for those that are still changing."""

        def ready() -> bool:
            for position, reading in read_settings(setting_changes, self.wire.account).items():
                if isinstance(reading, GamedayError):
                    raise ApplyFailed(f"{setting_changes[position].about}: {reading.what}", reading.remedy) from reading
                self.readings[position] = reading
            return all(self.readings[position].ready for position in setting_changes)

        if not until(ready, self.wire.clock, NOT_NOW):
            busy = next(
                setting_change
                for position, setting_change in setting_changes.items()
                if not self.readings[position].ready
            )
            raise ApplyFailed(f"{busy.id} is still changing after {NOT_NOW:.0f} s: {busy.about}", "try again later")

    def _unmoved(self, fresh: list[Entry]) -> None:
        """What undo would write back must still be what is there: whoever changed it since the plan would lose it."""
        for entry in fresh:
            setting_change, now = entry.change, self.readings.get(entry.position)
            if (
                isinstance(setting_change, SettingChange)
                and now
                and (now.gone or not stands_at(setting_change, "before", now))
            ):
                what = "is gone" if now.gone else f"reads {said(now.value)} by now"
                raise ApplyFailed(f"{setting_change.subject} {what}, not as when the plan was made", "plan again")

    def _healed_before(self, actions: list[Entry]) -> dict[int, Json]:
        asked = [
            (entry, entry.change)
            for entry in actions
            if isinstance(entry.change, IrreversibleAction) and entry.change.healed.value
        ]
        now = self.wire.clock.now()
        known = {"since": now, "now": now, "run": self.wire.run, "made": self.made}
        found = probes.answers([(one.healed, one.region, known) for _, one in asked], self.wire.account)
        was: dict[int, Json] = {}
        for (entry, action), answer in zip(asked, found, strict=True):
            if isinstance(answer, AwsError):
                raise ApplyFailed(f"{action.about}: {answer.what}", answer.remedy) from answer
            was[entry.position] = probes.value(action.healed, answer)
        return was

    # calls ------------------------------------------------------------------------------------------------------------

    def _task(self, entry: Entry, is_fresh: bool) -> _Task:
        change = entry.change
        known: dict[str, Json] = {"run": self.wire.run, "made": self.made, "args": change.args}
        if isinstance(change, SettingChange):
            now = self.readings[entry.position]
            return _Task(entry, [] if stands_at(change, "after", now) else writes(change, "after", now, known))
        if isinstance(change, IrreversibleAction):
            return _Task(entry, [bind(change.call, known | {"id": change.id})] if is_fresh else [])
        there = None if is_fresh else entry.made or next(iter(self._found(change)), None)
        if there:
            self.made[change.name] = there
        return _Task(entry, [] if there else [bind(change.create, known)], there)

    def _find(self, make: CreatedResource) -> Call:
        return bind(make.find, {"run": self.wire.run, "args": make.args})

    def _found(self, make: CreatedResource) -> list[str]:
        return list(search(make.found, self.wire.account.pages(self._find(make), make.region)) or [])

    def _send(self, tasks: list[_Task]) -> None:
        """Send until nothing is left, waiting out "not now"; raises ApplyFailed for the first call that fails."""
        later: list[_Task] = []

        def nothing_is_left() -> bool:
            self._look_again(later)
            while not later and (going := self._paced([task for task in tasks if task.calls])):
                failed = self._round(going, later)
                if failed:
                    raise failed
            return not later

        paced = lasts((call, task.entry.change.region) for task in tasks for call in task.calls) if self.pace else 0.0
        if not until(nothing_is_left, self.wire.clock, NOT_NOW + paced):
            about = later[0].entry.change.about
            raise ApplyFailed(f'{about}: AWS said "not now" for {NOT_NOW:.0f} s', "try again later")

    def _paced(self, going: list[_Task]) -> list[_Task]:
        """Those whose call may go out now: the undo's share of each API is not touched."""
        return self.pace.first(going, lambda one: (one.calls[0], one.entry.change.region)) if self.pace else going

    def _look_again(self, later: list[_Task]) -> None:
        """Before trying again: a look-up may have gone stale, the call may have worked, or somebody else wrote."""
        turned = [task for task in later if isinstance(task.entry.change, SettingChange)]
        self._read_settings({task.entry.position: task.entry.change for task in turned})  # type: ignore[misc]
        for task in turned:
            task.calls = self._task(task.entry, is_fresh=False).calls
            if task.calls and task.entry.change.setting.shape is not Shape.SET:  # type: ignore[union-attr]
                self._unmoved([task.entry])
        later.clear()

    def _round(self, going: list[_Task], later: list[_Task]) -> ApplyFailed | None:
        """One call of each task: notes which are to be tried again later, and answers with the first failure."""
        self.journal.must_be_sure()
        sent = self.wire.clock.now()
        answers = self.wire.send([(task.entry.position, task.calls[0], task.entry.change.region) for task in going])
        now = self.wire.clock.now()
        outcomes: dict[int, CallOutcome] = {}
        failed: ApplyFailed | None = None
        for task, answer in zip(going, answers, strict=True):
            change = task.entry.change
            if not isinstance(answer, AwsError):
                self._went_well(task, answer)
                # More to come may be sent, and lost, at any time from now on.
                outcomes[task.entry.position] = CallOutcome(sent, None if task.calls else now, None, task.made)
            elif not isinstance(change, IrreversibleAction) and is_later(
                answer, change.setting.retry if isinstance(change, SettingChange) else ()
            ):
                later.append(task)
            else:
                outcomes[task.entry.position] = CallOutcome(sent, None if is_uncertain(answer) else now, answer.code)
                failed = failed or ApplyFailed(f"{change.about}: {answer.what}", answer.remedy)
        self.journal.answer(self.wire.run, outcomes)
        return failed

    def _went_well(self, task: _Task, answer: Json) -> None:
        task.calls.pop(0)
        change = task.entry.change
        if isinstance(change, CreatedResource) and task.made is None:
            task.made = search(change.made, answer)
            if not task.made:
                raise ApplyFailed(f"{change.about}: `{change.made}` names no id in the answer of {change.create}")
            self.made[change.name] = task.made
            known = {"id": task.made, "run": self.wire.run, "args": change.args, "made": self.made}
            task.calls = [bind(call, known) for call in change.then]

    # afterwards -------------------------------------------------------------------------------------------------------

    def _all_stand(self, ahead: Mapping[int, SettingChange]) -> None:
        """Read until every setting stands as it was set, and everything made is found; raises ApplyFailed."""
        left = self.unproven

        def all_stand() -> bool:
            setting_changes = {
                entry.position: entry.change for entry in left if isinstance(entry.change, SettingChange)
            }
            makes = {entry.position: entry.change for entry in left if isinstance(entry.change, CreatedResource)}
            finds = [(self._find(make), make.region) for make in makes.values()]
            found, answers = read_beside({**setting_changes, **ahead}, finds, self.wire.account)
            lists = dict(zip(makes, answers, strict=True))
            self.readings |= {key: one for key, one in found.items() if key in ahead and isinstance(one, SettingValue)}
            left[:] = [
                entry for entry in left if not self._stands(entry, found.get(entry.position), lists.get(entry.position))
            ]
            return not left

        if left and not until(all_stand, self.wire.clock, STANDS_WITHIN):
            raise ApplyFailed(
                f"{left[0].change.about}: AWS took the call, but it does not stand after {STANDS_WITHIN:.0f} s",
                "see who else writes this setting",
            )

    def _stands(self, entry: Entry, now: SettingValue | GamedayError | None, listed: Json | GamedayError) -> bool:
        change = entry.change
        if isinstance(change, CreatedResource):
            there = [] if isinstance(listed, GamedayError) else search(change.found, listed) or []
            return self.made[change.name] in there
        ready = isinstance(now, SettingValue) and now.ready
        return ready and isinstance(change, SettingChange) and stands_at(change, "after", now)  # type: ignore[arg-type]
