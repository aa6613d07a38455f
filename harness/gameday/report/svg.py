"""A chart as SVG paths in a square of 1000 by 1000, stretched by the page: crisp at any size, and needs no script."""

from __future__ import annotations

from gameday.report.chart import Chart, Limit

SIDE = 1000


def line(chart: Chart) -> str:
    """The path of all values, broken at gaps."""
    return _path(chart, ((0, len(chart.values) - 1),))


def breaches(chart: Chart) -> str:
    """The path of the values out of bound, each with the way to its neighbours."""
    last = len(chart.values) - 1
    return _path(chart, tuple((max(0, first - 1), min(last, end + 1)) for first, end in chart.breaches))


def limits(chart: Chart) -> str:
    """The path of all bounds."""
    return "".join(
        _level(chart, limit, at) for limit in chart.limits for at in (limit.low, limit.high) if at is not None
    )


def guard(chart: Chart) -> str:
    """The path of the guard's bound."""
    found = chart.guard
    levels = [at for at in (found.low, found.high) if at is not None] if found else []
    return "".join(_level(chart, found, at) for at in levels if found)


def worst(chart: Chart) -> str:
    """The areas between the values out of bound and the worst sample of each."""
    parts = []
    for index, (value, end) in enumerate(zip(chart.values, chart.worst, strict=True)):
        if value is not None and end is not None:
            at = chart.start + index * chart.step
            left, right = _x(chart, at - chart.step / 2), _x(chart, at + chart.step / 2)
            parts.append(f"M{left} {_y(chart, value)}H{right}V{_y(chart, end)}H{left}Z")
    return "".join(parts)


def _level(chart: Chart, limit: Limit, at: float) -> str:
    return f"M{_x(chart, limit.start)} {_y(chart, at)}H{_x(chart, limit.end)}"


def _path(chart: Chart, stretches: tuple[tuple[int, int], ...]) -> str:
    parts: list[str] = []
    for first, last in stretches:
        pen = "M"
        for index in range(first, last + 1):
            value = chart.values[index]
            if value is None:
                pen = "M"
                continue
            alone = pen == "M" and (index == last or chart.values[index + 1] is None)
            parts.append(
                f"{pen}{_x(chart, chart.start + index * chart.step)} {_y(chart, value)}{'h0' if alone else ''}"
            )
            pen = "L"
    return "".join(parts)


def _x(chart: Chart, at: float) -> int:
    return round(chart.x.share(at) * SIDE)


def _y(chart: Chart, at: float) -> int:
    return round((1 - chart.y.share(at)) * SIDE)
