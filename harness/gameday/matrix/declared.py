"""The dependencies that a workload file declares: which modules need, tolerate and call which; pure."""

from __future__ import annotations

from gameday.files.workload import Workload
from gameday.graph import reached
from gameday.matrix.model import Relation


class Declared:
    """The declared dependencies of a workload's modules; they may hold cycles."""

    def __init__(self, workload: Workload) -> None:
        self.workload = workload
        self.modules = tuple(workload.modules)
        self.calls = {name: {*module.needs, *module.tolerates} for name, module in workload.modules.items()}

    def called_from(self, modules: frozenset[str]) -> frozenset[str]:
        """Return these modules, and all that they call, directly or through others."""
        return reached(modules, self.calls)

    def callers(self, module: str) -> frozenset[str]:
        """Return the modules that call this module."""
        return frozenset(name for name, called in self.calls.items() if module in called)

    def relation(self, hit: frozenset[str], module: str) -> Relation:
        """Return what a module declares about the modules that a fault hits."""
        if module in hit:
            return "hit"
        if module in self.workload.suffers_with(hit):
            return "needs"
        if hit & set(self.workload.modules[module].tolerates):
            return "tolerates"
        return "through" if module in self.called_from(hit) else "none"
