"""Undo: undo the changes of a run from its journal alone, however far the run got and whichever process made it.

Undo reads every open change, decides what to do about each (`decide`, a pure function), acts, and reads again. It ends
when every entry is closed or time is up. These rules make that safe:

- A change that reads *before* is closed only when no call of ours can still change it. Reads may be stale for the
  setting's settle time, and a call without an answer may land until the client's time-outs are over. The sender has
  stopped when undo begins, so both times count from there.
- A value that is *ours* is written back; that is idempotent. A value that is neither belongs to somebody else, and
  undo leaves it alone.
- Later stages go first. A stage that keeps failing delays the earlier ones for at most HOLD seconds.
- A change that protects others is taken back only when its probes (`undo_probes`) hold; else it stays, and is stuck.
- A write that AWS accepts and then drops is repeated DROPS times; then the entry is stuck, with AWS's reason.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field

from gameday.aws.account import LONGEST_CALL, Account
from gameday.change import Call, Json, Observation
from gameday.engine.calls import CallSender, Emit, as_error, is_later
from gameday.engine.decision import ENDS, Next, decide
from gameday.engine.entries import End, Entry
from gameday.engine.holding import protectors, reasons_to_stay
from gameday.engine.journal import Journal
from gameday.engine.observe import observe
from gameday.errors import AwsError, GamedayError, Unreachable, in_words
from gameday.events import ChangeClosed, Remark
from gameday.steady_state.clock import Clock

log = logging.getLogger("gameday.undo")

PATIENCE = 900.0
"""Seconds after which undo gives up: what it could not undo is stuck, and what has not healed is not healed."""
HOLD = 300.0
"""Seconds for which earlier stages wait for a later stage that is not done."""
DROPS = 3
"""Writes that AWS may accept and drop before undo gives the entry up: each costs the resource another failed start."""
SHORTEST, LONGEST = 0.25, 10.0
"""Seconds between two reads, and between two tries of a write that fails: at first, and at most."""


def undo(
    run: str, account: Account, journal: Journal, clock: Clock, emit: Emit, *, patience: float = PATIENCE
) -> list[ChangeClosed]:
    """Undo every open change in the run's journal, within about `patience` seconds; return how each entry ended.

    A second undo makes no call. A change that cannot be undone is `stuck`, and stays open in the journal for another
    try. Undo goes on where the journal cannot be written. Raises JournalError only where it cannot be read.
    """
    return Undo(CallSender(run, "undo", account, clock, emit), journal, patience).work()


@dataclass(frozen=True, slots=True)
class _Step:
    next: Next
    about: str
    calls: list[Call] = field(default_factory=list)
    failed: str = ""  # why AWS dropped the last write


class Undo:
    """The undo of a run, or of one of its faults (`of`: the position of its first change). Raises JournalError."""

    def __init__(self, wire: CallSender, journal: Journal, patience: float = PATIENCE, of: int | None = None) -> None:
        entries = [entry for entry in journal.entries(wire.run) if of is None or entry.planned_fault == of]
        self.wire = wire
        self.journal = journal
        self.patience = patience
        self.began = wire.clock.now()
        self.open = {entry.position: entry for entry in entries if entry.is_open}
        self.made: dict[int, dict[str, str]] = {}  # by planned fault: name → id
        for entry in entries:
            self.made.setdefault(entry.planned_fault, {}).update(entry.change.made_binding(entry.made))
        self.wrote: set[int] = set()
        self.dropped: Counter[int] = Counter()  # by entry: its writes that AWS accepted and dropped
        self.trouble: dict[int, GamedayError] = {}  # the last error of an entry
        self.pause: dict[int, float] = {}  # seconds that an entry waits after an error, and until when
        self.not_before: dict[int, float] = {}
        self.breath = 0.0  # seconds until the next read: short after a write, longer while only watching
        self.settled: list[ChangeClosed] = []
        self.is_noted = True

    def work(self) -> list[ChangeClosed]:
        """Make all passes; return how each entry ended."""
        while (pause := self.advance()) is not None:
            self.wire.clock.sleep(pause)
        return sorted(self.settled, key=lambda closed: closed.position)

    def advance(self) -> float | None:
        """Make one pass, and return the seconds until the next one is due; None where every entry has ended."""
        if self.open and not self.journal.is_ours():
            self._leave_to_other_machine()
        elif self.open:
            self._pass()
            if self.wire.clock.now() >= self.began + self.patience:
                self._give_up()
        return min(self.breath, self._until_quiet()) if self.open else None

    def _pass(self) -> None:
        """Read every open change, act on the last stages, close what is done."""
        steps = self._steps()
        given_up = self._given_up(steps)
        steps = {position: step for position, step in steps.items() if position not in given_up}
        is_acting = self._act(steps)
        self.breath = SHORTEST if is_acting else min(2.0 * max(self.breath, SHORTEST), LONGEST)
        done = {position: self._end(position, step) for position, step in steps.items() if step.next in ENDS}
        self._settle({**done, **given_up})

    # look and decide --------------------------------------------------------------------------------------------------

    def _steps(self) -> dict[int, _Step]:
        seen = self._seen()
        steps: dict[int, _Step] = {}
        for position, entry in self.open.items():
            try:
                step = self._step(entry, seen[position])
            except Exception as error:  # noqa: BLE001 - the entry waits, and the others go on
                self.trouble[position] = as_error(error)
                step = _Step(Next.WAIT, self.trouble[position].what)
            else:
                if step.next is not Next.WRITE:
                    self.trouble.pop(position, None)
            steps[position] = step
        writes = {position: self.open[position] for position, step in steps.items() if step.next is Next.WRITE}
        held = reasons_to_stay(writes, self._known, self.wire.account)
        steps |= {position: _Step(Next.HOLD, about) for position, about in held.items()}
        for position, step in steps.items():
            log.debug("change %d: %s: %s", position, step.next.name, step.about)
        return steps

    def _seen(self) -> dict[int, Observation | GamedayError]:
        """Read every open change; where that raises, read each alone, so that no entry hides the others."""
        try:
            return observe(self.open, self._known, self.wire.account)
        except Exception as error:  # noqa: BLE001 - as above
            if len(self.open) == 1:
                return dict.fromkeys(self.open, as_error(error))
        return {position: self._seen_alone(position, entry) for position, entry in self.open.items()}

    def _seen_alone(self, position: int, entry: Entry) -> Observation | GamedayError:
        try:
            return observe({position: entry}, self._known, self.wire.account)[position]
        except Exception as error:  # noqa: BLE001 - as above
            return as_error(error)

    def _step(self, entry: Entry, seen: Observation | GamedayError) -> _Step:
        if isinstance(seen, GamedayError):
            raise seen
        change = entry.change
        step = decide(change, seen, self._is_quiet(entry), entry.was)
        calls = change.undo_calls(seen, self._known(entry)) if step is Next.WRITE else []
        return _Step(step, change.explain(change.standing(seen, entry.was), seen), calls, seen.failed)

    def _is_quiet(self, entry: Entry) -> bool:
        return self.wire.clock.now() >= self._quiet_from(entry)

    def _quiet_from(self, entry: Entry) -> float:
        """Return the time after which neither a stale read nor a late request of ours is possible."""
        last = self.began + LONGEST_CALL if entry.answered is None else min(entry.answered, self.began)
        return last + entry.change.settle_time

    def _known(self, entry: Entry) -> dict[str, Json]:
        made = self.made.get(entry.planned_fault, {})
        return entry.change.bindings(self.wire.run, made) | {"since": entry.intended, "now": self.wire.clock.now()}

    def _until_quiet(self) -> float:
        """Return the seconds until the next entry is quiet: a read much later than that only loses time."""
        now = self.wire.clock.now()
        return min((at - now for entry in self.open.values() if (at := self._quiet_from(entry)) > now), default=LONGEST)

    # act --------------------------------------------------------------------------------------------------------------

    def _act(self, steps: dict[int, _Step]) -> bool:
        """Send the calls that are due; return whether there were any."""
        last = self._last_stage(steps)
        calls = [
            (position, call, self.open[position].change.region)
            for position, step in steps.items()
            if self._stage(position) >= last and self.wire.clock.now() >= self.not_before.get(position, 0.0)
            for call in step.calls
        ]
        for (position, _, _), answer in zip(calls, self._sent(calls), strict=True):
            self.wrote.add(position)
            self.trouble.pop(position, None)
            if steps[position].failed:  # until then a read may still show the write before
                self.not_before[position] = self.wire.clock.now() + self.open[position].change.settle_time
            if isinstance(answer, GamedayError):
                self.trouble[position] = answer
                self.pause[position] = min(2.0 * self.pause.get(position, SHORTEST), LONGEST)
                self.not_before[position] = self.wire.clock.now() + self.pause[position]
        return bool(calls)

    def _sent(self, calls: list[tuple[int, Call, str]]) -> list[Json | GamedayError]:
        try:
            return self.wire.send(calls)
        except Exception as error:  # noqa: BLE001 - they may have happened: the next read shows it
            return [as_error(error)] * len(calls)

    def _last_stage(self, steps: dict[int, _Step]) -> tuple[int, int]:
        """Return the last stage that is not done: the stages before it wait for it, for at most HOLD seconds."""
        todo = [
            self._stage(position)
            for position, step in steps.items()
            if step.next in (Next.WRITE, Next.WAIT) and not self._is_refused(position)
        ]
        is_patient = self.wire.clock.now() < self.began + HOLD
        return max(todo) if todo and is_patient else (0, 0)

    def _stage(self, position: int) -> tuple[int, int]:
        return self.open[position].planned_fault, self.open[position].stage

    def _is_refused(self, position: int) -> bool:
        """Return whether an entry met an error that waiting will hardly fix, like a missing permission."""
        error = self.trouble.get(position)
        if isinstance(error, AwsError):
            passing = self.open[position].change.undo_retry_codes
            return not isinstance(error, Unreachable) and not is_later(error, passing)
        return error is not None

    # give up early ----------------------------------------------------------------------------------------------------

    def _given_up(self, steps: dict[int, _Step]) -> dict[int, tuple[End, str]]:
        """Return the entries whose writes AWS keeps dropping, and the changes that protect them: all are stuck."""
        ends: dict[int, tuple[End, str]] = {}
        for position, step in steps.items():
            is_due = self.wire.clock.now() >= self.not_before.get(position, 0.0)
            if step.next is Next.WRITE and step.failed and position in self.wrote and is_due:
                self.dropped[position] += 1
                if self.dropped[position] >= DROPS:
                    about = self.open[position].change.about
                    ends[position] = "stuck", f"{about}: AWS accepted the call and dropped it: {step.failed}"
        for cause in [*ends]:
            for position in protectors(self.open, cause):
                kept, lost = self.open[position].change.about, self.open[cause].change.about
                ends[position] = "stuck", f"{kept}: it stays, since what it protects is stuck: {lost}"
        return ends

    # close ------------------------------------------------------------------------------------------------------------

    def _end(self, position: int, step: _Step) -> tuple[End, str]:
        entry = self.open[position]
        was_refused = entry.error is not None and entry.answered is not None and position not in self.wrote
        return ("untouched" if was_refused and step.next is not Next.CONFLICT else ENDS[step.next]), step.about

    def _give_up(self) -> None:
        """End the undo when time is up: irreversible actions have not healed; all other open changes are stuck.

        Stuck changes stay open in the journal for another try.
        """
        ends: dict[int, tuple[End, str]] = {}
        for position, step in self._steps().items():
            change, error = self.open[position].change, self.trouble.get(position)
            end: End = "stuck" if change.undoable or error else "not-healed"
            ends[position] = end, f"{change.about}: {error.what if error else step.about}"
        self._settle(ends)

    def _leave_to_other_machine(self) -> None:
        """End the undo here, since another machine undoes this run: send and note nothing more."""
        now, about = self.wire.clock.now(), "another machine has taken this run over and undoes it"
        self.settled += [
            ChangeClosed(now, position, "stuck", f"{entry.change.about}: {about}")
            for position, entry in self.open.items()
        ]
        self.open = {}

    def _settle(self, ends: dict[int, tuple[End, str]]) -> None:
        now = self.wire.clock.now()
        try:
            if ends:
                self.journal.settle(self.wire.run, ends)
        except Exception as error:  # noqa: BLE001 - no error of the journal may stop the undo
            if self.is_noted:
                why = in_words(error)
                self.wire.emit(Remark(now, f"the undo continues, but the journal does not record it: {why}"))
            self.is_noted = False
        for position, (state, about) in ends.items():
            log.info("change %d of run %s is %s: %s", position, self.wire.run, state, about)
        self.settled += [ChangeClosed(now, position, *end) for position, end in ends.items()]
        self.open = {position: entry for position, entry in self.open.items() if position not in ends}
