"""When each of several faults in order was in force, in words; nothing where all begin and end together."""

from __future__ import annotations

from gameday.records.record import Record
from gameday.report import phrases
from gameday.steady_state.kpi.claim import FaultInterval


def intervals(record: Record) -> tuple[FaultInterval, ...]:
    """Return the interval of each fault in order."""
    return record.judged.phases.faults if record.judged else ()


def lines(record: Record) -> tuple[str, ...]:
    """Phrase the interval of each fault, a line each: `throttle: +1m20s to +2m30s, took effect +1m30s`."""
    return tuple(f"{each.fault}: {words(each, record.zero)}" for each in intervals(record))


def words(interval: FaultInterval, zero: float) -> str:
    """Phrase one interval, in times against the first injection."""
    if interval.injected is None:
        return "not injected"
    end = "" if interval.undo is None else f" to {phrases.offset(interval.undo - zero)}"
    seen = interval.took_effect
    effect = "no effect seen" if seen is None else f"took effect {phrases.offset(seen - zero)}"
    return f"{phrases.offset(interval.injected - zero)}{end}, {effect}"
