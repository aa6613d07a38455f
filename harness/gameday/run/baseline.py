"""Whether a run may inject, by its baseline: long enough, steady, not idle, and fit for the guard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from gameday.plan.plan import Plan
from gameday.steady_state.kpi.claim import Claim
from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.kpi.source import Reading, Source, read_or_gap
from gameday.steady_state.samples import Series

if TYPE_CHECKING:
    from gameday.steady_state.judging.guard import Guard

HISTORY = 3600.0
"""Seconds of history before the run that a guard needs to know about bursts (`baseline.KNOWN`)."""


class BaselineCheck:
    """Check a run's baseline, and the hour before it where a source has that, before the injection."""

    def __init__(self, plan: Plan, claim: Claim) -> None:
        self._plan = plan
        self._claimed = {name: kpi for name, kpi in claim.kpis.items() if name in claim.claimed}
        self._kpis: Mapping[str, Kpi] = {}
        self._past: dict[str, Series] = {}

    def wait(self, series: Mapping[str, Series], before: tuple[float, float]) -> float:
        """Return the seconds of baseline still missing, if at most one more baseline is enough; else 0."""
        from gameday.steady_state.judging.precheck import wait

        budget = self._plan.workload.budget
        more = wait(self._claimed, series, before, budget.false_abort, budget.false_verdict)
        return more if 0 < more <= self._plan.experiment.baseline else 0.0

    def look_back(self, kpis: Mapping[str, Kpi], source: Source, began: float) -> tuple[str, ...]:
        """Read claimed and guarded KPIs in the hour before, where a source has it; return the sources' remarks."""
        self._kpis = kpis
        asked = {
            name: kpis[name]
            for name in dict.fromkeys((*self._claimed, *self._plan.experiment.guard))
            if self._plan.place == "aws" and kpis[name].source.has_past
        }
        reading = read_or_gap(source, asked, began - HISTORY, began) if asked else Reading({})
        self._past = dict(reading.samples)
        return reading.remarks

    def unsteady(self, series: Mapping[str, Series], before: tuple[float, float]) -> tuple[str, ...]:
        """Return a line for each claimed KPI that is idle or not steady."""
        from gameday.steady_state.judging.precheck import refusals

        budget = self._plan.workload.budget
        return refusals(self._claimed, series, before, budget.false_abort, budget.false_verdict, self._past)

    def unguardable(self, series: Mapping[str, Series]) -> tuple[str, ...]:
        """Return a line for each KPI that the guard cannot watch."""
        from gameday.steady_state.judging.precheck import guard_refusals

        false_abort = self._plan.workload.budget.false_abort
        return guard_refusals(self._plan.experiment.guard, self._kpis, series, self._past, false_abort)

    def guard(self, series: Mapping[str, Series], start: float, lags: Mapping[str, float]) -> Guard:
        """Return the guard of the run; `start`: when it begins to count; `lags`: see `Guard`."""
        from gameday.steady_state.judging.guard import Guard

        experiment, workload = self._plan.experiment, self._plan.workload
        return Guard(
            experiment.guard,
            workload.kpis,
            self._known(series),
            workload.budget.false_abort,
            start,
            self._plan.longest_exposure,
            experiment.blind_after,
            lags,
        )

    def _known(self, series: Mapping[str, Series]) -> dict[str, Series]:
        """Return all samples from before the injection, with the hour before the baseline."""
        return {name: (*self._past.get(name, ()), *bins) for name, bins in series.items()}
