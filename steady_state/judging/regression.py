"""Regression: did a new release recover later, or lose more, than the old one, beyond the spread between runs?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp, expm1, log, sqrt

from gameday.steady_state.kpi.claim import Verdict

MOST_RUNS = 100
"""The most runs that a remedy proposes: beyond it, the margin is too small for the system's own spread."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A run's measurement of a KPI: the seconds of its recovery, or its loss."""

    value: float
    censored: bool = False  # the recovery was not over by then, so the true value is at least this
    error: float = 0.0  # half of its interval, if the value is an estimate


@dataclass(frozen=True, slots=True)
class Regression:
    """A measure of a KPI in the new runs against the old: the ratio of the geometric means, with its interval."""

    kpi: str
    measure: str  # "recovery" or "loss"
    verdict: Verdict
    old: int  # runs
    new: int
    ratio: float | None  # new over old; None: unknown
    low: float | None
    high: float | None
    spread: float | None  # between runs, as a relative standard deviation; None: too few runs
    worse: float  # the chance of so large a ratio if nothing had changed; 1 if the ratio is unknown
    words: str
    remedy: str


def compare(
    kpi: str,
    measure: str,
    old: Sequence[Measured],
    new: Sequence[Measured],
    margin: float,
    alpha: float,
    resolution: float,
) -> Regression:
    """Compare the logarithms of measurements by Student's t-test with pooled variance, `alpha` at either end.

    held: the data prove the ratio below 1 + `margin`. broken: they prove it above 1, and it is not held. Otherwise
    unknown.

    The floor is the `resolution` (one sampling period; one order) or the largest error of any run. A smaller value
    counts as the floor, since no run can measure below it. A censored run counts as at least its value. A censored new
    run never holds, a censored old run never breaks, and neither shows the spread. Identical runs still differ by the
    rounding to `resolution`.
    """
    runs = (*old, *new)
    floor = max([resolution, *(run.error for run in runs)])
    before, after = ([log(max(floor, run.value)) for run in release] for release in (old, new))

    def without_ratio(verdict: Verdict, words: str, remedy: str) -> Regression:
        return Regression(kpi, measure, verdict, len(old), len(new), None, None, None, None, 1.0, words, remedy)

    if not old or not new:
        return without_ratio(Verdict.UNKNOWN, "there is nothing to compare", "name runs of both releases")
    if max(before + after) <= log(floor) and not any(run.censored for run in runs):
        least = f"{floor:,.3g} s" if measure == "recovery" else f"{floor:,.0f}"
        words = f"no run had a {measure} above {least}, the smallest that Gameday can see"
        return without_ratio(Verdict.HELD, words, "none needed")
    spread, freedom = _spread(old, before, new, after)
    if not freedom:
        return without_ratio(
            Verdict.UNKNOWN, "the spread between runs is unknown", "run either release at least twice more"
        )
    from scipy.special import stdtr, stdtrit

    rounding = floor / exp(sum(before + after) / len(before + after)) / sqrt(12)
    spread = max(spread, rounding)
    change = sum(after) / len(after) - sum(before) / len(before)
    error = spread * sqrt(1 / len(old) + 1 / len(new))
    reach = float(stdtrit(freedom, 1 - alpha)) * error
    holds = change + reach < log(1 + margin) and not any(run.censored for run in new)
    breaks = change - reach > 0 and not any(run.censored for run in old)
    verdict = Verdict.HELD if holds else Verdict.BROKEN if breaks else Verdict.UNKNOWN
    return Regression(
        kpi,
        measure,
        verdict,
        len(old),
        len(new),
        exp(change),
        exp(change - reach),
        exp(change + reach),
        expm1(spread),
        float(stdtr(freedom, -change / error)),
        _words(measure, change, reach, spread, margin),
        _remedy(old, new, change, spread, margin, verdict),
    )


def holm(comparisons: Sequence[Regression], alpha: float) -> tuple[Regression, ...]:
    """Keep broken only what stays proven among all comparisons together; the rest becomes unknown (Holm, 1979)."""
    proven: set[int] = set()
    order = sorted(range(len(comparisons)), key=lambda index: comparisons[index].worse)
    for left, index in zip(range(len(comparisons), 0, -1), order, strict=True):
        if comparisons[index].worse > alpha / left:
            break
        proven.add(index)
    return tuple(
        replace(regression, verdict=Verdict.UNKNOWN, remedy=f"more runs: {len(comparisons)} comparisons need more data")
        if regression.verdict is Verdict.BROKEN and index not in proven
        else regression
        for index, regression in enumerate(comparisons)
    )


def _spread(
    old: Sequence[Measured], before: list[float], new: Sequence[Measured], after: list[float]
) -> tuple[float, int]:
    squares, freedom = 0.0, 0
    for runs, logs in ((old, before), (new, after)):
        if any(run.censored for run in runs):
            continue
        mean = sum(logs) / len(logs)
        squares += sum((value - mean) ** 2 for value in logs)
        freedom += len(logs) - 1
    return (sqrt(squares / freedom), freedom) if freedom else (0.0, 0)


def _words(measure: str, change: float, reach: float, spread: float, margin: float) -> str:
    worse = "slower" if measure == "recovery" else "more lost"
    better = "faster" if measure == "recovery" else "less lost"
    size = _percent(abs(expm1(change)))
    seen = f"{size} {worse if change > 0 else better}" if abs(change) >= 0.005 else "as before"
    between = f"between {_times(change - reach)} and {_times(change + reach)} the old"
    return f"{seen} ({between}; {_percent(margin)} more is allowed; runs differ by {_percent(expm1(spread))})"


def _times(change: float) -> str:
    return f"{exp(min(change, 50.0)):.2f} times"


def _percent(share: float) -> str:
    return f"{share * 100:.1f}%" if share < 0.1 else f"{min(share, 1e6) * 100:,.0f}%"


def _remedy(
    old: Sequence[Measured], new: Sequence[Measured], change: float, spread: float, margin: float, verdict: Verdict
) -> str:
    if verdict is not Verdict.UNKNOWN:
        return "more runs of both releases would make it more certain"
    if any(run.censored for run in (*old, *new)):
        return "let the fault and the observation last until every run has recovered"
    from scipy.special import stdtrit

    for more in range(1, MOST_RUNS):
        first, second = len(old) + more, len(new) + more
        reach = float(stdtrit(first + second - 2, 0.95)) * spread * sqrt(1 / first + 1 / second)
        if change + reach < log(1 + margin) or change - reach > 0:
            return f"about {more} more {'run' if more == 1 else 'runs'} of each release would settle it"
    return f"{MOST_RUNS} more runs would not settle it: make the runs more alike, or the margin wider"
