"""The history of runs and refusals on this machine: a log that grows, and an index that answers questions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Connection
from typing import TypeVar

from gameday.errors import HistoryError, InvalidInput
from gameday.records.history import index, log
from gameday.records.history.kept_run import KeptRun
from gameday.text import quoted

A = TypeVar("A")

LATEST = "latest"


@dataclass(frozen=True, slots=True)
class Filters:
    """Which runs to show; an empty text asks for nothing."""

    claim: str = ""  # the beginning of a claim's identity
    experiment: str = ""
    workload: str = ""
    verdict: str = ""
    release: str = ""
    place: str = ""
    since: str = ""  # ISO 8601 in UTC

    def clause(self) -> tuple[str, list[str]]:
        """Return the filters as SQL and its values."""
        conditions = {
            "substr(claim, 1, length(?)) = ?": self.claim,
            "experiment = ?": self.experiment,
            "workload = ?": self.workload,
            "verdict = ?": self.verdict,
            "release_name = ?": self.release,
            "place = ?": self.place,
            "started >= ?": self.since,
        }
        wanted = {condition: value for condition, value in conditions.items() if value}
        values = [value for condition, value in wanted.items() for _ in range(condition.count("?"))]
        return f"WHERE {' AND '.join(wanted)}" if wanted else "", values


@dataclass(frozen=True)
class History:
    """The history in a folder. Every method raises HistoryError where the disk or another process prevents it."""

    folder: Path
    say: Callable[[str], None]  # takes a line about a damaged file that was set aside

    def keep(self, *kept: KeptRun) -> None:
        """Add versions of runs. They are on disk on return; the index reads them later."""
        log.add(self.folder, kept)

    def runs(self, filters: Filters, most: int = -1) -> list[KeptRun]:
        """Return the runs that the filters ask for, the latest first."""
        clause, values = filters.clause()
        return self._asked(lambda db: index.select(db, clause, values, most))

    def find(self, name: str) -> KeptRun:
        """Return the run of this id, of an id that begins so, or the latest. Raises InvalidInput."""
        found = self._asked(lambda db: _named(db, name))
        if len(found) == 1 and name:
            return found[0]
        why = "several runs begin so" if len(found) > 1 else "the history holds no such run"
        raise InvalidInput(f"{quoted(name)}: {why}", "`gameday runs` lists the runs", gd_code="GD-E106")

    def versions(self) -> dict[tuple[str, str], KeptRun]:
        """Return every version of every run, by the run and the version's digest."""
        return self._asked(index.versions)

    def _asked(self, ask: Callable[[Connection], A]) -> A:
        """Ask the index; where it is damaged, set it aside, and make it again from the log."""
        try:
            return self._once(ask)
        except index.Damaged as damage:
            aside = index.set_aside(self.folder)
            self.say(f"{self.folder / index.NAME} was damaged ({damage}): it is now {aside.name}, and was rebuilt")
        try:
            return self._once(ask)
        except index.Damaged as damage:
            raise HistoryError(f"the history in {self.folder} cannot be made again: {damage}") from damage

    def _once(self, ask: Callable[[Connection], A]) -> A:
        with index.opened(self.folder) as db:
            answer, lost = ask(db), index.unreadable(db)
        if lost:
            self.say(f"{self.folder / log.NAME}: {lost} lines are damaged, or of a newer version: left out")
        return answer


def _named(db: Connection, name: str) -> list[KeptRun]:
    if name == LATEST:
        return index.select(db, "", [], 1)
    exact = index.select(db, "WHERE run = ?", [name])
    return exact or index.select(db, "WHERE substr(run, 1, length(?)) = ?", [name, name], 2)
