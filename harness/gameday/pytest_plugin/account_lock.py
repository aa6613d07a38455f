"""A lock for each account: suites of this machine, and processes of pytest-xdist, take turns.

A workload's lease would refuse the second run, so a suite waits instead. When the session ends, the plugin undoes the
runs of killed processes. For example, pytest-xdist kills its processes ten seconds after `-x` or Ctrl-C.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext

import pytest

from gameday.cli.output import tell
from gameday.cli.undo import restore_here
from gameday.disk import make_private_folder
from gameday.engine.entries import Run
from gameday.engine.journal import Journal
from gameday.engine.process_lock import Holds
from gameday.engine.sqlite import explained
from gameday.errors import JournalError
from gameday.faults.fault import counted
from gameday.restore.dead_runs import dead_runs
from gameday.run.stop import StopRequest

LOOK = 0.5
"""Seconds between two attempts to take the lock."""


@contextmanager
def in_turn(journal: Journal, account: str, stop: StopRequest) -> Iterator[None]:
    """Hold the account: no other suite of this machine runs an experiment on it meanwhile.

    Raises KeyboardInterrupt if a signal ends this process while it waits, and JournalError.
    """
    folder = journal.folder / "turns"
    with explained(journal.folder):
        make_private_folder(folder)
        holds = Holds(folder)
        if not holds.hold(account):
            print(f"waiting: another pytest process runs an experiment on account {account}")
            while not holds.hold(account):
                if stop.why:
                    raise KeyboardInterrupt(f"{stop.why}; nothing was injected")
                time.sleep(LOOK)
    try:
        yield
    finally:
        holds.let_go(account)


def put_back_since(began: float, config: pytest.Config) -> None:
    """Undo the account runs whose process was killed, and report on all runs since `began` (wall clock)."""
    with past_capturing(config):
        try:
            with closing(Journal.open()) as journal:
                runs = [run for run in journal.runs() if run.place == "aws" and run.started >= began]
                for run in dead_runs(journal):
                    if run in runs and not _is_stuck(run, journal):
                        tell(f"\ngameday: run {run.id} died with its process: undoing its changes")
                        restore_here(run, journal)
                left = sum(any(entry.is_open for entry in journal.entries(run.id)) for run in runs)
                if runs:
                    undone = f"{left} not undone: run `gameday restore`" if left else "all undone"
                    tell(f"\ngameday: {counted(len(runs), 'run')} on the account, {undone}")
        except JournalError as error:
            tell(f"\ngameday: {error}")


def past_capturing(config: pytest.Config) -> AbstractContextManager[None]:
    """Suspend pytest's capturing, so that printed text reaches the terminal."""
    capturing = config.pluginmanager.get_plugin("capturemanager")
    return capturing.global_and_fixture_disabled() if capturing else nullcontext()


def _is_stuck(run: Run, journal: Journal) -> bool:
    """Whether the run's own undo failed: the account needs a person, and another attempt takes long."""
    return any(entry.state == "stuck" for entry in journal.entries(run.id))
