"""Random graphs of modules without hidden dependencies: calls have timeouts, and optional calls have fallbacks."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import Literal

Kind = Literal["instances", "function", "table"]

OWN = 0.15
"""Seconds within which a module does its own work, except for a request in many thousands."""
ZONES = 3
RATE = 20
"""Customers a second at each front."""


@dataclass(frozen=True)
class Link:
    """A call from a module to another on the twin, and its declaration in the workload file."""

    caller: str
    callee: str
    says: Literal["needs", "tolerates", "nothing"]
    waits: float = 1.0  # the timeout, in multiples of the callee's longest time; infinite: no timeout
    retries: int = 0
    backoff: float = 0.05
    fallback: bool = False
    only: tuple[str, ...] = ()


@dataclass
class Graph:
    """Modules, in an order in which earlier ones call later ones, and their calls."""

    kinds: dict[str, Kind]
    fronts: tuple[str, ...]  # where customers enter
    links: list[Link]
    minor: dict[str, float]  # front → the share of its customers on the rarer of its two journeys
    slots: dict[str, int] = field(default_factory=dict)  # of an instance, where not plenty
    scarce: frozenset[str] = frozenset()  # tables with little to spare

    def out(self, module: str) -> list[Link]:
        """List a module's calls, in order."""
        return [link for link in self.links if link.caller == module]

    def into(self, module: str) -> list[Link]:
        """List the calls to a module."""
        return [link for link in self.links if link.callee == module]

    def needed_by(self, module: str) -> set[str]:
        """Find a module and all modules that declare to need it, directly or through others."""
        modules = {module}
        while more := {link.caller for link in self.links if link.says == "needs" and link.callee in modules} - modules:
            modules |= more
        return modules

    def below(self, module: str) -> set[str]:
        """Find a module and all modules that it calls, directly or through others."""
        modules = {module}
        while more := {link.callee for link in self.links if link.caller in modules} - modules:
            modules |= more
        return modules

    def journeys(self, front: str) -> dict[str, float]:
        """Map a front's two journeys to their shares of its customers."""
        return {f"{front}-major": 1 - self.minor[front], f"{front}-minor": self.minor[front]}

    def load(self, failing: frozenset[str] = frozenset()) -> dict[str, dict[str, float]]:
        """Compute module → journey → requests for each customer of the journey, without retries.

        A caller gives up where a call without a fallback goes to a `failing` module, and makes no further calls.
        """
        found: dict[str, dict[str, float]] = {
            name: dict.fromkeys(self.journeys(name), 1.0) if name in self.fronts else {} for name in self.kinds
        }
        for name in self.kinds:  # callers come before their callees
            goes_on = dict(found[name])
            for link in self.out(name):
                for journey in [journey for journey in goes_on if not link.only or journey in link.only]:
                    each = goes_on[journey]
                    found[link.callee][journey] = found[link.callee].get(journey, 0.0) + each
                    if link.callee in failing and not link.fallback:
                        del goes_on[journey]
        return found

    def budget(self, module: str) -> float:
        """Compute the seconds within which a module answers or gives up: the least timeout of its callers."""
        return 1.1 * (OWN + sum(self.budget(link.callee) for link in self.out(module)))

    def rate(self, module: str) -> float:
        """Compute the requests a second that reach a module when nothing fails."""
        shares = {name: share for front in self.fronts for name, share in self.journeys(front).items()}
        return RATE * sum(shares[name] * share for name, share in self.load()[module].items())

    def swap(self, old: Link, new: Link) -> None:
        """Replace a link."""
        self.links[self.links.index(old)] = new


def random_graph(rng: random.Random, size: int) -> Graph:
    """Draw a graph of `size` modules, at least five, in which customers or modules call every module."""
    fronts, stores = max(2, round(size / 5)), max(2, round(size * 0.4))
    middle = size - fronts - stores
    names = [f"front-{i}" for i in range(fronts)] + [f"service-{i}" for i in range(middle)]
    names += [f"store-{i}" for i in range(stores)]
    kinds: dict[str, Kind] = dict.fromkeys(names[:fronts], "instances")
    kinds |= {name: rng.choice(("instances", "instances", "function")) for name in names[fronts : fronts + middle]}
    # The stores have both kinds in every draw.
    kinds |= {
        name: ("table", "function")[(number + rng.random() > 0.7) % 2] for number, name in enumerate(names[-stores:])
    }
    graph = Graph(kinds, tuple(names[:fronts]), [], {name: rng.choice(MINOR) for name in names[:fronts]})
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
"""Shares of a front's rarer journey. A dependency of that journey alone has an effect as small as this share."""


def _link(rng: random.Random, graph: Graph, caller: str, callee: str) -> Link:
    retries = 0 if graph.kinds[callee] == "instances" else rng.randint(0, 1)
    if rng.random() < 0.35:
        return Link(caller, callee, "tolerates", fallback=True)
    return Link(caller, callee, "needs", retries=retries)


def cure(link: Link) -> Link:
    """Cure a call: it gives up in time, and goes on without an answer."""
    return replace(link, waits=1.0, retries=0, fallback=True)
