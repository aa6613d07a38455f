"""Opening a foreign or damaged journal raises an error of one line, and never creates a new journal over it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from gameday.engine.entries import Entry
from gameday.engine.journal import Journal
from gameday.errors import EntriesLost, Exit, JournalError, Refused
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.doubles.runs import ACCOUNT, RUN, Planned, begun, rewrite
from tests.doubles.shelf import LEVEL, MAKE, setting_change

ROWS = [Entry(0, 0, 0, MAKE, intended=5.0), Entry(1, 0, 1, setting_change(LEVEL, before=None, after=0), intended=5.0)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a journal lies whose process has died with two rows owed."""
    journal = begun(tmp_path)
    journal.intend(RUN, ROWS)
    journal.close()
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
def test_missing_journal_is_not_begun_anew_while_marks_remain(gone: str, folder: Path) -> None:
    file_of(folder).unlink() if gone == "missing" else file_of(folder).write_bytes(b"")
    error = said(folder)
    assert f"journal.db is {gone}" in error.what
    assert f"{RUN}.lock is there" in error.what
    assert "restore it from a copy" in error.remedy
    assert not file_of(folder).exists() or not file_of(folder).stat().st_size
    folder.rename(folder.with_name("away"))  # as the remedy says, once nothing is owed
    assert Journal.open(folder).runs() == []


@pytest.mark.parametrize("left", ["journal.db-wal", "journal.lock"])
def test_open_missing_database_keeps_what_is_left(left: str, folder: Path) -> None:
    file_of(folder).unlink()
    (folder / "runs" / f"{RUN}.lock").unlink()
    (folder / "journal.lock").write_bytes(b"")
    (folder / left).write_bytes(b"left")
    assert f"{left} is there" in said(folder).what
    assert (folder / left).read_bytes() == b"left"


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
        ("ALTER TABLE runs ADD COLUMN mood TEXT", "its table runs has the columns .*, checksum, mood"),
        ("ALTER TABLE runs RENAME COLUMN taken TO held", "its table runs has the columns .*, plan, held"),
        ("CREATE TABLE more (x)", "its table more has the columns x"),
        ("PRAGMA user_version=2", "has schema 2; this version of Gameday reads schema 3"),
        ("PRAGMA user_version=0", "is not a Gameday journal of schema 3: its table entries has the columns run"),
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
    ("column", "value"),
    [("state", "forgiven"), ("was", "{"), ("change", "{}"), ("intended", "soon"), ("stage", 0.5)],
)
def test_entries_row_of_other_version_raises(column: str, value: object, folder: Path) -> None:
    journal = Journal.open(folder)
    rewrite(journal, **{column: value})
    with pytest.raises(JournalError, match="cannot read an entry") as caught:
        journal.entries(RUN)
    assert "\n" not in caught.value.what
    with pytest.raises(JournalError):
        journal.end(RUN)
    assert [run.id for run in journal.unended()] == [RUN]


DAMAGE = (
    "UPDATE entries SET note=x'ff'",
    "UPDATE entries SET note=CAST(x'ff' AS TEXT)",
    "UPDATE entries SET answered=0 WHERE position=0",
    "UPDATE entries SET state='restored'",
    "DELETE FROM entries WHERE position=0",
    "DELETE FROM entries",
    "UPDATE runs SET intents=0",
    "UPDATE runs SET ended=5",
    "DELETE FROM runs",
)


@pytest.mark.parametrize("statement", DAMAGE)
def test_entries_damaged_rows_come_from_the_run_file(statement: str, folder: Path) -> None:
    journal = Journal.open(folder)
    journal._db.execute(statement)
    assert [run.id for run in journal.unended()] == [RUN]
    assert journal.entries(RUN) == ROWS
    assert journal.losses() == []
    assert not journal.end(RUN)


@pytest.mark.parametrize("statement", DAMAGE)
@pytest.mark.parametrize("left", [None, b"", b"x"])
def test_damaged_rows_without_run_file_are_lost(left: bytes | None, statement: str, folder: Path) -> None:
    path = folder / "runs" / f"{RUN}.lock"
    path.unlink() if left is None else path.write_bytes(left)
    journal = Journal.open(folder)
    journal._db.execute(statement)
    lost = journal.losses()
    if not lost:
        with pytest.raises(EntriesLost) as caught:
            journal.entries(RUN)
        lost = [caught.value]
    assert [error.gd_code for error in lost] == ["GD-E306"]
    assert RUN in lost[0].what


def test_intend_damaged_run_file_raises(folder: Path) -> None:
    journal = Journal.open(folder)
    path = folder / "runs" / f"{RUN}.lock"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(EntriesLost):
        journal.intend(RUN, [Entry(2, 0, 1, MAKE)])


def test_begin_again_raises(folder: Path) -> None:
    with pytest.raises(JournalError) as caught:
        Journal.open(folder).begin(RUN, Planned(), pid=1)
    assert caught.value.gd_code == "GD-E303"


def test_must_be_free_damaged_taken_run_refuses(folder: Path) -> None:
    journal = Journal.open(folder)
    journal.take(RUN, "shop", ACCOUNT, "aws")
    journal._db.execute("DELETE FROM entries")
    with pytest.raises(Refused) as caught:
        journal.must_be_free("shop", ACCOUNT)
    assert caught.value.reasons[0].code == "GD-E203"
    journal._db.execute("DELETE FROM runs")
    with pytest.raises(Refused):
        journal.must_be_free("shop", ACCOUNT)


def test_must_be_free_unknown_time_refuses(folder: Path) -> None:
    journal = Journal.open(folder)
    rewrite(journal, "runs", taken=1e300)
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
