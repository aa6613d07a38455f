"""One run, as one loop that yields events:

1. before   take the workload; watch the baseline; refuse unless the workload is steady and not idle
2. inject   write every undo to the journal; then call; wait until each fault takes effect
3. during   let the faults last, under guard
4. undo     undo everything, and confirm it by reads; also when anything above went wrong
5. after    watch on, judge, end

The undo does not depend on listeners: it also happens when the caller takes no more events.

If a step raises an error, the later steps follow, and the run ends with a verdict and an exit code. Only Refused leaves
the loop, before the injection. An error that Gameday does not expect is a bug of ours, so the run exits 70 at least.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from math import ceil

from gameday.aws.rate_limits import RateLimiter
from gameday.errors import Exit, GamedayError, JournalError, Reason, Refused, in_words
from gameday.events import (
    ChangeClosed,
    Event,
    Judged,
    PhaseBegan,
    PhaseName,
    Remark,
)
from gameday.plan.guards.guard import ask
from gameday.plan.plan import Plan
from gameday.run.baseline import BaselineCheck
from gameday.run.baseline_guards import BASELINE_GUARDS, BaselineContext
from gameday.run.context import RunContext
from gameday.run.ending import ErrorsMet, ended
from gameday.run.in_order import FaultsInOrder
from gameday.run.injecting import Injecting
from gameday.run.sampling import late_guards
from gameday.run.still_applied import still_applied
from gameday.run.stop import Stoppable
from gameday.run.undo_outcome import merged, undo_to_the_end
from gameday.run.watching import PROBE
from gameday.steady_state.kpi.claim import Phases
from gameday.steady_state.kpi.units import show_duration


def run(plan: Plan, stage: RunContext) -> Iterator[Event]:
    """Run a plan; yield its events, up to Ended.

    Raises Refused before the injection, and nothing else. From the injection on, the run always undoes its changes.
    """
    loop = _Loop(plan, stage)
    try:
        yield from loop.events()
    finally:
        # The undo is still owed here only if the caller took no more events.
        if loop.owes_undo:
            loop.put_back()


class _Loop(Injecting):
    def __init__(self, plan: Plan, stage: RunContext) -> None:
        super().__init__(plan, stage)
        self.ready = BaselineCheck(plan, self.claim)
        self.order = FaultsInOrder(self)
        self.errors = ErrorsMet(stage.clock)

    def events(self) -> Iterator[Event]:
        yield from self._aborting(self.before())
        for step in (self.inject, self.wait_for_effects, self.during):
            if not self.aborted:
                yield from self._aborting(step())
        undo_began = self.clock.now()
        settled = (yield from self.undo()) if self.injected is not None else []
        undone = self.clock.now()
        if self.injected is not None:
            yield from self.errors.remarking(self.after(undo_began))
        phases = Phases(
            before=(self.began, self.injected or undo_began),
            injected=self.injected,
            took_effect=self.effects.since,
            undo=undo_began,
            undone=undone,
            end=max(undone, self.watch.readable),
            aborted=self._abort_word(),
            fired=self.watchdog.fired,
            alarm_read=self.watchdog.read,
            faults=self.agenda.intervals(undo_began, undone),
        )
        judgement = self.errors.judged(self.claim, self.watch.series, phases, settled)
        yield Judged(self.clock.now(), phases, judgement)
        is_signal, has_bug = self.stage.stop.is_signal, self.errors.has_bug
        also = [*([Exit.INTERRUPTED] if is_signal else []), *([Exit.BUG] if has_bug else [])]
        yield ended(self.clock.now(), judgement.verdict, settled, injected=self.injected is not None, also=also)

    def _aborting(self, step: Iterator[Event]) -> Iterator[Event]:
        """Yield the events of a step; an error of the step aborts the run, or refuses before the injection."""
        try:
            yield from step
        except Exception as error:  # the undo, the verdict and the record must follow
            if isinstance(error, Refused) and self.injected is None:
                raise
            if isinstance(error, JournalError) and self.injected is None:
                raise Refused((Reason(error.gd_code, error.what, error.remedy),)) from error
            self.errors.note(error)
            yield from self.take_emitted()
            if self.aborted:
                yield Remark(self.clock.now(), f"the aborted run met an error: {in_words(error)}")
            self.abort("failed" if isinstance(error, GamedayError) else "error", in_words(error))
            yield from self.announced()

    # 1 ---------------------------------------------------------------------------------------------------------------

    def before(self) -> Iterator[Event]:
        stage = self.stage
        stage.journal.take(stage.run, self.plan.workload.name, self.plan.account, self.plan.place)
        yield self._phase("before", self.plan.experiment.baseline)
        yield from self.pass_time(self.plan.experiment.baseline)
        yield from self.settle(self.plan.experiment.baseline)
        yield from self.watch.look()
        if not self.aborted and (more := ceil(self.ready.wait(self.watch.series, (self.began, self.watch.readable)))):
            yield Remark(
                self.clock.now(),
                f"the baseline is too short to judge steady state: watching {show_duration(more)} more",
            )
            yield from self.pass_time(more)
            yield from self.settle(self.plan.experiment.baseline + more)
            yield from self.watch.look()
        if not self.aborted:
            yield from self.watch.remark(self.ready.look_back(self.watch.kpis, stage.source, self.began))
        context = BaselineContext(
            aborted=self.aborted,
            check=self.ready,
            series=self.watch.series,
            before=(self.began, self.watch.readable),
            unread=tuple(self.watch.remarks),
            detector=self.watchdog,
            effects=self.effects,
        )
        for guard in BASELINE_GUARDS:
            if refusals := ask((guard,), context).refusals:
                raise Refused(refusals)

    # 2 ---------------------------------------------------------------------------------------------------------------

    def inject(self) -> Iterator[Event]:
        plan, stage = self.plan, self.stage
        self.undoing = stage.undoing() if stage.undoing else stage.account
        yield self._phase("inject", None)
        self.owes_undo = True
        self.watch.arrivals.finish()
        yield from late_guards(plan.experiment.guard, self.watch, self.clock.now())
        self.injected = self.clock.now()
        self.guard = self.ready.guard(self.watch.series, self.injected, self.watch.lags if plan.place == "aws" else {})
        clock = Stoppable(self.clock, stage.stop)
        self.pace = RateLimiter(clock) if plan.place == "aws" else None
        yield from self.inject_faults(self.agenda.first, clock)
        yield from self.announced()

    def wait_for_effects(self) -> Iterator[Event]:
        while self.injected is not None and not self.aborted:
            yield from self.effects.look(self.watch.series)
            if not self.effects.are_awaited:
                return
            yield from self.pass_time(PROBE)

    # 3 ---------------------------------------------------------------------------------------------------------------

    def during(self) -> Iterator[Event]:
        if self.aborted or self.effects.since is None:
            return
        yield self._phase("during", self.plan.experiment.lasts)
        lasts = self.plan.experiment.lasts
        self.agenda.start(self.effects.since, lasts)
        yield from self.order.play() if self.plan.is_timed else self.pass_time(lasts)
        if not self.aborted and not self.effects.missed:
            begun = [self.agenda.positions[index] for index in self.agenda.in_force]
            seen = still_applied(self.stage.run, self.stage.journal, self.stage.account, begun)
            if seen.unread:
                yield Remark(self.clock.now(), f"Gameday could not read whether the fault still applies: {seen.unread}")
            self.abort("undone-early", seen.undone)
            yield from self.announced()

    # 4 ---------------------------------------------------------------------------------------------------------------

    def undo(self) -> Generator[Event, None, list[ChangeClosed]]:
        began, is_urgent = self.clock.now(), self.aborted is not None and self.plan.place == "aws"
        if not is_urgent:  # after an abort, the undo waits for no answer
            yield from self.errors.remarking(self.watch.look())
            yield from self.errors.remarking(self.watchdog.look())
        yield self._phase("undo", None)
        settled = self.put_back()
        yield from self.take_emitted()
        yield from settled
        yield from self.errors.remarking(self.watch.look())
        if is_urgent:
            yield from self.errors.remarking(self.watchdog.look(began))
        return merged(self.order.closed, settled)

    def put_back(self) -> list[ChangeClosed]:
        stage = self.stage
        stage.stop.is_undoing = True
        settled, raised = undo_to_the_end(stage.run, self.plan, self.undoing, stage.journal, self.clock, self.emit)
        if raised:
            self.errors.note(raised)
        self.owes_undo = False
        return settled

    # 5 ---------------------------------------------------------------------------------------------------------------

    def after(self, undo_began: float) -> Iterator[Event]:
        recovery = self.plan.experiment.recovery
        # As long as the baseline, which was enough to judge steady state before.
        lasts = max(self.plan.experiment.baseline, recovery.sustained if recovery else 0.0)
        if recovery and recovery.from_ == "undo":
            lasts += max(0.0, recovery.within - (self.clock.now() - undo_began))
        yield self._phase("after", lasts)
        yield from self.pass_time(lasts + self.watch.lag, guarded=False)
        yield from self.watch.look()

    # ------------------------------------------------------------------------------------------------------------------

    def _phase(self, phase: PhaseName, lasts: float | None) -> PhaseBegan:
        return PhaseBegan(self.clock.now(), phase, lasts)

    def _abort_word(self) -> str | None:
        return f"{self.aborted.why}: {self.aborted.about}" if self.aborted else None
