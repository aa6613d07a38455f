"""When each fault of a run begins and ends: planned times against what has happened so far, without any call."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import accumulate

from gameday.change import PlannedFault
from gameday.steady_state.kpi.claim import FaultInterval
from gameday.steady_state.samples import CLOSE


@dataclass
class Agenda:
    """The faults of a plan by their index, and when each was injected, took effect and was undone.

    Times are seconds since the epoch. All faults end at `end`, unless their own time ends earlier.
    """

    planned_faults: tuple[PlannedFault, ...]
    took_effect: dict[int, float]  # kept by who reads the effects
    zero: float | None = None  # the effect of the faults that begin first: planned times count from there
    end: float = 0.0
    injected: dict[int, float] = field(default_factory=dict)
    undo: dict[int, float] = field(default_factory=dict)  # of faults with an end of their own
    undone: dict[int, float] = field(default_factory=dict)

    @property
    def is_timed(self) -> bool:
        """Whether some fault begins or ends apart from the others."""
        return any(planned_fault.is_timed for planned_fault in self.planned_faults)

    @property
    def first(self) -> tuple[int, ...]:
        """The faults that begin at once."""
        return tuple(index for index, planned_fault in enumerate(self.planned_faults) if not planned_fault.at)

    @property
    def positions(self) -> tuple[int, ...]:
        """The position in the plan of the first change of each fault."""
        return tuple(accumulate((len(fault.changes) for fault in self.planned_faults[:-1]), initial=0))

    @property
    def in_force(self) -> tuple[int, ...]:
        """The faults that were injected and whose undo has not begun."""
        return tuple(index for index in self.injected if index not in self.undo)

    def start(self, zero: float, lasts: float) -> None:
        """Count the planned times from now on; all faults end after `lasts` seconds."""
        self.zero, self.end = zero, zero + lasts

    def to_inject(self, now: float) -> tuple[int, ...]:
        """Return the faults whose begin is due, in the order of the plan."""
        return tuple(index for index, at in self._begins().items() if at <= now + CLOSE)

    def to_undo(self, now: float) -> tuple[int, ...]:
        """Return the faults whose own end is due, the last one of the plan first."""
        return tuple(index for index, at in sorted(self._ends().items(), reverse=True) if at <= now + CLOSE)

    def next(self, now: float) -> float:
        """Return when the next begin or end is due, after now."""
        due = (*self._begins().values(), *self._ends().values())
        return min((self.end, *(at for at in due if at > now + CLOSE)))

    def intervals(self, undo: float, undone: float) -> tuple[FaultInterval, ...]:
        """Return when each fault was in force, where the faults are in order; the last undo began at `undo`."""
        if not self.is_timed:
            return ()
        return tuple(
            FaultInterval(
                fault=planned_fault.fault,
                injected=self.injected.get(index),
                took_effect=self.took_effect.get(index),
                undo=self.undo.get(index, undo) if index in self.injected else None,
                undone=self.undone.get(index, undone) if index in self.injected else None,
            )
            for index, planned_fault in enumerate(self.planned_faults)
        )

    def _begins(self) -> dict[int, float]:
        if self.zero is None:
            return {}
        return {
            index: self.zero + planned_fault.at
            for index, planned_fault in enumerate(self.planned_faults)
            if index not in self.injected
        }

    def _ends(self) -> dict[int, float]:
        return {
            index: self.took_effect[index] + lasts
            for index in self.in_force
            if (lasts := self.planned_faults[index].lasts) is not None and index in self.took_effect
        }
