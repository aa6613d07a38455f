"""Plays an experiment for a test: on the twin, or on an account where the command line says so."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.account.journal import Journal
from harness.commands import wish_of
from harness.record import Record
from harness.report.junit import properties_of
from harness.report.progress import PlainProgress
from harness.report.write import write_reports
from harness.spec.loaded import LoadedExperiment
from harness.stop import Stop
from harness.suite import Refusal, Suite
from harness.suites.play import Play
from harness.suites.signals import undo_on_signals

PREFIX = "gameday."
"""Of the names of properties, in JUnit and between the processes of pytest-xdist."""


@dataclass(frozen=True)
class Orders:
    """What pytest's command line says of runs."""

    place: str
    reports: Path | None


def orders(config: pytest.Config) -> Orders:
    """Where runs play, and where their reports go."""
    reports = config.getoption("--gameday-reports")
    return Orders(config.getoption("--gameday-on"), config.invocation_params.dir / reports if reports else None)


def play(loaded: LoadedExperiment, said: Orders, nodeid: str, seed: int = 0) -> Record | Refusal:
    """Run an experiment to its end; what happens is printed as it happens, for pytest to capture. Raises GamedayError.

    Ctrl-C and SIGTERM undo first, and then end the session (KeyboardInterrupt).
    """
    stop = Stop()
    with closing(Journal.open()) as journal, _undoing_first(stop):
        player = Play(
            journal,
            [PlainProgress(sys.stdout)],
            stop=stop,
            command=f"pytest '{nodeid}'",
            files=(str(loaded.path),),
        )
        entry = player.experiment(wish_of(loaded, said.place, seed, production=False))
    if stop.is_signal:
        raise KeyboardInterrupt(stop.why)
    if said.reports and isinstance(entry, Record):
        write_reports(said.reports / _folder(nodeid), Suite(entry.name, entry.started, (entry,)))
    return entry


@contextmanager
def _undoing_first(stop: Stop) -> Iterator[None]:
    """Signals ask for the undo; only the main thread may hear them (Python docs, "Signals and threads")."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    with undo_on_signals(stop):
        yield


def properties(entry: Record | Refusal) -> list[tuple[str, object]]:
    """What a test's report carries of a run: to JUnit, and to the summary."""
    refused = {"verdict": "refused", "account": "untouched"}
    found = properties_of(entry) if isinstance(entry, Record) else refused
    return [(f"{PREFIX}{key}", value) for key, value in [("experiment", entry.name), *found.items()]]


def _folder(nodeid: str) -> str:
    return "".join(one if one.isalnum() or one in "-_." else "-" for one in nodeid)
