"""A black hole over 50 subnets, applied and undone, with the time that the journal takes told apart.

python -m tests.benchmarks.durable_ours HOME local|store
"""

from __future__ import annotations

import json
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from gameday.aws.account import AnyCall
from gameday.aws.arns import ArnPlace
from gameday.aws.client import open_account
from gameday.aws.inventory import Inventory
from gameday.aws.resources import Ownership
from gameday.engine.apply import apply
from gameday.engine.journal import Journal
from gameday.engine.undo import undo
from gameday.faults.blackhole import AzBlackhole
from gameday.faults.fault import FaultContext
from gameday.store.opening import open_store
from gameday.store.team import TeamStore

from tests.benchmarks.blackhole_ours import Counting, Planned

ACCOUNT = "123456789012"


class Timed(Journal):
    """A journal that notes how long each of its commits took: the method, what it wrote, and the seconds."""

    took: list[tuple[str, int, float]]

    def _timed(self, name: str, *args: Any) -> None:
        began = time.perf_counter()
        getattr(super(), name)(*args)
        self.took.append((name, len(args[-1]), time.perf_counter() - began))

    def intend(self, *args: Any) -> None:
        self._timed("intend", *args)

    def answer(self, *args: Any) -> None:
        self._timed("answer", *args)

    def settle(self, *args: Any) -> None:
        self._timed("settle", *args)


def main() -> None:
    aws = open_account().allowing(AnyCall())
    inventory = Inventory(aws, ArnPlace("aws", "us-east-1", "123456789012"), Ownership({"app": "bench"}), {})
    planned_fault = AzBlackhole(zone="us-east-1a").inject(FaultContext(aws, "us-east-1", inventory, ()))
    journal, clock = Timed.open(Path(sys.argv[1])), Counting()
    journal.took = []
    journal.begin("bench", Planned(ACCOUNT), 0)
    with open_store("s3://ledger/bench", "us-east-1") if sys.argv[2] == "store" else nullcontext() as objects:
        team = TeamStore(objects, "bench", ACCOUNT) if objects else None
        with journal.shared_with(team):
            journal.take("bench", "bench", ACCOUNT, "aws")
            began = time.perf_counter()
            apply(planned_fault.stages, 0, "bench", aws, journal, clock, lambda _: None)
            applied = time.perf_counter()
            undo("bench", aws, journal, clock, lambda _: None)
            took = time.perf_counter() - began
            journal.end("bench")
    slept = sum(end - start for start, end in clock.slept)
    print(json.dumps({"took": journal.took, "apply": applied - began, "wall": took - slept}))


if __name__ == "__main__":
    main()
