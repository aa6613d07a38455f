"""Which undeclared link explains who suffers: pure.

A fault on a module may hurt it and those that need it. Any other module that suffers does so by a link that nobody
declared; which link, is told from the other rows: where A hurts B and C, and a fault in B alone hurts C as declared,
A → B is the link, and A → B → C the chain. Where B needs A, and C tolerates B, B → C is the link, though a fault in B
itself was too weak to show it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise

from gameday.graph import reached
from gameday.matrix.model import Cell, Chain, MatrixFinding, Relation
from gameday.matrix.observed import Observation


class Links:
    """Undeclared links, by what was seen."""

    def __init__(self, seen: Observation) -> None:
        self.seen = seen

    def findings(self) -> Iterator[MatrixFinding]:
        """Each undeclared link once, with all that suffers by it."""
        found: dict[tuple[str, str], Cell] = {}
        chains: list[tuple[str, ...]] = []
        for source in self.seen.of:
            roots, ways = self._roots(source)
            found |= {(source, cell.module): cell for cell in roots}
            chains += ways
        found = {**self._told_elsewhere(chains), **found}
        for (source, module), cell in found.items():
            mine = [way for way in chains if self._culprit(way) == (source, module)]
            yield _hidden_finding(source, cell, tuple(self._chain(way) for way in mine))

    def _told_elsewhere(self, chains: list[tuple[str, ...]]) -> dict[tuple[str, str], Cell]:
        """The undeclared links that their own rows do not show, each with the row that shows it most."""
        found: dict[tuple[str, str], Cell] = {}
        for way in chains:
            link, cell = self._culprit(way), self.seen.cell(way[0], way[-1])
            if link is None or link[1] != way[-1] or self.seen.spreads(*link) or cell is None or cell.effect is None:
                continue
            before = found.get(link)
            if before is None or (cell.effect.change or 0.0) > ((before.effect and before.effect.change) or 0.0):
                found[link] = replace(cell, relation=self._relation(*link))
        return found

    def _chain(self, way: tuple[str, ...]) -> Chain:
        cell = self.seen.cell(way[0], way[-1])
        return Chain(way, cell.effect if cell else None)

    def _roots(self, source: str) -> tuple[list[Cell], list[tuple[str, ...]]]:
        """Who suffers first by an undeclared link from a module; and the ways from there to whoever suffers next."""
        seen = {module: cell for module in self.seen.declared.modules if (cell := self.seen.cell(source, module))}
        cells = {
            module: cell
            for module, cell in seen.items()
            if cell.state == "spread" and cell.relation not in ("hit", "through")
        }
        # What fails with what it needs is silent where those who say that they tolerate it are stuck in their calls.
        cells |= {
            module: cell
            for module, cell in seen.items()
            if cell.state in ("starved", "unknown") and cell.relation == "needs"
            if cell.effect
            and cell.effect.change is None
            and any(self._hurts(module, other, "tolerates") for other in cells)
        }
        roots, ways = self._first(source, cells)
        # What is too small a share to be proven where it arises may be proven at callers with less other traffic.
        faint = {
            module: cell
            for module, cell in seen.items()
            if cell.state == "unknown" and cell.relation == "tolerates" and cell.effect and (cell.effect.low or 0) > 0
            if any(root.relation == "none" and self._hurts(module, root.module, "needs") for root in roots)
        }
        return self._first(source, cells | faint) if faint else (roots, ways)

    def _first(self, source: str, cells: dict[str, Cell]) -> tuple[list[Cell], list[tuple[str, ...]]]:
        given = [module for module, cell in cells.items() if cell.relation == "needs"]
        carries = {
            one: {
                other
                for other in cells
                if other != one and (self._carries(one, other) or (one in given and self._fails_by(source, one, other)))
            }
            for one in cells
        }
        beyond = {one: reached([one], carries) for one in cells}
        known = {other for one in given for other in beyond[one]}
        roots: list[str] = []
        for name in sorted(cells, key=lambda one: _suspicion(cells[one])):
            origins = {one for one in cells if name in beyond[one]}
            if name not in known and origins <= beyond[name] and not any(name in beyond[root] for root in roots):
                roots.append(name)
        ways = [(source, *way) for way in _ways([*given, *roots], carries)]
        return [cells[root] for root in roots], [way for way in ways if way[-1] not in given]

    def _relation(self, one: str, other: str) -> Relation:
        """What `other` declares of a fault in `one` alone."""
        return self.seen.declared.relation(frozenset({one}), other)

    def _hurts(self, one: str, other: str, declared: Relation) -> bool:
        """Whether a fault in `one` hurts `other`, which declares this of it."""
        return self.seen.spreads(one, other) and self._relation(one, other) == declared

    def _carries(self, one: str, other: str) -> bool:
        """Whether a fault in `one` alone hurts `other`: as declared, or by an undeclared link that goes one way."""
        declared = self._relation(one, other) in ("needs", "through")
        return self.seen.spreads(one, other) and (declared or not self.seen.spreads(other, one))

    def _fails_by(self, source: str, one: str, other: str) -> bool:
        """Whether `other`, which says that it tolerates `one`, may suffer from `source` since `one` fails with it.

        A fault in `one` itself speaks against it where it had to show more than it did: as many times less than here
        as `one` suffered less.
        """
        if self._relation(one, other) != "tolerates":
            return False
        here, hit = (
            cell.effect if cell else None for cell in (self.seen.cell(source, other), self.seen.cell(source, one))
        )
        if here is None or hit is None:
            return False
        shown, alone = (self.seen.effect(one, kpi) for kpi in (here.kpi, hit.kpi))
        if shown is None or shown.high is None or alone is None or not (here.low and hit.change and alone.change):
            return False
        return shown.high >= here.low * min(1.0, alone.change / hit.change)

    def _culprit(self, way: tuple[str, ...]) -> tuple[str, str] | None:
        """The first link of a way that is not declared."""
        for one, other in pairwise(way):
            if self._relation(one, other) in ("tolerates", "none"):
                return one, other
        return None


def _suspicion(cell: Cell) -> tuple[bool, float, str]:
    """First who is declared to call what was hit, then who suffers most."""
    return cell.relation != "tolerates", -((cell.effect and cell.effect.change) or 0.0), cell.module


def _ways(starts: list[str], edges: Mapping[str, set[str]]) -> list[tuple[str, ...]]:
    """The shortest way from any start to each module that can be reached, nearest first; starts left out."""
    ways: list[tuple[str, ...]] = [(start,) for start in starts]
    met = set(starts)
    for way in ways:  # which grows meanwhile
        more = sorted(edges[way[-1]] - met)
        met |= set(more)
        ways += [(*way, other) for other in more]
    return ways[len(starts) :]


def _hidden_finding(source: str, cell: Cell, chains: tuple[Chain, ...]) -> MatrixFinding:
    effect, name = cell.effect, cell.module
    size = f"{effect.kpi} got worse by {effect.size}" if effect else ""
    if cell.relation == "tolerates":
        words = f"{name} declares that it tolerates {source}, and does not: {size}"
        return MatrixFinding("not-tolerated", source, name, cell.experiment, words, effect, chains)
    words = f"{name} depends on {source}, and does not declare it: {size}"
    return MatrixFinding("hidden", source, name, cell.experiment, words, effect, chains)
