"""What a redundancy check looks at, and what it answers with."""

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
    """A best practice of the AWS Well-Architected Framework's Reliability Pillar (its pages rel05-bp03, …)."""

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
    """One region of a workload, to be read only."""

    workload: Workload
    twin: TwinFile | None
    region: str
    inventory: Inventory
    account: Account
    now: float  # seconds since the epoch

    def knows(self, module: str, other: str) -> bool:
        """Whether a module declares another one, itself or through those that it needs; or is that one."""
        seen, todo = set[str](), [module]
        while todo:
            name = todo.pop()
            if name not in seen:
                seen.add(name)
                declared = self.workload.modules.get(name)
                todo += (*declared.needs, *declared.tolerates) if declared else ()
        return other in seen

    def fault_on(self, module: str) -> Fault:
        """The fault that takes a module away: isolated where it has instances, throttled where it has none."""
        on_twin = self.twin.modules.get(module) if self.twin else None
        if on_twin.instances if on_twin else any(one.module == module for one in self.inventory.instances):
            return IsolateModule(module=module)
        return Throttle(module=module, to=0)


@dataclass(frozen=True)
class Finding:
    """A weakness that the account, or the twin file, shows without any fault."""

    resource: str
    modules: tuple[str, ...]  # those it concerns; whose KPIs the experiment claims
    what: str
    fault: Fault  # what would prove it
    hypothesis: str  # what that experiment claims
    claims: tuple[str, ...] = ()  # KPIs; none: those of the modules
    heals: bool = False  # the claim is to be back in time while the fault lasts, not to stay steady all the time


@dataclass(frozen=True)
class NotJudged:
    """What a check cannot judge, and why that is no error."""

    why: str


@dataclass(frozen=True)
class Check:
    """One kind of finding: its stable id, the practice it belongs to, why it matters, and how it looks."""

    id: str
    name: str
    practice: Practice
    why: str
    look: Callable[[CheckContext], Iterator[Finding | NotJudged]]  # reads only; raises AwsError
