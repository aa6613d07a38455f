"""Does the comparison blame a release for the spread between runs, and does it find a release 1.5 times as slow?"""

from __future__ import annotations

from functools import partial

import numpy as np
from gameday.steady_state.judging.regression import Measured, compare
from gameday.steady_state.kpi.claim import Verdict
from numpy.typing import NDArray

from tests.calibrate.anchors import higher
from tests.calibrate.row import Job, Row, lower

SPREAD, OLD, NEW, MARGIN, ALPHA, MIDDLE = 0.25, 10, 5, 0.25, 0.05, 120.0


Runs = NDArray[np.float64]


def _drawn(rng: np.random.Generator, count: int, middle: float) -> Runs:
    runs: Runs = middle * np.exp(rng.normal(0, SPREAD, count))
    return runs


def _verdict(old: Runs, new: Runs) -> Verdict:
    was, now = ([Measured(float(value)) for value in runs] for runs in (old, new))
    return compare("orders", "recovery", was, now, MARGIN, ALPHA, 1.0).verdict


def _others(pairs: list[tuple[Runs, Runs]]) -> dict[str, str]:
    """Write how often other rules call the new runs worse; otherwise they let them pass."""
    old, new = (np.stack(runs, axis=1) for runs in zip(*pairs, strict=True))
    over = new.mean(axis=0) > (1 + MARGIN) * old.mean(axis=0)
    texts = {"a threshold: the mean is a quarter longer": f"worse in {over.mean():.3f}"}
    few = len(old) * len(new) < 10
    texts["Kayenta's rule"] = "- (too few runs for its ranks)" if few else f"worse in {higher(old, new).mean():.3f}"
    return texts | {"alarms and burn rates": "- (they know one run)"}


def _at_most(claim: str, events: int, trials: int, more: str, beside: dict[str, str]) -> Row:
    """Make a row for an error rate that must not exceed its limit; the test is exact if logarithms are normal."""
    seen = f"{events / trials:.4f} of {trials:,}; {more}"
    return Row(claim, f"at most {ALPHA:g}", seen, lower(events, trials) <= ALPHA, beside)


def verdicts(ratio: float, old: int, new: int, size: int, share: float) -> list[Row]:
    """Measure how often the comparison calls runs broken, and held, at a true ratio."""
    rng = np.random.default_rng([13, int(ratio * 100), old, new])
    trials = max(200, int(size * share))
    pairs = [(_drawn(rng, old, MIDDLE), _drawn(rng, new, MIDDLE * ratio)) for _ in range(trials)]
    found = [_verdict(*pair) for pair in pairs]
    beside = _others(pairs)
    broken, held = (found.count(verdict) for verdict in (Verdict.BROKEN, Verdict.HELD))
    claim = f"regression: {new} new against {old} old runs, log-sd {SPREAD}, {ratio:g} times as slow"
    if ratio == 1:
        return [_at_most(f"{claim}: broken", broken, trials, f"held {held / trials:.2f}", beside)]
    if ratio == 1 + MARGIN:
        return [_at_most(f"{claim}: held", held, trials, f"broken {broken / trials:.2f}", beside)]
    passed = lower(trials - broken, trials) <= 0.2 if (old, new) == (OLD, NEW) else None
    goal = "" if passed is None else "at least 0.8"
    return [
        Row(f"{claim}: broken", goal, f"{broken / trials:.3f} of {trials:,}; held {held / trials:.3f}", passed, beside)
    ]


JOBS = tuple(
    Job(f"regression, {ratio:g}, {old} and {new}", partial(verdicts, ratio, old, new, 20_000))
    for old, new in ((OLD, NEW), (5, 1))
    for ratio in (1.0, 1 + MARGIN, 1.5)
)
