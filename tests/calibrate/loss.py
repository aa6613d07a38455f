"""Does the interval of a loss cover the truth, even if failures come in bursts?"""

from __future__ import annotations

from functools import partial

import numpy as np
from gameday.steady_state.judging.loss import judge_loss
from gameday.steady_state.samples import Sample, Series

from tests.calibrate.anchors import none
from tests.calibrate.row import Job, Row, covers
from tests.calibrate.streams import MODELS, tried
from tests.steady_state.streams import kpi, reading

BIN = 5
KPI = kpi(
    ratio={"bad": reading("Failed", period="5s", missing="zero"), "total": reading("Tried", period="5s")},
    bound={"at_least": "99%"},
)
WINDOW = 780
"""Seconds of a fault of seven minutes and the observation after it."""


def _series(bad: np.ndarray, total: np.ndarray, start: int) -> Series:
    sums = [part.reshape(-1, BIN).sum(axis=1) for part in (bad, total)]
    return tuple(
        Sample(float(start + BIN * index), float(BIN), float(n), float(x), None)
        for index, (x, n) in enumerate(zip(*sums, strict=True))
    )


def coverage(model: str, each: float, known: int, size: int, share: float) -> list[Row]:
    """Measure the coverage for a fault that adds nothing, so that the true loss is zero.

    What a real fault adds is counted, and shifts both ends equally.
    """
    rng = np.random.default_rng([11, list(MODELS).index(model), int(each * 10), known])
    trials = max(40, int(size * share))
    q = MODELS[model](rng, trials, known + WINDOW)
    total = tried(rng, each, q.shape)
    bad = rng.binomial(total, q)
    covered, widths = 0, []
    for index in range(trials):
        before = _series(bad[:known, index], total[:known, index], 0)
        after = _series(bad[known:, index], total[known:, index], known)
        found = judge_loss("orders", KPI, before, after, (float(known), float(known + WINDOW)), 0.05)
        assert found.low is not None
        assert found.high is not None
        covered += round(found.low) <= 0 <= round(found.high)
        widths.append(found.high - found.low)
    claim = f"loss interval covers: {model}, {each:g}/s, {known // 60} min known"
    row = covers(claim, 0.95, int(covered), trials)
    usual = total[known:].sum(axis=0).mean()
    return [
        Row(
            row.claim,
            row.goal,
            f"{row.measured}; ±{np.median(widths) / 2:.0f} of {usual:,.0f} requests",
            row.passed,
            none("they show that a limit was crossed, not what it cost"),
        )
    ]


JOBS = tuple(
    Job(f"loss, {model}, {each:g}/s, {known}s", partial(coverage, model, each, known, 2_000))
    for each in (50.0, 5.0, 0.5)
    for known in (300, 600, 3600)
    for model in MODELS
    if each == 50 or (known == 600 and model in ("even", "storms x10"))
)
