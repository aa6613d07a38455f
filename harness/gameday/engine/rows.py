"""Runs and entries as rows of the database, each with a checksum of its values."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any

from pydantic import TypeAdapter, ValidationError

from gameday.change import AnyChange
from gameday.engine.entries import Entry, Run
from gameday.engine.sqlite import sealed
from gameday.errors import JournalError

_CHANGE: TypeAdapter[AnyChange] = TypeAdapter(AnyChange)
_RUN, _ENTRY = TypeAdapter(Run), TypeAdapter(Entry)
_RUN_COLUMNS = tuple(field.name for field in fields(Run))
_ENTRY_COLUMNS = ("run", *(field.name for field in fields(Entry)))


@dataclass(frozen=True, slots=True)
class RunRows:
    """The rows of runs: those whose checksum fits, and the ids of the others."""

    intact: tuple[Run, ...]
    damaged: tuple[str, ...]


def put_run(db: sqlite3.Connection, run: Run) -> None:
    """Write a run, in place of its row of before."""
    _put(db, "runs", [tuple(getattr(run, name) for name in _RUN_COLUMNS)])


def put_entries(db: sqlite3.Connection, run: str, entries: Iterable[Entry]) -> None:
    """Write entries, in place of their rows of before."""
    _put(db, "entries", [(run, *_columns(entry)) for entry in entries])


def read_runs(db: sqlite3.Connection, which: str = "", *values: str) -> RunRows:
    """Read the runs that a WHERE or ORDER clause selects; raises JournalError for a row that another version wrote."""
    intact: list[Run] = []
    damaged: list[str] = []
    for *row, checksum in db.execute(f"SELECT {', '.join(_RUN_COLUMNS)}, checksum FROM runs {which}", values):  # noqa: S608
        if sealed(row) == checksum:
            with readable():
                intact.append(_RUN.validate_python(dict(zip(_RUN_COLUMNS, row, strict=True))))
        else:
            damaged.append(str(row[0]))
    return RunRows(tuple(intact), tuple(damaged))


def read_entries(db: sqlite3.Connection, run: str) -> dict[int, Entry]:
    """Read the entries of a run whose checksum fits, by position, in the order of the plan.

    Raises JournalError for a row that another version wrote.
    """
    query = f"SELECT {', '.join(_ENTRY_COLUMNS)}, checksum FROM entries WHERE run=? ORDER BY position"  # noqa: S608
    entries: dict[int, Entry] = {}
    for *row, checksum in db.execute(query, (run,)):
        if sealed(row) == checksum:
            with readable():
                entry = _entry(dict(zip(_ENTRY_COLUMNS[1:], row[1:], strict=True)))
                entries[entry.position] = entry
    return entries


def orphans(db: sqlite3.Connection) -> list[str]:
    """Return the ids that entries name and no run has, in order."""
    query = "SELECT DISTINCT run FROM entries WHERE run NOT IN (SELECT id FROM runs) ORDER BY run"
    return [str(name) for (name,) in db.execute(query)]


def _put(db: sqlite3.Connection, table: str, rows: list[tuple[object, ...]]) -> None:
    for row in rows:
        places = ",".join("?" * (len(row) + 1))
        db.execute(f"INSERT OR REPLACE INTO {table} VALUES ({places})", (*row, sealed(row)))  # noqa: S608


def _columns(entry: Entry) -> tuple[object, ...]:
    place = (entry.position, entry.planned_fault, entry.stage, entry.change.model_dump_json(), json.dumps(entry.was))
    return (*place, entry.intended, entry.sent, entry.answered, entry.error, entry.made, entry.state, entry.note)


def _entry(row: dict[str, Any]) -> Entry:
    change, was = _CHANGE.validate_json(row["change"]), json.loads(row["was"])
    return _ENTRY.validate_python(row | {"change": change, "was": was})


@contextmanager
def readable() -> Iterator[None]:
    """Turn errors of values in this block into a JournalError: another version wrote them."""
    try:
        yield
    except (ValueError, TypeError) as error:
        first = error.errors()[0] if isinstance(error, ValidationError) else {"loc": (), "msg": str(error)}
        where = ".".join(str(part) for part in first["loc"])
        raise JournalError(
            f"this version of Gameday cannot read an entry of the journal: {where} {first['msg']}",
            "restore its runs with the version that wrote it",
            gd_code="GD-E301",
        ) from error
