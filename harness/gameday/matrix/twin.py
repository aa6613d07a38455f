"""Playing a matrix: one run for each module and each zone on a twin of its own, in parallel over cores."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from multiprocessing import get_context, parent_process
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import yaml

from gameday.engine.journal import Journal
from gameday.errors import Refused
from gameday.faults.fault import Fault
from gameday.faults.network import AzBlackhole, IsolateModule
from gameday.faults.throttle import Throttle
from gameday.files.experiment import Experiment
from gameday.files.fault_entries import entry_of
from gameday.files.twin_file import TwinFile
from gameday.files.workload import Module, Workload
from gameday.files.write_once import write_draft
from gameday.matrix.model import MatrixRow, ObservedEffect
from gameday.plan.plan import RunRequest, claim_of, taken_away
from gameday.records.record import Record
from gameday.records.suite import Refusal
from gameday.run.experiment import ExperimentRunner
from gameday.run.signals import signals_to
from gameday.steady_state.judging.isolation import judge_modules
from gameday.steady_state.judging.phases import seen_in
from gameday.steady_state.kpi.claim import Phases
from gameday.steady_state.kpi.kpi import Kpi, Tier

MARGIN = 0.01
"""By so much a KPI may get worse: the default of an experiment's `isolation`."""

BASELINE, LASTS = "3m", "5m"
"""Of each run: 6 requests a second then prove a margin of 1 point, in a matrix of 20 modules as well."""


ENDED_BY = (signal.SIGTERM, signal.SIGHUP)

Keep = Callable[[Record], None]
"""What becomes of a row's record; called in the process that played it."""


def experiments_of(workload: Workload, zones: Sequence[str], workload_file: str) -> tuple[Experiment, ...]:
    """One experiment for each module, one for each zone. Raises Refused for a module that owns nothing to hit."""
    poor = [name for name, one in workload.modules.items() if _fault(name, one) is None]
    if poor:
        reasons = tuple(f"module {name} owns nothing that a fault could hit" for name in poor)
        raise Refused(
            reasons, "say under `owns` what belongs to it: tags, functions, tables or stages", gd_code="GD-E212"
        )
    faults = [fault for name, one in workload.modules.items() if (fault := _fault(name, one))]
    # Only what has interfaces stands in a zone.
    standing = zones if any(one.owns.tags for one in workload.modules.values()) else ()
    faults += [(f"lose-{zone}", AzBlackhole(zone=zone)) for zone in standing]
    claimed = [name for name, kpi in workload.kpis.items() if kpi.tier is Tier.BUSINESS] or [*workload.kpis][:1]
    return tuple(
        Experiment.model_validate(_raw(name, workload_file, workload.regions[0], claimed, fault))
        for name, fault in faults
    )


def _raw(name: str, workload: str, region: str | None, claimed: Sequence[str], fault: Fault) -> dict[str, object]:
    """An experiment as its file has it."""
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
        # Who suffers is what is asked, and `isolation` says it: of the others nothing is claimed meanwhile.
        "during": dict.fromkeys(claimed, "any"),
        "isolation": {"margin": "1%"},
    }


def _fault(name: str, module: Module) -> tuple[str, Fault] | None:
    owns = module.owns
    if owns.tags:
        return f"isolate-{name}", IsolateModule(module=name)
    if owns.functions or owns.tables or owns.stages:
        return f"throttle-{name}", Throttle(module=name, to=0)
    return None


def write_experiments(folder: Path, experiments: tuple[Experiment, ...]) -> list[Path]:
    """Write the experiments as files to run one by one; returns the paths. Raises InvalidInput."""
    paths = []
    for one in experiments:
        raw = _raw(one.name, os.path.relpath(one.workload, folder), one.region, one.steady_state, one.faults[0])
        paths.append(folder / f"{one.name}.yaml")
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
    """Play every experiment on a fresh twin; the same rows for the same files and seed, whatever the cores."""
    error = error_of_row(workload, experiments)
    jobs = [(workload, twin, one, seed, error, keep) for one in experiments]
    cores = min(len(jobs), cores or os.cpu_count() or 1)
    if cores <= 1:
        rows = []
        for job in jobs:
            rows.append(play_row(*job))
            tell(rows[-1])
        return tuple(rows)
    # Spawned, since a forked process would begin with the locks and signal handlers of this one.
    with ProcessPoolExecutor(cores, mp_context=get_context("spawn"), initializer=_begin) as pool:
        futures = [pool.submit(play_row, *job) for job in jobs]
        # To be told to end is Ctrl-C, whoever tells it; on the twin there is nothing to undo.
        with signals_to(signal.default_int_handler, ENDED_BY):
            try:
                for done in as_completed(futures):
                    tell(done.result())
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return tuple(future.result() for future in futures)


def _begin() -> None:
    """Ctrl-C reaches every process of a terminal: the one that waits decides, and none outlives it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    if parent := parent_process():
        parent.join()
        os._exit(1)


def error_of_row(workload: Workload, experiments: Sequence[Experiment]) -> float:
    """The chance that is left to each row, so that all together keep the budget (Bonferroni)."""
    return workload.budget.false_verdict / max(1, len(experiments))


def play_row(
    workload: Workload, twin: TwinFile, experiment: Experiment, seed: int, error: float, keep: Keep | None = None
) -> MatrixRow:
    """One run on a twin of its own. `error`: chance that any of its KPIs is called spread and is not."""
    request = RunRequest(experiment, experiment.faults, workload, twin, "twin", seed)
    # A twin ends with its run, and so does its journal.
    with TemporaryDirectory() as folder:
        journal = Journal.open(Path(folder))
        try:
            played = ExperimentRunner(journal).experiment(request)
        finally:
            journal.close()
    if keep and isinstance(played, Record):
        keep(played)
    return row_of(experiment, played, error)


def row_of(experiment: Experiment, played: Record | Refusal, error: float) -> MatrixRow:
    """What a run says of every KPI, each judged for itself as isolation judges contained modules."""
    name, fault = experiment.name, experiment.faults[0]
    module, zone = getattr(fault, "module", None), getattr(fault, "zone", None)
    if isinstance(played, Refusal):
        return MatrixRow(name, module, zone, {}, (), tuple(map(str, played.reasons)))
    plan, phases = played.plan, played.judged.phases if played.judged else Phases(before=(0.0, 0.0))
    hit = taken_away(plan.planned_faults)
    if phases.took_effect is None or phases.aborted is not None:
        return MatrixRow(name, module, zone, hit, (), (phases.aborted or "the fault had no effect",))
    claim = claim_of(plan)
    owners = {name: kpi.module for name, kpi in plan.workload.kpis.items()}
    # Each KPI stands for itself: as a module of its own name.
    kpis = {name: kpi.model_copy(update={"module": name}) for name, kpi in claim.kpis.items()}
    alone = replace(claim, kpis=kpis, contained=tuple(kpis), margin=MARGIN, false_verdict=error)
    judged = judge_modules(alone, seen_in(alone, played.series, phases, {}), cut_short=False)
    effects = tuple(
        ObservedEffect(
            kpi=one.module,
            module=owners[one.module],
            verdict=one.verdict,
            change=one.change,
            low=one.low,
            high=one.high,
            detectable=one.detectable,
            words=one.seen,
            kind=_kind(claim.kpis[one.module]),
        )
        for one in judged
    )
    return MatrixRow(name, module, zone, hit, effects)


def _kind(kpi: Kpi) -> Literal["share", "time", "rate"]:
    if kpi.kind == "gauge":
        return "time"
    return "rate" if kpi.kind == "rate" and kpi.per is None else "share"
