"""A run while time passes: it reads KPIs, guard, stop alarms and signals, and ends early where one of them asks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gameday.aws.alarms import stopping
from gameday.events import Aborted, AbortedBy, Event, Sampled
from gameday.plan.plan import Plan, claim_of
from gameday.run.context import RunContext
from gameday.run.detection import Detector
from gameday.run.sampling import RELOOK, Sampler
from gameday.steady_state.kpi.kpi import watched
from gameday.steady_state.samples import CLOSE

if TYPE_CHECKING:
    from gameday.steady_state.judging.guard import Fired, Guard

STEP = 1.0
"""Seconds between two reads of guarded KPIs."""
SLOW = 15.0
"""Seconds between two reads of everything: KPIs without a guard, and stop alarms."""
LATEST = 900.0
"""Seconds that a run waits at most for late metrics; a KPI whose metric comes later has gaps, and refuses."""
PROBE = 5.0
"""Seconds between two reads of the effects, and of everything in an account's baseline."""


class Watching:
    """What a run watches: its samples, its guard, the alarms, the request to stop; and why it aborted."""

    def __init__(self, plan: Plan, stage: RunContext) -> None:
        self.plan = plan
        self.stage = stage
        self.clock = stage.clock
        self.claim = claim_of(plan)
        kpis = watched(plan.workload.kpis, plan.experiment.guard, self.claim.during)
        self.watch = Sampler(kpis, stage.source, stage.clock, RELOOK if plan.place == "aws" else 0.0, stage.lag)
        self.guard: Guard | None = None
        self.owes_undo = False
        self.aborted: Aborted | None = None
        self._unannounced = False
        self.began = stage.clock.now()
        self.slow = self.began + SLOW  # the next read of everything
        self.injected: float | None = None
        self.watchdog = Detector(plan, stage.account, stage.clock)
        self.emitted: list[Event] = []

    def settle(self, seconds: float) -> Iterator[Event]:
        """Let time pass until the bins of the run's first `seconds` are settled, which it may only learn meanwhile."""
        end = self.began + seconds
        while not self.aborted and (left := end + min(self.watch.lag, LATEST) - self.clock.now()) > CLOSE:
            yield from self.pass_time(left)

    def emit(self, event: Event) -> None:
        """Keep an event of a call until the run yields it."""
        self.emitted.append(event)

    def take_emitted(self) -> Iterator[Event]:
        """Yield the events that calls have emitted since the last time."""
        emitted, self.emitted = self.emitted, []
        yield from emitted

    def pass_time(self, seconds: float, guarded: bool = True) -> Iterator[Event]:
        """Let time pass in steps; read KPIs, guard, stop alarms and signals. End early on an abort."""
        end, stage = self.clock.now() + seconds, self.stage
        watched = tuple(self.plan.experiment.guard) if guarded and self.guard else ()
        while (now := self.clock.now()) < end and not (self.aborted and guarded):
            self.clock.sleep(min(STEP if watched or self.plan.place == "aws" else SLOW, end - now))
            due = self.clock.now() >= self.slow
            often = PROBE if self.plan.place == "aws" and self.injected is None else SLOW  # to measure lateness
            self.slow = self.clock.now() + often if due else self.slow
            for event in self.watch.look(None if due else watched):
                if watched and self.guard and isinstance(event, Sampled) and event.kpi in watched:
                    self.abort("guard", _about(self.guard.feed(event.kpi, event.samples)))
                yield event
            if watched and self.guard:
                self.abort("blind", _about(self.guard.blind(self.clock.now())))
            if guarded and due:
                rings = stopping(self.plan.experiment.stop_when, stage.account, self.plan.region)
                self.abort("alarm", None if stage.stop.request() else rings)  # a request cuts this read short
                yield from self.watchdog.look()
            if why := stage.stop.request():
                self.abort(stage.stop.by, why)
                if not guarded:
                    return
        if guarded and self.owes_undo:
            yield from self.announced()

    def abort(self, why: AbortedBy, about: str | None) -> None:
        """End the run early, if there is a reason; the first one counts."""
        if about and not self.aborted:
            self.aborted, self._unannounced = Aborted(self.clock.now(), why, about), True

    def announced(self) -> Iterator[Aborted]:
        """Yield the abort, once."""
        if self.aborted and self._unannounced:
            self._unannounced = False
            yield self.aborted


def _about(fired: Fired | None) -> str | None:
    return fired.about if fired else None
