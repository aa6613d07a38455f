"""Findings of a matrix, from declared dependencies and observed effects; pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gameday.files.workload import Workload
from gameday.matrix.links import Links
from gameday.matrix.model import Cell, Matrix, MatrixFinding, MatrixRow, ObservedEffect, seed_of_row
from gameday.matrix.observed import Observation, most_telling
from gameday.plan.plan import Place
from gameday.steady_state.kpi.claim import Verdict
from gameday.steady_state.kpi.units import show_duration, show_share


class Analysis:
    """Compare every row with the declared dependencies."""

    def __init__(self, seen: Observation) -> None:
        self.seen = seen
        self.declared = seen.declared

    def findings(self) -> Iterator[MatrixFinding]:
        """Yield all findings."""
        yield from Links(self.seen).findings()
        for source in self.seen.of:
            yield from self._dead(source)
        yield from self._zonal()

    def runs(self, finding: MatrixFinding) -> tuple[str, ...]:
        """Return the experiments that a finding rests on."""
        if finding.runs:
            return finding.runs
        between = [module for chain in finding.chains for module in chain.way[1:-1]]
        others = (self.seen.of[module].experiment for module in between if module in self.seen.of)
        return tuple(dict.fromkeys((finding.experiment, *others)))

    # Dead declarations -----------------------------------------------------------------------------------------------

    def _dead(self, source: str) -> Iterator[MatrixFinding]:
        own = self.seen.cell(source, source)
        if own is None or own.state == "contained":
            return  # the fault shows no effect on its own module, so other modules prove nothing
        for name, module in self.declared.workload.modules.items():
            cell = self.seen.cell(source, name)
            if source not in module.needs or cell is None or self._witness(source, name):
                continue
            worst = self._contained(source, cell)
            if worst is None:
                continue
            words = f"{name} declares that it needs {source}, and its KPIs do not show it"
            words += f": {worst.kpi} {worst.words}"
            yield MatrixFinding("dead", source, name, cell.experiment, words, worst)

    def _contained(self, source: str, cell: Cell) -> ObservedEffect | None:
        """Return the largest effect of a cell whose KPIs are all contained, but for those that its callers explain."""
        row = self.seen.of[source]
        callers = self.seen.suffering_callers(row, cell.module) - {source}
        if self.seen.unexplained(row, cell.module, callers):
            return None
        hurt = self.seen.hurt(row, cell.module)
        left = [effect for effect in row.effects if effect.module == cell.module and effect.kpi not in hurt]
        held = bool(left) and all(effect.verdict is Verdict.HELD for effect in left)
        return most_telling(left, None) if held else None

    def _witness(self, source: str, module: str) -> bool:
        """Return whether a KPI of the modules that the module calls shows the need.

        A KPI that suffers with the module counts requests that come through it. If it suffers with the source too, then
        requests to the module suffer with the source, even where the module's own KPIs do not show it.
        """
        below = self.declared.called_from(frozenset({module}))
        hurt = [_hurt(self.seen.of.get(name)) for name in (source, module)]
        row = self.seen.of[source]
        callers = self.seen.suffering_callers(row, module) - {source}
        # A KPI that suffers with a caller of the module suffers on its way to the module, and shows nothing of it.
        through = {kpi for caller in callers for kpi in _hurt(self.seen.of.get(caller))}
        return any(below >= {effect.module} for kpi, effect in hurt[0].items() if kpi in hurt[1] and kpi not in through)

    # Zones -----------------------------------------------------------------------------------------------------------

    def _zonal(self) -> Iterator[MatrixFinding]:
        """Yield each module that the loss of a zone hurts more than it may, with the zone that hurts most."""
        for module in self.declared.modules:
            for hurt in (self._outside, self._beyond_share):
                pairs = [(row, effect) for row in self.seen.rows if row.zone and (effect := hurt(row, module))]
                if not pairs:
                    continue
                pairs.sort(key=lambda pair: -(pair[1].change or 0.0))
                row, effect = pairs[0]
                zone, share = row.zone or "", max(row.hit.values(), default=0.0)
                words = f"{module} is not in {zone} and suffers with it"
                if hurt == self._beyond_share:
                    words = f"{zone} holds {show_share(round(share, 3))} of the hit modules, and {module} loses more"
                words += f": {effect.kpi} got worse by {effect.size}"
                words += "".join(f"; with {other.zone}, {more.kpi} by {more.size}" for other, more in pairs[1:])
                runs = tuple(other.experiment for other, _ in pairs)
                yield MatrixFinding("zonal", zone, module, row.experiment, words, effect, runs=runs)

    def _outside(self, row: MatrixRow, module: str) -> ObservedEffect | None:
        """Return how a module suffers that is not in the row's zone, and needs no module there."""
        cell = self.seen.cells[row.experiment, module]
        if cell.state != "spread" or cell.relation not in ("tolerates", "none"):
            return None
        left = self.seen.unexplained(row, module, row.hit)
        return most_telling(left.values(), self.seen.business) if left else None

    def _beyond_share(self, row: MatrixRow, module: str) -> ObservedEffect | None:
        """Return how a module suffers that loses more than the zone's share of the hit modules."""
        if self._outside(row, module):
            return None
        share = max(row.hit.values(), default=0.0)
        more = [effect for effect in row.effects if effect.module == module and _more_than(effect, share)]
        return max(more, key=lambda effect: (effect.kpi in self.seen.business, effect.low or 0.0), default=None)

    # What other modules explain --------------------------------------------------------------------------------------

    def explained(self, findings: list[MatrixFinding]) -> Iterator[str]:
        """Yield a line for each module that suffers without a declared relation, and that no finding names."""
        reported = {(finding.experiment, finding.module) for finding in findings}
        reported |= {
            (self.seen.of[chain.way[0]].experiment, chain.way[-1])
            for finding in findings
            for chain in finding.chains
            if chain.way[0] in self.seen.of
        }
        for (experiment, module), cell in self.seen.cells.items():
            stray = cell.state == "spread" and cell.relation in ("tolerates", "none") and cell.effect
            if not stray or (experiment, module) in reported:
                continue
            others = sorted(self._suffers_also_with(cell))
            why = f"as it does with {', '.join(others)} alone" if others else "and no other row shows why"
            yield f"{experiment}: {module} suffers ({stray.kpi} by {stray.size}), {why}"

    def _suffers_also_with(self, cell: Cell) -> set[str]:
        """Return the modules that suffer in a cell's row, and whose own fault hurts the cell's KPI."""
        return {
            other
            for other in self.declared.modules
            if other != cell.module and self.seen.cells[cell.experiment, other].state == "spread"
            if cell.effect and cell.effect.kpi in _hurt(self.seen.of.get(other))
        }

    # What stays unknown ----------------------------------------------------------------------------------------------

    def open(self) -> Iterator[str]:
        """Yield a line for each reason why the answer stays unknown."""
        for row in self.seen.rows:
            yield from (f"{row.experiment} did not run: {why}" for why in row.refused)
            if row.refused:
                continue
            for module in self.declared.modules:
                cell = self.seen.cells[row.experiment, module]
                if cell.state == "unknown" and cell.relation in ("tolerates", "none") and cell.effect:
                    yield f"{row.experiment}, {module}: {cell.effect.in_words}"


def analyse(
    workload: Workload, rows: tuple[MatrixRow, ...], seed: int, margin: float, repeat: str = "", place: Place = "twin"
) -> Matrix:
    """Return the matrix of a workload's rows. `repeat` repeats a row, with {experiment} and {seed} in it."""
    seen = Observation(workload, rows)
    analysis = Analysis(seen)
    findings = [
        replace(
            finding,
            repeat=repeat.format(experiment=finding.experiment, seed=seed_of_row(seed, finding.experiment)),
            runs=analysis.runs(finding),
        )
        for finding in analysis.findings()
    ]
    order = ("hidden", "not-tolerated", "zonal", "dead")
    findings.sort(
        key=lambda finding: (order.index(finding.kind) // 2, -((finding.effect and finding.effect.change) or 0.0))
    )
    elsewhere = f"only {workload.regions[0]} is hit, and not {', '.join(workload.regions[1:])}"
    without = [name for name in workload.modules if all(kpi.module != name for kpi in workload.kpis.values())]
    return Matrix(
        workload=workload.name,
        place=place,
        seed=seed,
        margin=margin,
        error=workload.budget.false_verdict,
        rows=rows,
        cells=tuple(seen.cells.values()),
        findings=tuple(findings),
        declared={name: (*module.needs, *module.tolerates) for name, module in workload.modules.items()},
        notes=(
            *(f"Gameday cannot judge {name}: it has no KPI" for name in without),
            *([elsewhere] if workload.regions[1:] else []),
            *analysis.explained(findings),
            *(
                f"{row.experiment} needed a baseline of {show_duration(row.baseline)}: write it into its experiment"
                for row in rows
                if row.baseline is not None
            ),
        ),
        open=tuple(analysis.open()),
    )


def _hurt(row: MatrixRow | None) -> dict[str, ObservedEffect]:
    return {effect.kpi: effect for effect in row.effects if effect.verdict is Verdict.BROKEN} if row else {}


def _more_than(effect: ObservedEffect, share: float) -> bool:
    return effect.verdict is Verdict.BROKEN and effect.kind == "share" and effect.low is not None and effect.low > share
