"""A directed graph in layers: who calls stands left of what is called. Positions only, no drawing.

Sugiyama's way (Sugiyama, Tagawa and Toda, IEEE Transactions on Systems, Man and Cybernetics 11, 1981): edges against
the grain are set aside, each node stands one layer right of its last caller, edges across several layers get a bend in
each, and nodes move towards the mean of their neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gameday.graph import reached

SWEEPS = 6
"""Passes over the layers; more change nothing on graphs of twenty nodes."""

Slot = tuple[int, float]
"""A layer, counted from the left; a height, in rows."""

LayoutPart = str | tuple[str, str, int]
"""A node by its name, or an edge's bend in a layer."""

BEND = 0.55
"""Rows that a bend takes, of the one that a node takes."""


@dataclass(frozen=True)
class Layers:
    """Where nodes stand and edges bend."""

    places: dict[str, Slot]
    bends: dict[tuple[str, str], tuple[Slot, ...]]  # of each edge that runs to the right
    rows: float  # of the fullest layer


def layered(names: Sequence[str], edges: Sequence[tuple[str, str]]) -> Layers:
    """Lay out (from, to) edges between names; the same input gives the same places."""
    along = _acyclic(names, edges)
    layer = _layers(names, along)
    columns: list[list[LayoutPart]] = [[] for _ in range(max(layer.values(), default=0) + 1)]
    for name in names:
        columns[layer[name]].append(name)
    beside: dict[LayoutPart, list[LayoutPart]] = {name: [] for name in names}
    for start, end in along:
        last: LayoutPart = start
        for number in range(layer[start] + 1, layer[end]):
            bend: LayoutPart = (start, end, number)
            columns[number].append(bend)
            beside[bend] = [last]
            beside[last].append(bend)
            last = bend
        beside[last].append(end)
        beside[end].append(last)
    heights = _heights(columns)
    for sweep in range(SWEEPS):
        for column in columns if sweep % 2 else reversed(columns):
            column.sort(key=lambda part: _mean([heights[other] for other in beside[part]], heights[part]))
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
    """The edges without those that would close a cycle, the later ones of each cycle."""
    after: dict[str, set[str]] = {name: set() for name in names}
    kept: list[tuple[str, str]] = []
    for start, end in edges:
        if start != end and start not in reached([end], after) and end not in after[start]:
            after[start].add(end)
            kept.append((start, end))
    return kept


def _layers(names: Sequence[str], along: Sequence[tuple[str, str]]) -> dict[str, int]:
    layer = dict.fromkeys(names, 0)
    for _ in names:  # the longest way has no more edges than there are names
        for start, end in along:
            layer[end] = max(layer[end], layer[start] + 1)
    return layer


def _entries(part: LayoutPart) -> float:
    return 1.0 if isinstance(part, str) else BEND


def _heights(columns: Sequence[Sequence[LayoutPart]]) -> dict[LayoutPart, float]:
    """Each column stacked, and centred beside the fullest."""
    tallest = max(sum(map(_entries, column)) for column in columns)
    found: dict[LayoutPart, float] = {}
    for column in columns:
        top = (tallest - sum(map(_entries, column))) / 2
        for part in column:
            found[part] = top + _entries(part) / 2
            top += _entries(part)
    return found


def _mean(heights: Sequence[float], otherwise: float) -> float:
    return sum(heights) / len(heights) if heights else otherwise
