"""How `gameday matrix` fares on a planted workload: what it found, what it made up, and how large what it missed was.

The analyser sees what users have: the workload file and the played rows. The truth stays here.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable
from dataclasses import dataclass

from gameday.matrix.findings import analyse
from gameday.matrix.model import Matrix, ObservedEffect
from gameday.matrix.twin import MARGIN, experiments_of, play_rows

from tests.planted.files import twin_of, workload_of
from tests.planted.graph import Graph
from tests.planted.plant import Planted, world


@dataclass(frozen=True)
class Outcome:
    """What became of one planted dependency."""

    planted: Planted
    found: bool
    first: bool  # of what was found of its source, this link stood first
    effect: float  # how much worse its KPI truly got, by a run with another seed
    visible: float  # the least change that the run could have called spread, four times out of five


@dataclass(frozen=True)
class Score:
    """One workload, sick and cured."""

    name: str
    modules: int
    outcomes: tuple[Outcome, ...]
    extra: tuple[tuple[str, str], ...]  # links that were found and are none
    cured: tuple[tuple[str, str], ...]  # links that were found after the cure
    open: int  # cells that are not known, in both
    out_of_sight: int  # draws before it that were refused since no run could show one of theirs
    seconds: float  # of CPU, for both matrices


def seed_of(commit: str, size: int, number: int) -> str:
    """A seed that nobody chose: it follows from the commit's hash."""
    return hashlib.sha256(f"{commit}/{size}/{number}".encode()).hexdigest()


def matrix_of(graph: Graph, seed: int, only: tuple[str, ...] = ()) -> Matrix:
    """A matrix of the modules' rows (of those in `only`), as `gameday matrix` makes it; zones hide no dependency."""
    workload, twin = workload_of(graph), twin_of(graph)
    made = experiments_of(workload, twin.zones, "workload.yaml")
    rows = tuple(
        one for one in made if (name := one.name.partition("-")[2]) in graph.kinds and name in (only or (name,))
    )
    return analyse(workload, play_rows(workload, twin, rows, seed, cores=1), seed, MARGIN)


def score(name: str, size: int) -> Score:
    """Play a workload of so many modules, sick and cured."""
    began, made, seed = time.process_time(), world(name, size), int(name[:8], 16)
    sick, cured = (matrix_of(graph, seed) for graph in (made.sick, made.cured))
    seconds = time.process_time() - began
    again = matrix_of(made.sick, seed + 1, tuple(one.source for one in made.planted))
    links = [(one.source, one.module) for one in sick.hidden]
    truth = {(one.source, one.module) for one in made.planted}
    return Score(
        name,
        size,
        tuple(_outcome(one, links, sick, again) for one in made.planted),
        tuple(link for link in links if link not in truth),
        tuple((one.source, one.module) for one in cured.hidden),
        len(sick.open) + len(cured.open),
        made.out_of_sight,
        seconds,
    )


def _outcome(planted: Planted, links: list[tuple[str, str]], sick: Matrix, again: Matrix) -> Outcome:
    link = planted.source, planted.module
    first = next((one for one in links if one[0] == planted.source), None) == link
    seen = _largest(_effects(planted, again))
    told = {one.kpi: one for one in _effects(planted, sick)}
    visible = told[seen.kpi].detectable if seen else None
    return Outcome(planted, link in links, first, (seen and seen.change) or 0.0, 1.0 if visible is None else visible)


def _effects(planted: Planted, matrix: Matrix) -> Iterable[ObservedEffect]:
    row = next(row for row in matrix.rows if row.module == planted.source)
    return [one for one in row.effects if one.module == planted.module]


def _largest(effects: Iterable[ObservedEffect]) -> ObservedEffect | None:
    return max((one for one in effects if one.change is not None), key=lambda one: one.change or 0.0, default=None)
