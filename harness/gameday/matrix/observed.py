"""The cells of a matrix: for each fault and module, the declared relation and the observed state."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from gameday.files.workload import Workload
from gameday.matrix.declared import Declared
from gameday.matrix.model import Cell, CellState, MatrixRow, ObservedEffect
from gameday.steady_state.kpi.claim import Verdict
from gameday.steady_state.kpi.kpi import Tier


class Observation:
    """The observed effects of all rows, with the declared dependencies."""

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
        states = {module: _state(row, module, self.business) for module in self.declared.modules}
        starving = {module for module, (state, _) in states.items() if state == "spread"} | hit
        # No request reaches a module whose callers all suffer: that explains missing data, but proves nothing.
        while more := {
            module
            for module, (state, effect) in states.items()
            if state == "unknown" and effect is not None and effect.change is None and module not in starving
            if (callers := self.declared.callers(module)) and callers <= starving
        }:
            starving |= more
            states |= {module: ("starved", states[module][1]) for module in more}
        for module, (state, effect) in states.items():
            yield Cell(row.experiment, module, self.declared.relation(hit, module), state, effect)

    def cell(self, source: str, module: str) -> Cell | None:
        """Return the cell of a fault on the module `source` and another module."""
        row = self.of.get(source)
        return self.cells[row.experiment, module] if row else None

    def spreads(self, source: str, module: str) -> bool:
        """Return whether a fault on the module `source` was seen to hurt another."""
        cell = self.cell(source, module)
        return cell is not None and cell.state == "spread"

    def effect(self, source: str, kpi: str) -> ObservedEffect | None:
        """Return the effect of a fault on the module `source` on a KPI."""
        effects = self.of[source].effects if source in self.of else ()
        return next((effect for effect in effects if effect.kpi == kpi), None)


def _state(row: MatrixRow, module: str, business: frozenset[str]) -> tuple[CellState, ObservedEffect | None]:
    effects = [effect for effect in row.effects if effect.module == module]
    states: tuple[tuple[Verdict, CellState], ...] = (
        (Verdict.BROKEN, "spread"),
        (Verdict.UNKNOWN, "unknown"),
        (Verdict.HELD, "contained"),
    )
    for verdict, state in states:
        if matching := [effect for effect in effects if effect.verdict is verdict]:
            # Customers' KPIs rank first, capacity last; among unknown effects, a known change ranks before no data.
            ranks = [(each.kpi in business, each.kind != "time") if state == "spread" else () for each in matching]
            sizes = [-1.0 if each.change is None else each.change for each in matching]
            return state, max(zip(ranks, sizes, matching, strict=True), key=lambda ranked: ranked[:2])[2]
    return ("unknown" if row.refused else "no-kpi"), None
