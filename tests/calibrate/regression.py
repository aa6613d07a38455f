"""Is a release blamed for the spread from run to run, and is one that is half as slow again found?"""

from __future__ import annotations

from functools import partial

import numpy as np

from steady_state.claim import Verdict
from steady_state.regression import Measured, compare
from tests.calibrate.row import Job, Row, lower

SPREAD, OLD, NEW, MARGIN, ALPHA, MIDDLE = 0.25, 10, 5, 0.25, 0.05, 120.0


def _broken(rng: np.random.Generator, ratio: float, old: int, new: int) -> Verdict:
    def runs(count: int, middle: float) -> list[Measured]:
        return [Measured(float(value)) for value in middle * np.exp(rng.normal(0, SPREAD, count))]

    return compare("orders", "recovery", runs(old, MIDDLE), runs(new, MIDDLE * ratio), MARGIN, ALPHA, 1.0).verdict


def _at_most(claim: str, events: int, trials: int, more: str) -> Row:
    """The test is exact where logarithms are normal: its error rate stands at the limit, and must not lie over it."""
    seen = f"{events / trials:.4f} of {trials:,}; {more}"
    return Row(claim, f"at most {ALPHA:g}", seen, lower(events, trials) <= ALPHA)


def verdicts(ratio: float, old: int, new: int, size: int, share: float) -> list[Row]:
    """How often so many runs are called broken, and held, at a true ratio."""
    rng = np.random.default_rng([13, int(ratio * 100), old, new])
    trials = max(200, int(size * share))
    found = [_broken(rng, ratio, old, new) for _ in range(trials)]
    broken, held = (found.count(one) for one in (Verdict.BROKEN, Verdict.HELD))
    claim = f"regression: {new} new against {old} old runs, log-sd {SPREAD}, {ratio:g} times as slow"
    if ratio == 1:
        return [_at_most(f"{claim}: broken", broken, trials, f"held {held / trials:.2f}")]
    if ratio == 1 + MARGIN:
        return [_at_most(f"{claim}: held", held, trials, f"broken {broken / trials:.2f}")]
    passed = lower(trials - broken, trials) <= 0.15 if (old, new) == (OLD, NEW) else None
    goal = "" if passed is None else "at least 0.85"
    return [Row(f"{claim}: broken", goal, f"{broken / trials:.3f} of {trials:,}; held {held / trials:.3f}", passed)]


JOBS = tuple(
    Job(f"regression, {ratio:g}, {old} and {new}", partial(verdicts, ratio, old, new, 20_000))
    for old, new in ((OLD, NEW), (5, 1))
    for ratio in (1.0, 1 + MARGIN, 1.5)
)
