"""Apply: bring an injection's changes about, stage by stage, with every undo in the journal before the first call.

A stage reads in bulk, commits all its intents at once, then only writes, in parallel, and then reads in bulk whether
everything stands. What fails stops it there; what was made until then is in the journal, and the caller undoes it.
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
"""Seconds for which "not now" is waited out: throttling, a resource that is still changing."""
STANDS_WITHIN = 300.0
"""Seconds within which a setting must read as it was set: a stopping instance takes minutes (EC2 User Guide)."""

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
    """Make an injection's changes; `first` is the position in the plan of its first one, `pace` that of its calls.

    Raises ApplyFailed, JournalError or GamedayError; nothing is undone here. Again for the same run and positions it
    makes nothing twice: the first intent stays, and only what does not stand is written once more.
    """
    wire = CallSender(run, "inject", account, clock, emit)
    stage = _StageInProgress(wire, journal, pace)
    position = first
    for number, changes in enumerate(stages):
        entries = [
            Entry(position + n, first, number, change.filled(run, stage.made)) for n, change in enumerate(changes)
        ]
        position += len(changes)
        # What the next stage must know is read together with whether this one stands.
        following = stages[number + 1] if number + 1 < len(stages) else ()
        ahead = {position + n: change for n, change in enumerate(following) if isinstance(change, SettingChange)}
        stage.apply(entries, ahead)


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
    readings: dict[int, Observation] = field(default_factory=dict)
    unproven: list[Entry] = field(default_factory=list)  # sent, and not yet read to stand

    def apply(self, entries: list[Entry], ahead: Mapping[int, SettingChange]) -> None:
        known = {entry.position: entry for entry in self.journal.entries(self.wire.run)}
        fresh = [entry for entry in entries if entry.position not in known]
        entries = [known.get(entry.position, entry) for entry in entries]
        if done := [entry for entry in entries if not entry.is_open]:
            raise ApplyFailed(f"{done[0].change.about} was undone already: a run injects once", "run it anew")
        # What is only made is in nobody's way: the next stage's settings can be read before, and it can be found after.
        only_creates = bool(ahead) and all(entry.change.creates for entry in entries)
        unread = setting_changes(entry for entry in entries if not self._is_read(entry))
        self._read_settings({**unread, **ahead} if only_creates else unread)
        self._unmoved(fresh)
        was = self._healed_before(fresh)
        tasks = [self._task(entry, is_fresh=entry.position not in known) for entry in entries]
        now = self.wire.clock.now()
        self.journal.intend(
            self.wire.run, [replace(entry, intended=now, was=was.get(entry.position)) for entry in fresh]
        )
        self._send(tasks)
        self.unproven += [entry for entry in entries if entry.change.undoable]
        if not only_creates:
            self._all_stand(ahead)

    def _is_read(self, entry: Entry) -> bool:
        return entry.position in self.readings and self.readings[entry.position].ready

    # before anything is sent ------------------------------------------------------------------------------------------

    def _read_settings(self, changes: Mapping[int, SettingChange]) -> None:
        """Read all settings, waiting for those that are still changing."""

        def ready() -> bool:
            for position, reading in read_settings(changes, self.wire.account).items():
                if isinstance(reading, GamedayError):
                    raise ApplyFailed(f"{changes[position].about}: {reading.what}", reading.remedy) from reading
                self.readings[position] = reading
            return all(self.readings[position].ready for position in changes)

        if not until(ready, self.wire.clock, NOT_NOW):
            busy = next(change for position, change in changes.items() if not self.readings[position].ready)
            raise ApplyFailed(f"{busy.id} is still changing after {NOT_NOW:.0f} s: {busy.about}", "try again later")

    def _unmoved(self, fresh: list[Entry]) -> None:
        """Refuse where a setting differs from the plan: undo would overwrite what somebody else set since then."""
        for entry in fresh:
            now = self.readings.get(entry.position)
            if now and (drift := entry.change.drift(now)):
                raise ApplyFailed(f"{drift}, not as when the plan was made", "plan again")

    def _healed_before(self, fresh: list[Entry]) -> dict[int, Json]:
        """What the probes of irreversible actions read before them, by position."""
        asked = [(entry, probe) for entry in fresh if (probe := entry.change.probe_before)]
        now = self.wire.clock.now()
        known: Bindings = {"since": now, "now": now, "run": self.wire.run, "made": self.made}
        found = probes.answers([(probe, entry.change.region, known) for entry, probe in asked], self.wire.account)
        was: dict[int, Json] = {}
        for (entry, probe), answer in zip(asked, found, strict=True):
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
        """The id of what an earlier try created, from the journal or by the run's tag."""
        change = entry.change
        if entry.made or not change.creates:
            return entry.made
        known = self._known(entry)
        find = bind(change.read_call, known)
        return next(iter(change.learned_ids(find, self.wire.account.pages(find, change.region), known)), None)

    def _known(self, entry: Entry) -> dict[str, Json]:
        return entry.change.bindings(self.wire.run, self.made)

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
        changes = setting_changes(task.entry for task in later)
        self._read_settings(changes)
        for task in later:
            if task.entry.position in changes:
                task.calls = self._task(task.entry, is_fresh=False).calls
                if task.calls and not changes[task.entry.position].is_set:
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
            if isinstance(answer, GamedayError) and not isinstance(answer, AwsError):
                raise answer  # its parameters make no sense: it was not sent
            if not isinstance(answer, AwsError):
                self._went_well(task, answer)
                # More to come may be sent, and lost, at any time from now on.
                outcomes[task.entry.position] = CallOutcome(sent, None if task.calls else now, None, task.made)
            elif change.undoable and is_later(answer, change.apply_retry_codes):
                later.append(task)
            else:
                outcomes[task.entry.position] = CallOutcome(sent, None if is_uncertain(answer) else now, answer.code)
                failed = failed or ApplyFailed(f"{change.about}: {answer.what}", answer.remedy)
        self.journal.answer(self.wire.run, outcomes)
        return failed

    def _went_well(self, task: _Task, answer: Json) -> None:
        task.calls.pop(0)
        change = task.entry.change
        if task.made is None and (made := change.made_id(answer)):
            task.made = made
            self.made |= change.made_binding(made)
            task.calls = change.finish_calls(made, self._known(task.entry))

    # afterwards -------------------------------------------------------------------------------------------------------

    def _all_stand(self, ahead: Mapping[int, SettingChange]) -> None:
        """Read until every setting stands as it was set, and everything made is found; raises ApplyFailed."""
        left = self.unproven
        unread: dict[int, GamedayError] = {}  # by position: what the last look failed with

        def all_stand() -> bool:
            found = observe({entry.position: entry for entry in left}, self._known, self.wire.account, ahead)
            unread.clear()
            unread.update((at, now) for at, now in found.items() if isinstance(now, GamedayError))
            self.readings |= {key: now for key, now in found.items() if key in ahead and isinstance(now, Observation)}
            left[:] = [entry for entry in left if not self._stands(entry, found[entry.position])]
            return not left

        if left and not until(all_stand, self.wire.clock, STANDS_WITHIN):
            about, error = f"{left[0].change.about}: AWS took the call", unread.get(left[0].position)
            if error:
                raise ApplyFailed(f"{about}, but whether it stands could not be read: {error.what}", error.remedy)
            raise ApplyFailed(
                f"{about}, but it does not stand after {STANDS_WITHIN:.0f} s", "see who else writes this setting"
            )

    def _stands(self, entry: Entry, now: Observation | GamedayError) -> bool:
        return isinstance(now, Observation) and entry.change.is_applied(now, self.made)
