"""Recoveries, releases and trends on which nothing was tuned: written before the judgements that they test.

The true recovery is the first instant from which the true share stays within the bound for `SUSTAINED` seconds.
Each row shows the share of runs refused before, and the share of unknown verdicts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial

import numpy as np
from gameday.steady_state.judging.precheck import refusals
from gameday.steady_state.judging.recovery import judge_recovery
from gameday.steady_state.judging.regression import Measured, compare
from gameday.steady_state.kpi.claim import Phases, Verdict
from gameday.steady_state.samples import Series, share_of
from numpy.typing import NDArray

from tests.calibrate.row import Job, Row, lower
from tests.steady_state.streams import ratio, within

BEFORE, DURING, AFTER = 300, 420, 300
WHOLE = BEFORE + DURING + AFTER
EACH, EDGE, CALM = 50, 0.01, 0.002
SUSTAINED, CLAIM = 60.0, 240.0
PHASES = Phases((0.0, BEFORE), BEFORE, BEFORE, BEFORE + DURING, BEFORE + DURING, WHOLE)

Shares = NDArray[np.float64]
"""The true share of bad of each second of a whole run."""
Draw = Callable[[np.random.Generator], Shares]
Values = NDArray[np.float64]


def _calm(rng: np.random.Generator) -> Shares:
    return np.full(WHOLE, CALM * rng.uniform(0.5, 1.5))


def late_blip(rng: np.random.Generator) -> Shares:
    """Be back after about 90 s; minutes later comes a natural burst, 8 s of 6%."""
    shares, ends = _calm(rng), BEFORE + int(rng.uniform(70, 110))
    shares[BEFORE:ends] = rng.uniform(0.2, 1.0)
    blip = ends + int(rng.uniform(120, 290))
    shares[blip : blip + 8] = 0.06
    return shares


def outage(rng: np.random.Generator, lasts: float = 100) -> Shares:
    """Fail for 100 s from a moment within the first minute, deeply or not."""
    shares, begun = _calm(rng), BEFORE + int(rng.uniform(0, 60))
    shares[begun : begun + int(lasts)] = rng.uniform(0.2, 1.0)
    return shares


def oscillates(rng: np.random.Generator) -> Shares:
    """Fail in swings that shrink and come each 40 s."""
    shares, ahead = _calm(rng), np.arange(WHOLE) - BEFORE
    swing = 0.4 * np.exp(-ahead / 60) * (ahead % 40 < 18)
    return np.where(ahead >= 0, np.maximum(shares, swing), shares)


def slow_tail(rng: np.random.Generator) -> Shares:
    """Fall at once, and come back exponentially."""
    shares, ahead = _calm(rng), np.arange(WHOLE) - BEFORE
    return np.where(ahead >= 0, np.maximum(shares, 0.6 * np.exp(-ahead / rng.uniform(20, 40))), shares)


def delayed(rng: np.random.Generator) -> Shares:
    """Be well during the fault, and three minutes after the undo fail wholly for 20 s."""
    shares = _calm(rng)
    begun = BEFORE + DURING + int(rng.uniform(150, 200))
    shares[begun : begun + 20] = 1.0
    return shares


def trend(rng: np.random.Generator) -> Shares:
    """Let the errors rise evenly since before the run, from 0.2% to 1.8%; the fault does nothing."""
    return np.linspace(0.002, 0.018, WHOLE) * rng.uniform(0.9, 1.1)


def calm(rng: np.random.Generator) -> Shares:
    """Let nothing happen."""
    return _calm(rng)


def binned(rng: np.random.Generator, shares: Shares, length: int) -> Series:
    """Draw independent requests; bins of `length` seconds that begin at a random second of the first one."""
    total = rng.poisson(EACH, WHOLE)
    bad = rng.binomial(total, shares)
    first = int(rng.integers(0, length))
    return tuple(
        share_of(float(at), float(length), float(total[at : at + length].sum()), float(bad[at : at + length].sum()))
        for at in range(first, WHOLE - length + 1, length)
    )


def true_back(shares: Shares, start: int) -> tuple[int, int] | None:
    """Return the seconds at which the share leaves its bound, and from which it then stays within; None: never left."""
    beyond = np.flatnonzero(shares[start:] > EDGE) + start
    if not len(beyond):
        return None
    end = next(at for at in beyond + 1 if at + SUSTAINED > WHOLE or not (shares[at : at + int(SUSTAINED)] > EDGE).any())
    return int(beyond[0]), int(end)


def _spec(length: int) -> object:
    own = ratio().ratio
    assert own is not None
    assert own.bad is not None
    return own.model_copy(
        update={
            name: spec.model_copy(update={"period": float(length)})
            for name, spec in (("bad", own.bad), ("total", own.total))
        }
    )


def recovery(draw: Draw, length: int, since: str, size: int, share: float) -> list[Row]:
    """Measure how often the interval covers the truth, and which verdicts come of it."""
    rng = np.random.default_rng([15, length, len(draw.__name__), ord(draw.__name__[0])])
    own = ratio().model_copy(update={"ratio": _spec(length)})
    trials, refused, hits, timed = max(20, int(size * share)), 0, 0, 0
    verdicts: Counter[Verdict] = Counter()
    wrong: Counter[str] = Counter()
    errors, widths = [], []
    for _ in range(trials):
        shares = draw(rng)
        series = binned(rng, shares, length)
        if refusals({"it": own}, {"it": series}, PHASES.before):
            refused += 1
            continue
        truth = true_back(shares, BEFORE)
        found = judge_recovery("it", own, series, PHASES, within(CLAIM, since), 0.05)
        verdicts[found.verdict] += 1
        if truth is None:
            continue
        # Harm that begins after the undo counts from its own impact.
        base = truth[0] if since == "impact" else max(truth[0], BEFORE + DURING)
        took = float(max(0, truth[1] - base))
        good = took <= CLAIM
        wrong[found.verdict.value] += (found.verdict is Verdict.BROKEN) == good and found.verdict is not Verdict.UNKNOWN
        if found.degraded:
            timed += 1
            high = found.high if found.high is not None else float("inf")
            hits += (found.low or 0.0) <= took <= high
            if found.took is not None:
                errors.append(found.took - took)
                widths.append(high - (found.low or 0.0))
    seen = trials - refused
    text = ", ".join(f"{verdict} {verdicts[verdict] / max(1, seen):.2f}" for verdict in Verdict)
    text += f"; refused {refused / trials:.2f}; wrong {sum(wrong.values()) / max(1, seen):.3f}"
    if timed:
        text += f"; covers {hits / timed:.3f} of {timed}"
    if errors:
        text += f"; took − truth {np.median(errors):+.0f}s, width {np.median(widths):.0f}s"
    covered = None if not timed else lower(timed - hits, timed) <= 0.05
    return [
        Row(f"held out, {draw.__name__.replace('_', ' ')}, {length}s bins, from {since}", "covers 0.95", text, covered)
    ]


# Releases ------------------------------------------------------------------------------------------------------------


def _runs(rng: np.random.Generator, count: int, middle: float, spread: float) -> list[Measured]:
    return [Measured(float(value)) for value in middle * np.exp(rng.normal(0, spread, count))]


def _unequal(rng: np.random.Generator) -> tuple[list[Measured], list[Measured], float]:
    return _runs(rng, 20, 120, 0.1), _runs(rng, 3, 120, 0.5), 1.0


def _slower_unequal(rng: np.random.Generator) -> tuple[list[Measured], list[Measured], float]:
    return _runs(rng, 20, 120, 0.1), _runs(rng, 3, 168, 0.5), 1.0


def _heavy(rng: np.random.Generator) -> tuple[list[Measured], list[Measured], float]:
    """Draw both releases from one law: a fifth of the runs take three times as long."""
    old, new = (np.where(rng.random(count) < 0.2, 180.0, 60.0) * np.exp(rng.normal(0, 0.1, count)) for count in (10, 5))
    return [Measured(float(value)) for value in old], [Measured(float(value)) for value in new], 1.0


def _small_loss(rng: np.random.Generator) -> tuple[list[Measured], list[Measured], float]:
    """Lose 40 orders in old runs and 120 in new ones; each run knows its loss to 130."""
    old, new = ([Measured(rng.normal(middle, 60), error=130) for _ in range(5)] for middle in (40, 120))
    return old, new, 1.0


def _coarse(rng: np.random.Generator) -> tuple[list[Measured], list[Measured], float]:
    """Be back after 5 s in old runs and after 55 s in new ones, in data of one minute."""
    return _runs(rng, 5, 5, 0.2), _runs(rng, 5, 55, 0.05), 60.0


Releases = Callable[[np.random.Generator], tuple[list[Measured], list[Measured], float]]
RELEASES: dict[str, tuple[Releases, Verdict]] = {
    "the same median, 20 old with sd 0.1, 3 new with sd 0.5": (_unequal, Verdict.BROKEN),
    "40% slower, 20 old with sd 0.1, 3 new with sd 0.5": (_slower_unequal, Verdict.HELD),
    "one bimodal law, 10 old and 5 new": (_heavy, Verdict.BROKEN),
    "a loss three times larger, below what a run can see": (_small_loss, Verdict.HELD),
    "11 times slower, below the period": (_coarse, Verdict.HELD),
}
"""What is drawn → the verdict that is false of it."""


def releases(name: str, size: int, share: float) -> list[Row]:
    """Measure how often a comparison of releases is wrong."""
    draw, false = RELEASES[name]
    rng = np.random.default_rng([150, len(name)])
    trials = max(100, int(size * share))
    found: Counter[Verdict] = Counter()
    for _ in range(trials):
        old, new, resolution = draw(rng)
        found[compare("it", "recovery", old, new, 0.25, 0.05, resolution).verdict] += 1
    text = ", ".join(f"{verdict} {found[verdict] / trials:.3f}" for verdict in Verdict)
    return [Row(f"held out, releases: {name}", f"{false} at most 0.05", text, lower(found[false], trials) <= 0.05)]


JOBS = tuple(
    Job(f"held out, {draw.__name__}, {length}, {since}", partial(recovery, draw, length, since, 500))
    for draw, since in (
        (late_blip, "impact"),
        (outage, "impact"),
        (oscillates, "impact"),
        (slow_tail, "impact"),
        (delayed, "undo"),
        (trend, "undo"),
        (calm, "impact"),
    )
    for length in (1, 10, 60)
) + tuple(Job(f"held out, releases, {name}", partial(releases, name, 1000)) for name in RELEASES)
