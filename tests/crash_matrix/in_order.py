"""Two faults in order: the second begins later, and one of them ends while the other stays; a run dies at any step."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gameday.aws.account import Account
from gameday.change import PlannedFault, SettingChange
from gameday.engine.apply import apply
from gameday.engine.calls import CallSender
from gameday.engine.journal import Journal
from gameday.engine.undo import Undo, undo
from gameday.errors import GamedayError
from gameday.events import ChangeClosed

from tests.crash_matrix.scenario import WORKLOAD, Bench
from tests.crash_matrix.shapes import SHAPES
from tests.crash_matrix.stand import ACCOUNT, MEMORY
from tests.doubles.runs import Planned
from tests.doubles.shop import Shop


class BenchInOrder(Bench):
    """A world on which a run injects two faults in order, ends fault number `ends` first, and then the other."""

    def __init__(self, names: tuple[str, str], ends: int, shop: Shop, folder: Path) -> None:
        self.names = names
        self.ends = ends
        super().__init__(f"{names[0]}, then {names[1]}, {ends} ends first", shop, folder)

    def _plan(self) -> None:
        self.faults: list[PlannedFault] = [SHAPES[name].planned_fault(self.shop) for name in self.names]
        first, second = self.faults
        self.planned_fault = first.model_copy(update={"stages": (*first.stages, *second.stages)})
        self.hit = self.planned_fault.irreversible_actions
        changes = enumerate(self.planned_fault.changes)
        self.turned = {n: change for n, change in changes if isinstance(change, SettingChange)}

    def _runs(
        self, run: str, account: Account, journal: Journal, undo_begins: Callable[[], None] = lambda: None
    ) -> list[ChangeClosed]:
        journal.begin(run, Planned(account=ACCOUNT), pid=1)
        journal.take(run, WORKLOAD, ACCOUNT, "aws")
        self.apply_failed = None
        positions = (0, len(self.faults[0].changes))
        try:
            for fault, first in zip(self.faults, positions, strict=True):
                apply(fault.stages, first, run, account, journal, self.clock, lambda _: None)
                self.clock.sleep(60.0)
        except GamedayError as error:
            self.apply_failed = error
        undo_begins()
        wire = CallSender(run, "undo", account, self.clock, lambda _: None)
        settled = Undo(wire, journal, of=positions[self.ends]).work()
        settled += undo(run, account, journal, self.clock, lambda _: None)
        journal.end(run)
        return settled


@contextmanager
def bench_in_order(first: str, second: str, ends: int) -> Iterator[BenchInOrder]:
    """Two shapes that fit one world, on a world and a journal of their own."""
    folder = Path(tempfile.mkdtemp(dir=MEMORY))
    try:
        with SHAPES[first].world() as shop:
            yield BenchInOrder((first, second), ends, shop, folder)
    finally:
        shutil.rmtree(folder)
