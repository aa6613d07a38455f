"""A matrix as one HTML page: a table and the graph of dependencies, without script, told apart by shape and letter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import cos, hypot, pi, sin
from typing import Literal

from harness.matrix import Cell, Matrix
from harness.report import words
from harness.report.html import environment_of
from harness.report.matrix import KEY, TITLES, mark, summary

SIDE = 700.0
RADIUS = 230.0
HEAD = 11.0
"""Units of the drawing: its square, the circle that modules stand on, the length of an arrow's head."""


@dataclass(frozen=True)
class Node:
    """A module on the circle, and where its name stands."""

    name: str
    x: float
    y: float
    at_x: float
    at_y: float
    anchor: Literal["start", "end"]


@dataclass(frozen=True)
class Edge:
    """An arrow from the module that suffers to the one that was struck."""

    kind: Literal["declared", "observed", "hidden"]
    path: str
    head: str
    words: str


@dataclass(frozen=True)
class Graph:
    """All of the drawing."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    side: float = SIDE


def page(matrix: Matrix) -> str:
    """The page; the same matrix gives the same bytes."""
    environment = environment_of(lambda value: words.printable(value) if type(value) is str else value)
    modules = matrix.modules
    return environment.get_template("matrix.html.j2").render(
        matrix=matrix,
        summary=summary(matrix),
        titles={kind: title.capitalize() for kind, title in TITLES.items()},
        modules=modules,
        cells={(cell.experiment, cell.module): cell for cell in matrix.cells},
        mark=mark,
        kind=_kind,
        told=_told,
        key=KEY,
        graph=graph(matrix, modules),
    )


def graph(matrix: Matrix, modules: list[str]) -> Graph:
    """Modules on a circle in the workload's order, an arrow for each link that is declared, seen, or both."""
    nodes = {name: _node(name, 2 * pi * number / len(modules) - pi / 2) for number, name in enumerate(modules)}
    hidden = {(one.source, one.module) for one in matrix.hidden}
    struck = {row.experiment: row.module for row in matrix.rows if row.module}
    edges = tuple(_edges(matrix, nodes, struck, hidden))
    return Graph(tuple(nodes.values()), edges)


def _edges(
    matrix: Matrix, nodes: dict[str, Node], struck: dict[str, str], hidden: set[tuple[str, str]]
) -> Iterator[Edge]:
    for cell in matrix.cells:
        source = struck.get(cell.experiment)
        if source is None or source == cell.module:
            continue
        direct = source in matrix.declared.get(cell.module, ())
        if (source, cell.module) in hidden:
            yield _edge("hidden", nodes[cell.module], nodes[source])
        elif direct:
            yield _edge("observed" if cell.state == "spread" else "declared", nodes[cell.module], nodes[source])


def _node(name: str, angle: float) -> Node:
    x, y = (round(SIDE / 2 + RADIUS * turn(angle), 1) for turn in (cos, sin))
    at_x, at_y = (round(SIDE / 2 + (RADIUS + 16) * turn(angle), 1) for turn in (cos, sin))
    return Node(name, x, y, at_x, at_y + 5, "start" if cos(angle) > -1e-9 else "end")


def _edge(kind: Literal["declared", "observed", "hidden"], start: Node, end: Node) -> Edge:
    # Bent towards the middle and to one side, so that two arrows of opposite directions do not cover each other.
    dx, dy = end.x - start.x, end.y - start.y
    bend_x = (start.x + end.x) / 2 * 0.7 + SIDE / 2 * 0.3 - dy * 0.08
    bend_y = (start.y + end.y) / 2 * 0.7 + SIDE / 2 * 0.3 + dx * 0.08
    length = hypot(end.x - bend_x, end.y - bend_y) or 1.0
    ux, uy = (end.x - bend_x) / length, (end.y - bend_y) / length
    tip_x, tip_y = end.x - 8 * ux, end.y - 8 * uy
    back_x, back_y = tip_x - HEAD * ux, tip_y - HEAD * uy
    half = HEAD / 2.2
    head = (
        f"M{tip_x:.1f} {tip_y:.1f}L{back_x - half * uy:.1f} {back_y + half * ux:.1f}"
        f"L{back_x + half * uy:.1f} {back_y - half * ux:.1f}Z"
    )
    path = f"M{start.x} {start.y}Q{bend_x:.1f} {bend_y:.1f} {back_x:.1f} {back_y:.1f}"
    said = {"declared": "declared, not seen", "observed": "declared, and seen", "hidden": "seen, and not declared"}
    return Edge(kind, path, head, f"{start.name} → {end.name}: {said[kind]}")


def _kind(cell: Cell) -> str:
    if cell.relation == "hit":
        return "struck"
    if cell.relation in ("needs", "through"):
        return "declared"
    return "undeclared" if cell.state == "spread" else ""


def _told(cell: Cell) -> str:
    return f"{cell.effect.kpi} {cell.effect.words}" if cell.effect else cell.state
