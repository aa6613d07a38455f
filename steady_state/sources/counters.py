"""Prometheus' answers as bins: counters that restart, buckets of histograms, gauges. Pure.

Sources: Prometheus, "HTTP API" (range queries, format of range vectors), "Metric types" (counters, `le` of classic
histograms, inclusive), "Jobs and instances" (labels of every target), https://prometheus.io/docs/.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from math import inf, isclose, isfinite
from typing import Any

from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.kpi.source import SourceSpec, Unfit
from gameday.steady_state.kpi.units import show_duration
from gameday.steady_state.samples import Sample, Series, reading_of


@dataclass(frozen=True, slots=True)
class Line:
    """A time series: its values at the ends of bins, by bin number (the end divided by the period)."""

    labels: Mapping[str, str]
    points: Mapping[int, float]

    @property
    def target(self) -> tuple[str | None, str | None]:
        """The process that Prometheus scraped, as (job, instance)."""
        return self.labels.get("job"), self.labels.get("instance")


Lines = tuple[Line, ...]

LARGEST = 1e300
"""Larger values are gaps, since their sums could overflow."""
MOVES = 12
"""How many moves of a series show a gauge, which falls about as often as it rises, from a counter that restarts."""


def parse(body: bytes, period: float) -> Lines:
    """Parse the answer to a range query; values that are no numbers are gaps. Raises ValueError with the reason."""
    try:
        answer = json.loads(body)
        trouble = _trouble(answer)
        lines = () if trouble else tuple(_merged(answer["data"]["result"], period))
    except (LookupError, TypeError, AttributeError, ValueError, OverflowError, RecursionError):
        msg = "its answer is not that of a Prometheus"
        raise ValueError(msg) from None
    if trouble:
        raise ValueError(trouble)
    return lines


def _trouble(answer: dict[str, Any]) -> str | None:
    """Return an answer's error or warning; with a warning, the data may be incomplete."""
    message = None
    if answer["status"] != "success":
        message = f"it says: {answer.get('error', answer['status'])}"
    elif answer.get("warnings"):
        message = f"it warns: {answer['warnings'][0]}"
    return message and " ".join(message.split())[:200]


def _merged(result: list[dict[str, object]], period: float) -> Iterator[Line]:
    """Merge series with equal labels; of two values at the same time, the last counts."""
    merged: dict[tuple[tuple[str, str], ...], dict[int, float]] = {}
    for series in result:
        labels, values = series["metric"], series.get("values", ())
        points = merged.setdefault(tuple(sorted(labels.items())), {})  # type: ignore[attr-defined]
        for at, text in values:  # type: ignore[attr-defined]
            number, value = round(at / period), float(text)
            if abs(value) < LARGEST and isclose(at, number * period, abs_tol=period / 100):
                points[number] = value
    return (Line(dict(labels), points) for labels, points in merged.items())


def samples(kpi: Kpi, answers: tuple[Lines, ...], first: int, last: int) -> Series:
    """Make the bins with numbers from `first` to `last`; `answers` are those to `queries`.

    Raises Unfit where the series can never answer the KPI.
    """
    if kpi.gauge:
        return _readings(kpi, answers[0], first, last)
    if kpi.latency:
        slow = _buckets(kpi, answers[0], last)
        return tuple(sample for number in range(first, last + 1) if (sample := slow(number)))
    return tuple(sample for number in range(first, last + 1) if (sample := _counted(kpi, answers, number)))


def queries(kpi: Kpi) -> tuple[SourceSpec, ...]:
    """List a KPI's queries; the total (or what was offered) is last."""
    if kpi.ratio and kpi.ratio.bad:
        return kpi.ratio.bad, kpi.ratio.total
    return tuple(spec for spec in (kpi.latency or kpi.rate or kpi.gauge, kpi.per) if spec)


def increase(lines: Lines, number: int, reported: frozenset[tuple[str | None, str | None]]) -> float | None:
    """Compute the exact increase of counters within a bin; None where no counter reported at both its ends.

    - A counter that fell restarted from zero.
    - A counter that appears began at zero if its target `reported` before and since: a series of failures does not
      exist before the first failure.
    - Any other counter that appears is left out, since its new part is unknown.
    """
    total, seen = 0.0, False
    for line in lines:
        before, now = line.points.get(number - 1), line.points.get(number)
        if now is None or (before is None and line.target not in reported):
            continue
        seen = True
        total += now if before is None or now < before else now - before
    return total if seen else None


def must_count(kpi: Kpi, answers: tuple[Lines, ...]) -> None:
    """Raise Unfit where a series that must be a counter is below zero, or falls too often for restarts."""
    for line in (line for lines in answers for line in lines if not kpi.gauge):
        values = [line.points[number] for number in sorted(line.points)]
        moves = [now - before for before, now in pairwise(values) if now != before]
        falls = sum(move < 0 for move in moves)
        if min(values, default=0.0) < 0 or (len(moves) >= MOVES and falls > len(moves) / 3):
            reason = "is below zero" if min(values) < 0 else f"fell {falls} times in {len(moves)} moves"
            msg = (
                f"its query answers with a series that {reason}, so it is no counter: query a counter, like name_total"
            )
            raise Unfit(msg)


def _reported(lines: Lines, number: int) -> frozenset[tuple[str | None, str | None]]:
    at_begin, at_end = ({line.target for line in lines if edge in line.points} for edge in (number - 1, number))
    return frozenset(at_begin & at_end)


def _readings(kpi: Kpi, lines: Lines, first: int, last: int) -> Series:
    """Make a gauge's bins; a bin with values of several series is a gap. Raises Unfit where that is the last bin."""
    length, values = kpi.interval, {}
    for number in range(first, last + 1):
        readings = [line.points[number] for line in lines if number in line.points]
        if len(readings) == 1:
            values[number] = readings[0]
    if (now := sum(last in line.points for line in lines)) > 1:
        msg = f"its query answers with {now} series, and a gauge needs a single one: write it like min(…) or sum(…)"
        raise Unfit(msg)
    return tuple(
        reading_of((number - 1) * length, length, value, kpi.bound.admits(value)) for number, value in values.items()
    )


def _counted(kpi: Kpi, answers: tuple[Lines, ...], number: int) -> Sample | None:
    """Make a bin of a ratio or a rate; None, a gap, where a needed count is missing."""
    reported = _reported(tuple(line for lines in answers for line in lines), number)
    counts = [increase(lines, number, reported) for lines in answers]
    length = kpi.interval
    total, first = counts[-1], counts[0]
    if total is None:
        return None
    if kpi.rate and kpi.per is None:
        return Sample((number - 1) * length, length, total, 0.0, total / length)
    if first is None and queries(kpi)[0].zero_if_missing:
        first = 0.0
    if first is None:
        return None
    bad = min(first, total) if kpi.ratio else max(0.0, total - first)
    value = first / length if kpi.rate else 1 - bad / total if total else None
    return Sample((number - 1) * length, length, total, bad, value)


def _buckets(kpi: Kpi, lines: Lines, last: int) -> Callable[[int], Sample | None]:
    """Return a function that makes a latency's bins: requests over its limit, and over every other edge.

    Histograms without the limit as an edge, such as those of an older version, are left out. Raises Unfit where such a
    histogram still reports.
    """
    quantile = kpi.bound.quantile
    assert quantile is not None, "the bound of a latency is a percentile"  # noqa: S101
    unit = kpi.source.unit_seconds
    histograms: dict[tuple[tuple[str, str], ...], dict[float, Line]] = {}
    for line in lines:
        rest = tuple(sorted((key, value) for key, value in line.labels.items() if key != "le"))
        histograms.setdefault(rest, {})[_edge(line, quantile[1], unit)] = line
    by_edge: dict[float, list[Line]] = {}
    for buckets in histograms.values():
        if quantile[1] in buckets and inf in buckets:
            for edge, line in buckets.items():
                by_edge.setdefault(edge, []).append(line)
        elif any(last in line.points for line in buckets.values()):
            raise Unfit(_no_edge(quantile[1], sorted(edge for edge in buckets if isfinite(edge))))
    whole = tuple(by_edge.pop(inf, ()))
    finite = {edge: tuple(buckets) for edge, buckets in by_edge.items()}

    def at(number: int) -> Sample | None:
        reported = _reported(whole, number)
        total = increase(whole, number, reported)
        within = {edge: increase(buckets, number, reported) for edge, buckets in finite.items()}
        if total is None or within[quantile[1]] is None:
            return None
        over = {edge: max(0.0, total - count) for edge, count in within.items() if count is not None}
        bad = over.pop(quantile[1])
        start, length = (number - 1) * kpi.interval, kpi.interval
        return Sample(start, length, total, bad, 1 - bad / total if total else None, tuple(sorted(over.items())))

    return at


def _edge(line: Line, limit: float, unit: float) -> float:
    """Read the edge of a bucket in seconds; exactly the limit where only rounding differs."""
    try:
        edge = float(line.labels["le"]) * unit
    except (KeyError, ValueError):
        msg = "its series have no `le`: query the buckets of a classic histogram, like name_bucket{labels}"
        raise Unfit(msg) from None
    return limit if _same(edge, limit) else edge


def _same(edge: float, limit: float) -> bool:
    return isclose(edge, limit, rel_tol=1e-9)


def with_limits(kpi: Kpi, sample: Sample) -> Sample:
    """Keep only the counts over the KPI's other limits; a limit that is no edge has no count."""
    over = ((limit, count) for limit in kpi.other_limits for edge, count in sample.over if _same(edge, limit))
    return replace(sample, over=tuple(over))


def _no_edge(limit: float, edges: list[float]) -> str:
    near = [*[edge for edge in edges if edge < limit][-1:], *[edge for edge in edges if edge > limit][:1]]
    nearest = " and ".join(show_duration(edge) for edge in near) or "none"
    return (
        f"its limit of {show_duration(limit)} is no edge of its histogram's buckets; the nearest are {nearest}: "
        "set the bound to one of them, or give the histogram that edge"
    )
