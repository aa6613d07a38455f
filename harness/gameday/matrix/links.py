"""Find the undeclared links that explain which modules suffer; pure.

A fault on a module may hurt that module and those that need it. Any other module suffers by an undeclared link. The
other rows show which link:

- A fault in A hurts B and C, and a fault in B alone hurts C as declared: A → B is the link, and A → B → C the chain.
- B needs A, and C tolerates B: B → C is the link, even if a fault in B itself was too weak to show it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise

from gameday.graph import reached
from gameday.matrix.model import Cell, Chain, MatrixFinding, Relation
from gameday.matrix.observed import Observation, most_telling


class Links:
    """Find undeclared links in the observed effects."""

    def __init__(self, seen: Observation) -> None:
        self.seen = seen

    def findings(self) -> Iterator[MatrixFinding]:
        """Yield each undeclared link once, with all modules that suffer by it."""
        found: dict[tuple[str, str], Cell] = {}
        chains: list[tuple[str, ...]] = []
        for source in self.seen.of:
            roots, ways = self._roots(source)
            found |= {(source, cell.module): cell for cell in roots}
            chains += ways
        found = {**self._links_in_chains(chains), **found}
        for (source, module), cell in found.items():
            mine = [way for way in chains if self._culprit(way) == (source, module)]
            yield _hidden_finding(source, cell, tuple(self._chain(way) for way in mine))

    def _links_in_chains(self, chains: list[tuple[str, ...]]) -> dict[tuple[str, str], Cell]:
        """Return the undeclared links that their own rows do not show, each with the row that shows it most."""
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
        """Return the modules that suffer first by an undeclared link from a module, and the ways on."""
        seen = {module: cell for module in self.seen.declared.modules if (cell := self.seen.cell(source, module))}
        cells = {
            module: cell
            for module, cell in seen.items()
            if cell.state == "spread" and cell.relation not in ("hit", "through")
        }
        # A module that fails with its dependency has no data if callers that tolerate it hang in their calls.
        cells |= {
            module: cell
            for module, cell in seen.items()
            if cell.state in ("starved", "unknown") and cell.relation == "needs"
            if cell.effect
            and cell.effect.change is None
            and any(self._hurts(module, other, "tolerates") for other in cells)
        }
        roots, ways = self._first(source, cells)
        # An effect too small to prove at its origin may be proven at callers with less other traffic.
        faint = {
            module: cell
            for module, cell in seen.items()
            if cell.state == "unknown" and cell.relation == "tolerates" and cell.effect and (cell.effect.low or 0) > 0
            if any(root.relation == "none" and self._hurts(module, root.module, "needs") for root in roots)
        }
        return self._first(source, cells | faint) if faint else (roots, ways)

    def _first(self, source: str, cells: dict[str, Cell]) -> tuple[list[Cell], list[tuple[str, ...]]]:
        given = [module for module, cell in cells.items() if cell.relation == "needs"]
        unproven = self._unproven(source, cells, frozenset(given))
        carries = {
            module: set()
            if module in unproven
            else {
                other
                for other in cells
                if other != module
                and (self._carries(module, other) or (module in given and self._fails_by(source, module, other)))
            }
            for module in cells
        }
        beyond = {module: reached([module], carries) for module in cells}
        known = {other for module in given for other in beyond[module]}
        roots: list[str] = []
        for name in sorted(cells, key=lambda module: _suspicion(cells[module])):
            origins = {module for module in cells if name in beyond[module]}
            if name not in known and origins <= beyond[name] and not any(name in beyond[root] for root in roots):
                roots.append(name)
        own = self._own(source, {name: cells[name] for name in cells if name not in (*given, *roots)}, carries)
        ways = [(source, *way) for way in _ways([*given, *roots, *own], carries)]
        found = [own.get(name, cells[name]) for name in (*roots, *own)]
        return found, [way for way in ways if way[-1] not in given]

    def _unproven(self, source: str, cells: Mapping[str, Cell], given: frozenset[str]) -> frozenset[str]:
        """Return the modules that only journeys show to suffer, journeys through callers that suffer as declared.

        Such a module may well work, so it explains nobody else's harm.
        """
        row = self.seen.of[source]
        return frozenset(
            name
            for name, cell in cells.items()
            if cell.state == "spread" and name not in given
            if not self.seen.unexplained(row, name, self.seen.suffering_callers(row, name) & given)
        )

    def _own(self, source: str, cells: Mapping[str, Cell], carries: Mapping[str, set[str]]) -> dict[str, Cell]:
        """Return the modules with a KPI that no carrier of the harm explains, each with that KPI's effect."""
        row, found = self.seen.of[source], {}
        for name, cell in cells.items():
            carriers = {module for module, others in carries.items() if name in others}
            if cell.state != "spread" or any(self._fails_by(source, module, name) for module in carriers):
                continue
            left = self.seen.unexplained(row, name, (carriers | self.seen.suffering_callers(row, name)) - {name})
            if left:
                found[name] = replace(cell, effect=most_telling(left.values(), self.seen.business))
        return found

    def _relation(self, module: str, other: str) -> Relation:
        """Return what `other` declares about a fault in `module` alone."""
        return self.seen.declared.relation(frozenset({module}), other)

    def _hurts(self, module: str, other: str, declared: Relation) -> bool:
        """Return whether a fault in `module` hurts `other`, and `other` has this declared relation to it."""
        return self.seen.spreads(module, other) and self._relation(module, other) == declared

    def _carries(self, module: str, other: str) -> bool:
        """Return whether a fault in `module` hurts `other`: as declared, or by an undeclared one-way link."""
        declared = self._relation(module, other) in ("needs", "through")
        return self.seen.spreads(module, other) and (declared or not self.seen.spreads(other, module))

    def _fails_by(self, source: str, module: str, other: str) -> bool:
        """Return whether `other`, which declares to tolerate `module`, may suffer because of it from `source`.

        A fault in `module` itself disproves that if its effect on `other` was too small. The expected effect
        is the effect seen here, scaled by how much less `module` suffered.
        """
        if self._relation(module, other) != "tolerates":
            return False
        here, hit = (
            cell.effect if cell else None for cell in (self.seen.cell(source, other), self.seen.cell(source, module))
        )
        if here is None or hit is None:
            return False
        shown, alone = (self.seen.effect(module, kpi) for kpi in (here.kpi, hit.kpi))
        if shown is None or shown.high is None or alone is None or not (here.low and hit.change and alone.change):
            return False
        return shown.high >= here.low * min(1.0, alone.change / hit.change)

    def _culprit(self, way: tuple[str, ...]) -> tuple[str, str] | None:
        """Return the first undeclared link of a way."""
        for module, other in pairwise(way):
            if self._relation(module, other) in ("tolerates", "none"):
                return module, other
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
