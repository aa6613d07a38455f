"""Runs to put in a journal, and to play on a shelf."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from gameday.aws.account import Account
from gameday.change import PlannedFault
from gameday.engine.apply import apply
from gameday.engine.journal import Journal
from gameday.engine.sqlite import sealed
from gameday.engine.undo import undo
from gameday.events import Called, ChangeClosed, Event
from gameday.steady_state.clock import TestClock

from tests.doubles.shelf import REGION, Shelf

RUN = "run-1"
ACCOUNT = "111122223333"


@dataclass(frozen=True)
class Planned:
    place: str = "aws"
    workload: Any = field(default_factory=lambda: SimpleNamespace(name="shop"))
    account: str = ACCOUNT
    region: str = REGION

    def model_dump_json(self, *, by_alias: bool | None = None) -> str:
        return '{"plan": true}'


def begun(folder: Path, run: str = RUN, place: str = "aws") -> Journal:
    """A journal with a run that has begun."""
    journal = Journal.open(folder / "state")
    journal.begin(run, Planned(place), pid=1)
    return journal


def rewrite(journal: Journal, table: str = "entries", **values: object) -> None:
    """Change columns of every row as another version would have written them: with a checksum that fits."""
    names = [name for _, name, *_ in journal._db.execute(f"PRAGMA table_info({table})")]
    for row in journal._db.execute(f"SELECT * FROM {table}").fetchall():
        plain = dict(zip(names, row, strict=True)) | values
        del plain["checksum"]
        marks = ",".join("?" * len(names))
        journal._db.execute(
            f"INSERT OR REPLACE INTO {table} VALUES ({marks})", (*plain.values(), sealed(plain.values()))
        )


class Scene:
    """A run on a shelf, with a clock of its own."""

    def __init__(self, folder: Path, shelf: Account | None = None) -> None:
        self.folder = folder
        self.shelf: Any = shelf or Shelf()
        self.clock = TestClock(1_000_000.0)
        self.journal = begun(folder)
        self.emitted: list[Event] = []

    def apply(self, planned_fault: PlannedFault, account: Account | None = None) -> None:
        apply(planned_fault.stages, 0, RUN, account or self.shelf, self.journal, self.clock, self.emitted.append)

    def undo(self, account: Account | None = None, patience: float = 900.0) -> list[ChangeClosed]:
        on = account or self.shelf
        return undo(RUN, on, self.journal, self.clock, self.emitted.append, patience=patience)

    def another_process(self) -> None:
        """The process dies, and another one opens the journal."""
        self.journal.close()
        self.journal = Journal.open(self.folder / "state")

    def states(self) -> dict[int, str]:
        return {row.position: row.state for row in self.journal.entries(RUN)}

    def called(self, phase: str) -> list[Called]:
        return [event for event in self.emitted if isinstance(event, Called) and event.phase == phase]
