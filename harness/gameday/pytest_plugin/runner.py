"""Runner of an experiment for a test: on the twin, or with --gameday-on=aws on an account."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import pytest

from gameday.cli.keeping import keeping
from gameday.cli.run import request_of
from gameday.engine.journal import Journal
from gameday.events import Event
from gameday.faults.fault import counted
from gameday.files.loaded import LoadedExperiment
from gameday.plan.plan import Plan
from gameday.pytest_plugin.account_lock import in_turn, past_capturing
from gameday.records.origin import origin_of
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
"""Prefix of property names, in JUnit and between the processes of pytest-xdist."""


@dataclass(frozen=True)
class RunSettings:
    """The options of pytest's command line for runs."""

    place: str
    reports: Path | None


def settings_of(config: pytest.Config) -> RunSettings:
    """Read where runs play, and where their reports go."""
    reports = config.getoption("--gameday-reports")
    return RunSettings(config.getoption("--gameday-on"), config.invocation_params.dir / reports if reports else None)


def play(loaded: LoadedExperiment, config: pytest.Config, nodeid: str, seed: int = 0) -> Record | Refusal:
    """Run an experiment to its end, and print its progress for pytest to capture.

    On an account suites take turns. Ctrl-C and SIGTERM first undo, and then end the session.

    Raises GamedayError, and KeyboardInterrupt after a signal.
    """
    settings, stop, listener = settings_of(config), StopRequest(), _RunListener(config)
    request, command = request_of(loaded, settings.place, seed, production=False), f"pytest '{nodeid}'"
    origin = origin_of(path for path in (loaded.path, loaded.workload_path, loaded.twin_path) if path)
    history = keeping([request], origin, command, print)
    with closing(Journal.open()) as journal, _undoing_first(stop):
        player = ExperimentRunner(
            journal,
            [history.keeper, PlainProgress(sys.stdout), listener],
            stop=stop,
            command=command,
            files=(str(loaded.path),),
            origin=origin,
        )
        turn = in_turn(journal, loaded.workload.account, stop) if settings.place == "aws" else nullcontext()
        try:
            with turn:
                entry = player.experiment(request)
        except pytest.fail.Exception as error:  # the time limit of pytest-timeout
            raise pytest.fail.Exception(f"{error}\n{listener.left(journal)}", pytrace=False) from None
        except BaseException:
            if listener.run:
                print(listener.left(journal))
            raise
    history.keep(entry, _written(entry, settings.reports / _folder(nodeid)) if settings.reports else None)
    if stop.is_signal:
        account = phrases.account_words(entry) if isinstance(entry, Record) else "untouched"
        raise KeyboardInterrupt(f"{stop.why}; {entry.name}: the account is {account}")
    return entry


def _written(entry: Record | Refusal, folder: Path) -> Path | None:
    """Write the reports of a run; return the file of its record. Raises InvalidInput."""
    if isinstance(entry, Refusal):
        return None
    return write_reports(folder, Suite(entry.name, entry.started, (entry,))).with_name(f"{entry.name}.json")


class _RunListener:
    """Keep the run's id, and print past pytest's capturing that Ctrl-C waits for the undo."""

    run: str | None = None

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def begin(self, plan: Plan, run: str) -> None:
        """Keep the run's id and name."""
        self.run, self._name = run, plan.experiment.name

    def on_event(self, event: Event) -> None:
        """Print that the undo comes first, if a signal aborted the run."""
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        if terminal and event.type == "aborted" and event.why == "signal":
            with past_capturing(self._config):
                terminal.write_line(f"\ngameday: {event.about}: undoing {self._name} first")

    def close(self) -> None:
        """Do nothing at the end of the run."""

    def left(self, journal: Journal) -> str:
        """Describe in one line what is left of a run that an error ended."""
        entries = journal.entries(self.run) if self.run else []
        if left := sum(entry.is_open for entry in entries):
            return f"gameday: {counted(left, 'change')} not undone: run `gameday restore`"
        return f"gameday: {counted(len(entries), 'change')} undone" if entries else "gameday: nothing was injected"


@contextmanager
def _undoing_first(stop: StopRequest) -> Iterator[None]:
    """Let signals request the undo; only the main thread receives them (Python docs, "Signals and threads")."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    with undo_on_signals(stop):
        yield


def properties(entry: Record | Refusal) -> list[tuple[str, object]]:
    """Return the properties of a run that a test's report carries to JUnit and to the summary."""
    refused = {"verdict": "refused", "account": "untouched"}
    values = properties_of(entry) if isinstance(entry, Record) else refused
    return [(f"{PREFIX}{key}", value) for key, value in [("experiment", entry.name), *values.items()]]


def _folder(nodeid: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in nodeid)
