"""Crashes of the process: at a call to AWS or a write of the journal, before or after its effect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from gameday.aws.account import Account
from gameday.change import Call, Json
from gameday.engine.entries import CallOutcome, End, Entry
from gameday.engine.journal import Journal
from gameday.engine.partners import Planned
from gameday.testing.wrapper import Wrapped

When = Literal["before", "after"]


class Killed(BaseException):
    """The process ended, as by kill -9."""


class Life:
    """A process's life in steps: it ends at step number `at` (from 0), just before the step or just after its effect.

    `steps` lists the steps, so that a life without `at` shows where a process can die.
    """

    def __init__(self, at: int | None = None, when: When = "before") -> None:
        self.at = at
        self.when = when
        self.steps: list[str] = []

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Make a step; raises Killed from step `at` on."""
        number = len(self.steps)
        self.steps.append(name)
        if self.at is not None and (number > self.at or (number == self.at and self.when == "before")):
            raise Killed
        try:
            yield
        finally:
            if number == self.at:
                raise Killed


class DyingAccount(Wrapped):
    """An account whose process dies at call number `at`, or in the `life` that it shares with a journal.

    `calls` lists the calls that it received.
    """

    def __init__(
        self, account: Account, at: int | None = None, when: When = "before", life: Life | None = None
    ) -> None:
        super().__init__(account)
        self.life = life or Life(at, when)
        self.calls: list[Call] = []

    def answer(self, call: Call, region: str, paged: bool) -> Json:
        """Make a call; raises AwsError, and Killed from call `at` on."""
        self.calls.append(call)
        with self.life.step(str(call)):
            return super().answer(call, region, paged)


class DyingJournal(Journal):
    """A journal whose process dies at one of its writes. SQLite drops a torn commit."""

    life: Life

    @classmethod
    def of(cls, folder: Path, life: Life) -> DyingJournal:
        """Open the journal of a process with this life."""
        journal = cls.open(folder)
        assert isinstance(journal, cls)  # noqa: S101 - `open` returns its own class
        journal.life = life
        return journal

    def begin(self, run: str, plan: Planned, pid: int) -> None:
        """Record a run."""
        with self.life.step("journal.begin"):
            super().begin(run, plan, pid)

    def take(self, run: str, workload: str, account: str, place: str) -> None:
        """Take a workload."""
        with self.life.step("journal.take"):
            super().take(run, workload, account, place)

    def intend(self, run: str, entries: Sequence[Entry]) -> None:
        """Write intents."""
        with self.life.step("journal.intend"):
            super().intend(run, entries)

    def answer(self, run: str, outcomes: Mapping[int, CallOutcome]) -> None:
        """Record the outcomes of calls."""
        with self.life.step("journal.answer"):
            super().answer(run, outcomes)

    def settle(self, run: str, ends: Mapping[int, tuple[End, str]]) -> None:
        """Record the ends of entries."""
        with self.life.step("journal.settle"):
            super().settle(run, ends)

    def end(self, run: str, note: str = "") -> bool:
        """Close a run."""
        with self.life.step("journal.end"):
            return super().end(run, note)
