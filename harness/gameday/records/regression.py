"""Runs of a new release against those of an old one, experiment by experiment: `gameday regression`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gameday.errors import InvalidInput
from gameday.records.record import Record, Rejudged, rejudge
from gameday.steady_state.judging.regression import Measured, Regression, compare, holm
from gameday.steady_state.kpi.claim import Verdict, worst
from gameday.steady_state.kpi.kpi import Tier


@dataclass(frozen=True)
class Comparison:
    """One experiment in both releases."""

    experiment: str
    place: str
    rows: tuple[Regression, ...]
    left_out: tuple[str, ...]  # runs that do not count, and why

    @property
    def verdict(self) -> Verdict:
        """The worst of its rows."""
        return worst([row.verdict for row in self.rows])


def compare_releases(old: Sequence[Record], new: Sequence[Record], margin: float) -> tuple[Comparison, ...]:
    """Compare recovery and loss of every KPI that an experiment claims. Raises InvalidInput where nothing is in both.

    The chance that any is called broken though nothing changed is at most the workload's `false_verdict`, over all
    experiments together (Holm). Samples are judged again, so that records of any age are measured alike. A run that did
    not inject or take effect does not count, nor does one that repeats another's seed on the twin: it is the same run.
    """
    if again := {one.run for one in old} & {one.run for one in new}:
        raise InvalidInput(
            f"run {min(again)} is on both sides", "name the runs of either release once", gd_code="GD-E120"
        )
    names = sorted({(one.name, one.place) for one in old} & {(one.name, one.place) for one in new})
    if not names:
        what = f"{_named(new)} against {_named(old)}"
        raise InvalidInput(
            f"no experiment was run in both: {what}",
            "compare runs of the same experiments and place",
            gd_code="GD-E120",
        )
    found = []
    for name, place in names:
        sides = [[one for one in runs if (one.name, one.place) == (name, place)] for runs in (old, new)]
        counted = [_counted(side) for side in sides]
        left_out = tuple(why for _, whys in counted for why in whys)
        rows = _entries(counted[0][0], counted[1][0], margin)
        found.append(Comparison(name, place, rows, left_out))
    alpha = min(one.plan.workload.budget.false_verdict for one in new)
    flat = iter(holm([row for one in found for row in one.rows], alpha))
    return tuple(
        Comparison(one.experiment, one.place, tuple(next(flat) for _ in one.rows), one.left_out) for one in found
    )


def _named(runs: Sequence[Record]) -> str:
    return ", ".join(sorted({f"{one.name} ({one.place})" for one in runs})) or "nothing"


def _counted(runs: Sequence[Record]) -> tuple[list[Rejudged], list[str]]:
    kept: list[Rejudged] = []
    left_out, seen = [], set()
    for one in runs:
        # On the twin the same plan, seed and tool give the same bytes, which are no second observation.
        key = (one.plan.digest, one.seed, one.tool) if one.place == "twin" else one.run
        if one.judged is None or one.judged.phases.took_effect is None:
            left_out.append(f"{one.run}: the fault had no effect, or nothing was judged")
        elif key in seen:
            left_out.append(f"{one.run}: repeats another run's seed on the twin")
        else:
            seen.add(key)
            kept.append(rejudge(one))
    return kept, left_out


def _entries(old: list[Rejudged], new: list[Rejudged], margin: float) -> tuple[Regression, ...]:
    if not new:
        return ()
    latest = new[-1].plan
    alpha, kpis = latest.workload.budget.false_verdict, latest.workload.kpis
    rows = []
    for name in latest.experiment.steady_state:
        if latest.experiment.recovery:
            sides = [[found for one in runs if (found := _recovery(one, name))] for runs in (old, new)]
            rows.append(compare(name, "recovery", sides[0], sides[1], margin, alpha, kpis[name].interval))
        if kpis[name].tier is Tier.BUSINESS and kpis[name].kind != "gauge":
            sides = [[found for one in runs if (found := _loss(one, name))] for runs in (old, new)]
            rows.append(compare(name, "loss", sides[0], sides[1], margin, alpha, 1.0))
    return tuple(rows)


def _recovery(record: Rejudged, kpi: str) -> Measured | None:
    row = next((one for one in record.again.recovery if one.kpi == kpi), None)
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
    row = next((one for one in record.again.losses if one.kpi == kpi), None)
    if row is None or row.lost is None or row.low is None or row.high is None:
        return None
    return Measured(row.lost, error=(row.high - row.low) / 2)
