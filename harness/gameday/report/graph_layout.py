"""Layout of a directed graph in layers: callers are left of what they call. Positions only, no drawing.

This is the method of Sugiyama, Tagawa and Toda (IEEE Transactions on Systems, Man and Cybernetics 11, 1981):

1. Set aside the edges that close a cycle.
2. Put each node one layer right of its last caller.
3. Give an edge across several layers a bend in each of them.
4. Move nodes towards the mean of their neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gameday.graph import reached

SWEEPS = 6
"""Passes over the layers. More passes change nothing on graphs of twenty nodes."""

Slot = tuple[int, float]
"""A layer, counted from the left; a height, in rows."""

LayoutPart = str | tuple[str, str, int]
"""A node by its name, or an edge's bend in a layer."""

BEND = 0.55
"""Height of a bend, in rows; a node takes 1."""


@dataclass(frozen=True)
class Layers:
    """Hold the positions of nodes, and the bends of edges."""

    places: dict[str, Slot]
    bends: dict[tuple[str, str], tuple[Slot, ...]]  # of each edge that runs to the right
    rows: float  # of the fullest layer


def layered(names: Sequence[str], edges: Sequence[tuple[str, str]]) -> Layers:
    """Lay out (from, to) edges between names. The same input gives the same positions."""
    along = _acyclic(names, edges)
    layer = _layers(names, along)
    columns: list[list[LayoutPart]] = [[] for _ in range(max(layer.values(), default=0) + 1)]
    for name in names:
        columns[layer[name]].append(name)
    neighbours: dict[LayoutPart, list[LayoutPart]] = {name: [] for name in names}
    for start, end in along:
        last: LayoutPart = start
        for number in range(layer[start] + 1, layer[end]):
            bend: LayoutPart = (start, end, number)
            columns[number].append(bend)
            neighbours[bend] = [last]
            neighbours[last].append(bend)
            last = bend
        neighbours[last].append(end)
        neighbours[end].append(last)
    heights = _heights(columns)
    for sweep in range(SWEEPS):
        for column in columns if sweep % 2 else reversed(columns):
            column.sort(key=lambda part: _mean([heights[other] for other in neighbours[part]], heights[part]))
            heights = _heights(columns)
    return Layers(
        {name: (layer[name], heights[name]) for name in names},
        {
            (start, end): tuple((number, heights[start, end, number]) for number in range(layer[start] + 1, layer[end]))
            for start, end in along
        },
        max(sum(map(_entries, column)) for column in columns),
    )


def _acyclic(names: Sequence[str], edges: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Drop the edges that would close a cycle; the later edge of each cycle goes."""
    after: dict[str, set[str]] = {name: set() for name in names}
    kept: list[tuple[str, str]] = []
    for start, end in edges:
        if start != end and start not in reached([end], after) and end not in after[start]:
            after[start].add(end)
            kept.append((start, end))
    return kept


def _layers(names: Sequence[str], along: Sequence[tuple[str, str]]) -> dict[str, int]:
    layer = dict.fromkeys(names, 0)
    for _ in names:  # the longest path has fewer edges than there are names
        for start, end in along:
            layer[end] = max(layer[end], layer[start] + 1)
    return layer


def _entries(part: LayoutPart) -> float:
    return 1.0 if isinstance(part, str) else BEND


def _heights(columns: Sequence[Sequence[LayoutPart]]) -> dict[LayoutPart, float]:
    """Stack each column, and centre it against the fullest column."""
    tallest = max(sum(map(_entries, column)) for column in columns)
    heights: dict[LayoutPart, float] = {}
    for column in columns:
        top = (tallest - sum(map(_entries, column))) / 2
        for part in column:
            heights[part] = top + _entries(part) / 2
            top += _entries(part)
    return heights


def _mean(heights: Sequence[float], otherwise: float) -> float:
    return sum(heights) / len(heights) if heights else otherwise
