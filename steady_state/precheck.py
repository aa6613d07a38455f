"""Before injecting: is every KPI that the experiment claims steady, and is there traffic to judge it by?"""

from __future__ import annotations

from collections.abc import Mapping

from steady_state.edges import count, edges_of, events, is_share, limit_of
from steady_state.evidence import Watch, breach
from steady_state.kpi import Kpi
from steady_state.phases import LEAST_COVERAGE, LEAST_READINGS, coverage
from steady_state.samples import Series, inside, tally
from steady_state.units import show_duration, show_share
from steady_state.words import seen_in_words


def refusals(
    kpis: Mapping[str, Kpi], series: Mapping[str, Series], before: tuple[float, float], false_alarm: float = 0.0001
) -> tuple[str, ...]:
    """Why not to inject, one reason for each KPI that is not fit; of those that are: nothing.

    A KPI is refused without data (for less than 80% of the baseline), without traffic, when the baseline as a whole
    lies beyond its bound, or when the guard's own evidence, played over the baseline, proves at `false_alarm` that it
    left its bound in between: such a system would set off the guard while healthy. A baseline too short to prove the
    bound is not refused; whether it held is left to the judgement.
    """
    found = (
        (name, _refusal(kpi, inside(series.get(name, ()), *before), before, false_alarm)) for name, kpi in kpis.items()
    )
    return tuple(f"{name} {reason}" for name, reason in found if reason)


def _refusal(kpi: Kpi, bins: Series, before: tuple[float, float], false_alarm: float) -> str | None:
    return _blindness(kpi, bins, before) or _unsteadiness(kpi, bins, false_alarm)


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
    if kpi.kind != "gauge" and is_share(kpi, kpi.bound) and _left_its_bound(kpi, bins, false_alarm):
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


def _left_its_bound(kpi: Kpi, bins: Series, false_alarm: float) -> bool:
    watches = [Watch(breach(edge), len(bins)) for edge in edges_of(kpi, kpi.bound, bins)]
    return any(watch.add(*count(kpi, kpi.bound, one)) >= 1 / false_alarm for one in bins for watch in watches)
