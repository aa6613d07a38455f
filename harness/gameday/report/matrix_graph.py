"""The shapes of a matrix's dependency graph: declared, observed and hidden links look different."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from gameday.matrix.model import Matrix
from gameday.report.graph_layout import Layers, Slot, layered

ROW, BOX, GAP, LETTER, LONGEST, HEAD = 40.0, 28.0, 96.0, 7.6, 24, 9.0
"""ROW, BOX, GAP, LETTER and HEAD are in units of the drawing: heights of a row and a box, the space between layers, the
width of a letter, and the length of an arrow's head. LONGEST is the most letters to show of a name."""

EdgeKind = Literal["declared", "observed", "hidden"]

WORDS: dict[EdgeKind, str] = {
    "declared": "declared, and not seen to spread",
    "observed": "declared, and seen",
    "hidden": "seen, and not declared",
}

Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """Hold a module: its box, and the part of its name that fits."""

    name: str
    shown: str
    x: float
    y: float
    hurt: bool  # at an end of a hidden link


@dataclass(frozen=True)
class Arrow:
    """Hold an arrow from a module to a module that it depends on; `mark` is the place of a hidden link's sign."""

    kind: EdgeKind
    path: str
    head: str
    mark: Point
    words: str


@dataclass(frozen=True)
class Graph:
    """Hold the whole drawing."""

    nodes: tuple[Box, ...]
    edges: tuple[Arrow, ...]
    width: float
    height: float
    box: float  # width of a box
    tall: float = BOX


def graph(matrix: Matrix) -> Graph:
    """Draw the graph: a module is left of what it depends on."""
    links = dict(_links(matrix))
    names = matrix.modules
    layers = layered(names, list(links))
    box = min(LONGEST, max(map(len, names), default=1)) * LETTER + 18
    ends = {name for link, kind in links.items() if kind == "hidden" for name in link}
    nodes = tuple(
        Box(name, name if len(name) <= LONGEST else name[: LONGEST - 1] + "…", *_corner(place, box), name in ends)
        for name, place in layers.places.items()
    )
    # Hidden links last: they are drawn over the others.
    ordered = sorted(links.items(), key=lambda item: item[1] == "hidden")
    edges = tuple(_edge(start, end, kind, layers, box) for (start, end), kind in ordered)
    last = max(layer for layer, _ in layers.places.values())
    return Graph(nodes, edges, last * (box + GAP) + box + 4, layers.rows * ROW + 40, box)


def _links(matrix: Matrix) -> Iterator[tuple[tuple[str, str], EdgeKind]]:
    """Yield ((module, its dependency), kind); declared links come first, so that hidden links close the cycles."""
    hit = {row.experiment: row.module for row in matrix.rows if row.module}
    hidden = {(finding.module, finding.source) for finding in matrix.hidden}
    seen = {(cell.module, hit.get(cell.experiment)) for cell in matrix.cells if cell.state == "spread"}
    for name, others in matrix.declared.items():
        for other in others:
            if (name, other) not in hidden and other in matrix.declared:
                yield (name, other), "observed" if (name, other) in seen else "declared"
    yield from ((link, "hidden") for link in sorted(hidden))


def _corner(place: Slot, box: float) -> Point:
    return round(place[0] * (box + GAP) + 2, 1), round(place[1] * ROW - BOX / 2, 1)


def _edge(start: str, end: str, kind: EdgeKind, layers: Layers, box: float) -> Arrow:
    (x, y), (to_x, to_y) = (_corner(layers.places[name], box) for name in (start, end))
    bends = layers.bends.get((start, end))
    words = f"{start} → {end}: {WORDS[kind]}"
    if bends is None:  # this link closes a cycle: draw it below the boxes
        low, high = (x + box / 2, y + BOX), (to_x + box / 2, to_y + BOX)
        deep = max(low[1], high[1]) + 30
        path = f"M{low[0]:.1f} {low[1]:.1f}C{low[0]:.1f} {deep:.1f} {high[0]:.1f} {deep:.1f}"
        path += f" {high[0]:.1f} {high[1] + HEAD:.1f}"
        head = f"M{high[0]:.1f} {high[1]:.1f}l{HEAD / 2} {HEAD}h{-HEAD}Z"
        return Arrow(kind, path, head, ((low[0] + high[0]) / 2, deep - 8), words)
    tip = (to_x, to_y + BOX / 2)
    points = [(x + box, y + BOX / 2)]
    for bend in bends:
        left, top = _corner(bend, box)
        points += [(left, top + BOX / 2), (left + box, top + BOX / 2)]
    points.append((tip[0] - HEAD, tip[1]))
    head = f"M{tip[0]:.1f} {tip[1]:.1f}l{-HEAD} {-HEAD / 2}v{HEAD}Z"
    first, second = points[0], points[1]
    return Arrow(kind, _curve(points), head, ((first[0] + second[0]) / 2, (first[1] + second[1]) / 2), words)


def _curve(points: Sequence[Point]) -> str:
    """Draw a curve that is level at each point, so that it passes between boxes."""
    path = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for (x, y), (to_x, to_y) in pairwise(points):
        half = (to_x - x) / 2
        path += f"C{x + half:.1f} {y:.1f} {to_x - half:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}"
    return path
