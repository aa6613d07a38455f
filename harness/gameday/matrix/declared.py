"""Who needs, tolerates and so calls whom, as a workload file declares it: pure."""

from __future__ import annotations

from gameday.files.workload import Workload
from gameday.graph import reached
from gameday.matrix.model import Relation


class Declared:
    """Who needs, tolerates and so calls whom, by the workload file; cycles are fine."""

    def __init__(self, workload: Workload) -> None:
        self.workload = workload
        self.modules = tuple(workload.modules)
        self.calls = {name: {*one.needs, *one.tolerates} for name, one in workload.modules.items()}

    def called_from(self, modules: frozenset[str]) -> frozenset[str]:
        """These, and all that they call, directly or through others."""
        return reached(modules, self.calls)

    def callers(self, module: str) -> frozenset[str]:
        """The modules that call this one."""
        return frozenset(name for name, called in self.calls.items() if module in called)

    def relation(self, hit: frozenset[str], module: str) -> Relation:
        """What is declared of a module when others are hit."""
        if module in hit:
            return "hit"
        if module in self.workload.suffers_with(hit):
            return "needs"
        if hit & set(self.workload.modules[module].tolerates):
            return "tolerates"
        return "through" if module in self.called_from(hit) else "none"
