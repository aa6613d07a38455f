"""Gameday's side of the black-hole benchmark: plan, apply, undo, with the journal, in one process."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

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
from gameday.steady_state.clock import WallClock


class Counting(WallClock):
    """The wall, noting what is slept on purpose: from when to when."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[tuple[float, float]] = []

    def sleep(self, seconds: float) -> None:
        began = time.time()
        super().sleep(seconds)
        self.slept.append((began, time.time()))


class Planned:
    """What the journal keeps of a plan."""

    def __init__(self, account: str) -> None:
        self.account, self.region, self.place = account, "us-east-1", "aws"
        self.workload = type("Named", (), {"name": "bench"})()

    def model_dump_json(self, *, by_alias: bool | None = None) -> str:
        return "{}"


def main() -> None:
    aws = open_account().allowing(AnyCall())
    inventory = Inventory(aws, ArnPlace("aws", "us-east-1", "123456789012"), Ownership({"app": "bench"}), {})
    look = FaultContext(aws, "us-east-1", inventory, ())
    planned_fault = AzBlackhole(zone="us-east-1a").inject(look)
    journal = Journal.open(Path(sys.argv[1]))
    clock = Counting()
    journal.begin("bench", Planned("123456789012"), 0)
    began = time.time()
    apply(planned_fault.stages, 0, "bench", aws, journal, clock, lambda _: None)
    applied = time.time()
    settled = undo("bench", aws, journal, clock, lambda _: None)
    assert {one.state for one in settled} == {"restored"}, settled
    print(json.dumps({"slept": clock.slept, "apply": applied - began, "undo": time.time() - applied}))


if __name__ == "__main__":
    main()
