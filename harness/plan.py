"""What a run will do, resolved against the account by reading only."""

from __future__ import annotations

from harness.account.change import Frozen, Injection
from harness.spec.experiment import Experiment
from harness.spec.workload import Workload


class Plan(Frozen):
    """What will be called, what undoes it, who is expected to suffer, and why it would not be injected."""

    version: int = 1
    experiment: Experiment
    workload: Workload
    place: str  # "twin" or "aws"
    account: str
    region: str
    injections: tuple[Injection, ...]
    hit: tuple[str, ...]  # modules that the faults strike
    may_suffer: tuple[str, ...]  # those, and all that need them
    contained: tuple[str, ...]  # everything else: must not suffer
    refusals: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
