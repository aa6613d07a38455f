"""Apply: make the changes of an injection, stage by stage, and journal every undo before the first call.

A stage takes four steps:

1. It reads all its settings in bulk.
2. It commits all its intents at once.
3. It sends its writes in parallel.
4. It reads in bulk until every change shows.

The first failure ends the injection. The journal then holds every change made so far, and the caller undoes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gameday.aws.account import Account
from gameday.aws.rate_limits import RateLimiter, lasts
from gameday.change import AnyChange, Bindings, Call, Json, Observation, SettingChange
from gameday.change.placeholders import bind
from gameday.engine import probes
from gameday.engine.calls import CallSender, Emit, is_later, is_uncertain, until
from gameday.engine.entries import CallOutcome, Entry, setting_changes
from gameday.engine.journal import Journal
from gameday.engine.observe import observe
from gameday.engine.settings import read_settings
from gameday.errors import ApplyFailed, AwsError, GamedayError
from gameday.steady_state.clock import Clock

NOT_NOW = 120.0
"""Seconds to wait while AWS answers "not now": throttling, or a resource that is still changing."""
APPLIED_WITHIN = 300.0
"""Seconds within which a read must show what was set: a stopping instance takes minutes (EC2 User Guide)."""

Stages = tuple[tuple[AnyChange, ...], ...]


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
    """Make the changes of an injection.

    `first` is the position of its first change in the plan; `pace` limits the rate of its calls.

    It undoes nothing. A second call for the same run and positions repeats nothing: the first intent stays, and only
    changes that do not show are written again.

    Raises ApplyFailed, JournalError or GamedayError.
    """
    wire = CallSender(run, "inject", account, clock, emit)
    stage = _StageInProgress(wire, journal, pace)
    position = first
    for number, changes in enumerate(stages):
        entries = [
            Entry(position + n, first, number, change.filled(run, stage.made)) for n, change in enumerate(changes)
        ]
        position += len(changes)
        # One bulk read both confirms this stage and prepares the next.
        following = stages[number + 1] if number + 1 < len(stages) else ()
        ahead = {position + n: change for n, change in enumerate(following) if isinstance(change, SettingChange)}
        stage.apply(entries, ahead)


@dataclass
class _Task:
    """The calls of one change that are not sent yet, in order."""

    entry: Entry
    calls: list[Call]
    made: str | None = None


@dataclass
class _StageInProgress:
    wire: CallSender
    journal: Journal
    pace: RateLimiter | None = None  # None: no limit
    made: dict[str, str] = field(default_factory=dict)  # name → id of the resources created so far
    readings: dict[int, Observation] = field(default_factory=dict)
    unproven: list[Entry] = field(default_factory=list)  # sent, and not confirmed by a read yet

    def apply(self, entries: list[Entry], ahead: Mapping[int, SettingChange]) -> None:
        known = {entry.position: entry for entry in self.journal.entries(self.wire.run)}
        fresh = [entry for entry in entries if entry.position not in known]
        entries = [known.get(entry.position, entry) for entry in entries]
        if done := [entry for entry in entries if not entry.is_open]:
            raise ApplyFailed(
                f"{done[0].change.about}: this run has undone it already, and a run injects only once",
                "start a new run",
            )
        # New resources change no setting, so one read before them and one after the next stage are enough.
        only_creates = bool(ahead) and all(entry.change.creates for entry in entries)
        unread = setting_changes(entry for entry in entries if not self._is_read(entry))
        self._read_settings({**unread, **ahead} if only_creates else unread)
        self._refuse_drift(fresh)
        was = self._read_probes_before(fresh)
        tasks = [self._task(entry, is_fresh=entry.position not in known) for entry in entries]
        now = self.wire.clock.now()
        self.journal.intend(
            self.wire.run, [replace(entry, intended=now, was=was.get(entry.position)) for entry in fresh]
        )
        self._send(tasks)
        self.unproven += [entry for entry in entries if entry.change.undoable]
        if not only_creates:
            self._wait_until_applied(ahead)

    def _is_read(self, entry: Entry) -> bool:
        return entry.position in self.readings and self.readings[entry.position].ready

    # before anything is sent ------------------------------------------------------------------------------------------

    def _read_settings(self, changes: Mapping[int, SettingChange]) -> None:
        """Read all settings, and wait for those that are still changing."""

        def ready() -> bool:
            for position, reading in read_settings(changes, self.wire.account).items():
                if isinstance(reading, GamedayError):
                    raise ApplyFailed(f"{changes[position].about}: {reading.what}", reading.remedy) from reading
                self.readings[position] = reading
            return all(self.readings[position].ready for position in changes)

        if not until(ready, self.wire.clock, NOT_NOW):
            busy = next(change for position, change in changes.items() if not self.readings[position].ready)
            raise ApplyFailed(f"{busy.about}: {busy.id} is still changing after {NOT_NOW:.0f} s", "try again later")

    def _refuse_drift(self, fresh: list[Entry]) -> None:
        """Raise ApplyFailed where a setting differs from the plan: undo would overwrite a stranger's new value."""
        for entry in fresh:
            now = self.readings.get(entry.position)
            if now and (drift := entry.change.drift(now)):
                raise ApplyFailed(f"{drift}: it has changed since the plan was made", "make a new plan")

    def _read_probes_before(self, fresh: list[Entry]) -> dict[int, Json]:
        """Return what the probes of irreversible actions read before them, by position."""
        probed = [(entry, probe) for entry in fresh if (probe := entry.change.probe_before)]
        now = self.wire.clock.now()
        known: Bindings = {"since": now, "now": now, "run": self.wire.run, "made": self.made}
        answers = probes.answers([(probe, entry.change.region, known) for entry, probe in probed], self.wire.account)
        was: dict[int, Json] = {}
        for (entry, probe), answer in zip(probed, answers, strict=True):
            if isinstance(answer, AwsError):
                raise ApplyFailed(f"{entry.change.about}: {answer.what}", answer.remedy) from answer
            was[entry.position] = probe.value_in(answer)
        return was

    # calls ------------------------------------------------------------------------------------------------------------

    def _task(self, entry: Entry, is_fresh: bool) -> _Task:
        change = entry.change
        there = None if is_fresh else self._made_before(entry)
        self.made |= change.made_binding(there)
        if there or not (is_fresh or change.undoable):
            return _Task(entry, [], there)
        now = self.readings.get(entry.position, Observation())
        return _Task(entry, change.apply_calls(now, self._known(entry)))

    def _made_before(self, entry: Entry) -> str | None:
        """Return the id of what an earlier try created, from the journal or by the run's tag."""
        change = entry.change
        if entry.made or not change.creates:
            return entry.made
        known = self._known(entry)
        find = bind(change.read_call, known)
        return next(iter(change.learned_ids(find, self.wire.account.pages(find, change.region), known)), None)

    def _known(self, entry: Entry) -> dict[str, Json]:
        return entry.change.bindings(self.wire.run, self.made)

    def _send(self, tasks: list[_Task]) -> None:
        """Send until no call is left, and wait while AWS answers "not now". Raises ApplyFailed at a failure."""
        later: list[_Task] = []

        def nothing_is_left() -> bool:
            self._read_again(later)
            while not later and (going := self._paced([task for task in tasks if task.calls])):
                failed = self._round(going, later)
                if failed:
                    raise failed
            return not later

        paced = lasts((call, task.entry.change.region) for task in tasks for call in task.calls) if self.pace else 0.0
        if not until(nothing_is_left, self.wire.clock, NOT_NOW + paced):
            about = later[0].entry.change.about
            raise ApplyFailed(f'{about}: AWS answered "not now" for {NOT_NOW:.0f} s', "try again later")

    def _paced(self, going: list[_Task]) -> list[_Task]:
        """Return the tasks whose call may go out now: the undo's share of each API stays free."""
        return self.pace.first(going, lambda task: (task.calls[0], task.entry.change.region)) if self.pace else going

    def _read_again(self, later: list[_Task]) -> None:
        """Read again before a second try: a look-up may be stale, the call may have worked, or somebody else wrote."""
        changes = setting_changes(task.entry for task in later)
        self._read_settings(changes)
        for task in later:
            if task.entry.position in changes:
                task.calls = self._task(task.entry, is_fresh=False).calls
                if task.calls and not changes[task.entry.position].is_set:
                    self._refuse_drift([task.entry])
        later.clear()

    def _round(self, going: list[_Task], later: list[_Task]) -> ApplyFailed | None:
        """Send one call of each task, add those to try again to `later`, and return the first failure."""
        self.journal.must_be_sure()
        sent = self.wire.clock.now()
        answers = self.wire.send([(task.entry.position, task.calls[0], task.entry.change.region) for task in going])
        now = self.wire.clock.now()
        outcomes: dict[int, CallOutcome] = {}
        failed: ApplyFailed | None = None
        for task, answer in zip(going, answers, strict=True):
            change = task.entry.change
            if isinstance(answer, GamedayError) and not isinstance(answer, AwsError):
                raise answer  # its parameters make no sense: it was not sent
            if not isinstance(answer, AwsError):
                self._take_answer(task, answer)
                # While calls are left, the entry stays unanswered: the next one can get lost at any time.
                outcomes[task.entry.position] = CallOutcome(sent, None if task.calls else now, None, task.made)
            elif change.undoable and is_later(answer, change.apply_retry_codes):
                later.append(task)
            else:
                outcomes[task.entry.position] = CallOutcome(sent, None if is_uncertain(answer) else now, answer.code)
                failed = failed or ApplyFailed(f"{change.about}: {answer.what}", answer.remedy)
        self.journal.answer(self.wire.run, outcomes)
        return failed

    def _take_answer(self, task: _Task, answer: Json) -> None:
        task.calls.pop(0)
        change = task.entry.change
        if task.made is None and (made := change.made_id(answer)):
            task.made = made
            self.made |= change.made_binding(made)
            task.calls = change.finish_calls(made, self._known(task.entry))

    # afterwards -------------------------------------------------------------------------------------------------------

    def _wait_until_applied(self, ahead: Mapping[int, SettingChange]) -> None:
        """Read until every setting shows what was set, and every new resource is found. Raises ApplyFailed."""
        left = self.unproven
        unread: dict[int, GamedayError] = {}  # by position: how the last read failed

        def are_all_applied() -> bool:
            seen = observe({entry.position: entry for entry in left}, self._known, self.wire.account, ahead)
            unread.clear()
            unread.update((at, now) for at, now in seen.items() if isinstance(now, GamedayError))
            self.readings |= {key: now for key, now in seen.items() if key in ahead and isinstance(now, Observation)}
            left[:] = [entry for entry in left if not self._is_applied(entry, seen[entry.position])]
            return not left

        if left and not until(are_all_applied, self.wire.clock, APPLIED_WITHIN):
            about, error = f"{left[0].change.about}: AWS accepted the call", unread.get(left[0].position)
            if error:
                raise ApplyFailed(f"{about}, but Gameday could not read the result: {error.what}", error.remedy)
            raise ApplyFailed(
                f"{about}, but reads do not show the change after {APPLIED_WITHIN:.0f} s",
                "find out who else writes this setting",
            )

    def _is_applied(self, entry: Entry, now: Observation | GamedayError) -> bool:
        return isinstance(now, Observation) and entry.change.is_applied(now, self.made)
