"""The charts of a run as values: thinned series, limits, phases, marks and axes; `chart.js` draws them.

Times are seconds against the injection. Shares (ratio, latency) run from 0 to 1 here and are shown in percent.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from gameday.records.record import Record
from gameday.report.axis import STEPS, Axis, bad_axis, good_axis, time_axis, zero_axis
from gameday.steady_state.kpi.kpi import Bound, Kpi
from gameday.steady_state.samples import Sample, Series

POINTS = 240
"""Target number of points for a run; a chart draws fewer than twice as many. The record holds finer data."""


@dataclass(frozen=True)
class Limit:
    """Hold the bound that applies from `start` to `end`: values below `low` or above `high` are out."""

    start: float
    end: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Band:
    """Hold a phase of the run."""

    phase: str
    start: float
    end: float


@dataclass(frozen=True)
class FaultBand:
    """Hold the time of one of several faults in order: from its injection to its undo."""

    fault: str
    start: float
    end: float


@dataclass(frozen=True)
class Mark:
    """Hold a moment of the run, and its interval (`low` to `high`) if the data give one."""

    kind: Literal["impact", "detected", "recovered", "aborted"]
    at: float
    low: float
    high: float


@dataclass(frozen=True)
class Chart:
    """Hold one KPI over a run; `values` are bins of `step` seconds, and `start` is the middle of the first.

    A ratio with an `at_most` bound shows the share of bad; every other share shows the share of good.
    """

    kpi: str
    unit: Literal["%", "/s", ""]
    start: float
    step: float
    values: tuple[float | None, ...]
    worst: tuple[float | None, ...]  # the worst sample of each bin out of bound, which `values` averages away
    breaches: tuple[tuple[int, int], ...]  # first and last index of each stretch out of bound
    guard: Limit | None  # the guard's bound, if it lies on the y axis
    limits: tuple[Limit, ...]
    bands: tuple[Band, ...]
    faults: tuple[FaultBand, ...]
    marks: tuple[Mark, ...]
    x: Axis
    y: Axis


def chart(record: Record, name: str) -> Chart:
    """Build the chart of one KPI of a run's workload; without samples it has no values."""
    kpi = record.plan.workload.kpis[name]
    zero = record.zero
    x = time_axis(round(record.start - zero, 3), round(record.end - zero, 3))
    bands = tuple(Band(span.phase, round(span.start - zero, 3), round(span.end - zero, 3)) for span in record.spans)
    bins = thinned(record.series.get(name, ()), kpi, zero, (x.high - x.low) / POINTS)
    limits = _limits(record, name, bins, bands)
    values = tuple(entry.value if entry else None for entry in bins.entries)
    breaches = _breaches(bins, limits)
    worst = _worst(bins, breaches, limits)
    seen = [value for value in (*values, *worst) if value is not None]
    seen += [value for limit in limits for value in (limit.low, limit.high) if value is not None]
    unit = _unit(kpi)
    y = bad_axis(seen) if _counts_bad(kpi) else good_axis(seen) if unit == "%" else zero_axis(seen)
    return Chart(
        kpi=name,
        unit=unit,
        start=round(bins.middle(0), 3),
        step=bins.step,
        values=values,
        worst=worst,
        breaches=breaches,
        guard=_guard(record, name, bins, bands, y),
        limits=limits,
        bands=bands,
        faults=_faults(record),
        marks=_marks(record, name),
        x=x,
        y=y,
    )


@dataclass(frozen=True)
class Bin:
    """Hold the value of several samples; for a share also the number of events, and of bad events."""

    value: float
    total: float = 0.0
    bad: float = 0.0
    low: float = math.nan  # the lowest and the highest of its samples, where they were kept
    high: float = math.nan


@dataclass(frozen=True)
class Bins:
    """Hold equal bins of `step` seconds; the first begins at `start` (against the injection). None: no sample."""

    start: float
    step: float
    entries: tuple[Bin | None, ...]

    def middle(self, index: int) -> float:
        """The middle of a bin, in seconds against the injection."""
        return self.start + (index + 0.5) * self.step


def thinned(series: Series, kpi: Kpi, zero: float, least: float) -> Bins:
    """Put a series into bins of at least `least` seconds; gaps stay, and no bin mixes before and after `zero`.

    A bin pools shares (all bad over all), averages rates over time, and keeps the worst reading of a gauge.
    """
    if not series:
        return Bins(0.0, 1.0, ())
    finest = min(sample.length for sample in series)
    least = max(least, (series[-1].end - series[0].start) / (2 * POINTS))
    # A bin holds whole samples, and a bin begins with the first sample after `zero`.
    step = next((float(nice) for nice in STEPS if nice >= max(least, finest) and nice % finest == 0), None)
    step = finest * max(1, math.ceil(least / finest)) if step is None or finest >= least else step
    edge = next((sample.start for sample in series if sample.start >= zero), series[0].start)
    members: dict[int, list[Sample]] = {}
    for sample in series:
        members.setdefault(math.floor((sample.start - edge) / step + 1e-6), []).append(sample)
    first, last = min(members), max(members)
    entries = tuple(_spread(members.get(index, []), kpi) for index in range(first, last + 1))
    return Bins(edge - zero + first * step, step, entries)


def _counts_bad(kpi: Kpi) -> bool:
    return kpi.kind == "ratio" and kpi.bound.at_most is not None


def _unit(kpi: Kpi) -> Literal["%", "/s", ""]:
    if kpi.kind in ("ratio", "latency"):
        return "%"
    return "/s" if kpi.kind == "rate" else ""


def pooled(samples: Iterable[Sample], kpi: Kpi) -> Bin | None:
    """Combine samples into one bin; None if they hold no data."""
    samples = tuple(samples)
    if kpi.kind in ("ratio", "latency"):
        total, bad = sum(sample.total for sample in samples), sum(sample.bad for sample in samples)
        share = bad / total if total > 0 else math.nan
        return Bin(round(share if _counts_bad(kpi) else 1.0 - share, 5), total, bad) if total > 0 else None
    readings = [(sample.value, sample.length) for sample in samples if sample.value is not None]
    if not readings:
        return None
    if kpi.kind == "rate":
        return Bin(_rounded(sum(value * length for value, length in readings) / sum(length for _, length in readings)))
    furthest = min if kpi.bound.at_least is not None else max
    return Bin(_rounded(furthest(value for value, _ in readings)))


def _spread(samples: list[Sample], kpi: Kpi) -> Bin | None:
    """Combine samples into one bin, with the lowest and the highest of them."""
    whole = pooled(samples, kpi)
    values = [single.value for sample in samples if (single := pooled([sample], kpi))]
    return replace(whole, low=min(values), high=max(values)) if whole else None


def _usual(bins: Bins) -> list[float]:
    """Return the values of the baseline."""
    return [
        entry.value for index, entry in enumerate(bins.entries) if entry and bins.middle(index) + bins.step / 2 <= 1e-6
    ]


def _faults(record: Record) -> tuple[FaultBand, ...]:
    return tuple(
        FaultBand(each.fault, round(each.injected - record.zero, 3), round(each.undo - record.zero, 3))
        for each in (record.judged.phases.faults if record.judged else ())
        if each.injected is not None and each.undo is not None
    )


def _guard(record: Record, name: str, bins: Bins, bands: tuple[Band, ...], y: Axis) -> Limit | None:
    """Return the guard's bound if it lies on the axis; an axis that reaches a far guard would flatten the line."""
    bound = record.plan.experiment.guard.get(name)
    watched = [band for band in bands if band.phase in ("inject", "during")]
    if bound is None or not watched:
        return None
    low, high = allowed_range(record.plan.workload.kpis[name], bound, _usual(bins))
    low, high = (level if level is not None and y.low <= level <= y.high else None for level in (low, high))
    return None if low is None and high is None else Limit(watched[0].start, watched[-1].end, low, high)


def _limits(record: Record, name: str, bins: Bins, bands: tuple[Band, ...]) -> tuple[Limit, ...]:
    """Return the KPI's bound; from the injection to the undo's end, the bound in `during` replaces it."""
    kpi = record.plan.workload.kpis[name]
    override = record.plan.experiment.during.get(name, kpi.bound)
    usual = _usual(bins)
    limits: list[Limit] = []
    for band in bands:
        bound = kpi.bound if band.phase in ("before", "after") else override
        low, high = (None, None) if bound == "any" else allowed_range(kpi, bound, usual)
        if limits and (limits[-1].low, limits[-1].high) == (low, high):
            limits[-1] = Limit(limits[-1].start, band.end, low, high)
        else:
            limits.append(Limit(band.start, band.end, low, high))
    return tuple(limit for limit in limits if limit.low is not None or limit.high is not None)


def allowed_range(kpi: Kpi, bound: Bound, usual: list[float]) -> tuple[float | None, float | None]:
    """Return the lowest and highest value that a bound allows, in the chart's unit; `usual`: the baseline's values."""
    if bound.quantile:
        return bound.quantile[0], None
    if bound.within is not None:
        if not usual:
            return None, None
        mean = sum(usual) / len(usual)
        return mean * (1 - bound.within), mean * (1 + bound.within)
    low = bound.at_least.value if bound.at_least else None
    high = bound.at_most.value if bound.at_most else None
    if kpi.kind == "ratio" and (high is not None) != _counts_bad(kpi):
        # An override may state the opposite share: at most 1% of bad is at least 99% of good.
        return (None, 1 - low) if low is not None else (1 - (high or 0.0), None)
    return low, high


def _breaches(bins: Bins, limits: tuple[Limit, ...]) -> tuple[tuple[int, int], ...]:
    runs: list[tuple[int, int]] = []
    for index, entry in enumerate(bins.entries):
        at = bins.middle(index)
        limit = _limit_at(limits, at)
        if entry is None or limit is None or not out(entry, limit.low, limit.high):
            continue
        if runs and runs[-1][1] == index - 1:
            runs[-1] = (runs[-1][0], index)
        else:
            runs.append((index, index))
    return tuple(runs)


def _limit_at(limits: tuple[Limit, ...], at: float) -> Limit | None:
    return next((limit for limit in limits if limit.start <= at < limit.end), None)


def _worst(bins: Bins, breaches: tuple[tuple[int, int], ...], limits: tuple[Limit, ...]) -> tuple[float | None, ...]:
    worst_values: list[float | None] = [None] * len(bins.entries)
    for first, last in breaches:
        for index in range(first, last + 1):
            entry, limit = bins.entries[index], _limit_at(limits, bins.middle(index))
            if entry and limit:
                below = limit.low is not None and (limit.high is None or entry.value < limit.low)
                worst = entry.low if below else entry.high
                worst_values[index] = worst if worst != entry.value else None
    return tuple(worst_values)


def out(entry: Bin, low: float | None, high: float | None) -> bool:
    """Whether a bin is out of bound; a share by three standard deviations, since single failures are noise."""
    if entry.total:
        share = 1 - low if low is not None else high or 0.0
        allowed = entry.total * share
        return entry.bad > allowed + 3 * math.sqrt(allowed * (1 - share))
    below = low is not None and entry.value < low
    return below or (high is not None and entry.value > high)


def _marks(record: Record, name: str) -> tuple[Mark, ...]:
    marks = [_at("aborted", event.at - record.zero) for event in record.remarks if event.type == "aborted"]
    marks += [_at("detected", event.fired_at - record.zero) for event in record.remarks if event.type == "detected"]
    rows = record.judged.judgement.recovery if record.judged else ()
    recovery = next((row for row in rows if row.kpi == name and row.degraded), None)
    if recovery is None:
        return tuple(marks)
    if recovery.impact is not None:
        at = round(recovery.impact - record.zero, 3)
        marks.append(Mark("impact", at, at, at))
    if recovery.recovered is not None:
        at = round(recovery.recovered - record.zero, 3)
        since = at - (recovery.took or 0.0)
        known = recovery.took is not None and recovery.low is not None and recovery.high is not None
        low, high = (since + (recovery.low or 0.0), since + (recovery.high or 0.0)) if known else (at, at)
        marks.append(Mark("recovered", at, round(low, 3), round(high, 3)))
    return tuple(marks)


def _at(kind: Literal["detected", "aborted"], at: float) -> Mark:
    return Mark(kind, round(at, 3), round(at, 3), round(at, 3))


def _rounded(value: float) -> float:
    return float(f"{value:.5g}")
