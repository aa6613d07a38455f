"""Processes that die: at a call to AWS or at a write of the journal, before it or after its effect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from gameday.aws.account import Account
from gameday.change import Call, Json
from gameday.engine.entries import CallOutcome, End, Entry
from gameday.engine.journal import Journal, Planned
from gameday.testing.wrapper import Wrapped

When = Literal["before", "after"]


class Killed(BaseException):
    """The process was ended, as by kill -9."""


class Life:
    """A process's life in steps; it ends at step number `at` (from 0), just before the step or just after its effect.

    `steps` lists what came in, so that a life without `at` says where there is to die.
    """

    def __init__(self, at: int | None = None, when: When = "before") -> None:
        self.at = at
        self.when = when
        self.steps: list[str] = []

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """One step; raises Killed from its hour on."""
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

    `calls` lists what came in.
    """

    def __init__(
        self, account: Account, at: int | None = None, when: When = "before", life: Life | None = None
    ) -> None:
        super().__init__(account)
        self.life = life or Life(at, when)
        self.calls: list[Call] = []

    def one(self, call: Call, region: str, paged: bool) -> Json:
        """One call's answer; raises AwsError, and Killed from its hour on."""
        self.calls.append(call)
        with self.life.step(str(call)):
            return super().one(call, region, paged)


class DyingJournal(Journal):
    """A journal whose process dies at one of its writes; a torn commit is as if it had never been (SQLite's WAL)."""

    life: Life

    @classmethod
    def of(cls, folder: Path, life: Life) -> DyingJournal:
        """The journal of a process with this life."""
        journal = cls.open(folder)
        assert isinstance(journal, cls)  # noqa: S101 - `open` makes what it is asked of
        journal.life = life
        return journal

    def begin(self, run: str, plan: Planned, pid: int) -> None:
        """Note a run."""
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
        """Note what became of calls."""
        with self.life.step("journal.answer"):
            super().answer(run, outcomes)

    def settle(self, run: str, ends: Mapping[int, tuple[End, str]]) -> None:
        """Note what became of rows."""
        with self.life.step("journal.settle"):
            super().settle(run, ends)

    def end(self, run: str, note: str = "") -> bool:
        """Close a run."""
        with self.life.step("journal.end"):
            return super().end(run, note)
