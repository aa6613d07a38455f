"""A run that injects: when each fault began, whether it took effect, and the account that undoes."""

from __future__ import annotations

from collections.abc import Iterator

from gameday.aws.account import Account
from gameday.aws.rate_limits import RateLimiter
from gameday.engine.apply import apply
from gameday.errors import GamedayError
from gameday.events import Event, FaultStep
from gameday.plan.plan import Plan
from gameday.run.agenda import Agenda
from gameday.run.context import RunContext
from gameday.run.effect import EffectWatch
from gameday.run.watching import Watching
from gameday.steady_state.clock import Clock


class Injecting(Watching):
    """What a run knows of its faults."""

    def __init__(self, plan: Plan, stage: RunContext) -> None:
        super().__init__(plan, stage)
        self.undoing: Account = stage.account
        self.effects = EffectWatch(plan, stage.run, stage.account, stage.clock)
        self.agenda = Agenda(plan.planned_faults, self.effects.took_effect)
        self.pace: RateLimiter | None = None

    def inject_faults(self, faults: tuple[int, ...], clock: Clock) -> Iterator[Event]:
        """Inject faults that begin together; `clock` raises ApplyFailed once the run must end."""
        plan, stage, now = self.plan, self.stage, self.clock.now()
        if faults != self.agenda.first:  # the baseline read the others' values of before
            self.effects.begin(faults)
        if self.pace:
            self.pace.clock = clock
        for index in faults:
            if self.aborted:
                break
            self.agenda.injected[index] = now
            self.effects.expect(index, now)
            planned_fault, first = plan.planned_faults[index], self.agenda.positions[index]
            if plan.is_timed:
                yield FaultStep(self.clock.now(), index, "inject", planned_fault.label)
            try:
                apply(planned_fault.stages, first, stage.run, stage.account, stage.journal, clock, self.emit, self.pace)
            except GamedayError as error:
                self.abort(stage.stop.by if stage.stop.why else "failed", stage.stop.why or error.what)
            yield from self.take_emitted()
