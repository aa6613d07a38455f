"""Opening a foreign or damaged journal raises an error of one line, and never creates a new journal over it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from gameday.engine.entries import Entry
from gameday.engine.journal import Journal
from gameday.errors import Exit, JournalError, Refused
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.doubles.runs import ACCOUNT, RUN, begun
from tests.doubles.shelf import LEVEL, MAKE, setting_change

ROWS = [Entry(0, 0, 0, MAKE, intended=5.0), Entry(1, 0, 1, setting_change(LEVEL, before=None, after=0), intended=5.0)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a journal lies whose process has died with two rows owed."""
    journal = begun(tmp_path)
    journal.intend(RUN, ROWS)
    journal._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    journal.close()
    (journal.folder / "runs" / f"{RUN}.lock").touch()  # as the dead leave it
    return journal.folder


def file_of(folder: Path) -> Path:
    return folder / "journal.db"


def said(folder: Path) -> JournalError:
    with pytest.raises(JournalError) as caught:
        Journal.open(folder)
    assert str(folder) in caught.value.what
    assert "\n" not in caught.value.what
    assert caught.value.exit == Exit.REFUSED
    return caught.value


@pytest.mark.parametrize("gone", ["missing", "empty"])
def test_a_journal_that_is_gone_while_runs_left_marks_is_not_begun_anew(gone: str, folder: Path) -> None:
    file_of(folder).unlink() if gone == "missing" else file_of(folder).write_bytes(b"")
    error = said(folder)
    assert f"journal.db is {gone}" in error.what
    assert f"{RUN}.lock is there" in error.what
    assert "restore it from a copy" in error.remedy
    assert not file_of(folder).exists() or not file_of(folder).stat().st_size
    folder.rename(folder.with_name("away"))  # as the remedy says, once nothing is owed
    assert Journal.open(folder).runs() == []


def test_the_log_of_a_journal_that_is_gone_is_not_thrown_away(tmp_path: Path) -> None:
    journal = begun(tmp_path)
    journal.intend(RUN, ROWS)
    log = journal.folder / "journal.db-wal"
    whole = log.read_bytes()
    journal.close()
    file_of(journal.folder).unlink()
    log.write_bytes(whole)
    assert "journal.db-wal is there" in said(journal.folder).what
    assert log.read_bytes() == whole


def test_a_file_that_is_no_database_stays_as_it_is(folder: Path) -> None:
    file_of(folder).write_text("my notes\n" * 500)
    error = said(folder)
    assert "file is not a database" in error.what
    assert "restore it from a copy" in error.remedy
    assert file_of(folder).read_text().startswith("my notes")


def test_a_database_of_somebody_else_is_not_written_to(folder: Path) -> None:
    file_of(folder).unlink()
    with closing(sqlite3.connect(file_of(folder))) as db:
        db.execute("CREATE TABLE holidays (day TEXT, photo BLOB)")
    assert "its table holidays has the columns day, photo" in said(folder).what
    with closing(sqlite3.connect(file_of(folder))) as db:
        assert db.execute("SELECT name FROM sqlite_master").fetchall() == [("holidays",)]


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("DROP TABLE entries", "its table entries is missing"),
        ("ALTER TABLE entries DROP COLUMN error", "its table entries has the columns run, position, "),
        ("ALTER TABLE runs ADD COLUMN mood TEXT", "its table runs has the columns .*, note, mood"),
        (
            "ALTER TABLE taken RENAME COLUMN since TO until",
            "its table taken has the columns workload, account, run, until",
        ),
        ("CREATE TABLE more (x)", "its table more has the columns x"),
        ("PRAGMA user_version=3", "has schema 3; this version of Gameday reads schema 2"),
        ("PRAGMA user_version=0", "is not a Gameday journal of schema 2: its table entries has the columns run"),
    ],
)
def test_other_tables_columns_and_versions_are_named(statement: str, why: str, folder: Path) -> None:
    with closing(sqlite3.connect(file_of(folder))) as db:
        db.execute(statement)
    with pytest.raises(JournalError, match=why):
        Journal.open(folder)


@pytest.mark.parametrize("size", [1, 50, 99, 100, 2000, 4096, 5000, 8192])
def test_open_journal_cut_short_raises(size: int, folder: Path) -> None:
    raw = file_of(folder).read_bytes()
    assert size < len(raw)
    file_of(folder).write_bytes(raw[:size])
    said(folder)


@pytest.mark.parametrize(
    ("statement", "where"),
    [
        ("UPDATE entries SET state='forgiven'", "state"),
        ("UPDATE entries SET was='{'", "Expecting"),
        ("UPDATE entries SET change='{}'", "kind"),
        ("UPDATE entries SET intended='soon'", "intended"),
        ("UPDATE entries SET note=x'ff'", "note"),
    ],
)
def test_a_row_that_cannot_be_read_is_never_taken_for_settled(statement: str, where: str, folder: Path) -> None:
    journal = Journal.open(folder)
    journal._db.execute(statement)
    with pytest.raises(JournalError, match=rf"cannot read an entry of .*{where}") as caught:
        journal.entries(RUN)
    assert "\n" not in caught.value.what
    with pytest.raises(JournalError):
        journal.end(RUN)
    assert [run.id for run in journal.unended()] == [RUN]


def test_runs_unreadable_run_raises(folder: Path) -> None:
    journal = Journal.open(folder)
    journal._db.execute("UPDATE runs SET pid='mine'")
    with pytest.raises(JournalError, match="pid"):
        journal.unended()


def test_a_workload_taken_at_no_time_is_still_taken(folder: Path) -> None:
    journal = Journal.open(folder)
    journal.take(RUN, "shop", ACCOUNT, "aws")
    for since in (1e300, "noon"):
        journal._db.execute("UPDATE taken SET since=?", (since,))
        with pytest.raises(Refused, match=r"run run-1 .* has workload .* since an unknown time"):
            journal.must_be_free("shop", ACCOUNT)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_open_any_damage_raises_or_keeps_the_rest_readable(data: st.DataObject, folder: Path, tmp_path: Path) -> None:
    raw = bytearray(file_of(folder).read_bytes())
    at = data.draw(st.integers(0, len(raw) - 1))
    piece = data.draw(st.binary(min_size=1, max_size=200))
    raw[at : at + len(piece)] = piece
    other = tmp_path / "damaged"
    other.mkdir(exist_ok=True)
    for left in other.glob("journal.db*"):
        left.unlink()
    file_of(other).write_bytes(raw)
    try:
        journal = Journal.open(other)
    except JournalError:
        return
    try:
        for run in journal.runs():
            journal.entries(run.id)
    except JournalError:
        return
    finally:
        journal.close()
