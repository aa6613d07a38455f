"""The cells of a matrix: for each fault and module, the declared relation and the observed state."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
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

    def hurt(self, row: MatrixRow, module: str) -> dict[str, ObservedEffect]:
        """Return the effects, by KPI, by which a row was seen to hurt a module."""
        return {effect.kpi: effect for effect in row.effects if effect.module == module and _is_worse(effect)}

    def unexplained(self, row: MatrixRow, module: str, carriers: Iterable[str]) -> dict[str, ObservedEffect]:
        """Return the effects by which a row hurts a module, without KPIs that a fault in a carrier alone hurts too.

        A journey's KPI suffers with every module that its requests come through. That explains this KPI, and no other
        KPI of its module.
        """
        rows = [self.of[carrier] for carrier in carriers if carrier in self.of]
        explained = {effect.kpi for other in rows for effect in other.effects if _is_worse(effect)}
        return {kpi: effect for kpi, effect in self.hurt(row, module).items() if kpi not in explained}

    def suffering_callers(self, row: MatrixRow, module: str) -> frozenset[str]:
        """Return the modules that suffer in a row and that call this module, directly or through others."""
        return frozenset(
            other
            for other in self.declared.modules
            if other != module
            and module in self.declared.called_from(frozenset({other}))
            and self.cells[row.experiment, other].state == "spread"
        )

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
            return state, most_telling(matching, business if state == "spread" else None)
    return ("unknown" if row.refused else "no-kpi"), None


def most_telling(effects: Collection[ObservedEffect], business: frozenset[str] | None) -> ObservedEffect:
    """Return the effect that tells most: customers' KPIs rank first, capacity last, then the largest change.

    `business` None: only the change ranks, and a known one before no data.
    """

    def rank(effect: ObservedEffect) -> tuple[bool, bool, float]:
        ranked = business is not None
        return (
            ranked and effect.kpi in (business or ()),
            ranked and effect.kind != "time",
            -1.0 if effect.change is None else effect.change,
        )

    return max(effects, key=rank)


def _is_worse(effect: ObservedEffect) -> bool:
    return effect.verdict is Verdict.BROKEN
