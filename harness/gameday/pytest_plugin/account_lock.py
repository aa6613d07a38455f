"""Suites take turns on an account: the processes of pytest-xdist, and other suites of this machine.

A workload's lease would refuse the second run. A suite rather waits; and what a process left behind that was killed in
mid-run, as pytest-xdist kills its own ten seconds after `-x` or Ctrl-C, is put back when the session ends.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext

import pytest

from gameday.cli.run import tell
from gameday.cli.undo import restore_here
from gameday.engine.entries import Run
from gameday.engine.journal import Journal
from gameday.engine.process_lock import Holds
from gameday.engine.sqlite import explained
from gameday.errors import JournalError
from gameday.faults.fault import counted
from gameday.restore.dead_runs import dead_runs
from gameday.run.stop import StopRequest

LOOK = 0.5
"""Seconds between two looks at whether it is our turn."""


@contextmanager
def in_turn(journal: Journal, account: str, stop: StopRequest) -> Iterator[None]:
    """While this lasts no other suite of this machine runs an experiment on the account.

    Raises KeyboardInterrupt where this process is told to end while it waits, and JournalError.
    """
    folder = journal.folder / "turns"
    with explained(journal.folder):
        folder.mkdir(exist_ok=True)
        changes = Holds(folder)
        if not changes.hold(account):
            print(f"waiting: another process of pytest runs an experiment on account {account}")
            while not changes.hold(account):
                if stop.why:
                    raise KeyboardInterrupt(f"{stop.why}; nothing was injected")
                time.sleep(LOOK)
    try:
        yield
    finally:
        changes.let_go(account)


def put_back_since(began: float, config: pytest.Config) -> None:
    """Tell what became of account runs begun since then (by the wall); those whose process was killed are undone."""
    with past_capturing(config):
        try:
            with closing(Journal.open()) as journal:
                runs = [run for run in journal.runs() if run.place == "aws" and run.started >= began]
                for run in dead_runs(journal):
                    if run in runs and not _is_stuck(run, journal):
                        tell(f"\ngameday: run {run.id} died with its process: putting back what it changed")
                        restore_here(run, journal)
                left = sum(any(row.is_open for row in journal.entries(run.id)) for run in runs)
                if runs:
                    undone = f"{left} not undone: gameday restore" if left else "all undone"
                    tell(f"\ngameday: {counted(len(runs), 'run')} on the account, {undone}")
        except JournalError as error:
            tell(f"\ngameday: {error}")


def past_capturing(config: pytest.Config) -> AbstractContextManager[None]:
    """While this lasts, what is printed reaches the terminal."""
    capturing = config.pluginmanager.get_plugin("capturemanager")
    return capturing.global_and_fixture_disabled() if capturing else nullcontext()


def _is_stuck(run: Run, journal: Journal) -> bool:
    """Whether the run itself has tried in vain: a person is needed, and trying again takes long."""
    return any(row.state == "stuck" for row in journal.entries(run.id))
