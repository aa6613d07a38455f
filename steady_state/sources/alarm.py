"""KPIs from the states of CloudWatch alarms: 1 in ALARM, 0 in OK, a gap where it cannot be told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, floor, inf

from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.samples import CLOSE, Sample, Series, reading_of

BEHIND = 1.0
"""Seconds by which a state may be newer than the last change in the history before one is missing there."""


@dataclass(frozen=True, slots=True)
class Switch:
    """An alarm went from one state to another: OK, ALARM, INSUFFICIENT_DATA, or None where that is not told."""

    at: float  # seconds since the epoch
    old: str | None
    new: str | None


States = Iterable[tuple[float, float, str | None]]
"""(start, end, state), one after the other; the last has no end. None: not known."""


@dataclass(frozen=True, slots=True)
class Past:
    """What an alarm did from some time on."""

    since: float  # seconds since the epoch, as all times here
    switches: tuple[Switch, ...]  # oldest first
    state: str  # in which it is now
    entered: float | None = None  # since when, where that is told

    @property
    def states(self) -> States:
        """Its states, oldest first."""
        first = self.switches[0].old if self.switches else self.state
        edges = [(self.since, first), *((one.at, one.new) for one in self.switches)]
        last = edges[-1][0]
        if self.entered is not None and self.entered > last + BEHIND:
            edges[-1] = (last, None)
            edges.append((self.entered, self.state))
        return ((at, until, state) for (at, state), (until, _) in pairwise([*edges, (inf, None)]))


ReadPast = Callable[[str, float], Past]
"""Asks what an alarm did since some time. Raises ValueError saying why there is no answer."""


class AlarmSource:
    """Tells alarms as gauges, from the exact times of their changes.

    A bin in which an alarm was in ALARM, if only for an instant, is 1; otherwise one in which its state was unknown or
    INSUFFICIENT_DATA is a gap. Each is asked for once a period; no answer is a gap that is said once.
    """

    def __init__(self, ask: ReadPast, say: Callable[[str], None]) -> None:
        self._ask = ask
        self._say = say
        self._said: set[str] = set()
        self._last: dict[str, tuple[int, int, Series]] = {}

    def read(self, kpis: Mapping[str, Kpi], start: float, end: float) -> dict[str, Series]:
        """The complete bins of each KPI; `end` is now, or an instant before it."""
        return {name: self._read(name, kpi, start, end) for name, kpi in kpis.items()}

    def _read(self, name: str, kpi: Kpi, start: float, end: float) -> Series:
        alarm, length = kpi.reading.alarm, kpi.interval
        assert alarm is not None, "only what names an alarm is read here"  # noqa: S101
        first, last = ceil(start / length - CLOSE), floor(end / length + CLOSE)
        if first >= last:
            return ()
        if self._last.get(name, ())[:2] != (first, last):
            try:
                self._last[name] = (first, last, bins(kpi, self._ask(alarm, first * length), first, last))
            except ValueError as error:
                if name not in self._said:
                    self._say(f"{name} has a gap: {error}")
                self._said.add(name)
                return ()
        return self._last[name][2]


def bins(kpi: Kpi, past: Past, first: int, last: int) -> Series:
    """The gauge's bins by their numbers since the epoch, from one to before the other."""
    states = tuple(past.states)
    found = (_bin(kpi, states, number * kpi.interval) for number in range(first, last))
    return tuple(one for one in found if one is not None)


def _bin(kpi: Kpi, states: States, start: float) -> Sample | None:
    end = start + kpi.interval
    seen = {
        state
        for since, until, state in states
        if since < end - CLOSE and (since > start - CLOSE or until > start + CLOSE)
    }
    if "ALARM" not in seen and seen != {"OK"}:
        return None
    value = 1.0 if "ALARM" in seen else 0.0
    return reading_of(start, kpi.interval, value, kpi.bound.admits(value))
