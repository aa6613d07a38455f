"""What keeps the runs of one command: it listens to each run, and adds its record or refusal to the history."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from gameday.events import Event, PhaseBegan
from gameday.plan.plan import Plan, RunRequest
from gameday.records.history.entries import began, of_record, of_refusal
from gameday.records.history.evidence import hashed
from gameday.records.history.history import History
from gameday.records.history.kept_run import KeptRun, with_evidence
from gameday.records.history.phase_file import LivePhase, forget_phase, write_phase
from gameday.records.origin import Origin
from gameday.records.record import Record
from gameday.records.suite import Refusal


class Keeper:
    """Keep the runs of one command. As a listener it is dropped where it raises: HistoryError or OSError."""

    def __init__(
        self, history: History, runs_folder: Path, requests: Sequence[RunRequest], origin: Origin, command: str
    ) -> None:
        self._history, self._folder = history, runs_folder
        self._requests = {request.experiment.name: request for request in requests}
        self.origin, self._command = origin, command
        self._run = ""
        self._begun: dict[str, str] = {}  # experiment → its run that began and has no end yet

    def begin(self, plan: Plan, run: str) -> None:
        """Keep that a run begins, so that a run whose process dies is in the history too."""
        self._run = self._begun[plan.experiment.name] = run
        request = self._requests.get(plan.experiment.name)
        digests = dict(request.digests) if request else {}
        self._history.keep(began(run, plan, self.origin, digests, _now(), self._command))

    def on_event(self, event: Event) -> None:
        """Write the phase of the run."""
        if isinstance(event, PhaseBegan):
            write_phase(self._folder, self._run, LivePhase(event.phase, time.time()))

    def close(self) -> None:
        """Remove the file of the run's phase."""
        forget_phase(self._folder, self._run)

    def keep(self, entry: Record | Refusal, run: str, evidence: Path | None) -> KeptRun:
        """Keep a record or a refusal with the file of its evidence. Raises HistoryError.

        A refusal ends the run that it refused in its baseline; without one, its id is `run`.
        """
        begun = self._begun.pop(entry.name, run)
        if isinstance(entry, Record):
            kept = of_record(entry)
        else:
            request = self._requests[entry.name]
            kept = of_refusal(entry, begun, request, self.origin, _now(), self._command)
        kept = with_evidence(kept, evidence, hashed(evidence) if evidence else None)
        self._history.keep(kept)
        return kept


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
