"""Before injecting: is every KPI that the experiment claims steady, and is there traffic to judge it by?"""

from __future__ import annotations

from collections.abc import Mapping

from gameday.steady_state.judging.edges import count, edges_of, events, is_share, limit_of, scored
from gameday.steady_state.judging.guard import watches
from gameday.steady_state.judging.phases import LEAST_COVERAGE, LEAST_READINGS, coverage, seconds_more, within_bound
from gameday.steady_state.judging.phrases import needs_in_words, seen_in_words
from gameday.steady_state.kpi.kpi import Bound, Kpi
from gameday.steady_state.kpi.units import show_duration, show_share
from gameday.steady_state.samples import Series, inside, tally

LOOKS = 2
"""Times that a baseline is looked at: when it is over, and once more when it was too short. Each spends its half."""


def refusals(
    kpis: Mapping[str, Kpi],
    series: Mapping[str, Series],
    before: tuple[float, float],
    false_alarm: float = 0.0001,
    false_verdict: float = 0.05,
) -> tuple[str, ...]:
    """Why not to inject, one reason for each KPI that is not fit; of those that are: nothing.

    A KPI is refused without data (for less than 80% of the baseline), without traffic, when the baseline as a whole
    lies beyond its bound, when the guard's own evidence, played over the baseline, proves at `false_alarm` that it
    left its bound in between, or when the baseline does not yet prove the bound at `false_verdict`.
    """
    found = (
        (name, _refusal(kpi, inside(series.get(name, ()), *before), before, false_alarm, false_verdict))
        for name, kpi in kpis.items()
    )
    return tuple(f"{name} {reason}" for name, reason in found if reason)


def wait(
    kpis: Mapping[str, Kpi],
    series: Mapping[str, Series],
    before: tuple[float, float],
    false_alarm: float = 0.0001,
    false_verdict: float = 0.05,
) -> float:
    """Seconds by which the baseline is too short to prove every bound; 0: none, or one is refused anyway."""
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
    """Why a guard cannot be armed: it is played over the baseline and what is known from before, where all was well.

    A KPI without data cannot be guarded. One that sets off its own guard, its evidence not tempered for bursts, has a
    bound that does not describe its steady state: such a guard would abort healthy runs.
    """
    found = []
    for name, bound in guard.items():
        own = series.get(name, ())
        bins = tuple(one for one in history.get(name, ()) if not own or one.end <= own[0].start) + own
        if not own:
            found.append(f"{name} has no data to guard it by")
        elif _left_its_bound(kpis[name], bound, bins, false_alarm):
            lately = show_duration(bins[-1].end - bins[0].start)
            found.append(
                f"{name} would set off its guard while healthy: it left {bound.words} for a time in the last {lately}"
            )
    return tuple(found)


def _refusal(kpi: Kpi, bins: Series, before: tuple[float, float], alarm: float, verdict: float) -> str | None:
    return _unfit(kpi, bins, before, alarm) or _doubt(kpi, bins, verdict)


def _unfit(kpi: Kpi, bins: Series, before: tuple[float, float], false_alarm: float) -> str | None:
    return _blindness(kpi, bins, before) or _unsteadiness(kpi, bins, false_alarm)


def _doubt(kpi: Kpi, bins: Series, false_verdict: float) -> str | None:
    more = _needs(kpi, bins, false_verdict)
    if not more:
        return None
    seen = seen_in_words(kpi, kpi.bound, bins)
    return f"is not yet known to be steady: {seen}; its bound is {kpi.bound.words}; {needs_in_words(more)} of baseline"


def _needs(kpi: Kpi, bins: Series, false_verdict: float) -> float:
    """Seconds of baseline that are missing to prove the bound."""
    limit = limit_of(kpi, kpi.bound)
    if kpi.kind == "gauge" or limit is None or within_bound(kpi, bins, bins, false_verdict / LOOKS):
        return 0.0
    return max(kpi.interval, seconds_more(limit, tally(bins), false_verdict / LOOKS))


def _blindness(kpi: Kpi, bins: Series, before: tuple[float, float]) -> str | None:
    if not bins:
        return "has no data"
    if (covered := coverage(kpi, bins, *before)) < LEAST_COVERAGE:
        said = f"has data for only {show_share(round(covered, 2))} of the baseline"
        # Bins without a request are gaps: at three a bin one bin in twenty is empty (Poisson).
        few = kpi.kind != "gauge" and tally(bins).total < 3 * len(bins)
        return (
            f"{said}: requests are few, give it a `period` longer than {show_duration(kpi.interval)}" if few else said
        )
    if kpi.kind == "gauge" and len(bins) < LEAST_READINGS:
        return f"has too few readings in the baseline: {len(bins)}; {LEAST_READINGS} are the least"
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
    came = sum(events(kpi, one) for one in bins)
    return any((came > edge.at * seen.seconds) == edge.above for edge in edges_of(kpi, kpi.bound, bins))


def _left_its_bound(kpi: Kpi, bound: Bound, bins: Series, false_alarm: float) -> bool:
    found = watches(kpi, bound, bins, len(bins), tempered=False)
    pairs = [count(kpi, bound, one) for one in scored(kpi, bound, bins)]
    return any(watch.add(*zip(*pairs, strict=True)).max() >= 1 / false_alarm for watch in found) if pairs else False
