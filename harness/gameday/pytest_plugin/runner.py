"""Plays an experiment for a test: on the twin, or on an account where the command line says so."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import pytest

from gameday.cli.run import request_of
from gameday.engine.journal import Journal
from gameday.events import Event
from gameday.faults.fault import counted
from gameday.files.loaded import LoadedExperiment
from gameday.plan.plan import Plan
from gameday.pytest_plugin.account_lock import in_turn, past_capturing
from gameday.records.record import Record
from gameday.records.suite import Refusal, Suite
from gameday.report import phrases
from gameday.report.junit import properties_of
from gameday.report.progress import PlainProgress
from gameday.report.write import write_reports
from gameday.run.experiment import ExperimentRunner
from gameday.run.signals import undo_on_signals
from gameday.run.stop import StopRequest

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


def play(loaded: LoadedExperiment, config: pytest.Config, nodeid: str, seed: int = 0) -> Record | Refusal:
    """Run an experiment to its end; what happens is printed as it happens, for pytest to capture. Raises GamedayError.

    On an account suites take turns. Ctrl-C and SIGTERM undo first, and then end the session (KeyboardInterrupt).
    """
    said, stop, heard = orders(config), StopRequest(), _Heard(config)
    with closing(Journal.open()) as journal, _undoing_first(stop):
        player = ExperimentRunner(
            journal,
            [PlainProgress(sys.stdout), heard],
            stop=stop,
            command=f"pytest '{nodeid}'",
            files=(str(loaded.path),),
        )
        change = in_turn(journal, loaded.workload.account, stop) if said.place == "aws" else nullcontext()
        try:
            with change:
                entry = player.experiment(request_of(loaded, said.place, seed, production=False))
        except pytest.fail.Exception as error:  # the time limit of pytest-timeout
            raise pytest.fail.Exception(f"{error}\n{heard.left(journal)}", pytrace=False) from None
        except BaseException:
            if heard.run:
                print(heard.left(journal))
            raise
    if stop.is_signal:
        became = phrases.account_words(entry) if isinstance(entry, Record) else "untouched"
        raise KeyboardInterrupt(f"{stop.why}; {entry.name}: the account is {became}")
    if said.reports and isinstance(entry, Record):
        write_reports(said.reports / _folder(nodeid), Suite(entry.name, entry.started, (entry,)))
    return entry


class _Heard:
    """Remembers the run, and tells people who press Ctrl-C what they wait for, past pytest's capturing."""

    run: str | None = None

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def begin(self, plan: Plan, run: str) -> None:
        """A run begins."""
        self.run, self._name = run, plan.experiment.name

    def on_event(self, event: Event) -> None:
        """A signal came: it is undone first."""
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        if terminal and event.type == "aborted" and event.why == "signal":
            with past_capturing(self._config):
                terminal.write_line(f"\ngameday: {event.about}: undoing {self._name} first")

    def close(self) -> None:
        """The run is over."""

    def left(self, journal: Journal) -> str:
        """What became of a run that an error ended, in a line."""
        rows = journal.entries(self.run) if self.run else []
        if left := sum(row.is_open for row in rows):
            return f"gameday: {counted(left, 'change')} not undone: gameday restore"
        return f"gameday: {counted(len(rows), 'change')} undone" if rows else "gameday: nothing was injected"


@contextmanager
def _undoing_first(stop: StopRequest) -> Iterator[None]:
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
