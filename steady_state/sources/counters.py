"""What Prometheus answers, as bins: counters that restart, histograms' buckets, gauges. Pure.

Sources: Prometheus, "HTTP API" (range queries, format of range vectors), "Metric types" (counters, `le` of classic
histograms, inclusive), "Jobs and instances" (labels of every target), https://prometheus.io/docs/.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import inf, isclose, isfinite
from typing import Any

from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.kpi.source import SourceSpec, Unfit
from gameday.steady_state.kpi.units import show_duration
from gameday.steady_state.samples import Sample, Series, reading_of


@dataclass(frozen=True, slots=True)
class Line:
    """One time series: its value at the end of bins, by the number of the bin (its end over the period)."""

    labels: Mapping[str, str]
    points: Mapping[int, float]

    @property
    def target(self) -> tuple[str | None, str | None]:
        """The process that it was scraped from."""
        return self.labels.get("job"), self.labels.get("instance")


Lines = tuple[Line, ...]

LARGEST = 1e300
"""What is as large is no number that could be summed up."""
MOVES = 12
"""Moves of a series by which a gauge, which falls about as often as it rises, is told from a counter that restarts."""


def parse(body: bytes, period: float) -> Lines:
    """A range query's answer. What is no number is a gap. Raises ValueError saying what was found instead."""
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
    """What an answer says of itself; with a warning, the data may be only a part."""
    said = None
    if answer["status"] != "success":
        said = f"it says: {answer.get('error', answer['status'])}"
    elif answer.get("warnings"):
        said = f"it warns: {answer['warnings'][0]}"
    return said and " ".join(said.split())[:200]


def _merged(result: list[dict[str, object]], period: float) -> Iterator[Line]:
    """The series, those that came twice as one; of two values at one time the last counts."""
    found: dict[tuple[tuple[str, str], ...], dict[int, float]] = {}
    for one in result:
        labels, values = one["metric"], one.get("values", ())
        points = found.setdefault(tuple(sorted(labels.items())), {})  # type: ignore[attr-defined]
        for at, text in values:  # type: ignore[attr-defined]
            number, value = round(at / period), float(text)
            if abs(value) < LARGEST and isclose(at, number * period, abs_tol=period / 100):
                points[number] = value
    return (Line(dict(labels), points) for labels, points in found.items())


def samples(kpi: Kpi, answers: tuple[Lines, ...], first: int, last: int) -> Series:
    """The bins that end between two numbers; `answers` are those to `queries`.

    Raises Unfit where they can never be what the KPI asks for.
    """
    if kpi.gauge:
        return _readings(kpi, answers[0], first, last)
    if kpi.latency:
        slow = _buckets(kpi, answers[0], last)
        return tuple(one for number in range(first, last + 1) if (one := slow(number)))
    return tuple(one for number in range(first, last + 1) if (one := _counted(kpi, answers, number)))


def queries(kpi: Kpi) -> tuple[SourceSpec, ...]:
    """What is asked: the total (or what was offered) last."""
    if kpi.ratio and kpi.ratio.bad:
        return kpi.ratio.bad, kpi.ratio.total
    return tuple(spec for spec in (kpi.latency or kpi.rate or kpi.gauge, kpi.per) if spec)


def increase(lines: Lines, number: int, reported: frozenset[tuple[str | None, str | None]]) -> float | None:
    """What counters counted within a bin, exactly; None where none of them reported at both its ends.

    One that fell began anew from zero. One that appears began at zero, if its target `reported` before and since (a
    series of failures does not exist before the first); else how much of it is new is not known, and it is left out.
    """
    found, seen = 0.0, False
    for line in lines:
        before, now = line.points.get(number - 1), line.points.get(number)
        if now is None or (before is None and line.target not in reported):
            continue
        seen = True
        found += now if before is None or now < before else now - before
    return found if seen else None


def must_count(kpi: Kpi, answers: tuple[Lines, ...]) -> None:
    """Raises Unfit where a series that should be a counter is below zero, or falls too often for one that restarts."""
    for line in (line for lines in answers for line in lines if not kpi.gauge):
        values = [line.points[number] for number in sorted(line.points)]
        moves = [now - before for before, now in pairwise(values) if now != before]
        falls = sum(move < 0 for move in moves)
        if min(values, default=0.0) < 0 or (len(moves) >= MOVES and falls > len(moves) / 3):
            what = "is below zero" if min(values) < 0 else f"fell {falls} times in {len(moves)} moves"
            msg = f"its query answers with a series that {what}, which is no counter: query one, like name_total"
            raise Unfit(msg)


def _reported(lines: Lines, number: int) -> frozenset[tuple[str | None, str | None]]:
    at_begin, at_end = ({one.target for one in lines if each in one.points} for each in (number - 1, number))
    return frozenset(at_begin & at_end)


def _readings(kpi: Kpi, lines: Lines, first: int, last: int) -> Series:
    """A gauge's bins; where several series have a value, it is a gap."""
    length, values = kpi.interval, {}
    for number in range(first, last + 1):
        found = [line.points[number] for line in lines if number in line.points]
        if len(found) == 1:
            values[number] = found[0]
    if (now := sum(last in line.points for line in lines)) > 1:
        msg = f"its query answers with {now} series, and a gauge is one: write it like min(…) or sum(…)"
        raise Unfit(msg)
    return tuple(
        reading_of((number - 1) * length, length, value, kpi.bound.admits(value)) for number, value in values.items()
    )


def _counted(kpi: Kpi, answers: tuple[Lines, ...], number: int) -> Sample | None:
    """A bin of a ratio or a rate; None, a gap, where a count that is needed is not there."""
    reported = _reported(tuple(line for lines in answers for line in lines), number)
    counts = [increase(lines, number, reported) for lines in answers]
    length = kpi.interval
    total, one = counts[-1], counts[0]
    if total is None:
        return None
    if kpi.rate and kpi.per is None:
        return Sample((number - 1) * length, length, total, 0.0, total / length)
    if one is None and queries(kpi)[0].zero_if_missing:
        one = 0.0
    if one is None:
        return None
    bad = min(one, total) if kpi.ratio else max(0.0, total - one)
    value = one / length if kpi.rate else 1 - bad / total if total else None
    return Sample((number - 1) * length, length, total, bad, value)


def _buckets(kpi: Kpi, lines: Lines, last: int) -> Callable[[int], Sample | None]:
    """A latency's bins: requests over its limit, and over every other edge of the histogram.

    Histograms that lack the limit, such as those of an older version, are left out.
    """
    quantile = kpi.bound.quantile
    assert quantile is not None, "a latency has a percentile as its bound"  # noqa: S101
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
    finite = {edge: tuple(found) for edge, found in by_edge.items()}

    def at(number: int) -> Sample | None:
        reported = _reported(whole, number)
        total = increase(whole, number, reported)
        within = {edge: increase(found, number, reported) for edge, found in finite.items()}
        if total is None or within[quantile[1]] is None:
            return None
        over = {edge: max(0.0, total - count) for edge, count in within.items() if count is not None}
        bad = over.pop(quantile[1])
        start, length = (number - 1) * kpi.interval, kpi.interval
        return Sample(start, length, total, bad, 1 - bad / total if total else None, tuple(sorted(over.items())))

    return at


def _edge(line: Line, limit: float, unit: float) -> float:
    """The edge of a bucket in seconds; exactly the limit where it is that but for rounding."""
    try:
        edge = float(line.labels["le"]) * unit
    except (KeyError, ValueError):
        msg = "its series have no `le`: query the buckets of a classic histogram, like name_bucket{labels}"
        raise Unfit(msg) from None
    return limit if _same(edge, limit) else edge


def _same(edge: float, limit: float) -> bool:
    return isclose(edge, limit, rel_tol=1e-9)


def with_limits(kpi: Kpi, one: Sample) -> Sample:
    """The sample with the counts over the KPI's other limits alone; a limit that is no edge has none."""
    found = ((limit, count) for limit in kpi.other_limits for edge, count in one.over if _same(edge, limit))
    return Sample(one.start, one.length, one.total, one.bad, one.value, tuple(found))


def _no_edge(limit: float, edges: list[float]) -> str:
    near = [*[edge for edge in edges if edge < limit][-1:], *[edge for edge in edges if edge > limit][:1]]
    said = " and ".join(show_duration(edge) for edge in near) or "none"
    return (
        f"its limit of {show_duration(limit)} is no edge of its histogram's buckets; the nearest are {said}: "
        "set the bound to one of them, or give the histogram that edge"
    )
