"""Run a matrix on the twin: one run for each module and each zone, each on its own twin, in parallel over cores."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import yaml

from gameday.engine.journal import Journal
from gameday.errors import Refused
from gameday.faults.blackhole import AzBlackhole
from gameday.faults.fault import Fault
from gameday.faults.isolate import IsolateModule
from gameday.faults.throttle import Throttle
from gameday.files.experiment import Experiment
from gameday.files.fault_entries import entry_of
from gameday.files.twin_file import TwinFile
from gameday.files.workload import Module, Workload
from gameday.files.write_once import write_draft
from gameday.matrix.model import MatrixRow, ObservedEffect, seed_of_row
from gameday.matrix.workers import play_in_processes
from gameday.plan.plan import RunRequest, claim_of, taken_away
from gameday.records.record import Record
from gameday.records.suite import Refusal
from gameday.run.experiment import ExperimentRunner
from gameday.steady_state.judging.isolation import judge_modules
from gameday.steady_state.judging.phases import seen_in
from gameday.steady_state.judging.traffic import unseen_in_traffic
from gameday.steady_state.kpi.claim import Phases
from gameday.steady_state.kpi.kpi import Kpi, Tier
from gameday.steady_state.samples import CLOSE, Series, inside, tally, touching

MARGIN = 0.01
"""How much worse a KPI may get: the default of an experiment's `isolation`."""

BASELINE, LASTS = "3m", "5m"
"""The times of each run: with them, 6 requests a second prove a margin of 1 point, even in a matrix of 20 modules."""


Keep = Callable[[Record], None]
"""Keep a row's record; called in the process that ran it."""


def experiments_of(workload: Workload, zones: Sequence[str], workload_file: str) -> tuple[Experiment, ...]:
    """Return an experiment for each module and each zone. Raises Refused for a module that owns nothing to hit."""
    poor = [name for name, module in workload.modules.items() if _fault(name, module) is None]
    if poor:
        reasons = tuple(f"module {name} owns nothing that a fault could hit" for name in poor)
        raise Refused(
            reasons,
            "list under `owns` what the module owns: tags, functions, tables or stages",
            gd_code="GD-E212",
        )
    faults = [fault for name, module in workload.modules.items() if (fault := _fault(name, module))]
    # Only modules with network interfaces are in a zone.
    used = zones if any(module.owns.tags for module in workload.modules.values()) else ()
    faults += [(f"lose-{zone}", AzBlackhole(zone=zone)) for zone in used]
    claimed = [name for name, kpi in workload.kpis.items() if kpi.tier is Tier.BUSINESS] or [*workload.kpis][:1]
    return tuple(
        Experiment.model_validate(_raw(name, workload_file, workload.regions[0], claimed, fault))
        for name, fault in faults
    )


def _raw(name: str, workload: str, region: str | None, claimed: Sequence[str], fault: Fault) -> dict[str, object]:
    """Return an experiment as its file holds it."""
    return {
        "version": 1,
        "kind": "experiment",
        "name": name,
        "workload": workload,
        "region": region,
        "hypothesis": "Only the modules that declare it suffer.",
        "steady_state": list(claimed),
        "baseline": BASELINE,
        "faults": [entry_of(fault)],
        "lasts": LASTS,
        # `isolation` answers which modules suffer, so the experiment claims nothing else during the fault.
        "during": dict.fromkeys(claimed, "any"),
        "isolation": {"margin": "1%"},
    }


def _fault(name: str, module: Module) -> tuple[str, Fault] | None:
    owns = module.owns
    if owns.tags:
        return f"isolate-{name}", IsolateModule(module=name)
    if owns.names:
        return f"throttle-{name}", Throttle(module=name, to=0)
    return None


def write_experiments(folder: Path, experiments: tuple[Experiment, ...]) -> list[Path]:
    """Write the experiments as files to run each alone; returns the paths. Raises InvalidInput."""
    paths = []
    for experiment in experiments:
        name, workload = experiment.name, os.path.relpath(experiment.workload, folder)
        raw = _raw(name, workload, experiment.region, experiment.steady_state, experiment.faults[0].fault)
        paths.append(folder / f"{name}.yaml")
        write_draft(paths[-1], yaml.safe_dump(raw, sort_keys=False, width=120))
    return paths


def play_rows(
    workload: Workload,
    twin: TwinFile,
    experiments: tuple[Experiment, ...],
    seed: int,
    tell: Callable[[MatrixRow], None] = lambda _: None,
    cores: int | None = None,
    keep: Keep | None = None,
) -> tuple[MatrixRow, ...]:
    """Run every experiment on a fresh twin; the same files and seed give the same rows on any number of cores.

    A row whose process dies is not played; the others are.
    """
    error = error_of_row(workload, experiments)
    jobs = [
        partial(play_row, workload, twin, experiment, seed_of_row(seed, experiment.name), error, keep)
        for experiment in experiments
    ]
    cores = min(len(jobs), cores or os.cpu_count() or 1)
    if cores > 1:
        return play_in_processes(jobs, lambda number: lost_row(experiments[number], DIED), cores, tell)
    rows = []
    for job in jobs:
        rows.append(job())
        tell(rows[-1])
    return tuple(rows)


DIED = "it was not played: its process died, perhaps for want of memory"


def lost_row(experiment: Experiment, why: str) -> MatrixRow:
    """Return the row of an experiment that shows nothing, and why."""
    fault = experiment.faults[0].fault
    return MatrixRow(experiment.name, fault.target_module, getattr(fault, "zone", None), {}, (), (why,))


def error_of_row(workload: Workload, experiments: Sequence[Experiment]) -> float:
    """Return the error probability of each row, so that all rows together keep the budget (Bonferroni)."""
    return workload.budget.false_verdict / max(1, len(experiments))


def play_row(
    workload: Workload, twin: TwinFile, experiment: Experiment, seed: int, error: float, keep: Keep | None = None
) -> MatrixRow:
    """Run one experiment on a twin of its own, and return its effects.

    Where a KPI with little traffic is not yet proven steady, the row runs again with a baseline twice as long.
    """
    for times in LENGTHENED:
        longer = experiment.model_copy(update={"baseline": times * experiment.baseline})
        played = _played(workload, twin, longer, seed)
        if not (isinstance(played, Refusal) and any(reason.code == NOT_STEADY for reason in played.reasons)):
            break
    if keep and isinstance(played, Record):
        keep(played)
    row = row_of(experiment, played, error)
    return replace(row, baseline=longer.baseline) if times > 1 and not row.refused else row


LENGTHENED = (1, 2, 4, 8)
"""A baseline of 24 minutes proves a bound of 99% with a request a second. Time on the twin costs seconds."""

NOT_STEADY = "GD-P41"
"""The refusal of a baseline that does not prove the bounds of the claimed KPIs."""


def _played(workload: Workload, twin: TwinFile, experiment: Experiment, seed: int) -> Record | Refusal:
    request = RunRequest(experiment, workload, twin, "twin", seed)
    # A twin ends with its run, and so does its journal.
    with TemporaryDirectory() as folder:
        journal = Journal.open(Path(folder))
        try:
            return ExperimentRunner(journal).experiment(request)
        finally:
            journal.close()


def row_of(experiment: Experiment, played: Record | Refusal, error: float) -> MatrixRow:
    """Return a run's effect on every KPI, each judged alone, as isolation judges contained modules."""
    name, fault = experiment.name, experiment.faults[0].fault
    module, zone = fault.target_module, getattr(fault, "zone", None)
    if isinstance(played, Refusal):
        return replace(lost_row(experiment, ""), refused=tuple(map(str, played.reasons)))
    plan, phases = played.plan, played.judged.phases if played.judged else Phases(before=(0.0, 0.0))
    hit = taken_away(plan.planned_faults)
    if phases.took_effect is None or phases.aborted is not None:
        return MatrixRow(name, module, zone, hit, (), (phases.aborted or "the fault had no effect",))
    claim = claim_of(plan)
    if unseen := unseen_in_traffic(claim, played.series, phases):
        return MatrixRow(name, module, zone, hit, (), (unseen,))
    owners = {name: kpi.module for name, kpi in plan.workload.kpis.items()}
    # Judge each KPI alone, as a module with the KPI's name.
    kpis = {name: kpi.model_copy(update={"module": name}) for name, kpi in claim.kpis.items()}
    alone = replace(claim, kpis=kpis, contained=tuple(kpis), margin=MARGIN, false_verdict=error)
    judged = judge_modules(alone, seen_in(alone, played.series, phases, {}), cut_short=False)
    effects = tuple(
        ObservedEffect(
            kpi=effect.module,
            module=owners[effect.module],
            verdict=effect.verdict,
            change=effect.change,
            low=effect.low,
            high=effect.high,
            detectable=effect.detectable,
            words=effect.seen,
            kind=_kind(claim.kpis[effect.module]),
            worst_minute=_worst_minute(claim.kpis[effect.module], played.series.get(effect.module, ()), phases),
        )
        for effect in judged
    )
    return MatrixRow(name, module, zone, hit, effects)


def _kind(kpi: Kpi) -> Literal["share", "time", "rate"]:
    if kpi.kind == "gauge":
        return "time"
    return "rate" if kpi.kind == "rate" and kpi.per is None else "share"


MINUTE = 60.0


def _worst_minute(kpi: Kpi, series: Series, phases: Phases) -> float | None:
    """Return by how much a share of bad requests was above its baseline in the worst minute of the fault."""
    before = tally(inside(series, *phases.before)).share_bad
    if _kind(kpi) != "share" or before is None or phases.injected is None or phases.undo is None:
        return None
    bins = touching(series, phases.injected, phases.undo)
    minutes = [
        tally(inside(bins, sample.start, sample.start + MINUTE)).share_bad
        for sample in bins
        if sample.start + MINUTE <= phases.undo + CLOSE
    ]
    seen = [share for share in minutes if share is not None]
    return max(seen) - before if seen else None
