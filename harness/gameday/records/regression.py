"""Comparison of a new release's runs with those of an old release, by experiment: `gameday regression`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from gameday.errors import InvalidInput
from gameday.records.measures import RunMeasures, measures_of
from gameday.records.record import Record
from gameday.steady_state.judging.regression import Regression, compare, holm
from gameday.steady_state.kpi.claim import Verdict, worst

ONE_COUNTED = 1.0
"""A difference of one order never counts as a worse loss."""


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


def compare_releases(old: Iterable[Record], new: Iterable[Record], margin: float) -> tuple[Comparison, ...]:
    """Compare recovery and loss of every KPI that an experiment claims.

    If nothing changed, the chance of any *broken* verdict is at most the workload's `false_verdict`, over all
    experiments together (Holm). It keeps a few numbers of each record, so the records may come one by one.

    These runs do not count:

    - a run whose fault did not take effect;
    - a run on the twin that repeats another run's seed, since both are the same run.

    Raises InvalidInput if no experiment is in both, or if a run is on both sides.
    """
    return _compared([measures_of(record) for record in old], [measures_of(record) for record in new], margin)


def _compared(old: Sequence[RunMeasures], new: Sequence[RunMeasures], margin: float) -> tuple[Comparison, ...]:
    if shared := {run.run for run in old} & {run.run for run in new}:
        raise InvalidInput(f"run {min(shared)} is on both sides", "name each run on one side only", gd_code="GD-E120")
    names = sorted({(run.name, run.place) for run in old} & {(run.name, run.place) for run in new})
    if not names:
        pair = f"{_named(new)} against {_named(old)}"
        raise InvalidInput(
            f"no experiment ran in both releases: {pair}",
            "compare runs of the same experiment in the same place",
            gd_code="GD-E120",
        )
    comparisons = []
    for name, place in names:
        sides = [[run for run in runs if (run.name, run.place) == (name, place)] for runs in (old, new)]
        counted = [_counted(side) for side in sides]
        left_out = tuple(why for _, whys in counted for why in whys)
        rows = _entries(counted[0][0], counted[1][0], margin)
        comparisons.append(Comparison(name, place, rows, left_out))
    alpha = min(run.false_verdict for run in new)
    flat = iter(holm([row for comparison in comparisons for row in comparison.rows], alpha))
    return tuple(replace(comparison, rows=tuple(next(flat) for _ in comparison.rows)) for comparison in comparisons)


def _named(runs: Sequence[RunMeasures]) -> str:
    return ", ".join(sorted({f"{run.name} ({run.place})" for run in runs})) or "nothing"


def _counted(runs: Sequence[RunMeasures]) -> tuple[list[RunMeasures], list[str]]:
    kept: list[RunMeasures] = []
    left_out, seen = [], set()
    for run in runs:
        if not run.took_effect:
            left_out.append(f"{run.run}: the fault had no effect, or the run was not judged")
        elif run.key in seen:
            left_out.append(f"{run.run}: repeats another run's seed on the twin")
        else:
            seen.add(run.key)
            kept.append(run)
    return kept, left_out


def _entries(old: list[RunMeasures], new: list[RunMeasures], margin: float) -> tuple[Regression, ...]:
    if not new:
        return ()
    latest = new[-1]
    rows = []
    for kpi in latest.claimed:
        name, alpha = kpi.name, latest.false_verdict
        if latest.claimed_recovery is not None:
            sides = [[run.recovery[name] for run in runs if name in run.recovery] for runs in (old, new)]
            tolerable = margin * latest.claimed_recovery
            rows.append(compare(name, "recovery", sides[0], sides[1], margin, alpha, kpi.interval, tolerable))
        if kpi.has_loss:
            sides = [[run.loss[name] for run in runs if name in run.loss] for runs in (old, new)]
            rows.append(compare(name, "loss", sides[0], sides[1], margin, alpha, 1.0, ONE_COUNTED))
    return tuple(rows)
