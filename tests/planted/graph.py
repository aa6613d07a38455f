"""Random graphs of modules and calls that are as they declare: calls have timeouts, optional ones fallbacks."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import Literal

Kind = Literal["instances", "function", "table"]

OWN = 0.15
"""Seconds within which a module has done its own work, but for one request in many thousands."""
ZONES = 3
RATE = 20
"""Customers a second at each front."""


@dataclass(frozen=True)
class Link:
    """A call from one module to another, as it is played; and what the workload file says of it."""

    caller: str
    callee: str
    says: Literal["needs", "tolerates", "nothing"]
    waits: float = 1.0  # times as long as the callee takes at most; infinite: there is no timeout
    retries: int = 0
    backoff: float = 0.05
    fallback: bool = False
    only: tuple[str, ...] = ()


@dataclass
class Graph:
    """Modules in the order in which they may call each other, and their calls."""

    kinds: dict[str, Kind]
    fronts: tuple[str, ...]  # that customers enter
    links: list[Link]
    minor: dict[str, float]  # front → the share of its customers on the rarer of its two journeys
    slots: dict[str, int] = field(default_factory=dict)  # of an instance, where not plenty
    scarce: frozenset[str] = frozenset()  # tables with little to spare

    def out(self, module: str) -> list[Link]:
        """Its calls, in order."""
        return [one for one in self.links if one.caller == module]

    def into(self, module: str) -> list[Link]:
        """The calls to it."""
        return [one for one in self.links if one.callee == module]

    def needed_by(self, module: str) -> set[str]:
        """Itself and all that declare to need it, through others as well."""
        found = {module}
        while more := {one.caller for one in self.links if one.says == "needs" and one.callee in found} - found:
            found |= more
        return found

    def below(self, module: str) -> set[str]:
        """Itself and all that it calls, through others as well."""
        found = {module}
        while more := {one.callee for one in self.links if one.caller in found} - found:
            found |= more
        return found

    def journeys(self, front: str) -> dict[str, float]:
        """Its two journeys: their share of its customers."""
        return {f"{front}-major": 1 - self.minor[front], f"{front}-minor": self.minor[front]}

    def load(self, failing: frozenset[str] = frozenset()) -> dict[str, dict[str, float]]:
        """Module → journey → requests for each customer of the journey, retries apart.

        Where a module that a caller cannot do without is `failing`, the caller gives up: what it would call next, it
        does not.
        """
        found: dict[str, dict[str, float]] = {
            name: dict.fromkeys(self.journeys(name), 1.0) if name in self.fronts else {} for name in self.kinds
        }
        for name in self.kinds:  # callers stand before what they call
            goes_on = dict(found[name])
            for link in self.out(name):
                for journey in [one for one in goes_on if not link.only or one in link.only]:
                    each = goes_on[journey]
                    found[link.callee][journey] = found[link.callee].get(journey, 0.0) + each
                    if link.callee in failing and not link.fallback:
                        del goes_on[journey]
        return found

    def budget(self, module: str) -> float:
        """Seconds within which the module answers or has given up: what a caller should wait, and no less."""
        return 1.1 * (OWN + sum(self.budget(one.callee) for one in self.out(module)))

    def rate(self, module: str) -> float:
        """Requests a second that reach it when nothing fails."""
        shares = {name: share for front in self.fronts for name, share in self.journeys(front).items()}
        return RATE * sum(shares[name] * each for name, each in self.load()[module].items())

    def swap(self, old: Link, new: Link) -> None:
        """Another link in the place of one."""
        self.links[self.links.index(old)] = new


def random_graph(rng: random.Random, size: int) -> Graph:
    """A graph of so many modules, at least five; each is called by somebody."""
    fronts, stores = max(2, round(size / 5)), max(2, round(size * 0.4))
    middle = size - fronts - stores
    names = [f"front-{i}" for i in range(fronts)] + [f"service-{i}" for i in range(middle)]
    names += [f"store-{i}" for i in range(stores)]
    kinds: dict[str, Kind] = dict.fromkeys(names[:fronts], "instances")
    kinds |= {name: rng.choice(("instances", "instances", "function")) for name in names[fronts : fronts + middle]}
    # Both kinds stand among the stores, whatever the draw.
    kinds |= {
        name: ("table", "function")[(number + rng.random() > 0.7) % 2] for number, name in enumerate(names[-stores:])
    }
    graph = Graph(kinds, tuple(names[:fronts]), [], {one: rng.choice(MINOR) for one in names[:fronts]})
    for number, name in enumerate(names[: fronts + middle]):
        later = names[max(fronts, number + 1) :]
        for callee in rng.sample(later, min(len(later), rng.randint(1, 2))):
            graph.links.append(_link(rng, graph, name, callee))
    for number, name in enumerate(names):
        if number >= fronts and not graph.into(name):
            callers = names[: min(number, fronts + middle)]
            graph.links.append(_link(rng, graph, rng.choice(callers), name))
    return graph


MINOR = (0.015, 0.03, 0.06, 0.12, 0.25, 0.5)
"""Shares of a front's rarer journey: so small may the effect of a dependency be that only this journey has."""


def _link(rng: random.Random, graph: Graph, caller: str, callee: str) -> Link:
    retries = 0 if graph.kinds[callee] == "instances" else rng.randint(0, 1)
    if rng.random() < 0.35:
        return Link(caller, callee, "tolerates", fallback=True)
    return Link(caller, callee, "needs", retries=retries)


def cure(link: Link) -> Link:
    """The call as it should be: it gives up in time, and goes on without an answer."""
    return replace(link, waits=1.0, retries=0, fallback=True)
