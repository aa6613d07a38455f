"""The log and the index of the history: parallel writers, damage, other versions, locks, a full disk."""

from __future__ import annotations

import fcntl
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from gameday.errors import HistoryError, InvalidInput
from gameday.records.history import index, log
from gameday.records.history.history import Filters, History

from tests.records.history.kept import kept

RUNS = [
    kept(1, experiment="a", workload="shop", verdict="held", release="v1", place="twin"),
    kept(2, experiment="a", workload="shop", verdict="broken", release="v2", place="aws"),
    kept(3, experiment="b", workload="bank", verdict="unknown", release="v2", place="aws", claim="0f" * 32),
]


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def history(tmp_path: Path, said: list[str]) -> History:
    found = History(tmp_path / "home" / "history", said.append)
    found.keep(*RUNS)
    return found


def ids(history: History, **filters: str) -> list[str]:
    return [each.run for each in history.runs(Filters(**filters))]


@pytest.mark.parametrize(
    ("filters", "numbers"),
    [
        ({}, (3, 2, 1)),
        ({"experiment": "a"}, (2, 1)),
        ({"workload": "bank"}, (3,)),
        ({"verdict": "broken"}, (2,)),
        ({"release": "v2"}, (3, 2)),
        ({"place": "aws", "experiment": "a"}, (2,)),
        ({"claim": "0f0f"}, (3,)),
        ({"since": "2026-01-05T11:00:00+00:00"}, (3, 2)),
        ({"experiment": "nothing"}, ()),
    ],
)
def test_runs_are_those_that_the_filters_ask_for(
    filters: dict[str, str], numbers: tuple[int, ...], history: History
) -> None:
    assert ids(history, **filters) == [RUNS[number - 1].run for number in numbers]


def test_find_takes_an_id_its_beginning_or_latest(history: History) -> None:
    assert history.find(RUNS[1].run) == RUNS[1]
    assert history.find(RUNS[1].run[:12]) == RUNS[1]
    assert history.find("latest") == RUNS[2]


@pytest.mark.parametrize("name", ["", "2026", "nothing", "%", "x" * 10_000])
def test_find_of_no_single_run_raises(name: str, history: History) -> None:
    with pytest.raises(InvalidInput) as caught:
        history.find(name)
    assert caught.value.gd_code == "GD-E106"


def test_files_are_for_their_owner_alone(history: History) -> None:
    history.runs(Filters())
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in history.folder.iterdir()}
    assert modes[index.NAME] == modes[log.NAME] == 0o600
    assert stat.S_IMODE(history.folder.stat().st_mode) == 0o700


FORKED = """
import os
import sys
from pathlib import Path
from gameday.records.history.history import Filters, History
from tests.records.history.kept import kept
begin, go = os.pipe()
for first in range(64):
    if os.fork() == 0:
        os.close(go)
        os.read(begin, 1)
        History(Path(sys.argv[1]), print).keep(kept(2 * first))
        History(Path(sys.argv[1]), print).keep(kept(2 * first + 1))
        if first % 8 == 0:
            History(Path(sys.argv[1]), print).runs(Filters())
        os._exit(0)
os.close(go)
sys.exit(sum(os.waitstatus_to_exitcode(os.wait()[1]) for _ in range(64)))
"""


def test_64_writers_at_once_lose_nothing(tmp_path: Path, said: list[str]) -> None:
    subprocess.run([sys.executable, "-c", FORKED, str(tmp_path)], check=True)
    assert len(ids(History(tmp_path, said.append))) == 128
    assert said == []


@pytest.mark.parametrize("damage", [b"this is no database" * 300, b"SQLite format 3\0" + b"\xff" * 5000, b""])
def test_damaged_index_is_set_aside_and_made_again(damage: bytes, history: History, said: list[str]) -> None:
    before = history.runs(Filters())
    (history.folder / index.NAME).write_bytes(damage)
    assert history.runs(Filters()) == before
    aside = [path for path in history.folder.glob("history.db.damaged-*") if path.suffix != "-wal"]
    assert len(aside) == len(said) == int(bool(damage))


def test_damaged_row_is_found_and_the_index_made_again(history: History, said: list[str]) -> None:
    before = history.runs(Filters())
    with sqlite3.connect(history.folder / index.NAME) as db:
        db.execute("UPDATE runs SET kept = substr(kept, 1, 40)")
    assert history.runs(Filters()) == before
    assert len(said) == 1


def test_foreign_database_is_set_aside(history: History, said: list[str]) -> None:
    before = history.runs(Filters())
    (history.folder / index.NAME).unlink()
    with sqlite3.connect(history.folder / index.NAME) as db:
        db.execute(f"PRAGMA user_version={index.SCHEMA}")
        db.execute("CREATE TABLE songs (title TEXT)")
    assert history.runs(Filters()) == before
    assert len(said) == 1


def test_index_of_an_older_schema_is_made_again(history: History) -> None:
    before = history.runs(Filters())
    with sqlite3.connect(history.folder / index.NAME) as db:
        db.executescript("DROP TABLE runs; CREATE TABLE runs (id TEXT); PRAGMA user_version=0;")
    assert history.runs(Filters()) == before


def test_index_of_a_newer_schema_raises_and_stays(history: History) -> None:
    history.runs(Filters())
    with sqlite3.connect(history.folder / index.NAME) as db:
        db.execute(f"PRAGMA user_version={index.SCHEMA + 1}")
    with pytest.raises(HistoryError) as caught:
        history.runs(Filters())
    assert caught.value.gd_code == "GD-E601"
    history.keep(kept(4))  # runs go on
    assert log.size(history.folder) > 0


def test_locked_index_raises_and_loses_nothing(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "BUSY", 0.01)
    history.runs(Filters())
    holder = sqlite3.connect(history.folder / index.NAME, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    history.keep(kept(4))
    with pytest.raises(HistoryError) as caught:
        history.runs(Filters())
    assert caught.value.gd_code == "GD-E600"
    holder.close()
    assert ids(history)[0] == kept(4).run


def test_locked_log_raises_after_a_while(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "PATIENCE", 0.02)
    with (history.folder / log.NAME).open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(HistoryError):
            history.keep(kept(4))
    history.keep(kept(4))
    assert len(ids(history)) == 4


FULL = """
import resource
import sys
from pathlib import Path
from gameday.errors import HistoryError
from gameday.records.history import log
from tests.records.history.kept import kept
length = log.size(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (length + 100, length + 100))
try:
    log.add(Path(sys.argv[1]), [kept(4)])
except HistoryError as error:
    print(error.gd_code)
"""


def test_full_disk_raises_and_leaves_no_half_line(history: History, said: list[str]) -> None:
    command = [sys.executable, "-c", FULL, str(history.folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout == "GD-E600\n"
    history.keep(kept(5))
    assert ids(history) == [kept(5).run, *(each.run for each in reversed(RUNS))]
    assert said == []


def test_torn_line_is_left_out_and_said(history: History, said: list[str]) -> None:
    with (history.folder / log.NAME).open("ab") as file:
        file.write(b'{"run": "torn')
    assert len(ids(history)) == 3
    history.keep(kept(4))
    assert len(ids(history)) == 4
    assert said == [f"{history.folder / log.NAME}: 1 lines are damaged, or of a newer version: left out"]


def test_older_log_that_was_put_back_is_read_anew(history: History) -> None:
    older = (history.folder / log.NAME).read_bytes()
    history.keep(kept(4))
    assert len(ids(history)) == 4
    (history.folder / log.NAME).write_bytes(older)
    assert len(ids(history)) == 3


def test_history_of_no_run_is_empty(tmp_path: Path, said: list[str]) -> None:
    empty = History(tmp_path / "new", said.append)
    assert empty.runs(Filters()) == []
    with pytest.raises(InvalidInput):
        empty.find("latest")


def test_folder_that_cannot_be_made_raises(tmp_path: Path, said: list[str]) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HistoryError):
        History(tmp_path / "file" / "history", said.append).keep(kept(1))
