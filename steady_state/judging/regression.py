"""Regression: did a new release recover later, or lose more, than the old one, beyond the spread between runs?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations
from math import comb, exp, expm1, log, sqrt
from typing import TYPE_CHECKING

from gameday.steady_state.kpi.claim import Verdict

if TYPE_CHECKING:
    from numpy import int64
    from numpy.typing import NDArray

    Choices = NDArray[int64]

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
    tolerable: float = 0.0,
) -> Regression:
    """Compare the logarithms of measurements, `alpha` at either end: Welch's t-test, since releases differ in spread.

    held: the data prove the ratio below 1 + `margin`. broken: they prove it above 1, and an exact permutation test
    agrees (Pitman, Supplement to the Journal of the Royal Statistical Society 4, 1937,
    https://doi.org/10.2307/2984124). Otherwise unknown.

    The floor is the `resolution` (one sampling period; one order) or the largest error of any run. A smaller value
    counts as the floor, since no run can measure below it: an old run below it never holds, a new run below it never
    breaks. Values that all lie below the floor are held if it is at most `tolerable`: such a difference never counts.
    A censored run counts as at least its value. A censored new run never holds, a censored old run never breaks, and
    neither shows the spread. Identical runs still differ by the rounding to `resolution`.
    """
    runs = (*old, *new)
    floor = max([resolution, *(run.error for run in runs)])
    before, after = ([log(max(floor, run.value)) for run in release] for release in (old, new))

    def without_ratio(verdict: Verdict, words: str, remedy: str) -> Regression:
        return Regression(kpi, measure, verdict, len(old), len(new), None, None, None, None, 1.0, words, remedy)

    if not old or not new:
        return without_ratio(Verdict.UNKNOWN, "there is nothing to compare", "name runs of both releases")
    if max(before + after) <= log(floor) and not any(run.censored for run in runs):
        words = f"no run had a {measure} above {_size(measure, floor)}, the smallest that Gameday can see"
        if floor <= tolerable:
            return without_ratio(Verdict.HELD, words, "none needed")
        return without_ratio(Verdict.UNKNOWN, f"{words}, so a release may be worse below it", _finer(measure))
    spreads = _Spreads.of(old, before, new, after, floor)
    if not spreads.freedom:
        return without_ratio(
            Verdict.UNKNOWN, "the spread between runs is unknown", "run either release at least twice more"
        )
    from scipy.special import stdtr, stdtrit

    change = sum(after) / len(after) - sum(before) / len(before)
    reach = float(stdtrit(spreads.freedom, 1 - alpha)) * spreads.error
    unseen = [floor > tolerable and any(_is_below(run, floor) for run in release) for release in (old, new)]
    worse = max(float(stdtr(spreads.freedom, -change / spreads.error)), _by_permutation(before, after))
    more = log(1 + margin)
    certain = (
        change + reach < more and _by_permutation([-log - more for log in before], [-log for log in after]) <= alpha
    )
    holds = certain and not any(run.censored for run in new) and not unseen[0]
    breaks = worse <= alpha and not any(run.censored for run in old) and not unseen[1]
    verdict = Verdict.HELD if holds else Verdict.BROKEN if breaks else Verdict.UNKNOWN
    words = _words(measure, change, reach, spreads, margin)
    return Regression(
        kpi,
        measure,
        verdict,
        len(old),
        len(new),
        exp(change),
        exp(change - reach),
        exp(change + reach),
        expm1(spreads.typical),
        worse,
        f"{words}; some runs lie below {_size(measure, floor)}, the smallest that Gameday can see"
        if any(unseen)
        else words,
        _finer(measure)
        if verdict is Verdict.UNKNOWN and any(unseen)
        else _remedy(old, new, change, spreads.typical, margin, verdict),
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


def _is_below(run: Measured, floor: float) -> bool:
    return run.value < floor and not run.censored


def _size(measure: str, value: float) -> str:
    return f"{value:,.3g} s" if measure == "recovery" else f"{value:,.0f}"


def _finer(measure: str) -> str:
    if measure == "recovery":
        return "read the KPI in a shorter period"
    return "give the runs a longer baseline or more traffic, so that a smaller loss shows"


@dataclass(frozen=True, slots=True)
class _Spreads:
    """The spread of logarithms between runs, and the standard error of the difference of their means."""

    old: float | None  # standard deviation; None: unknown
    new: float | None
    error: float
    freedom: float  # degrees of freedom of the error; 0: unknown

    @classmethod
    def of(
        cls, old: Sequence[Measured], before: list[float], new: Sequence[Measured], after: list[float], floor: float
    ) -> _Spreads:
        """Estimate it for each release alone (Welch, Biometrika 34, 1947, https://doi.org/10.2307/2332510).

        A release whose own spread is unknown is taken to be as uneven as the other.
        """
        rounding = floor / exp(sum(before + after) / len(before + after)) / sqrt(12)
        first, second = (_spread(runs, logs, rounding) for runs, logs in ((old, before), (new, after)))
        known = [spread for spread in (first, second) if spread is not None]
        if not known:
            return cls(None, None, 0.0, 0.0)
        parts = [
            (spread if spread is not None else known[0]) ** 2 / len(logs)
            for spread, logs in ((first, before), (second, after))
        ]
        if len(known) == 1:
            freedom = float(len(before if first is not None else after) - 1)
        else:
            squares = sum(part**2 / (len(logs) - 1) for part, logs in zip(parts, (before, after), strict=True))
            freedom = sum(parts) ** 2 / squares
        return cls(first, second, sqrt(sum(parts)), freedom)

    @property
    def typical(self) -> float:
        """The larger of the two spreads."""
        return max(spread for spread in (self.old, self.new) if spread is not None)


def _spread(runs: Sequence[Measured], logs: list[float], rounding: float) -> float | None:
    """Return the standard deviation of a release's runs; None: unknown."""
    if len(logs) < 2 or any(run.censored for run in runs):
        return None
    mean = sum(logs) / len(logs)
    return max(rounding, sqrt(sum((value - mean) ** 2 for value in logs) / (len(logs) - 1)))


MOST_WAYS = 100_000
"""The most ways to choose the new runs among all that are counted; with more, means of logarithms are normal enough."""

LEAST_WAYS = 20
"""The fewest ways that can prove anything at 1 in 20."""


def _by_permutation(before: Sequence[float], after: Sequence[float]) -> float:
    """Return the chance of so large a mean of the new runs if all runs came from one law, of any shape.

    It is 0, no objection, where there are too many ways to count, or too few to prove anything.
    """
    import numpy as np

    many = comb(len(before) + len(after), len(after))
    if many > MOST_WAYS or many < LEAST_WAYS:
        return 0.0
    means = np.array([*before, *after])[_choices(len(before) + len(after), len(after))].sum(axis=1)
    return float((means >= sum(after) - 1e-9).mean())


@lru_cache(maxsize=4)
def _choices(size: int, few: int) -> Choices:
    import numpy as np

    return np.array(list(combinations(range(size), few)))


def _words(measure: str, change: float, reach: float, spreads: _Spreads, margin: float) -> str:
    worse = "slower" if measure == "recovery" else "more lost"
    better = "faster" if measure == "recovery" else "less lost"
    size = _percent(abs(expm1(change)))
    seen = f"{size} {worse if change > 0 else better}" if abs(change) >= 0.005 else "as before"
    between = f"between {_times(change - reach)} and {_times(change + reach)} the old"
    differ = [
        f"{name} runs differ by {_percent(expm1(spread))}"
        for name, spread in (("old", spreads.old), ("new", spreads.new))
        if spread is not None
    ]
    if len(differ) == 1:
        differ.append("the others are taken to differ as much")
    return f"{seen} ({between}; {_percent(margin)} more is allowed; {', '.join(differ)})"


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
