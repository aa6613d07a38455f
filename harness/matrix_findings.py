"""Declared dependencies and observed effects in, findings out: pure.

A fault on a module may hurt it and those that need it. Any other module that suffers does so by a link that nobody
declared; which link, is told from the other rows: where A hurts B and C, and a fault in B alone hurts C as declared,
A → B is the link, and A → B → C the chain.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from itertools import pairwise

from harness.matrix import Cell, Chain, Effect, Finding, Matrix, Row, State
from harness.matrix_declared import Declared
from harness.plan import Place
from harness.spec.reach import reached
from harness.spec.workload import Workload
from steady_state.claim import Verdict
from steady_state.kpi import Tier
from steady_state.units import show_share


class Analysis:
    """Every row against what is declared."""

    def __init__(self, workload: Workload, rows: tuple[Row, ...]) -> None:
        self.declared = Declared(workload)
        self.rows = rows
        self.of = {row.module: row for row in rows if row.module}
        self.business = frozenset(name for name, kpi in workload.kpis.items() if kpi.tier is Tier.BUSINESS)

    @cached_property
    def cells(self) -> dict[tuple[str, str], Cell]:
        """(experiment, module) → its cell."""
        return {(row.experiment, cell.module): cell for row in self.rows for cell in self._cells_of(row)}

    def _cells_of(self, row: Row) -> Iterator[Cell]:
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

    def seen(self, source: str, module: str) -> Cell | None:
        """The cell of a fault on one module and another module."""
        row = self.of.get(source)
        return self.cells[row.experiment, module] if row else None

    def spreads(self, source: str, module: str) -> bool:
        """Whether a fault on one module was seen to hurt another."""
        cell = self.seen(source, module)
        return cell is not None and cell.state == "spread"

    def findings(self) -> Iterator[Finding]:
        """All of them."""
        yield from self._hidden()
        for source in self.of:
            yield from self._dead(source)
        yield from self._zonal()

    # Hidden dependencies ---------------------------------------------------------------------------------------------

    def _hidden(self) -> Iterator[Finding]:
        """Each undeclared link once, with all that suffers by it."""
        found: dict[tuple[str, str], Cell] = {}
        chains: list[tuple[str, ...]] = []
        for source in self.of:
            roots, ways = self._roots(source)
            found |= {(source, cell.module): cell for cell in roots}
            chains += ways
        for (source, module), cell in found.items():
            mine = [way for way in chains if self._culprit(way) == (source, module)]
            yield _hidden_finding(source, cell, tuple(self._chain(way) for way in mine))

    def _chain(self, way: tuple[str, ...]) -> Chain:
        cell = self.seen(way[0], way[-1])
        return Chain(way, cell.effect if cell else None)

    def _roots(self, source: str) -> tuple[list[Cell], list[tuple[str, ...]]]:
        """Who suffers first by an undeclared link from a module; and the ways from there to whoever suffers next."""
        seen = {module: cell for module in self.declared.modules if (cell := self.seen(source, module))}
        cells = {
            module: cell
            for module, cell in seen.items()
            if cell.state == "spread" and cell.relation not in ("hit", "through")
        }
        roots, ways = self._first(source, cells)
        # What is too small a share to be proven where it arises may be proven at callers with less other traffic.
        faint = {
            module: cell
            for module, cell in seen.items()
            if cell.state == "unknown" and cell.relation == "tolerates" and cell.effect and (cell.effect.low or 0) > 0
            if any(root.relation == "none" and self._needed(module, root.module) for root in roots)
        }
        return self._first(source, cells | faint) if faint else (roots, ways)

    def _first(self, source: str, cells: dict[str, Cell]) -> tuple[list[Cell], list[tuple[str, ...]]]:
        given = [module for module, cell in cells.items() if cell.relation == "needs"]
        carries = {one: {other for other in cells if other != one and self._carries(one, other)} for one in cells}
        beyond = {one: reached([one], carries) for one in cells}
        known = {other for one in given for other in beyond[one]}
        roots: list[str] = []
        for name in sorted(cells, key=lambda one: _suspicion(cells[one])):
            origins = {one for one in cells if name in beyond[one]}
            if name not in known and origins <= beyond[name] and not any(name in beyond[root] for root in roots):
                roots.append(name)
        ways = [(source, *way) for way in _ways([*given, *roots], carries)]
        return [cells[root] for root in roots], [way for way in ways if way[-1] not in given]

    def _needed(self, one: str, other: str) -> bool:
        """Whether a fault in `one` hurts `other` as declared."""
        return self.spreads(one, other) and self.declared.relation(frozenset({one}), other) == "needs"

    def _carries(self, one: str, other: str) -> bool:
        """Whether a fault in `one` alone hurts `other`: as declared, or by an undeclared link that goes one way."""
        declared = self.declared.relation(frozenset({one}), other) in ("needs", "through")
        return self.spreads(one, other) and (declared or not self.spreads(other, one))

    def _culprit(self, way: tuple[str, ...]) -> tuple[str, str] | None:
        """The first link of a way that is not declared."""
        for one, other in pairwise(way):
            if self.declared.relation(frozenset({one}), other) in ("tolerates", "none"):
                return one, other
        return None

    def runs(self, finding: Finding) -> tuple[str, ...]:
        """The experiments that a finding rests on."""
        if finding.runs:
            return finding.runs
        between = [module for chain in finding.chains for module in chain.way[1:-1]]
        told = (self.of[module].experiment for module in between if module in self.of)
        return tuple(dict.fromkeys((finding.experiment, *told)))

    # Dead declarations -----------------------------------------------------------------------------------------------

    def _dead(self, source: str) -> Iterator[Finding]:
        own = self.seen(source, source)
        if own is None or own.state == "contained":
            return  # the fault shows nowhere: nothing follows from what others do not show
        for name, module in self.declared.workload.modules.items():
            cell = self.seen(source, name)
            if source not in module.needs or cell is None or cell.state != "contained" or self._witness(source, name):
                continue
            worst = cell.effect
            words = f"{name} declares that it needs {source}, and its KPIs do not show it"
            words += f": {worst.kpi} {worst.words}" if worst else ""
            yield Finding("dead", source, name, cell.experiment, words, worst)

    def _witness(self, source: str, module: str) -> bool:
        """Whether a KPI of what the module calls shows the need.

        A KPI that suffers when the module does counts requests that come through it. Where it suffers with the source
        as well, so do requests to the module, whatever the module's own KPIs count.
        """
        below = self.declared.called_from(frozenset({module}))
        hurt = [_hurt(self.of.get(one)) for one in (source, module)]
        return any(below >= {effect.module} for kpi, effect in hurt[0].items() if kpi in hurt[1])

    # Zones -----------------------------------------------------------------------------------------------------------

    def _zonal(self) -> Iterator[Finding]:
        """Each module that a zone's loss hurts more than it may, once: by the zone that hurts most."""
        for module in self.declared.modules:
            for hurt in (self._outside, self._beyond_share):
                found = [(row, effect) for row in self.rows if row.zone and (effect := hurt(row, module))]
                if not found:
                    continue
                found.sort(key=lambda pair: -(pair[1].change or 0.0))
                row, effect = found[0]
                zone, share = row.zone or "", max(row.hit.values(), default=0.0)
                words = f"{module} stands outside of {zone} and suffers with it"
                if hurt == self._beyond_share:
                    words = f"{zone} has {show_share(round(share, 3))} of what it hits, and {module} loses more with it"
                words += f": {effect.kpi} got worse by {effect.size}"
                words += "".join(f"; with {other.zone}, {one.kpi} by {one.size}" for other, one in found[1:])
                runs = tuple(other.experiment for other, _ in found)
                yield Finding("zonal", zone, module, row.experiment, words, effect, runs=runs)

    def _outside(self, row: Row, module: str) -> Effect | None:
        """How a module suffers that neither stands in the row's zone, nor needs what stands there."""
        cell = self.cells[row.experiment, module]
        stray = cell.state == "spread" and cell.relation in ("tolerates", "none")
        return cell.effect if stray and not any(self.spreads(one, module) for one in row.hit) else None

    def _beyond_share(self, row: Row, module: str) -> Effect | None:
        """How a module suffers that loses more than the row's zone has of what it hits."""
        if self._outside(row, module):
            return None
        share = max(row.hit.values(), default=0.0)
        more = [one for one in row.effects if one.module == module and _more_than(one, share)]
        return max(more, key=lambda one: (one.kpi in self.business, one.low or 0.0), default=None)

    # What cannot be told ---------------------------------------------------------------------------------------------

    def open(self) -> Iterator[str]:
        """What keeps the answer from being known, a line each."""
        for row in self.rows:
            yield from (f"{row.experiment} was not run: {why}" for why in row.refused)
            if row.refused:
                continue
            for module in self.declared.modules:
                cell = self.cells[row.experiment, module]
                if cell.state == "unknown" and cell.relation in ("tolerates", "none") and cell.effect:
                    yield f"{row.experiment}, {module}: {cell.effect.told}"


def analyse(
    workload: Workload, rows: tuple[Row, ...], seed: int, margin: float, repeat: str = "", place: Place = "twin"
) -> Matrix:
    """The matrix of a workload's rows. `repeat`: the command that repeats a row, with {experiment} in it."""
    analysis = Analysis(workload, rows)
    findings = [
        replace(one, repeat=repeat.format(experiment=one.experiment), runs=analysis.runs(one))
        for one in analysis.findings()
    ]
    order = ("hidden", "not-tolerated", "zonal", "dead")
    findings.sort(key=lambda one: (order.index(one.kind) // 2, -((one.effect and one.effect.change) or 0.0)))
    elsewhere = f"only {workload.regions[0]} is struck, and not {', '.join(workload.regions[1:])}"
    without = [name for name in workload.modules if all(kpi.module != name for kpi in workload.kpis.values())]
    return Matrix(
        workload=workload.name,
        place=place,
        seed=seed,
        margin=margin,
        error=workload.budget.false_verdict,
        rows=rows,
        cells=tuple(analysis.cells.values()),
        findings=tuple(findings),
        declared={name: (*one.needs, *one.tolerates) for name, one in workload.modules.items()},
        notes=(
            *(f"{name} cannot be judged: it has no KPI" for name in without),
            *([elsewhere] if workload.regions[1:] else []),
        ),
        open=tuple(analysis.open()),
    )


def _state(row: Row, module: str, business: frozenset[str]) -> tuple[State, Effect | None]:
    effects = [one for one in row.effects if one.module == module]
    states: tuple[tuple[Verdict, State], ...] = (
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


def _hurt(row: Row | None) -> dict[str, Effect]:
    return {one.kpi: one for one in row.effects if one.verdict is Verdict.BROKEN} if row else {}


def _suspicion(cell: Cell) -> tuple[bool, float, str]:
    """First who is declared to call what was struck, then who suffers most."""
    return cell.relation != "tolerates", -((cell.effect and cell.effect.change) or 0.0), cell.module


def _ways(starts: list[str], edges: Mapping[str, set[str]]) -> list[tuple[str, ...]]:
    """The shortest way from any start to each module that can be reached, nearest first; starts left out."""
    ways: list[tuple[str, ...]] = [(start,) for start in starts]
    met = set(starts)
    for way in ways:  # which grows meanwhile
        more = sorted(edges[way[-1]] - met)
        met |= set(more)
        ways += [(*way, other) for other in more]
    return ways[len(starts) :]


def _hidden_finding(source: str, cell: Cell, chains: tuple[Chain, ...]) -> Finding:
    effect, name = cell.effect, cell.module
    size = f"{effect.kpi} got worse by {effect.size}" if effect else ""
    if cell.relation == "tolerates":
        words = f"{name} declares that it tolerates {source}, and does not: {size}"
        return Finding("not-tolerated", source, name, cell.experiment, words, effect, chains)
    words = f"{name} depends on {source}, and does not declare it: {size}"
    return Finding("hidden", source, name, cell.experiment, words, effect, chains)


def _more_than(effect: Effect, share: float) -> bool:
    return effect.verdict is Verdict.BROKEN and effect.kind == "share" and effect.low is not None and effect.low > share
