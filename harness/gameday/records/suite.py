"""The records and refusals of one command, in order."""

from __future__ import annotations

from dataclasses import dataclass

from gameday.errors import Exit, Reason, worst
from gameday.plan.plan import Plan
from gameday.records.record import EXITS, OutcomeName, Record


@dataclass(frozen=True)
class Refusal:
    """Hold an experiment that Gameday refused to inject, and every reason."""

    name: str
    reasons: tuple[Reason, ...]
    plan: Plan | None = None
    remedy: str = ""
    interrupted: bool = False  # by a signal, before anything was injected

    @property
    def outcome(self) -> OutcomeName:
        """Always refused."""
        return "refused"


@dataclass(frozen=True)
class Suite:
    """Hold the experiments of one command: those of a game day, or a single one."""

    name: str  # of the game day, or of the only experiment
    started: str  # wall clock, ISO 8601 in UTC
    entries: tuple[Record | Refusal, ...]
    not_run: tuple[str, ...] = ()  # experiments that did not begin before the game day ended

    @property
    def exit(self) -> Exit:
        """The worst exit code; a record without an end counts as stuck."""
        return worst([_exit(entry) for entry in self.entries])

    @property
    def tally(self) -> str:
        """Count the outcomes in one line: `1 held, 2 broken, 1 refused, 1 not run`."""
        outcomes = [
            "interrupted" if isinstance(entry, Refusal) and entry.interrupted else entry.outcome
            for entry in self.entries
        ]
        order = ("held", "broken", "unknown", "refused", "interrupted")
        counts = [f"{outcomes.count(outcome)} {outcome}" for outcome in order if outcome in outcomes]
        counts += [f"{len(self.not_run)} not run"] if self.not_run else []
        return ", ".join(counts) or "nothing ran"


def _exit(entry: Record | Refusal) -> Exit:
    if isinstance(entry, Refusal):
        return Exit.REFUSED
    if entry.ended is None or entry.stuck:
        return Exit.STUCK
    return worst([Exit(entry.ended.exit), EXITS[entry.outcome]])
