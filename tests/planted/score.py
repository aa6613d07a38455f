"""The score of `gameday matrix` on a planted workload: links found, false links, and the effects of missed links.

The analyser sees only what users have: the workload file and the played rows.
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
    """The outcome for a planted dependency."""

    planted: Planted
    found: bool
    first: bool  # whether this link was the first of its source
    effect: float  # the true change of its KPI, from a run with another seed
    visible: float  # the least change that the run would call spread, four times out of five


@dataclass(frozen=True)
class Score:
    """The score of a workload, sick and cured."""

    name: str
    modules: int
    outcomes: tuple[Outcome, ...]
    extra: tuple[tuple[str, str], ...]  # false links
    cured: tuple[tuple[str, str], ...]  # links found after the cure
    open: int  # unknown cells, in both
    out_of_sight: int  # rejected draws before it: they had a dependency that no run can show
    seconds: float  # of CPU, for both matrices


def seed_of(commit: str, size: int, number: int) -> str:
    """Derive a seed from the commit's hash, so that nobody chooses it."""
    return hashlib.sha256(f"{commit}/{size}/{number}".encode()).hexdigest()


def matrix_of(graph: Graph, seed: int, only: tuple[str, ...] = ()) -> Matrix:
    """Make the matrix of `gameday matrix` for the modules' rows (of those in `only`), without rows for zones."""
    workload, twin = workload_of(graph), twin_of(graph)
    made = experiments_of(workload, twin.zones, "workload.yaml")
    rows = tuple(
        row for row in made if (name := row.name.partition("-")[2]) in graph.kinds and name in (only or (name,))
    )
    return analyse(workload, play_rows(workload, twin, rows, seed, cores=1), seed, MARGIN)


def score(name: str, size: int) -> Score:
    """Play a workload of `size` modules, sick and cured, and score the matrix."""
    began, made, seed = time.process_time(), world(name, size), int(name[:8], 16)
    sick, cured = (matrix_of(graph, seed) for graph in (made.sick, made.cured))
    seconds = time.process_time() - began
    again = matrix_of(made.sick, seed + 1, tuple(dependency.source for dependency in made.planted))
    links = [(hidden.source, hidden.module) for hidden in sick.hidden]
    truth = {(dependency.source, dependency.module) for dependency in made.planted}
    return Score(
        name,
        size,
        tuple(_outcome(dependency, links, sick, again) for dependency in made.planted),
        tuple(link for link in links if link not in truth),
        tuple((hidden.source, hidden.module) for hidden in cured.hidden),
        len(sick.open) + len(cured.open),
        made.out_of_sight,
        seconds,
    )


def _outcome(planted: Planted, links: list[tuple[str, str]], sick: Matrix, again: Matrix) -> Outcome:
    link = planted.source, planted.module
    first = next((pair for pair in links if pair[0] == planted.source), None) == link
    seen = _largest(_effects(planted, again))
    by_kpi = {effect.kpi: effect for effect in _effects(planted, sick)}
    visible = by_kpi[seen.kpi].detectable if seen else None
    return Outcome(planted, link in links, first, (seen and seen.change) or 0.0, 1.0 if visible is None else visible)


def _effects(planted: Planted, matrix: Matrix) -> Iterable[ObservedEffect]:
    row = next(row for row in matrix.rows if row.module == planted.source)
    return [effect for effect in row.effects if effect.module == planted.module]


def _largest(effects: Iterable[ObservedEffect]) -> ObservedEffect | None:
    changed = (effect for effect in effects if effect.change is not None)
    return max(changed, key=lambda effect: effect.change or 0.0, default=None)
