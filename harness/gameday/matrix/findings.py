"""Declared dependencies and observed effects in, findings out: pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gameday.files.workload import Workload
from gameday.matrix.links import Links
from gameday.matrix.model import Matrix, MatrixFinding, MatrixRow, ObservedEffect
from gameday.matrix.observed import Observation
from gameday.plan.plan import Place
from gameday.steady_state.kpi.claim import Verdict
from gameday.steady_state.kpi.units import show_share


class Analysis:
    """Every row against what is declared."""

    def __init__(self, seen: Observation) -> None:
        self.seen = seen
        self.declared = seen.declared

    def findings(self) -> Iterator[MatrixFinding]:
        """All of them."""
        yield from Links(self.seen).findings()
        for source in self.seen.of:
            yield from self._dead(source)
        yield from self._zonal()

    def runs(self, finding: MatrixFinding) -> tuple[str, ...]:
        """The experiments that a finding rests on."""
        if finding.runs:
            return finding.runs
        between = [module for chain in finding.chains for module in chain.way[1:-1]]
        told = (self.seen.of[module].experiment for module in between if module in self.seen.of)
        return tuple(dict.fromkeys((finding.experiment, *told)))

    # Dead declarations -----------------------------------------------------------------------------------------------

    def _dead(self, source: str) -> Iterator[MatrixFinding]:
        own = self.seen.cell(source, source)
        if own is None or own.state == "contained":
            return  # the fault shows nowhere: nothing follows from what others do not show
        for name, module in self.declared.workload.modules.items():
            cell = self.seen.cell(source, name)
            if source not in module.needs or cell is None or cell.state != "contained" or self._witness(source, name):
                continue
            worst = cell.effect
            words = f"{name} declares that it needs {source}, and its KPIs do not show it"
            words += f": {worst.kpi} {worst.words}" if worst else ""
            yield MatrixFinding("dead", source, name, cell.experiment, words, worst)

    def _witness(self, source: str, module: str) -> bool:
        """Whether a KPI of what the module calls shows the need.

        A KPI that suffers when the module does counts requests that come through it. Where it suffers with the source
        as well, so do requests to the module, whatever the module's own KPIs count.
        """
        below = self.declared.called_from(frozenset({module}))
        hurt = [_hurt(self.seen.of.get(one)) for one in (source, module)]
        return any(below >= {effect.module} for kpi, effect in hurt[0].items() if kpi in hurt[1])

    # Zones -----------------------------------------------------------------------------------------------------------

    def _zonal(self) -> Iterator[MatrixFinding]:
        """Each module that a zone's loss hurts more than it may, once: by the zone that hurts most."""
        for module in self.declared.modules:
            for hurt in (self._outside, self._beyond_share):
                found = [(row, effect) for row in self.seen.rows if row.zone and (effect := hurt(row, module))]
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
                yield MatrixFinding("zonal", zone, module, row.experiment, words, effect, runs=runs)

    def _outside(self, row: MatrixRow, module: str) -> ObservedEffect | None:
        """How a module suffers that neither stands in the row's zone, nor needs what stands there."""
        cell = self.seen.cells[row.experiment, module]
        stray = cell.state == "spread" and cell.relation in ("tolerates", "none")
        return cell.effect if stray and not any(self.seen.spreads(one, module) for one in row.hit) else None

    def _beyond_share(self, row: MatrixRow, module: str) -> ObservedEffect | None:
        """How a module suffers that loses more than the row's zone has of what it hits."""
        if self._outside(row, module):
            return None
        share = max(row.hit.values(), default=0.0)
        more = [one for one in row.effects if one.module == module and _more_than(one, share)]
        return max(more, key=lambda one: (one.kpi in self.seen.business, one.low or 0.0), default=None)

    # What cannot be told ---------------------------------------------------------------------------------------------

    def open(self) -> Iterator[str]:
        """What keeps the answer from being known, a line each."""
        for row in self.seen.rows:
            yield from (f"{row.experiment} was not run: {why}" for why in row.refused)
            if row.refused:
                continue
            for module in self.declared.modules:
                cell = self.seen.cells[row.experiment, module]
                if cell.state == "unknown" and cell.relation in ("tolerates", "none") and cell.effect:
                    yield f"{row.experiment}, {module}: {cell.effect.told}"


def analyse(
    workload: Workload, rows: tuple[MatrixRow, ...], seed: int, margin: float, repeat: str = "", place: Place = "twin"
) -> Matrix:
    """The matrix of a workload's rows. `repeat`: the command that repeats a row, with {experiment} in it."""
    seen = Observation(workload, rows)
    analysis = Analysis(seen)
    findings = [
        replace(one, repeat=repeat.format(experiment=one.experiment), runs=analysis.runs(one))
        for one in analysis.findings()
    ]
    order = ("hidden", "not-tolerated", "zonal", "dead")
    findings.sort(key=lambda one: (order.index(one.kind) // 2, -((one.effect and one.effect.change) or 0.0)))
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
        declared={name: (*one.needs, *one.tolerates) for name, one in workload.modules.items()},
        notes=(
            *(f"{name} cannot be judged: it has no KPI" for name in without),
            *([elsewhere] if workload.regions[1:] else []),
        ),
        open=tuple(analysis.open()),
    )


def _hurt(row: MatrixRow | None) -> dict[str, ObservedEffect]:
    return {one.kpi: one for one in row.effects if one.verdict is Verdict.BROKEN} if row else {}


def _more_than(effect: ObservedEffect, share: float) -> bool:
    return effect.verdict is Verdict.BROKEN and effect.kind == "share" and effect.low is not None and effect.low > share
