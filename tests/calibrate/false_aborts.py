"""Does the guard abort healthy systems? Baseline, check before injecting and guard, one experiment after the other."""

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
"""Batches that other rules are tried on, too: what they do often shows in two thousand experiments."""
HINT = 1 / ALPHA
"""Experiments whose untempered evidence never reaches 1/α are not played in full: tempered evidence is less than it
(Jensen's inequality), and what is kept beyond the bursts' reach needs shares of bad at which this is far exceeded."""

Counts = NDArray[np.int64]


def _played(bad: Counts, total: Counts) -> NDArray[np.float64]:
    """The most evidence of each stream, untempered: what the baseline is played over with, and the screen."""
    found: NDArray[np.float64] = SequentialTest(breach(Edge("share", EDGE)), len(bad)).add(bad, total - bad).max(axis=0)
    return found


def _aborts(bad: Counts, total: Counts, base_bad: Counts, base_total: Counts) -> bool:
    """Whether the guard, armed with this baseline, aborts this experiment."""
    block = int(BLOCK)
    sums = [part.reshape(-1, block).sum(axis=1) for part in (base_total, base_bad)]
    before = tuple(
        Sample(index * BLOCK, BLOCK, float(n), float(x), None) for index, (n, x) in enumerate(zip(*sums, strict=True))
    )
    found = [watch.add(bad, total - bad) for watch in watches(ratio(), ratio().bound, before, LASTS)]
    return bool(np.mean(found, axis=0).max() >= 1 / ALPHA)


def _others(seed: list[int], q: NDArray[np.float64], total: Counts, bad: Counts, known: int) -> dict[str, Counts]:
    """Whether each rule is in alarm during each experiment: baselines drawn for all of them, aside of ours."""
    base = np.random.default_rng(seed).binomial(total[:known], q[:known])
    whole = np.concatenate([base, bad])
    return {name: rule(whole, total, known)[known:].any(axis=0) for name, rule in anchors.RULES.items()}


def false_aborts(model: str, each: float, known: int, size: int, share: float) -> list[Row]:
    """Experiments of ten minutes behind a baseline of `known` seconds."""
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
            one = hints[index]
            aborted += _aborts(bad[:, one], total[known:, one], base[:, index], base_total[:, index])
    claim = f"false abort though let through: {model}, {each:g}/s, {known // 60} min known"
    row = at_most(claim, ALPHA, aborted, trials)
    if model not in MODELS:
        row = replace(row, goal="", passed=None)
    told = {name: _often(np.concatenate([one[name] for one in others])) for name in anchors.RULES}
    return [Row(row.claim, row.goal, f"{row.measured}; {refused} refused that look suspicious", row.passed, told)]


def _often(fired: Counts) -> str:
    return f"{fired.mean():.2%} of {len(fired):,} experiments"


JOBS = tuple(
    Job(f"false aborts, {model}, {each:g}/s, {known}s", partial(false_aborts, model, each, known, 50_000))
    for each in (50.0, 5.0, 0.5)
    for known in (3600, 300)
    for model in FRESH
    if each == 50 or model in ("even", "storms x10")
)
