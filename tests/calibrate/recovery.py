"""Recovery times against a known truth: steps, ramps and flaps."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from gameday.steady_state.judging.recovery import judge_recovery
from gameday.steady_state.kpi.claim import Phases, Recovery
from gameday.steady_state.samples import Sample, Series

from tests.calibrate import anchors
from tests.calibrate.row import Job, Row, covers
from tests.calibrate.streams import EDGE, tried
from tests.steady_state.streams import ratio

BEFORE, FAULT = 300, 600
SEEN_BY_OTHERS = 100
Shape = Callable[..., np.ndarray]
"""A function of (depth, seconds since injection, healthy share) → the share of bad, beyond the bound before ENDS."""
BEGINS, ENDS = 20, 200


def _step(depth: float, seconds: np.ndarray, healthy: float) -> np.ndarray:
    return np.where((seconds >= BEGINS) & (seconds < ENDS), depth, healthy)


def _ramp(depth: float, seconds: np.ndarray, healthy: float, ends: float = ENDS) -> np.ndarray:
    """Fall evenly from `depth` to the bound, then step to the healthy share."""
    return np.where(seconds < ends, _slope(depth, seconds, healthy, ends), healthy)


def _slope(depth: float, seconds: np.ndarray, healthy: float, ends: float = ENDS) -> np.ndarray:
    """Fall evenly from `depth` through the bound to the healthy share."""
    left = (ends - seconds) / (ENDS - BEGINS)
    return np.where(seconds >= BEGINS, np.maximum(EDGE + (depth - EDGE) * left, healthy), healthy)


def _knowing(ramp: Shape, depth: float, seconds: np.ndarray, healthy: float, fault: Series) -> float:
    """Return the most likely end of a ramp if all else about it is known: the best possible point estimate."""
    ends = np.arange(ENDS - 60, ENDS + 61)
    shares = np.array([ramp(depth, seconds, healthy, end) for end in ends]).clip(1e-6, 1 - 1e-6)
    bad, total = np.array([(sample.bad, sample.total) for sample in fault]).T
    return float(ends[(np.log(shares) @ bad + np.log1p(-shares) @ (total - bad)).argmax()] - ENDS)


def _flaps(depth: float, seconds: np.ndarray, healthy: float) -> np.ndarray:
    """Fail for twenty seconds of each forty, the last time just before the end."""
    on = (seconds >= BEGINS) & (seconds < ENDS) & ((seconds - BEGINS) % 40 < 20)
    return np.where(on, depth, healthy)


SHAPES: dict[str, tuple[Shape, ...]] = {"step": (_step,), "ramp": (_ramp, _slope), "flaps": (_flaps,)}
"""Shape → its kinds. The trials alternate between them, since nobody knows the kind of a fall beforehand."""


def _series(rng: np.random.Generator, shares: np.ndarray, each: float, start: float, length: float) -> Series:
    total = tried(rng, each * length, shares.shape)
    bad = rng.binomial(total, shares)
    return tuple(
        Sample(start + index * length, length, float(n), float(x), None)
        for index, (n, x) in enumerate(zip(total, bad, strict=True))
        if n
    )


def _coverage(
    shape: str, depth: float, healthy: float, each: float, length: float, size: int, share: float
) -> list[Row]:
    rng = np.random.default_rng([21, list(SHAPES).index(shape), int(depth * 1e4), int(healthy * 1e5), int(each * 10)])
    own = ratio().model_copy(update={"ratio": _read_each(length)})
    phases = Phases((0, BEFORE), BEFORE, BEFORE, BEFORE + FAULT, BEFORE + FAULT, BEFORE + FAULT)
    hits = seen = timed = 0
    errors, widths, best, kinds = [], [], [], []
    others: list[dict[str, float]] = []
    trials = max(10, int(size * share))
    for trial in range(trials):
        kind = trial % len(SHAPES[shape])
        before = _series(rng, np.full(int(BEFORE / length), healthy), each, 0.0, length)
        seconds = np.arange(0, FAULT, length) + (length - 1) / 2
        fault = _series(rng, SHAPES[shape][kind](depth, seconds, healthy), each, BEFORE, length)
        if len(others) < SEEN_BY_OTHERS:
            others.append(anchors.back(*_seconds(before + fault), BEFORE))
        found = judge_recovery("it", own, before + fault, phases, Recovery(300, "impact", 60), 0.05)
        if not found.degraded:
            continue
        seen += 1
        low, high = found.low or 0.0, found.high if found.high is not None else float("inf")
        hits += low <= ENDS - BEGINS <= high
        if found.took is not None:
            timed += 1
            errors.append((found.took - (ENDS - BEGINS)) / length)
            kinds.append(kind)
            if shape == "ramp" and each >= 50:
                best.append(_knowing(SHAPES[shape][kind], depth, seconds, healthy, fault))
            widths.append(high - low)
    name = f"recovery, {shape} to {1 - depth:.0%}, healthy {1 - healthy:.2%}, {each:g}/s"
    beside = anchors.errors(others, [float(ENDS - BEGINS)] * len(others))
    if not seen:
        return [
            Row(
                f"{name}: interval covers", "at least 0.95", "no fall was ever proven: nothing is claimed", None, beside
            )
        ]
    row = covers(f"{name}: interval covers", 0.95, hits, seen)
    error = float(np.median(errors)) if errors else float("nan")
    plain = each >= 50 and depth > 2 * EDGE
    off = float(np.median(np.abs(errors))) if errors else float("nan")
    point = f"median error {error:+.1f} bins (absolute {off:.1f}), width {np.median(widths):.0f}s, " if errors else ""
    if best:
        stepping, going_on = (np.median(np.array(errors)[np.array(kinds) == kind]) for kind in (0, 1))
        point += f"stepping back at the bound {stepping:+.1f}, going on through it {going_on:+.1f}, "
        point += f"with the ramp known {np.median(best):+.1f} ({np.median(np.abs(best)):.1f}), "
    more = f"{row.measured}; {point}{timed} of {trials} timed"
    good = bool(row.passed) and (not plain or share < 1 or abs(error) <= 2)
    return [Row(row.claim, "at least 0.95, 2 bins" if plain else row.goal, more, good, beside)]


def _seconds(series: Series) -> tuple[np.ndarray, np.ndarray]:
    """Return bad and total of each second; the counts of a longer bin go to its last second."""
    bad, total = (np.zeros(BEFORE + FAULT, np.int64) for _ in range(2))
    for sample in series:
        bad[int(sample.end) - 1], total[int(sample.end) - 1] = sample.bad, sample.total
    return bad, total


def _read_each(length: float) -> object:
    own = ratio().ratio
    assert own is not None
    assert own.bad is not None
    readings = {
        name: spec.model_copy(update={"period": length}) for name, spec in (("bad", own.bad), ("total", own.total))
    }
    return own.model_copy(update=readings)


JOBS = (
    tuple(
        Job(
            f"recovery, {shape}, {depth:g}, {healthy:g}, {each:g}/s",
            partial(_coverage, shape, depth, healthy, each, length, size),
        )
        for shape in SHAPES
        for depth in (0.5, 0.1, 0.05)
        for healthy in (0.005, 0.001)
        for each, length, size in ((50.0, 1.0, 400),)
    )
    + tuple(
        Job(f"recovery, {shape}, 0.5, 0.001, {each:g}/s", partial(_coverage, shape, 0.5, 0.001, each, length, 400))
        for shape in SHAPES
        for each, length in ((5.0, 1.0), (0.5, 10.0))
    )
    + (Job("recovery, at the edges", partial(_coverage, "step", 0.02, 0.0099, 50.0, 1.0, 400)),)
)
