"""The guard on streams on which nothing was tuned: what it promises of armed runs, with the share of refusals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from gameday.steady_state.judging.guard import Guard
from gameday.steady_state.judging.precheck import guard_refusals
from gameday.steady_state.kpi.kpi import Bound
from gameday.steady_state.samples import Series, inside

from tests.calibrate import unseen_streams as streams
from tests.calibrate.row import Job, Row, lower, upper
from tests.calibrate.unseen import binned, ratio_of
from tests.calibrate.unseen_streams import BEFORE, DURING, Counts
from tests.steady_state.streams import bound

FALSE_ABORT = 1e-4
LATE = 120.0
"""Seconds after which a late failure is added to its bin."""

Feeds = Callable[[Guard, Series], float | None]
"""(guard, bins of the fault) → seconds from the injection until it aborts; None if it does not."""


def in_time(guard: Guard, series: Series) -> float | None:
    """Feed each bin as it ends, and ask for silence."""
    for sample in series:
        fired = guard.feed("orders", (sample,)) or guard.blind(sample.end)
        if fired:
            return fired.at - BEFORE
    return None


def late(guard: Guard, series: Series) -> float | None:
    """Feed each bin without its failures as it ends, and again with them two minutes later."""
    for sample in series:
        old = [known for known in series if known.end + LATE == sample.end]
        fired = guard.feed("orders", (replace(sample, bad=0.0), *old))
        if fired:
            return sample.end - BEFORE
    return None


@dataclass(frozen=True)
class Case:
    """A row: the share of armed guards that abort, at most or at least so many."""

    name: str
    own: Bound
    draw: Callable[[np.random.Generator], Counts]
    period: int = 1
    feed: Feeds = in_time
    most: float | None = None
    least: float | None = None
    runs: int = 200

    def fill(self, share: float) -> list[Row]:
        """Arm guards after the baselines that are let in, and feed them the fault."""
        runs, kpi = max(20, int(self.runs * share)), ratio_of(self.period)
        times: list[float] = []
        armed = 0
        for run in range(runs):
            bins = binned(self.draw(np.random.default_rng([1501, len(self.name), run])), self.period)
            before = inside(bins, 0, BEFORE)
            if guard_refusals({"orders": self.own}, {"orders": kpi}, {"orders": before}, {}, FALSE_ABORT):
                continue
            armed += 1
            guard = Guard({"orders": self.own}, {"orders": kpi}, {"orders": before}, FALSE_ABORT, BEFORE, DURING)
            fired = self.feed(guard, inside(bins, BEFORE, BEFORE + DURING))
            times += [] if fired is None else [fired]
        after = (
            f", {np.median(times):.0f}s after injection (median), {np.quantile(times, 0.95):.0f}s (95%)"
            if times
            else ""
        )
        seen = f"{len(times)} of {armed:,} armed{after}; refused {1 - armed / runs:.2f} of {runs:,}"
        if self.most is not None:
            passed = lower(len(times), max(1, armed)) <= self.most
            return [Row(f"unseen guard: {self.name}: aborts", f"at most {self.most:g}", seen, passed)]
        wanted = self.least or 0.0
        return [
            Row(
                f"unseen guard: {self.name}: aborts",
                f"at least {wanted:g}",
                seen,
                upper(len(times), max(1, armed)) >= wanted,
            )
        ]


def _failing_late(rng: np.random.Generator) -> Counts:
    return streams.outage(rng, 300)


def _gone(rng: np.random.Generator) -> Counts:
    return streams.lost(rng, 0.0, 300)


HALF, HALF_FOR = bound(at_least="50%"), bound(at_least="50%", **{"for": "10s"})
CASES = (
    Case("60% fail, told 2 min late", HALF, _failing_late, 10, late, least=1.0),
    Case("nothing arrives for 300s", HALF, _gone, least=1.0),
    Case("nothing arrives for 300s, 60s bins", HALF, _gone, 60, least=1.0),
    Case("failovers of 2s, bound 50% for 10s", HALF_FOR, streams.blips, most=FALSE_ABORT),
    Case("failovers of 2s, bound 50%", HALF, streams.blips, most=1.0),
    Case("an outage, bound 50% for 10s", HALF_FOR, _failing_late, least=1.0),
    Case("power-law bursts, bound 99%", bound(at_least="99%"), streams.power_law, most=FALSE_ABORT),
    Case("wandering traffic, bound 99%", bound(at_least="99%"), streams.wandering_traffic, most=FALSE_ABORT),
)
JOBS = tuple(Job(f"unseen guard, {case.name}", case.fill) for case in CASES)
