"""The budget of false verdicts of a whole run, and the shares of its parts."""

from __future__ import annotations

from dataclasses import dataclass

from gameday.steady_state.judging.phases import LEAST_CHANCES, chances
from gameday.steady_state.kpi.claim import Claim, Phases


@dataclass(frozen=True, slots=True)
class Budget:
    """Chances of a verdict that is broken by mistake; together they are at most `claim.false_verdict`."""

    part: float  # phases, recoveries, modules or detection, each as a whole
    phase: float  # a KPI in a phase
    spread: float  # all modules together; less where faults in order give them more stretches to suffer in
    recovery: float  # that the interval of a KPI misses the truth; half of it on the side that makes it broken


def budget_of(claim: Claim, phases: Phases) -> Budget:
    """Share the budget among the claimed parts, and theirs among their KPIs.

    An interval that is too late makes a recovery broken; one that is too early does not.
    """
    parts = 1 + sum((claim.recovery is not None, claim.margin is not None, claim.detection is not None))
    part, kpis = claim.false_verdict / parts, max(1, len(claim.claimed))
    times = chances(phases)
    recovery = min(claim.false_verdict, 2 * part / kpis)
    return Budget(part, part / (times * kpis), part * LEAST_CHANCES / times, recovery)
