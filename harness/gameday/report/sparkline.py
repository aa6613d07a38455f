"""A KPI over a run as two lines of text: bars, and under them the phases with their durations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from gameday.records.record import Record, Span
from gameday.report import phrases
from gameday.report.chart import pooled
from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.kpi.units import show_share
from gameday.steady_state.samples import Series, touching

BARS = "▁▂▃▄▅▆▇█"
GAP = "·"
WIDTH = 60
"""Characters for a whole run."""
LEAST = 14
"""Least characters for a phase, so that a fault of seconds is visible beside a baseline of hours."""
SPAN = 0.1
"""A chart of shares spans at least ten points, so that noise stays small."""
SHOWN = {"before": "before", "inject": "during", "during": "during", "undo": "after", "after": "after"}


@dataclass(frozen=True)
class _Band:
    name: str
    start: float
    end: float
    width: int


def sparkline(record: Record, name: str) -> tuple[str, ...]:
    """Draw two lines, with the ends of the scale beside them; no lines if the KPI has no sample."""
    kpi, series = record.plan.workload.kpis[name], record.series.get(name, ())
    phases = tuple(_phases(record.spans))
    cells = [list(_cells(kpi, series, phase)) for phase in phases]
    seen = [value for values in cells for value in values if value is not None]
    if not seen:
        return ()
    low, high = scale(kpi, seen)
    bars = "│".join("".join(bar(value, low, high) for value in values) for values in cells)
    under = "│".join(f"{phase.name} {phrases.duration(phase.end - phase.start)}".ljust(phase.width) for phase in phases)
    tall, short = (_amount(kpi, value) for value in (high, low))
    wide = max(len(tall), len(short))
    return (f"{tall:>{wide}} {bars}", f"{short:>{wide}} {under.rstrip()}")


def scale(kpi: Kpi, values: Sequence[float]) -> tuple[float, float]:
    """Return the ends of the scale: shares span at least ten points, other values include zero."""
    low, high = min(values), max(values)
    if kpi.kind in ("ratio", "latency"):
        low = max(0.0, min(low, high - SPAN))
        return low, max(high, low + SPAN)
    return min(low, 0.0), max(high, 0.0)


def bar(value: float | None, low: float, high: float) -> str:
    """Draw a value as a bar on a scale; None is a gap."""
    if value is None:
        return GAP
    return BARS[round((value - low) / (high - low) * (len(BARS) - 1))] if high > low else BARS[0]


def _phases(spans: tuple[Span, ...]) -> Iterator[_Band]:
    """Yield before, during (from the injection) and after (from the undo), each with its width in characters."""
    whole = sum(span.end - span.start for span in spans) or 1.0
    for name, group in groupby(spans, key=lambda span: SHOWN[span.phase]):
        parts = list(group)
        start, end = parts[0].start, parts[-1].end
        yield _Band(name, start, end, max(LEAST, round(WIDTH * (end - start) / whole)))


def _cells(kpi: Kpi, series: Series, phase: _Band) -> Iterator[float | None]:
    """Yield the value of each character of a phase; None without data."""
    step = (phase.end - phase.start) / phase.width
    for index in range(phase.width):
        start = phase.start + index * step
        pool = pooled(touching(series, start, start + step), kpi)
        yield pool.value if pool else None


def _amount(kpi: Kpi, value: float) -> str:
    if kpi.kind in ("ratio", "latency"):
        return show_share(round(value, 3))
    return f"{value:.4g}/s" if kpi.kind == "rate" else f"{value:.4g}"
