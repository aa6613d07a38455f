"""The input of a redundancy check, and its findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gameday.aws.account import Account
from gameday.aws.inventory import Inventory
from gameday.faults.fault import Fault
from gameday.faults.isolate import IsolateModule
from gameday.faults.throttle import Throttle
from gameday.files.twin_file import TwinFile
from gameday.files.workload import Workload


@dataclass(frozen=True)
class Practice:
    """Hold a best practice of the AWS Well-Architected Framework's Reliability Pillar (its pages rel05-bp03, …)."""

    id: str
    title: str


MANY_PLACES = Practice("REL10-BP01", "Deploy the workload to multiple locations")
BULKHEADS = Practice("REL10-BP03", "Use bulkhead architectures to limit scope of impact")
FAIL_OVER = Practice("REL11-BP02", "Fail over to healthy resources")
STATIC = Practice("REL11-BP05", "Use static stability to prevent bimodal behavior")
RETRIES = Practice("REL05-BP03", "Control and limit retry calls")
TIMEOUTS = Practice("REL05-BP05", "Set client timeouts")


@dataclass(frozen=True)
class CheckContext:
    """Hold one region of a workload. Checks only read it."""

    workload: Workload
    twin: TwinFile | None
    region: str
    inventory: Inventory
    account: Account
    now: float  # seconds since the epoch

    def knows(self, module: str, other: str) -> bool:
        """Return whether a module is another, or declares it, directly or through the modules that it declares."""
        seen, todo = set[str](), [module]
        while todo:
            name = todo.pop()
            if name not in seen:
                seen.add(name)
                declared = self.workload.modules.get(name)
                todo += (*declared.needs, *declared.tolerates) if declared else ()
        return other in seen

    def fault_on(self, module: str) -> Fault:
        """Return the fault that takes a module away: isolation if it has instances, else throttling."""
        on_twin = self.twin.modules.get(module) if self.twin else None
        if on_twin.instances if on_twin else any(instance.module == module for instance in self.inventory.instances):
            return IsolateModule(module=module)
        return Throttle(module=module, to=0)


@dataclass(frozen=True)
class Finding:
    """Hold a weakness that the account, or the twin file, shows without any fault."""

    resource: str
    modules: tuple[str, ...]  # which have the weakness; the experiment claims their KPIs
    what: str
    fault: Fault  # proves the weakness
    hypothesis: str  # of the experiment with that fault
    claims: tuple[str, ...] = ()  # KPIs; if empty, the KPIs of the modules
    heals: bool = False  # the experiment claims recovery while the fault lasts, not steady state all the time


@dataclass(frozen=True)
class NotJudged:
    """Hold why a check cannot judge something, where that is no error."""

    why: str


@dataclass(frozen=True)
class Check:
    """Hold one kind of finding: its stable id, its practice, why it matters, and the function that finds it."""

    id: str
    name: str
    practice: Practice
    why: str
    look: Callable[[CheckContext], Iterator[Finding | NotJudged]]  # reads only; raises AwsError
