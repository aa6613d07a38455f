"""Comparison of a new release's runs with those of an old release, by experiment: `gameday regression`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gameday.errors import InvalidInput
from gameday.records.record import Record, Rejudged, rejudge
from gameday.steady_state.judging.regression import Measured, Regression, compare, holm
from gameday.steady_state.kpi.claim import Verdict, worst
from gameday.steady_state.kpi.kpi import Tier


@dataclass(frozen=True)
class Comparison:
    """Hold the comparison of one experiment in both releases."""

    experiment: str
    place: str
    rows: tuple[Regression, ...]
    left_out: tuple[str, ...]  # runs that do not count, and why

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of its rows."""
        return worst([row.verdict for row in self.rows])


def compare_releases(old: Sequence[Record], new: Sequence[Record], margin: float) -> tuple[Comparison, ...]:
    """Compare recovery and loss of every KPI that an experiment claims.

    If nothing changed, the chance of any *broken* verdict is at most the workload's `false_verdict`, over all
    experiments together (Holm). Gameday judges the samples again, so that it measures records of any age alike.

    These runs do not count:

    - a run whose fault did not take effect;
    - a run on the twin that repeats another run's seed, since both are the same run.

    Raises InvalidInput if no experiment is in both, or if a run is on both sides.
    """
    if shared := {record.run for record in old} & {record.run for record in new}:
        raise InvalidInput(f"run {min(shared)} is on both sides", "name each run on one side only", gd_code="GD-E120")
    names = sorted({(record.name, record.place) for record in old} & {(record.name, record.place) for record in new})
    if not names:
        pair = f"{_named(new)} against {_named(old)}"
        raise InvalidInput(
            f"no experiment ran in both releases: {pair}",
            "compare runs of the same experiment in the same place",
            gd_code="GD-E120",
        )
    comparisons = []
    for name, place in names:
        sides = [[record for record in runs if (record.name, record.place) == (name, place)] for runs in (old, new)]
        counted = [_counted(side) for side in sides]
        left_out = tuple(why for _, whys in counted for why in whys)
        rows = _entries(counted[0][0], counted[1][0], margin)
        comparisons.append(Comparison(name, place, rows, left_out))
    alpha = min(record.plan.workload.budget.false_verdict for record in new)
    flat = iter(holm([row for comparison in comparisons for row in comparison.rows], alpha))
    return tuple(replace(comparison, rows=tuple(next(flat) for _ in comparison.rows)) for comparison in comparisons)


def _named(runs: Sequence[Record]) -> str:
    return ", ".join(sorted({f"{record.name} ({record.place})" for record in runs})) or "nothing"


def _counted(runs: Sequence[Record]) -> tuple[list[Rejudged], list[str]]:
    kept: list[Rejudged] = []
    left_out, seen = [], set()
    for record in runs:
        # On the twin the same plan, seed and tool give the same bytes, which are not a second observation.
        key = (record.plan.digest, record.seed, record.tool) if record.place == "twin" else record.run
        if record.judged is None or record.judged.phases.took_effect is None:
            left_out.append(f"{record.run}: the fault had no effect, or the run was not judged")
        elif key in seen:
            left_out.append(f"{record.run}: repeats another run's seed on the twin")
        else:
            seen.add(key)
            kept.append(rejudge(record))
    return kept, left_out


def _entries(old: list[Rejudged], new: list[Rejudged], margin: float) -> tuple[Regression, ...]:
    if not new:
        return ()
    latest = new[-1].plan
    alpha, kpis = latest.workload.budget.false_verdict, latest.workload.kpis
    rows = []
    for name in latest.experiment.steady_state:
        if latest.experiment.recovery:
            sides = [[measured for record in runs if (measured := _recovery(record, name))] for runs in (old, new)]
            rows.append(compare(name, "recovery", sides[0], sides[1], margin, alpha, kpis[name].interval))
        if kpis[name].tier is Tier.BUSINESS and kpis[name].kind != "gauge":
            sides = [[measured for record in runs if (measured := _loss(record, name))] for runs in (old, new)]
            rows.append(compare(name, "loss", sides[0], sides[1], margin, alpha, 1.0))
    return tuple(rows)


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
    start, stop = (phases.undo, phases.end) if claim.from_ == "undo" else (row.impact, phases.undo)
    return None if start is None or stop is None else Measured(max(0.0, stop - start), censored=True)


def _loss(record: Rejudged, kpi: str) -> Measured | None:
    row = next((row for row in record.again.losses if row.kpi == kpi), None)
    if row is None or row.lost is None or row.low is None or row.high is None:
        return None
    return Measured(row.lost, error=(row.high - row.low) / 2)
