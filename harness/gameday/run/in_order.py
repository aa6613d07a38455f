"""Faults in order: the run injects each at its own time, and undoes it at its own end, while the others stay.

The guard watches all the time, also while an injection waits for AWS and between the reads of an undo. Each injection
writes its own intents to the journal just before its calls: a fault that has not begun has nothing to undo, and its
values of before are compared with the plan at the last moment. A fault that ends has its entries closed one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from gameday.engine.calls import CallSender
from gameday.engine.undo import Undo
from gameday.errors import ApplyFailed
from gameday.events import ChangeClosed, Event, FaultStep, Remark
from gameday.run.injecting import Injecting
from gameday.run.still_applied import still_applied
from gameday.run.watching import PROBE
from gameday.steady_state.samples import CLOSE


@dataclass(frozen=True)
class WatchingClock:
    """A clock for an injection whose sleep watches on: it raises ApplyFailed once the run must end."""

    loop: Injecting

    def now(self) -> float:
        """Return the seconds since the epoch."""
        return self.loop.clock.now()

    def sleep(self, seconds: float) -> None:
        """Let time pass under guard; the run yields the events of that time after the injection."""
        for event in self.loop.pass_time(seconds):
            self.loop.emit(event)
        if self.loop.aborted:
            raise ApplyFailed(self.loop.aborted.about)


@dataclass
class _EndingFault:
    """The undo of one fault, and when its next pass is due."""

    undo: Undo
    due: float


@dataclass
class FaultsInOrder:
    """Play the times of the faults, from the first effect to the end of all; `closed`: the changes undone so far."""

    loop: Injecting
    closed: list[ChangeClosed] = field(default_factory=list)
    _ending: dict[int, _EndingFault] = field(default_factory=dict)

    def play(self) -> Iterator[Event]:
        """Yield the events until all faults end, the run aborts, or a fault shows no effect."""
        loop, agenda = self.loop, self.loop.agenda
        while not loop.aborted and (now := loop.clock.now()) < agenda.end - CLOSE:
            for index in agenda.to_undo(now):
                yield from self._end(index)
            yield from self._advance()
            if not loop.aborted and (due := agenda.to_inject(now)):
                yield from loop.inject_faults(due, WatchingClock(loop))
            if not loop.aborted:
                yield from loop.effects.look(loop.watch.series)
            if loop.aborted or loop.effects.missed:
                break
            yield from loop.pass_time(max(0.0, self._next(now) - loop.clock.now()))
        if not loop.aborted:
            yield from loop.effects.give_up()
        yield from loop.announced()

    def _next(self, now: float) -> float:
        """Return when there is something to do again."""
        probe = [now + PROBE] if self.loop.effects.are_awaited else []
        return min((self.loop.agenda.next(now), *probe, *(ending.due for ending in self._ending.values())))

    def _end(self, index: int) -> Iterator[Event]:
        """Begin the undo of a fault, if it still applies: a fault that somebody ended early has tested nothing."""
        loop, stage = self.loop, self.loop.stage
        if loop.aborted:
            return
        first = loop.agenda.positions[index]
        seen = still_applied(stage.run, stage.journal, stage.account, (first,))
        if seen.unread:
            yield Remark(loop.clock.now(), f"Gameday could not read whether the fault still applies: {seen.unread}")
        if seen.undone:
            loop.abort("undone-early", seen.undone)
            return
        now = loop.clock.now()
        loop.agenda.undo[index] = now
        yield FaultStep(now, index, "undo", loop.plan.planned_faults[index].label)
        wire = CallSender(stage.run, "undo", loop.undoing, loop.clock, loop.emit)
        self._ending[index] = _EndingFault(Undo(wire, stage.journal, of=first), now)

    def _advance(self) -> Iterator[Event]:
        """Make the passes that are due; a change that cannot be undone ends the run."""
        loop = self.loop
        for index, ending in list(self._ending.items()):
            if loop.aborted or ending.due > loop.clock.now() + CLOSE:
                continue
            known = len(ending.undo.settled)
            pause = ending.undo.advance()
            settled = ending.undo.settled[known:]
            self.closed += settled
            yield from loop.take_emitted()
            yield from settled
            if failed := next((change for change in settled if change.state in ("stuck", "conflict")), None):
                loop.abort("failed", failed.about)
            now = loop.clock.now()
            if pause is not None:
                ending.due = now + pause
                continue
            del self._ending[index]
            loop.agenda.undone[index] = now
            yield FaultStep(now, index, "undone", loop.plan.planned_faults[index].label)
