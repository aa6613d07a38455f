"""Does the guard abort healthy systems? Each experiment has a baseline, a check before injecting, and a guard."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
from gameday.steady_state.judging.baseline import BLOCK
from gameday.steady_state.judging.edges import Edge
from gameday.steady_state.judging.evidence import SequentialTest, breach
from gameday.steady_state.judging.guard import watches
from gameday.steady_state.samples import Sample
from numpy.typing import NDArray

from tests.calibrate import anchors
from tests.calibrate.row import Job, Row, at_most
from tests.calibrate.streams import EDGE, FRESH, MODELS, tried
from tests.steady_state.streams import ratio

ALPHA, LASTS, AT_ONCE = 1e-4, 600, 1000
SEEN_BY_OTHERS = 2
"""Batches for the other rules too: two thousand experiments show what they do often."""
HINT = 1 / ALPHA
"""Untempered evidence that makes the simulation run an experiment in full; without it, the guard cannot fire.

Tempered evidence is smaller (Jensen's inequality). Evidence beyond the bursts' reach needs shares of bad at which the
untempered evidence is far above 1/α."""

Counts = NDArray[np.int64]


def _played(bad: Counts, total: Counts) -> NDArray[np.float64]:
    """Return the largest untempered evidence of each stream: the test of a baseline, and the screen."""
    most: NDArray[np.float64] = SequentialTest(breach(Edge("share", EDGE)), len(bad)).add(bad, total - bad).max(axis=0)
    return most


def _aborts(bad: Counts, total: Counts, base_bad: Counts, base_total: Counts) -> bool:
    """Tell whether the guard, armed with this baseline, aborts this experiment."""
    block = int(BLOCK)
    sums = [part.reshape(-1, block).sum(axis=1) for part in (base_total, base_bad)]
    before = tuple(
        Sample(index * BLOCK, BLOCK, float(n), float(x), None) for index, (n, x) in enumerate(zip(*sums, strict=True))
    )
    evidence = [watch.add(bad, total - bad) for watch in watches(ratio(), ratio().bound, before, LASTS)]
    return bool(np.mean(evidence, axis=0).max() >= 1 / ALPHA)


def _others(seed: list[int], q: NDArray[np.float64], total: Counts, bad: Counts, known: int) -> dict[str, Counts]:
    """Tell for each rule whether it alarms during each experiment; all experiments get a baseline, unlike for ours."""
    base = np.random.default_rng(seed).binomial(total[:known], q[:known])
    whole = np.concatenate([base, bad])
    return {name: rule(whole, total, known)[known:].any(axis=0) for name, rule in anchors.RULES.items()}


def false_aborts(model: str, each: float, known: int, size: int, share: float) -> list[Row]:
    """Measure experiments of ten minutes after a baseline of `known` seconds."""
    rng = np.random.default_rng([77, list(FRESH).index(model), int(each * 10), known])
    at_once = min(AT_ONCE, int(size * share))
    trials = int(size * share) // at_once * at_once
    refused = aborted = 0
    others: list[dict[str, Counts]] = []
    for batch in range(trials // at_once):
        q = FRESH[model](rng, at_once, known + LASTS)
        total = tried(rng, each, q.shape)
        bad = rng.binomial(total[known:], q[known:])
        if batch < SEEN_BY_OTHERS:
            others.append(_others([8, batch], q, total, bad, known))
        hints = np.flatnonzero(_played(bad, total[known:]) >= HINT)
        base_total = total[:known, hints]
        base = rng.binomial(base_total, q[:known, hints])
        steady = _played(base, base_total) < 1 / ALPHA
        refused += int((~steady).sum())
        for index in np.flatnonzero(steady):
            stream = hints[index]
            aborted += _aborts(bad[:, stream], total[known:, stream], base[:, index], base_total[:, index])
    claim = f"false abort though let through: {model}, {each:g}/s, {known // 60} min known"
    row = at_most(claim, ALPHA, aborted, trials)
    if model not in MODELS:
        row = replace(row, goal="", passed=None)
    beside = {name: _often(np.concatenate([batch[name] for batch in others])) for name in anchors.RULES}
    return [Row(row.claim, row.goal, f"{row.measured}; {refused} refused as suspicious", row.passed, beside)]


def _often(fired: Counts) -> str:
    return f"{fired.mean():.2%} of {len(fired):,} experiments"


JOBS = tuple(
    Job(f"false aborts, {model}, {each:g}/s, {known}s", partial(false_aborts, model, each, known, 50_000))
    for each in (50.0, 5.0, 0.5)
    for known in (3600, 300)
    for model in FRESH
    if each == 50 or model in ("even", "storms x10")
)
