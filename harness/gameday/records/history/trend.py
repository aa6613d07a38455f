"""The trend of a claim over releases: its measures with intervals, and the releases at which they changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp, log

from gameday.records.history.kept_run import KeptMeasure, KeptRun
from gameday.steady_state.judging.regression import Measured, compare
from gameday.steady_state.kpi.claim import Verdict

FALSE_CHANGE = 0.05
"""The chance that a measure whose runs are all alike shows any change."""


@dataclass(frozen=True, slots=True)
class ReleaseMeasure:
    """A measure in one release: the middle of its runs (geometric), and an interval that covers all of theirs."""

    release: str
    first: str  # the start of its first run
    runs: int
    middle: float
    low: float | None
    high: float | None
    is_least: bool  # a run was not back in time, so the true middle is larger
    broken: int  # runs that broke the claim


@dataclass(frozen=True, slots=True)
class Change:
    """A release at which a measure changed, against the releases since the change before it."""

    release: str
    before: float
    after: float
    ratio: float
    low: float
    high: float
    is_worse: bool


@dataclass(frozen=True, slots=True)
class MeasureTrend:
    """One measure of a claim in one place, over its releases in the order of their first runs."""

    place: str
    measure: str
    of: str
    releases: tuple[ReleaseMeasure, ...]
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class _Point:
    release: str
    measured: Measured


def trend(runs: Iterable[KeptRun]) -> tuple[MeasureTrend, ...]:
    """Return the trend of each measure of one claim. Runs of the twin and of accounts are never mixed.

    Changes are found by binary segmentation: the split of the releases whose halves differ most is a change, if
    Student's t-test proves it at FALSE_CHANGE over all possible splits (Bonferroni). Then each half is split again.
    Source: Scott and Knott (1974), "A cluster analysis method for grouping means". Two runs of the twin with the same
    plan and tool are one observation.
    """
    ordered = _counted(sorted(runs, key=lambda kept: (kept.started, kept.run)))
    names = dict.fromkeys((kept.place, row.name, row.of) for kept in ordered for row in kept.measures)
    return tuple(_of(place, name, of, ordered) for place, name, of in names)


def left_out(runs: Iterable[KeptRun]) -> int:
    """Return how many runs with measures repeat another run of the twin."""
    measured = [kept for kept in runs if kept.measures]
    return len(measured) - len(_counted(measured))


def _counted(runs: Sequence[KeptRun]) -> list[KeptRun]:
    seen: dict[object, KeptRun] = {}
    for kept in runs:
        if kept.measures:
            seen.setdefault((kept.plan, kept.tool) if kept.place == "twin" else kept.run, kept)
    return list(seen.values())


def _of(place: str, name: str, of: str, runs: Sequence[KeptRun]) -> MeasureTrend:
    rows = [
        (kept, row)
        for kept in runs
        if kept.place == place
        for row in kept.measures
        if (row.name, row.of) == (name, of) and (row.value is not None or row.low is not None)
    ]
    by_release: dict[str, list[tuple[KeptRun, KeptMeasure]]] = {}
    for kept, row in rows:
        by_release.setdefault(kept.release_name, []).append((kept, row))
    releases = tuple(_release(release, pairs) for release, pairs in by_release.items())
    points = [[_measured(row) for _, row in pairs] for pairs in by_release.values()]
    resolution = max((row.resolution for _, row in rows), default=1.0)
    found = _changes(list(by_release), points, name, resolution)
    return MeasureTrend(place, name, of, releases, tuple(found))


def _release(release: str, pairs: Sequence[tuple[KeptRun, KeptMeasure]]) -> ReleaseMeasure:
    rows = [row for _, row in pairs]
    values = [_measured(row) for row in rows]
    open_above = any(row.high is None for row in rows)
    return ReleaseMeasure(
        release=release,
        first=min(kept.started for kept, _ in pairs),
        runs=len(rows),
        middle=_middle([each.value for each in values]),
        low=min((row.low for row in rows if row.low is not None), default=None),
        high=None if open_above else max(row.high for row in rows if row.high is not None),
        is_least=any(each.censored for each in values),
        broken=sum(kept.verdict == "broken" for kept, _ in pairs),
    )


def _measured(row: KeptMeasure) -> Measured:
    if row.value is None:
        return Measured(max(0.0, row.low or 0.0), censored=True)
    error = (row.high - row.low) / 2 if row.name == "loss" and row.low is not None and row.high is not None else 0.0
    return Measured(row.value, error=error)


def _middle(values: Sequence[float]) -> float:
    """Return the geometric mean, or the arithmetic one where a value is not above zero."""
    if min(values) > 0:
        return exp(sum(map(log, values)) / len(values))
    return sum(values) / len(values)


def _changes(
    names: Sequence[str], points: Sequence[Sequence[Measured]], measure: str, resolution: float
) -> list[Change]:
    """Return the changes in order; `points` has the runs of each release."""
    alpha = FALSE_CHANGE / 2 / max(1, len(points) - 1)
    found: list[Change] = []
    waiting = [(0, len(points))]
    while waiting:
        first, end = waiting.pop()
        if end - first < 2:
            continue
        middle = first + _best_split([[_log(each, resolution) for each in release] for release in points[first:end]])
        old = [each for release in points[first:middle] for each in release]
        new = [each for release in points[middle:end] for each in release]
        if change := _proven(names[middle], old, new, measure, resolution, alpha):
            found.append(change)
            waiting += [(first, middle), (middle, end)]
    return sorted(found, key=lambda change: names.index(change.release))


def _log(measured: Measured, resolution: float) -> float:
    return log(max(resolution, measured.error, measured.value))


def _best_split(releases: Sequence[Sequence[float]]) -> int:
    """Return before which release the values split best: the halves' means explain the most of the squares."""
    counts, sums = [len(release) for release in releases], [sum(release) for release in releases]
    count, total = sum(counts), sum(sums)
    best, most, before, below = 1, -1.0, 0, 0.0
    for split in range(1, len(releases)):
        before, below = before + counts[split - 1], below + sums[split - 1]
        explained = below**2 / before + (total - below) ** 2 / (count - before) - total**2 / count
        if explained > most:
            best, most = split, explained
    return best


def _proven(
    release: str, old: Sequence[Measured], new: Sequence[Measured], measure: str, resolution: float, alpha: float
) -> Change | None:
    """Return the change between two stretches of releases; None where it is not proven."""
    row = compare("", measure, old, new, 0.0, alpha, resolution)
    if row.verdict is Verdict.UNKNOWN or row.ratio is None or row.low is None or row.high is None:
        return None
    before, after = (_middle([each.value for each in side]) for side in (old, new))
    return Change(release, before, after, row.ratio, row.low, row.high, is_worse=row.verdict is Verdict.BROKEN)
