"""A dead run whose journal's files are damaged: `gameday restore` puts everything back, or exits 5 and names the run.

A shelf in this process is the account, so that thousands of damages take seconds. The key of a scenario is the stage
at which the run died, and the damage: `damaged | half undone | journal.db flipped at 300`.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any
from unittest.mock import patch

from gameday.change import Call, PlannedFault
from gameday.cli import losses, undo
from gameday.engine.journal import Journal
from gameday.engine.rows import put_entries
from gameday.engine.settings import capture
from gameday.errors import JournalError
from gameday.steady_state.clock import TestClock
from gameday.testing import DyingAccount, Killed

from tests.doubles.runs import ACCOUNT, RUN, Planned, Scene
from tests.doubles.shelf import ITEMS, LEVEL, MAKE, POWER, REGION, Shelf, planned_fault

EVERY = 100
"""Bytes between two places that flip."""
BLOCK = 512
"""Bytes between two places at which a file is cut."""
FILES = ("journal.db", "journal.db-wal", "journal.db-shm", "journal.lock", f"runs/{RUN}.lock")
DELETIONS = (
    "DELETE FROM runs",
    "DELETE FROM entries",
    *(f"DELETE FROM entries WHERE position={position}" for position in range(4)),
    "DELETE FROM entries WHERE position>1",
    "UPDATE runs SET intents=0",
    "UPDATE runs SET ended=1.0",
    "UPDATE entries SET state='restored'",
)
STAGES = {
    "begun": 0,
    "nothing sent": 1,
    "half of a stage sent": 2,
    "one of two stages sent": 8,
    "all sent": 13,
    "half undone": 29,
    "within a commit": 29,
}
"""The stages of death, and the number of the call before which the process died."""
OLDER = "begun.db"
"""The database as a backup copied it before the intents."""


class Owned(Shelf):
    """A shelf in an account, as `gameday restore` opens it."""

    def call(self, call: Call, region: str) -> Any:
        if call.service == "sts":
            return {"Account": ACCOUNT, "Arn": f"arn:aws:iam::{ACCOUNT}:user/ada"}
        return super().call(call, region)

    def allowing(self, _: object) -> Owned:
        return self

    def close(self) -> None: ...


@dataclass(frozen=True)
class Damage:
    """Something that happens to the files of a dead run's journal."""

    name: str
    do: Callable[[Path], None]


@dataclass(frozen=True)
class Outcome:
    """What `gameday restore` did: its exit code, what it printed, and whether the account is as before."""

    code: int
    text: str
    is_restored: bool

    @property
    def dirt(self) -> tuple[str, ...]:
        """What is wrong: a code 0 with a difference, or a code 5 that does not name the run."""
        if self.code == 0:
            return () if self.is_restored else (f"exit 0 with a difference: {self.text}",)
        if self.code != 5 or "Traceback" in self.text:
            return (f"exit {self.code}: {self.text}",)
        is_named = RUN in self.text or "Gameday cannot know what its runs must still undo" in self.text
        return () if is_named else (f"the run is not named: {self.text}",)


def fault(shelf: Shelf) -> PlannedFault:
    levels = capture(LEVEL, {"a": 5}, REGION, shelf)
    items = capture(ITEMS, {"b": {"adds": ["theirs"], "removes": ["x"]}}, REGION, shelf)
    return planned_fault([MAKE, *levels], [*items, *capture(POWER, {"b": "off"}, REGION, shelf)])


def died(folder: Path, stage: str) -> Shelf:
    """A run that died at a stage, with its journal in `folder`; the account as it is then."""
    shelf = Owned()
    planned = fault(shelf)
    plan = f'{{"workload": {{"name": "shop"}}, "planned_faults": [{planned.model_dump_json()}]}}'
    with patch.object(Planned, "model_dump_json", lambda self, by_alias=None: plan):
        scene = Scene(folder, shelf)
    scene.journal.take(RUN, "shop", ACCOUNT, "aws")
    with closing(sqlite3.connect(folder / OLDER)) as older:
        scene.journal._db.backup(older)
    account = DyingAccount(shelf, at=STAGES[stage])
    try:
        if stage == "begun":
            raise Killed
        scene.apply(planned, account)
        scene.undo(account)
    except Killed:
        pass
    _kill(scene.journal, is_writing=stage == "within a commit")
    return shelf


def _kill(journal: Journal, *, is_writing: bool) -> None:
    """Leave the files of the journal as kill -9 leaves them: a connection that is closed would tidy them up."""
    copy = journal.folder.with_name("killed")
    if is_writing:
        journal._db.execute("PRAGMA cache_size=1")  # so that SQLite writes pages before the commit
        journal._db.execute("BEGIN IMMEDIATE")
        put_entries(journal._db, RUN, [replace(entry, note="n" * 5000) for entry in journal.entries(RUN)])
    shutil.copytree(journal.folder, copy)
    journal.close()
    shutil.rmtree(journal.folder)
    copy.rename(journal.folder)


def restored(home: Path, shelf: Shelf, before: dict[str, Any]) -> Outcome:
    """Run `gameday restore` on a damaged journal."""
    lines: list[str] = []

    def tell(text: str, *, err: bool = False) -> None:
        lines.append(text)

    with (
        patch.dict("os.environ", {"GAMEDAY_HOME": str(home)}),
        patch.multiple(undo, open_account=lambda: shelf, WallClock=lambda: TestClock(1_000_000.0), tell=tell),
        patch.object(losses, "tell", tell),
    ):
        try:
            code = int(undo.restore_dead(None))
        except JournalError as error:
            lines.append(str(error))
            code = int(error.exit)
    return Outcome(code, "\n".join(lines), _seen(shelf) == before)


def _seen(shelf: Shelf) -> dict[str, Any]:
    """How the account is, without the tokens that count writes."""
    return {
        name: {key: value for key, value in thing.items() if key != "Token"} for name, thing in shelf.things.items()
    }


# damages --------------------------------------------------------------------------------------------------------------


def damages(home: Path, *, thin: int = 1) -> Iterator[Damage]:
    """Every damage to the files in a journal's folder; `thin` keeps every so many-th cut and flip."""
    there = [name for name in FILES if (home / name).exists()]
    for count in range(len(there) + 1):
        for names in combinations(there, count):
            if "journal.db" not in names or "journal.lock" not in names or f"runs/{RUN}.lock" not in names:
                yield Damage(f"missing: {', '.join(names) or 'nothing'}", partial(_remove, names))
    yield Damage("journal.db copied alone", partial(_remove, [name for name in there if name != "journal.db"]))
    yield Damage("journal.db of before", _put_back)
    yield Damage("journal.db of before, and no run file", _put_back_alone)
    for name in (FILES[0], FILES[1], FILES[-1]):
        size = (home / name).stat().st_size
        for at in range(0, size, BLOCK * thin):
            yield Damage(f"{name} cut at {at}", partial(_cut, name, at))
        for at in range(0, size, EVERY * thin):
            yield Damage(f"{name} flipped at {at}", partial(_flip, name, at))
    for at in range(0, (home / FILES[-1]).stat().st_size, EVERY * thin):
        yield Damage(f"no entries, and run file flipped at {at}", partial(_flip_alone, at))
    for statement in DELETIONS:
        yield Damage(statement, partial(_execute, statement))
        yield Damage(
            f"{statement}, and no run file", lambda on, s=statement: (_execute(s, on), _remove(FILES[-1:], on))
        )  # type: ignore[misc]


def _remove(names: list[str] | tuple[str, ...], home: Path) -> None:
    for name in names:
        (home / name).unlink(missing_ok=True)


def _put_back(home: Path) -> None:
    _remove(FILES[1:3], home)
    shutil.copy(home.parent / OLDER, home / "journal.db")


def _put_back_alone(home: Path) -> None:
    _put_back(home)
    _remove(FILES[-1:], home)


def _execute_alone(statement: str, home: Path) -> None:
    _execute(statement, home)
    _remove(FILES[-1:], home)


def _cut(name: str, at: int, home: Path) -> None:
    (home / name).write_bytes((home / name).read_bytes()[:at])


def _flip(name: str, at: int, home: Path) -> None:
    raw = bytearray((home / name).read_bytes())
    raw[at] ^= 0xFF if at // EVERY % 2 else 1  # no text any more, or another digit or letter
    (home / name).write_bytes(raw)


def _flip_alone(at: int, home: Path) -> None:
    _flip(FILES[-1], at, home)
    _execute("DELETE FROM entries", home)


def _execute(statement: str, home: Path) -> None:
    with closing(sqlite3.connect(home / "journal.db", isolation_level=None)) as db:
        db.execute(statement)


# scenarios ------------------------------------------------------------------------------------------------------------


def play(folder: Path, stage: str, *, thin: int = 1) -> Iterator[tuple[str, Outcome]]:
    """Restore after every damage of a stage; the key of each scenario, and what came of it."""
    before = _seen(Owned())
    (folder / "died").mkdir()
    shelf = died(folder / "died", stage)
    home, kept = folder / "died" / "state", dict(shelf.things)
    (folder / OLDER).write_bytes((folder / "died" / OLDER).read_bytes())
    for damage in damages(home, thin=thin):
        copy = folder / "copy"
        shutil.copytree(home, copy)
        damage.do(copy)
        shelf.things = {name: dict(thing) for name, thing in kept.items()}
        yield f"damaged | {stage} | {damage.name}", restored(copy, shelf, before)
        shutil.rmtree(copy)
