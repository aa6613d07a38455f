"""The delay of an abort, in requests at 50 a second, against the best that any method can reach."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from math import log

import numpy as np
from gameday.run.watching import STEP
from gameday.steady_state.judging.edges import Edge
from gameday.steady_state.judging.evidence import SequentialTest, breach
from gameday.steady_state.judging.guard import Guard, watches
from gameday.steady_state.samples import Sample
from numpy.typing import NDArray

from tests.calibrate import anchors
from tests.calibrate.row import Job, Row
from tests.calibrate.streams import EDGE, HEALTHY
from tests.steady_state.streams import ratio, requests

EVERY, RATE, AT_ONCE = 1e6, 50, 100
LASTS = 600 * RATE
UNKNOWN = 2 * LASTS / EVERY
"""The budget that makes a guard of ten minutes comparable with a detector whose false alarms are a million requests
apart: each start of a breach has the same weight in both (half of 1/planned of 1/budget)."""
LATE = 120 * RATE
TRUTHS = (0.05, 0.1, 0.5, 1.0)

_AS_ABOVE = {"all of them": "as for the unknown onset: they do not know the injection"}

Times = NDArray[np.float64]


def _drawn(rng: np.random.Generator, share_bad: float, healthy: int, broken: int) -> NDArray[np.bool_]:
    shares = np.concatenate([np.full(healthy, HEALTHY), np.full(broken, share_bad)])
    return rng.random((len(shares), AT_ONCE)) < shares[:, None]


def _when(evidence: Times, alpha: float) -> Times:
    over = evidence >= 1 / alpha
    return np.where(over.any(axis=0), over.argmax(axis=0) + 1.0, np.inf)


def _seconds(fired: Times, each: float = RATE) -> str:
    if not len(fired) or np.isinf(np.median(fired)):
        return "never"
    if np.isinf(fired).mean() > 0.05:
        return f"median {np.median(fired) / each:.2f}s, 95% never"
    worst = np.quantile(fired, 0.95)
    return f"median {np.median(fired) / each:.2f}s, 95% {worst / each:.2f}s"


def unknown_onset(share_bad: float, share: float) -> list[Row]:
    """Measure a breach that begins two minutes after injection."""
    rng = np.random.default_rng([11, int(share_bad * 100)])
    batches = max(2, int(30 * share))
    ours: list[Times] = []
    best: list[Times] = []
    for _ in range(batches):
        bad = _drawn(rng, share_bad, LATE, 60 * RATE)
        evidence = SequentialTest(breach(Edge("share", HEALTHY)), LASTS).add(bad, ~bad)
        ours.append(_when(evidence[LATE:], UNKNOWN)[evidence[:LATE].max(axis=0) < 1 / UNKNOWN])
        best.append(anchors.optimum(bad[LATE:], HEALTHY, share_bad, EVERY))
    mine, optimal = np.concatenate(ours), np.concatenate(best)
    times = mine.mean() / optimal.mean()
    text = f"x{times:.2f}; {_seconds(mine)} (optimum: mean {optimal.mean() / RATE:.2f}s)"
    goal = 1.25 if share == 1 else 1.6
    claim = f"abort delay, unknown onset, 99.5% -> {1 - share_bad:.0%}"
    return [Row(claim, "mean x1.25 of best", text, times <= goal, others(share_bad, share))]


def at_injection(share_bad: float, share: float) -> list[Row]:
    """Measure a breach that begins at injection, against log(1/α) over the divergence (or one request more).

    The first row is the evidence itself; the next rows are the evidence of a guard, tempered by its baseline.
    """
    rng = np.random.default_rng([12, int(share_bad * 100)])
    batches = max(2, int(30 * share))
    divergence = share_bad * log(share_bad / EDGE)
    divergence += (1 - share_bad) * log((1 - share_bad) / (1 - EDGE)) if share_bad < 1 else 0.0
    limit = log(1e4) / divergence
    bad = np.concatenate([_drawn(rng, share_bad, 0, 120 * RATE) for _ in range(batches)], axis=1)
    fired = _when(SequentialTest(breach(Edge("share", EDGE)), LASTS).add(bad, ~bad), 1e-4)
    times, goal = fired.mean() / limit, 1.4 if share == 1 else 1.8
    near = times <= goal or fired.mean() <= limit + 1
    name = f"onset at injection, 99.5% -> {1 - share_bad:.0%}"
    text = f"x{times:.2f}; {_seconds(fired)}"
    rows = [Row(f"{name}, bursts known to be none", "mean x1.4 or 1 more", text, near, _AS_ABOVE)]
    for known in (3600, 300):
        found = watches(ratio(), ratio().bound, requests(5, known, HEALTHY), LASTS)
        evidence = [watch.add(bad[:, :AT_ONCE], ~bad[:, :AT_ONCE]) for watch in found]
        fired = _when(np.asarray(sum(evidence)) / len(evidence), 1e-4)
        rows.append(Row(f"  as armed after {known // 60} min of a baseline without bursts", "", _seconds(fired)))
    return rows


def seldom(each: float, share: float) -> list[Row]:
    """Measure the same with few requests: the delay in time, within 9,000 requests."""
    rng = np.random.default_rng([15, int(each * 10)])
    lasts, rows = int(600 * each), []
    known = requests(6, int(3600 * each), HEALTHY, each=1)
    before = tuple(replace(sample, start=sample.start / each, length=1 / each) for sample in known)
    for share_bad in TRUTHS:
        bad = rng.random((9000, max(20, int(AT_ONCE * share)))) < share_bad
        fired = _when(SequentialTest(breach(Edge("share", EDGE)), lasts).add(bad, ~bad), 1e-4)
        name = f"onset at injection, {each:g}/s, 99.5% -> {1 - share_bad:.0%}"
        rows.append(Row(f"{name}, bursts known to be none", "", _seconds(fired, each)))
        found = watches(ratio(), ratio().bound, before, lasts)
        evidence = np.asarray(sum(watch.add(bad, ~bad) for watch in found)) / len(found)
        armed = "  as armed after 60 min of a baseline without bursts"
        rows.append(Row(armed, "", _seconds(_when(evidence, 1e-4), each)))
    return rows


def others(share_bad: float, share: float) -> dict[str, str]:
    """Measure other rules on the same breach: ten minutes healthy, then the breach."""
    rng = np.random.default_rng([13, int(share_bad * 100)])
    known, streams = 600, max(8, int(40 * share))
    shares = np.concatenate([np.full(known, HEALTHY), np.full(1500, share_bad)])
    bad = rng.binomial(RATE, shares[:, None], (len(shares), streams))
    shifts = rng.integers(0, 60, 4)  # periods begin with the clock's, not with the breach
    parts = [(part, by) for part, by in zip(np.array_split(bad, len(shifts), axis=1), shifts.tolist(), strict=True)]
    texts = {}
    for name, rule in anchors.RULES.items():
        fired = np.concatenate(
            [anchors.first(rule(part[by:], np.full_like(part[by:], RATE), known - by)) + by for part, by in parts]
        )
        false = float((fired <= known).mean())
        texts[name] = f"{_seconds((fired[fired > known] - known) * RATE)}; {false:.0%} false in 10 min before"
    return texts


def whole_path(share: float) -> list[Row]:
    """Measure the whole path: half of a probe's requests fail, from any instant between two looks of the run's loop."""
    rng, took = np.random.default_rng(14), []
    for seed in range(max(20, int(300 * share))):
        guard = Guard({"it": ratio().bound}, {"it": ratio()}, {"it": requests(seed, 300, HEALTHY)}, 1e-4, 300.0, 600)
        onset, look, fired = 300 + rng.random() * STEP, 300.0, None
        while fired is None:
            starts = look + np.arange(RATE) / RATE
            flags = (rng.random(RATE) < np.where(starts >= onset, 0.5, HEALTHY)).astype(float)
            samples = tuple(
                Sample(at, 1 / RATE, 1.0, bad, 1 - bad) for at, bad in zip(starts.tolist(), flags.tolist(), strict=True)
            )
            look += STEP
            fired = guard.feed("it", samples)
        took.append((look - onset) * RATE)
    delay = _seconds(np.array(took))
    claim = "first bad request to the undo's first call, 50% outage, 5 min known"
    return [Row(claim, "95% within 2s", delay, bool(np.quantile(took, 0.95) <= 2 * RATE), _AS_ABOVE)]


JOBS = (
    *(Job(f"delay, unknown onset, {truth:g}", partial(unknown_onset, truth)) for truth in TRUTHS),
    *(Job(f"delay, at injection, {truth:g}", partial(at_injection, truth)) for truth in TRUTHS),
    *(Job(f"delay, at injection, seldom, {each:g}/s", partial(seldom, each)) for each in (5.0, 0.5)),
    Job("delay, whole path", whole_path),
)
