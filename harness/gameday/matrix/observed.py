"""What rows show, cell by cell: one fault, one module, what is declared of it, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from gameday.files.workload import Workload
from gameday.matrix.declared import Declared
from gameday.matrix.model import Cell, CellState, MatrixRow, ObservedEffect
from gameday.steady_state.kpi.claim import Verdict
from gameday.steady_state.kpi.kpi import Tier


class Observation:
    """Every row against what is declared."""

    def __init__(self, workload: Workload, rows: tuple[MatrixRow, ...]) -> None:
        self.declared = Declared(workload)
        self.rows = rows
        self.of = {row.module: row for row in rows if row.module}
        self.business = frozenset(name for name, kpi in workload.kpis.items() if kpi.tier is Tier.BUSINESS)

    @cached_property
    def cells(self) -> dict[tuple[str, str], Cell]:
        """(experiment, module) → its cell."""
        return {(row.experiment, cell.module): cell for row in self.rows for cell in self._cells_of(row)}

    def _cells_of(self, row: MatrixRow) -> Iterator[Cell]:
        hit = frozenset(row.hit) | ({row.module} if row.module else set())
        found = {module: _state(row, module, self.business) for module in self.declared.modules}
        starving = {module for module, (state, _) in found.items() if state == "spread"} | hit
        # No request reaches a module whose callers all suffer: silence there is explained, and no more.
        while more := {
            module
            for module, (state, one) in found.items()
            if state == "unknown" and one is not None and one.change is None and module not in starving
            if (callers := self.declared.callers(module)) and callers <= starving
        }:
            starving |= more
            found |= {module: ("starved", found[module][1]) for module in more}
        for module, (state, effect) in found.items():
            yield Cell(row.experiment, module, self.declared.relation(hit, module), state, effect)

    def cell(self, source: str, module: str) -> Cell | None:
        """The cell of a fault on one module and another module."""
        row = self.of.get(source)
        return self.cells[row.experiment, module] if row else None

    def spreads(self, source: str, module: str) -> bool:
        """Whether a fault on one module was seen to hurt another."""
        cell = self.cell(source, module)
        return cell is not None and cell.state == "spread"

    def effect(self, source: str, kpi: str) -> ObservedEffect | None:
        """What a fault on one module did to a KPI."""
        return next((one for one in self.of[source].effects if one.kpi == kpi), None) if source in self.of else None


def _state(row: MatrixRow, module: str, business: frozenset[str]) -> tuple[CellState, ObservedEffect | None]:
    effects = [one for one in row.effects if one.module == module]
    states: tuple[tuple[Verdict, CellState], ...] = (
        (Verdict.BROKEN, "spread"),
        (Verdict.UNKNOWN, "unknown"),
        (Verdict.HELD, "contained"),
    )
    for verdict, state in states:
        if found := [one for one in effects if one.verdict is verdict]:
            # Customers tell most, and capacity least; of several unknowns one that saw something, more than silence.
            told = [(one.kpi in business, one.kind != "time") if state == "spread" else () for one in found]
            sizes = [-1.0 if one.change is None else one.change for one in found]
            return state, max(zip(told, sizes, found, strict=True), key=lambda three: three[:2])[2]
    return ("unknown" if row.refused else "no-kpi"), None
