"""Examine every KPI: does it arrive, how late, how fine."""

from __future__ import annotations

from collections.abc import Iterator

from gameday.doctor.examination import DoctorContext, Finding, Severity
from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.kpi.source import Reading, read_or_gap
from gameday.steady_state.kpi.units import show_duration

TOPIC = "KPIs"
PAST = 900.0
"""Seconds to look back: three of the longest usual periods."""
LONGEST_WAIT = 10.0
"""Seconds to wait for a source that has no past."""


def kpis(context: DoctorContext) -> Iterator[Finding]:
    """Read each KPI, and name its newest sample and its bins."""
    for name, kpi in context.workload.kpis.items():
        reading, now = _read(context, name, kpi)
        yield from (Finding(Severity.UNREAD, TOPIC, f"{name}: {remark}") for remark in reading.remarks)
        samples = reading.samples.get(name, ())
        if not samples:
            text = f"{name}: nothing arrived, so no run could find it steady"
            yield Finding(Severity.REFUSES, TOPIC, text, "check the name, the dimensions and the period of its source")
            continue
        newest, filled = samples[-1], sum(1 for sample in samples if sample.total)
        late = show_duration(round(max(0.0, now - newest.end)))
        text = f"{name}: the newest of {len(samples)} bins of {show_duration(newest.length)} is {late} old"
        yield Finding(Severity.NOTE, TOPIC, text)
        if not filled:
            yield Finding(Severity.WARNS, TOPIC, f"{name}: no bin has any traffic, so a verdict would be unknown")


def _read(context: DoctorContext, name: str, kpi: Kpi) -> tuple[Reading, float]:
    source, clock = context.environment.source, context.environment.clock
    start = clock.now() - PAST
    reading = read_or_gap(source, {name: kpi}, start, clock.now())
    if not kpi.source.has_past and not reading.samples.get(name):
        clock.sleep(min(LONGEST_WAIT, 3 * kpi.interval))
        reading = read_or_gap(source, {name: kpi}, start, clock.now())
    return reading, clock.now()
