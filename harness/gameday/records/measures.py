"""What a comparison of releases keeps of a run: a few numbers, so that it can read thousands of records."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from gameday.records.record import Record, Rejudged, rejudge
from gameday.steady_state.judging.regression import Measured
from gameday.steady_state.kpi.claim import Verdict
from gameday.steady_state.kpi.kpi import Tier


@dataclass(frozen=True, slots=True)
class ClaimedKpi:
    """A KPI that an experiment claims."""

    name: str
    interval: float  # seconds of one bin
    has_loss: bool  # a business KPI that counts something


@dataclass(frozen=True, slots=True)
class RunMeasures:
    """The measures of one run."""

    run: str
    name: str
    place: str
    key: Hashable  # equal for two runs that are one observation
    took_effect: bool
    false_verdict: float
    claimed_recovery: float | None  # seconds; None: not claimed
    claimed: tuple[ClaimedKpi, ...]
    recovery: dict[str, Measured]  # by KPI
    loss: dict[str, Measured]


def measures_of(record: Record) -> RunMeasures:
    """Judge a record's samples again, so that records of any age are measured alike, and keep the measures."""
    experiment, workload = record.plan.experiment, record.plan.workload
    took_effect = record.judged is not None and record.judged.phases.took_effect is not None
    judged = rejudge(record) if took_effect else None
    rows = {kpi: _recovery(judged, kpi) for kpi in experiment.steady_state} if judged else {}
    losses = {kpi: _loss(judged, kpi) for kpi in experiment.steady_state} if judged else {}
    return RunMeasures(
        run=record.run,
        name=record.name,
        place=record.place,
        # On the twin the same plan, seed and tool give the same bytes, which are not a second observation.
        key=(record.plan.digest, record.seed, record.tool) if record.place == "twin" else record.run,
        took_effect=took_effect,
        false_verdict=workload.budget.false_verdict,
        claimed_recovery=experiment.recovery.within if experiment.recovery else None,
        claimed=tuple(
            ClaimedKpi(name, kpi.interval, kpi.tier is Tier.BUSINESS and kpi.kind != "gauge")
            for name, kpi in ((name, workload.kpis[name]) for name in experiment.steady_state)
        ),
        recovery={kpi: measured for kpi, measured in rows.items() if measured},
        loss={kpi: measured for kpi, measured in losses.items() if measured},
    )


def _recovery(record: Rejudged, kpi: str) -> Measured | None:
    row = next((row for row in record.again.recovery if row.kpi == kpi), None)
    claim = record.plan.experiment.recovery
    if row is None or claim is None or record.judged is None:
        return None
    if row.took is not None:
        return Measured(row.took)
    if not row.degraded:
        return Measured(0.0) if row.verdict is Verdict.HELD else None
    phases = record.judged.phases
    start, stop = (phases.undo, phases.end) if claim.from_ == "undo" else (row.impact, phases.undo_after(row.impact))
    return None if start is None or stop is None else Measured(max(0.0, stop - start), censored=True)


def _loss(record: Rejudged, kpi: str) -> Measured | None:
    row = next((row for row in record.again.losses if row.kpi == kpi), None)
    if row is None or row.lost is None or row.low is None or row.high is None:
        return None
    return Measured(row.lost, error=(row.high - row.low) / 2)
