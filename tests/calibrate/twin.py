"""Whole runs of the storefront on the twin, each with another seed, against the twin's ground truth."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from unittest.mock import patch

import numpy as np
from gameday.engine.journal import Journal
from gameday.files.load import load_experiment
from gameday.plan.plan import RunRequest
from gameday.records.record import Record
from gameday.run.experiment import ExperimentRunner
from gameday.steady_state.judging.judge import Phases, RecoveryJudgement
from gameday.steady_state.samples import Series
from gameday.twin.traffic.ground_truth import Truth

from tests.calibrate import anchors
from tests.calibrate.row import Job, Row, covers, lower

STOREFRONT = Path(__file__).parent.parent.parent / "experiments" / "storefront"
JOURNEYS = {"orders": "buy", "browse": "browse"}
BOUND = 0.99
RUNS = {"lose-an-instance": 80, "lose-a-zone": 80, "throttle-payments": 40}
"""Together 200 runs."""
SHORT = 10
"""Seconds: a fall of at most this length may be too short to prove."""


def play(name: str, seed: int) -> tuple[Record, Truth]:
    """Play a run, and return its record and its ground truth."""
    loaded = load_experiment(STOREFRONT / f"{name}.yaml")
    request = RunRequest(loaded.experiment, loaded.workload, loaded.twin, "twin", seed)
    made: list[Truth] = []
    begin = Truth.__init__

    def remember(self: Truth, *given: object) -> None:
        begin(self, *given)  # type: ignore[arg-type]
        made.append(self)

    with tempfile.TemporaryDirectory() as folder, patch.object(Truth, "__init__", remember):
        played = ExperimentRunner(Journal.open(Path(folder))).experiment(request)
    assert isinstance(played, Record), played
    return played, made[0]


def fell(truth: Truth, journey: str, phases: Phases, stop: float) -> tuple[float, float] | None:
    """Return when a journey truly fell and when it was truly back for good; None if it never fell.

    It is down in each second in which a smaller share of customers than the bound succeeded. It fell only if the share
    from the first to the last of these seconds is also below the bound. One failure among thirty customers is more than
    a bound of 99% allows, but no fall if all other customers of that minute succeed. Without a fault no customer fails
    here; the function asserts that.
    """
    stretches = truth.degraded(journey, BOUND)
    assert phases.injected is not None
    assert not any(begun < phases.injected for begun, _ in stretches)
    seen = [(begun, min(ended, stop)) for begun, ended in stretches if begun < stop]
    if not seen:
        return None
    first, last, outcomes = seen[0][0], seen[-1][1], truth.journeys[journey]
    tried, failed = (
        sum(counts[int(first) - outcomes.start : int(last) - outcomes.start])
        for counts in (outcomes.tried, outcomes.failed)
    )
    return (first, last) if tried - failed < BOUND * tried else None


def _found(record: Record) -> dict[str, RecoveryJudgement]:
    assert record.judged
    return {recovery.kpi: recovery for recovery in record.judged.judgement.recovery if recovery.kpi in JOURNEYS}


def _alarms(series: Series, phases: Phases) -> dict[str, float]:
    """Return the recovery times from impact by alarms over the same samples, even if the claim counts from undo."""
    begin = int(series[0].start)
    bad, total = (np.zeros(int(series[-1].end) - begin, np.int64) for _ in range(2))
    for sample in series:
        bad[int(sample.start) - begin], total[int(sample.start) - begin] = sample.bad, sample.total
    return anchors.back(bad, total, int(phases.injected or 0) - begin)


def _entries(name: str, size: int, share: float) -> list[Row]:
    hits = seen = calm = wrong = 0
    errors: list[float] = []
    others: list[dict[str, float]] = []
    truths: list[float] = []
    unseen: list[float] = []
    runs = max(1, int(size * share))
    for seed in range(1000, 1000 + runs):
        record, truth = play(name, seed)
        recovery = record.plan.experiment.recovery
        assert record.judged
        assert recovery
        phases = record.judged.phases
        stop = phases.undo if recovery.from_ == "impact" else phases.end
        assert stop is not None
        assert phases.undo is not None
        for kpi, recovered in _found(record).items():
            real = fell(truth, JOURNEYS[kpi], phases, stop)
            if real is None or not recovered.degraded:
                calm += 1
                unseen.append(0.0 if real is None else real[1] - real[0])
                wrong += recovered.degraded if real is None else real[1] - real[0] > SHORT
                continue
            took = max(0.0, real[1] - (phases.undo if recovery.from_ == "undo" else real[0]))
            others.append(_alarms(record.series[kpi], phases))
            truths.append(real[1] - real[0])
            seen += 1
            hits += (recovered.low or 0.0) <= took <= (float("inf") if recovered.high is None else recovered.high)
            if recovered.took is not None:
                errors.append(abs(recovered.took - took))
    rows = []
    if calm:
        text = f"{wrong} of {calm} wrong; {sum(lasted > 0 for lasted in unseen)} unseen falls of at most {SHORT}s"
        claim = f"twin, {name}, {runs} runs: no fall is reported as none"
        rows.append(Row(claim, "at most 0.05 wrong", text, lower(wrong, calm) <= 0.05))
    if seen:
        error = float(np.median(errors)) if errors else float("inf")
        row = covers(f"twin, {name}, {runs} runs: interval covers the truth", 0.95, hits, seen)
        text = f"{row.measured}; median error {error:.1f}s"
        beside = anchors.errors(others, truths)
        rows.append(Row(row.claim, "at least 0.95, 1s", text, bool(row.passed) and error <= 1, beside))
    return rows


JOBS = tuple(Job(f"twin, {name}", partial(_entries, name, size)) for name, size in RUNS.items())
