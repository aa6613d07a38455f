"""Isolation of twenty modules: all healthy, one at the margin, or one worse by two points."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
from gameday.steady_state.judging.isolation import judge_modules
from gameday.steady_state.judging.phases import PhaseBins
from gameday.steady_state.kpi.claim import Claim, Verdict
from gameday.steady_state.samples import Sample, Series
from numpy.typing import NDArray

from tests.calibrate.anchors import ALARMS, rank_test
from tests.calibrate.row import Job, Row, lower, upper
from tests.calibrate.streams import MODELS, tried
from tests.steady_state.streams import ratio

RULES = {**ALARMS, "Kayenta's rule, 10s points": partial(rank_test, point=10, fresh=12)}
"""Kayenta's rule has points of 10 s, because a fault of two minutes has too few points of a minute."""
Fired = dict[str, NDArray[np.bool_]]
"""Rule → whether it was in alarm during the fault, for each module."""
MODULES, BASELINE, MARGIN, BIN = 20, 600, 0.01, 30


def _series(bad: np.ndarray, total: np.ndarray, start: float) -> Series:
    whole = zip(bad.reshape(-1, BIN).sum(axis=1), total.reshape(-1, BIN).sum(axis=1), strict=True)
    return tuple(Sample(start + index * BIN, BIN, float(n), float(x), None) for index, (x, n) in enumerate(whole))


def _run(
    rng: np.random.Generator,
    model: str,
    each: float,
    lasts: int,
    worse: float,
    known: int = BASELINE,
    others: bool = True,
) -> tuple[list[Verdict], Fired]:
    """Judge a run after a baseline of `known` seconds, by our judgement and by other rules.

    The first module's share of bad grows by `worse`.
    """
    q = MODELS[model](rng, MODULES, known + lasts)
    q[known:, 0] += worse
    total = tried(rng, each, q.shape)
    bad = rng.binomial(total, q)
    own = ratio()
    assert own.ratio is not None
    assert own.ratio.bad is not None
    minutes = own.ratio.model_copy(
        update={
            "bad": own.ratio.bad.model_copy(update={"period": BIN}),
            "total": own.ratio.total.model_copy(update={"period": BIN}),
        }
    )
    names = [f"m{index}" for index in range(MODULES)]
    kpis = {name: own.model_copy(update={"module": name, "ratio": minutes}) for name in names}
    seen = []
    for index, name in enumerate(names):
        before = _series(bad[:known, index], total[:known, index], 0)
        during = _series(bad[known:, index], total[known:, index], known)
        seen.append(PhaseBins(name, kpis[name], "during", (known, known + lasts), during, before))
    claim = Claim(kpis, tuple(names), margin=MARGIN, contained=tuple(names))
    fired = {name: rule(bad, total, known)[known:].any(axis=0) for name, rule in RULES.items() if others}
    return [module.verdict for module in judge_modules(claim, tuple(seen), cut_short=False)], fired


def time_needed(model: str, each: float, share: float) -> list[Row]:
    """Double the length of baseline and fault until the power is 0.9, with few requests."""
    rng, lasts, trials = np.random.default_rng([32, int(each * 10)]), 300, max(10, int(60 * share))
    text = ""
    for _ in range(8):
        lasts *= 2
        found = [_run(rng, model, each, lasts, 0.02, known=lasts, others=False)[0][0] for _ in range(trials)]
        power = found.count(Verdict.BROKEN) / trials
        text = f"{lasts // 60} min of baseline and as much of fault ({power:.2f} of {trials})"
        if power >= 0.9:
            break
    else:
        text = f"more than {text}"
    return [Row(f"isolation, 20 modules, {model}, {each:g}/s: time needed for power 0.9 at -2%", "", text)]


def _entries(model: str, each: float, lasts: int, wanted: float | None, size: int, share: float) -> list[Row]:
    rng = np.random.default_rng([31, list(MODELS).index(model), int(each * 10), lasts])
    trials = max(20, int(size * share))
    name = f"isolation, 20 modules, {model}, {each:g}/s, {lasts // 60} min"
    runs = {by: [_run(rng, model, each, lasts, by) for _ in range(trials)] for by in (0.0, MARGIN, 0.02)}
    healthy, edge, worse = ([verdicts for verdicts, _ in found] for found in runs.values())

    def any_of(fired: NDArray[np.bool_]) -> bool:
        return bool(fired.any())

    def none_of(fired: NDArray[np.bool_]) -> bool:
        return not fired.any()

    def others(by: float, says: Callable[[NDArray[np.bool_]], bool]) -> dict[str, str]:
        return {rule: part([says(fired[rule]) for _, fired in runs[by]]) for rule in RULES}

    def part(found: list[bool]) -> str:
        return f"{sum(found) / trials:.3f} of {trials}"

    spread = [Verdict.BROKEN in run for run in healthy]
    at_edge = [Verdict.BROKEN in run for run in edge]
    power = [run[0] is Verdict.BROKEN for run in worse]
    contained = [all(verdict is Verdict.HELD for verdict in run) for run in healthy]
    let_by = [run[0] is Verdict.HELD for run in edge]
    rows = [
        Row(
            f"{name}: false spread, healthy",
            "at most 0.05",
            part(spread),
            lower(sum(spread), trials) <= 0.05,
            others(0.0, any_of),
        ),
        Row(
            f"{name}: false spread, one at the margin",
            "at most 0.05",
            part(at_edge),
            lower(sum(at_edge), trials) <= 0.05,
            others(MARGIN, any_of),
        ),
        Row(
            f"{name}: one at the margin is called contained",
            "at most 0.05",
            part(let_by),
            lower(sum(let_by), trials) <= 0.05,
            others(MARGIN, lambda fired: not fired[0]),
        ),
        Row(
            f"{name}: power at -2%",
            f"at least {wanted:g}" if wanted else "",
            part(power),
            None,
            others(0.02, lambda fired: bool(fired[0])),
        ),
        Row(f"{name}: healthy are all contained", "", part(contained), None, others(0.0, none_of)),
    ]
    if wanted:
        good = upper(sum(power), trials) >= wanted
        rows[3] = replace(rows[3], passed=good)
    return rows


JOBS = tuple(
    Job(f"isolation, {model}, {each:g}/s, {lasts}s", partial(_entries, model, each, lasts, wanted, 300))
    for model, each, lasts, wanted in (
        ("even", 50.0, 120, 0.9),
        ("wandering", 50.0, 600, 0.9),
        ("spells x5", 50.0, 600, None),
        ("storms x10", 50.0, 600, None),
        ("even", 5.0, 600, None),
        ("even", 0.5, 600, None),
    )
) + tuple(Job(f"isolation, time needed, {each:g}/s", partial(time_needed, "even", each)) for each in (5.0, 0.5))
