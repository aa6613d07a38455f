"""The check before injecting: is every claimed KPI steady, and does it have the traffic to be judged?"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from math import ceil, gcd
from types import MappingProxyType

from gameday.steady_state.judging.edges import count, edges_of, events, is_share, limit_of, scored
from gameday.steady_state.judging.guard import lasts, watches
from gameday.steady_state.judging.phases import LEAST_COVERAGE, coverage, seconds_more, within_bound
from gameday.steady_state.judging.phrases import TOO_CLOSE, seen_in_words
from gameday.steady_state.judging.readings import LEAST_READINGS, worth
from gameday.steady_state.judging.tails import weight
from gameday.steady_state.kpi.kpi import Bound, Kpi
from gameday.steady_state.kpi.units import show_duration, show_share
from gameday.steady_state.samples import Series, inside, tally

LOOKS = 2
"""How often Gameday looks at a baseline: at its end, and again if it was too short. Each look spends half the budget.
"""


LONGEST = 7200.0
"""Seconds of a baseline that a refusal still proposes."""

FEWEST_BINS = 4
"""Bins that show a metric's own period: that three more fall on every fifth minute by chance is below 1%."""


def refusals(
    kpis: Mapping[str, Kpi],
    series: Mapping[str, Series],
    before: tuple[float, float],
    false_alarm: float = 0.0001,
    false_verdict: float = 0.05,
    history: Mapping[str, Series] = MappingProxyType({}),
) -> tuple[str, ...]:
    """Return the reasons not to inject, one for each KPI that is not fit. Refuse a KPI if:

    - its period is finer than the metric's own, which the `history` before the baseline shows, too;
    - data are missing for more than 20% of the baseline;
    - it has no traffic;
    - the baseline as a whole lies beyond its bound;
    - the guard's own evidence over the baseline proves at `false_alarm` that it left its bound for a time;
    - the baseline does not yet prove the bound at `false_verdict`.
    """
    reasons = (
        (
            name,
            _too_fine(kpi, (*history.get(name, ()), *series.get(name, ())))
            or _refusal(kpi, inside(series.get(name, ()), *before), before, false_alarm, false_verdict),
        )
        for name, kpi in kpis.items()
    )
    return tuple(f"{name} {reason}" for name, reason in reasons if reason)


def wait(
    kpis: Mapping[str, Kpi],
    series: Mapping[str, Series],
    before: tuple[float, float],
    false_alarm: float = 0.0001,
    false_verdict: float = 0.05,
) -> float:
    """Return how many seconds of baseline are missing to prove every bound; 0 if a KPI is refused anyway."""
    bins = {name: inside(series.get(name, ()), *before) for name in kpis}
    if any(
        _blindness(kpi, bins[name], before) or _unsteadiness(kpi, bins[name], false_alarm) for name, kpi in kpis.items()
    ):
        return 0.0
    return max((_needs(kpi, bins[name], false_verdict) for name, kpi in kpis.items()), default=0.0)


def guard_refusals(
    guard: Mapping[str, Bound],
    kpis: Mapping[str, Kpi],
    series: Mapping[str, Series],
    history: Mapping[str, Series],
    false_alarm: float,
) -> tuple[str, ...]:
    """Return the reasons not to arm a guard, by the baseline and the known history, in which all was well.

    Nothing can guard a KPI without data. If a KPI fires its own guard there, with evidence not tempered for bursts, its
    bound does not describe its steady state: such a guard would abort healthy runs.
    """
    reasons = []
    for name, bound in guard.items():
        own = series.get(name, ())
        bins = tuple(sample for sample in history.get(name, ()) if not own or sample.end <= own[0].start) + own
        if not own:
            reasons.append(f"{name} has no data for its guard")
        elif _left_its_bound(kpis[name], bound, bins, false_alarm):
            lately = show_duration(bins[-1].end - bins[0].start)
            reasons.append(
                f"{name} would fire its guard without a fault: it left {bound.words} for a time in the last {lately}"
            )
    return tuple(reasons)


def own_period(bins: Series, interval: float) -> float | None:
    """Return the period in which a metric really comes; None where that is `interval`, or cannot be seen.

    All bins begin at multiples of it, and most of them are there: that is no metric with few requests.
    """
    steps = sorted({round((sample.start - bins[0].start) / interval) for sample in bins})
    step = gcd(*(second - first for first, second in pairwise(steps)))
    if len(steps) < FEWEST_BINS or step < 2 or len(steps) < LEAST_COVERAGE * (steps[-1] - steps[0]) / step:
        return None
    return step * interval


def _too_fine(kpi: Kpi, bins: Series) -> str | None:
    own = own_period(bins, kpi.interval)
    if own is None:
        return None
    return (
        f"has a value only every {show_duration(own)}, so a period of {show_duration(kpi.interval)} is finer than the "
        f"metric's own: write `period: {show_duration(own)}`"
    )


def _refusal(kpi: Kpi, bins: Series, before: tuple[float, float], alarm: float, verdict: float) -> str | None:
    return _unfit(kpi, bins, before, alarm) or _doubt(kpi, bins, before, verdict)


def _unfit(kpi: Kpi, bins: Series, before: tuple[float, float], false_alarm: float) -> str | None:
    return _blindness(kpi, bins, before) or _unsteadiness(kpi, bins, false_alarm)


def _doubt(kpi: Kpi, bins: Series, before: tuple[float, float], false_verdict: float) -> str | None:
    more = _needs(kpi, bins, false_verdict)
    if not more:
        return None
    seen = seen_in_words(kpi, kpi.bound, bins)
    return f"is not yet proven steady: {seen}; its bound is {kpi.bound.words}; {_remedy(before[1] - before[0] + more)}"


def _remedy(seconds: float) -> str:
    """Say what to write, in whole minutes."""
    if seconds > LONGEST:
        return f"it is {TOO_CLOSE}: write another bound"
    return f"write `baseline: {ceil(seconds / 60)}m` or more"


def _needs(kpi: Kpi, bins: Series, false_verdict: float) -> float:
    """Return how many seconds of baseline are missing to prove the bound."""
    limit = limit_of(kpi, kpi.bound)
    if kpi.kind == "gauge" or limit is None or within_bound(kpi, bins, bins, false_verdict / LOOKS):
        return 0.0
    return max(kpi.interval, seconds_more(limit, worth(bins, weight(kpi, kpi.bound, bins)), false_verdict / LOOKS))


def _blindness(kpi: Kpi, bins: Series, before: tuple[float, float]) -> str | None:
    if not bins:
        return "has no data"
    if (covered := coverage(kpi, bins, *before)) < LEAST_COVERAGE:
        text = f"has data for only {show_share(round(covered, 2))} of the baseline"
        # Bins without a request are gaps: with three requests a bin on average, one bin in twenty is empty (Poisson).
        few = kpi.kind != "gauge" and tally(bins).total < 3 * len(bins)
        longer = f"give it a `period` longer than {show_duration(kpi.interval)}"
        return f"{text}, since it gets few requests: {longer}" if few else text
    if kpi.kind == "gauge" and len(bins) < LEAST_READINGS:
        return f"has only {len(bins)} readings in the baseline; at least {LEAST_READINGS} are needed"
    return None if tally(bins).total else "is idle: no traffic"


def _unsteadiness(kpi: Kpi, bins: Series, false_alarm: float) -> str | None:
    words = seen_in_words(kpi, kpi.bound, bins)
    if _beyond(kpi, bins):
        return f"is not steady: {words}; its bound is {kpi.bound.words}"
    if kpi.kind != "gauge" and is_share(kpi, kpi.bound) and _left_its_bound(kpi, kpi.bound, bins, false_alarm):
        return f"is not steady: {words} in all, but it left its bound of {kpi.bound.words} for a time"
    return None


def _beyond(kpi: Kpi, bins: Series) -> bool:
    limit, seen = limit_of(kpi, kpi.bound), tally(bins)
    if limit is not None:
        return seen.bad > limit * seen.total + 1e-9
    if kpi.bound.within is not None:  # of the baseline itself
        return False
    came = sum(events(kpi, sample) for sample in bins)
    return any((came > edge.at * seen.seconds) == edge.above for edge in edges_of(kpi, kpi.bound, bins))


def _left_its_bound(kpi: Kpi, bound: Bound, bins: Series, false_alarm: float) -> bool:
    tests = watches(kpi, bound, bins, len(bins), tempered=False)
    known = scored(kpi, bound, bins)
    if not known or not tests:
        return False
    sides = list(zip(*(count(kpi, bound, sample) for sample in known), strict=True))
    most = [max(evidence) for evidence in zip(*(test.add(*sides).tolist() for test in tests), strict=True)]
    fired = (sample for sample, evidence in zip(known, most, strict=True) if evidence >= 1 / false_alarm)
    return any(lasts(kpi, bound, known, bins, sample.end) for sample in fired)
