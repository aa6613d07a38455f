from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from gameday.engine import process_lock as holds
from gameday.engine import sqlite as database
from gameday.engine.entries import CallOutcome, Entry
from gameday.engine.journal import Journal
from gameday.engine.process_lock import Holds
from gameday.engine.sqlite import home
from gameday.errors import Exit, JournalError, Refused

from tests.doubles.runs import ACCOUNT, RUN, Planned, begun, rewrite
from tests.doubles.shelf import IRREVERSIBLE, ITEMS, LEVEL, MAKE, setting_change
from tests.waiting import LAST_NET

ROWS = [
    Entry(0, 0, 0, MAKE, intended=5.0),
    Entry(1, 0, 1, setting_change(LEVEL, before=None, after=0), intended=5.0),
    Entry(2, 0, 1, setting_change(ITEMS, adds=("new", {"deep": 1}), removes=()), intended=5.0),
    Entry(3, 3, 0, IRREVERSIBLE, was={"healthy": 3}, intended=6.0),
]


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return begun(tmp_path)


def reopened(journal: Journal) -> Journal:
    """The journal as another process finds it, with the first one dead."""
    journal.close()
    return Journal.open(journal.folder)


# what stands in it ----------------------------------------------------------------------------------------------------


def test_what_was_written_is_there_for_another_process(journal: Journal) -> None:
    journal.intend(RUN, ROWS)
    other = reopened(journal)
    assert other.entries(RUN) == ROWS
    run = other.run(RUN)
    assert run is not None
    assert (run.workload, run.account, run.region, run.place, run.pid) == ("shop", ACCOUNT, "us-east-1", "aws", 1)
    assert run.plan == '{"plan": true}'
    assert run.ended is None


def test_the_first_intent_wins(journal: Journal) -> None:
    journal.intend(RUN, ROWS[:2])
    journal.intend(RUN, [replace(ROWS[1], change=setting_change(LEVEL, before=9, after=9)), ROWS[2]])
    assert journal.entries(RUN) == ROWS[:3]


def test_intents_of_a_stage_are_there_all_or_none(journal: Journal) -> None:
    with pytest.raises(JournalError):
        journal.intend(RUN, [ROWS[0], replace(ROWS[1], intended=object())])  # type: ignore[arg-type]
    assert reopened(journal).entries(RUN) == []


def test_outcomes_and_ends_are_kept(journal: Journal) -> None:
    journal.intend(RUN, ROWS)
    journal.answer(RUN, {0: CallOutcome(7.0, None, None, "acl-1"), 1: CallOutcome(7.0, 8.0, "AccessDenied")})
    journal.answer(RUN, {0: CallOutcome(7.0, 9.0)})
    journal.settle(RUN, {0: ("restored", "gone again"), 1: ("stuck", "denied")})
    found = reopened(journal).entries(RUN)
    assert (found[0].sent, found[0].answered, found[0].made, found[0].state) == (7.0, 9.0, "acl-1", "restored")
    assert (found[1].error, found[1].state, found[1].note) == ("AccessDenied", "stuck", "denied")
    assert [entry.is_open for entry in found] == [False, True, True, True]


def test_two_runs_do_not_mix(journal: Journal) -> None:
    journal.begin("run-2", Planned(), pid=2)
    journal.intend(RUN, ROWS[:1])
    journal.intend("run-2", ROWS[1:2])
    assert journal.entries(RUN) == ROWS[:1]
    assert journal.entries("run-2") == ROWS[1:2]


def test_no_intent_without_its_run(journal: Journal) -> None:
    with pytest.raises(JournalError):
        journal.intend("never-begun", ROWS)


def test_a_run_ends_only_when_nothing_is_owed(journal: Journal) -> None:
    journal.intend(RUN, ROWS[:2])
    journal.settle(RUN, {0: ("restored", ""), 1: ("stuck", "")})
    assert not journal.end(RUN)
    journal.settle(RUN, {1: ("restored", "")})
    assert journal.end(RUN, "done")
    assert journal.unended() == []
    assert (journal.runs()[0].note, journal.runs()[0].ended is not None) == ("done", True)


# where it lies --------------------------------------------------------------------------------------------------------


def test_the_journal_lies_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GAMEDAY_HOME", str(tmp_path / "own"))
    assert home() == tmp_path / "own"
    monkeypatch.delenv("GAMEDAY_HOME")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    assert home() == tmp_path / "xdg" / "gameday"
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert home() == tmp_path / ".local" / "state" / "gameday"


# no injection without a journal ---------------------------------------------------------------------------------------


def test_open_unwritable_directory_raises(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(JournalError, match="cannot use the journal") as failed:
        Journal.open(tmp_path / "file")
    assert failed.value.exit == Exit.REFUSED
    assert "GAMEDAY_HOME" in failed.value.remedy


def test_intend_full_disk_raises_and_writes_nothing(journal: Journal) -> None:
    journal._db.execute("PRAGMA max_page_count=1")  # SQLite then answers as on a full disk: SQLITE_FULL
    big = [replace(entry, note="x" * 100_000) for entry in ROWS]
    with pytest.raises(JournalError, match="full"):
        journal.intend(RUN, big)
    assert reopened(journal).entries(RUN) == []


def test_open_torn_database_raises(journal: Journal) -> None:
    journal.intend(RUN, ROWS)
    journal.close()
    path = journal.folder / "journal.db"
    path.write_bytes(b"torn" * 200)
    with pytest.raises(JournalError, match="cannot use the journal"):
        Journal.open(journal.folder)


def test_open_database_damaged_inside_raises_or_keeps_runs(journal: Journal) -> None:
    names = [f"more-{number}" for number in range(50)]
    for name in names:
        journal.begin(name, Planned(), pid=1)
    journal.close()
    path = journal.folder / "journal.db"
    whole = path.read_bytes()
    for at in range(4096, len(whole), 4096):
        path.write_bytes(whole[: at + 100] + b"\xff" * 1000 + whole[at + 1100 :])
        try:
            found = {run.id for run in Journal.open(journal.folder).unended()}
        except JournalError:
            continue
        assert found == {RUN, *names}


def test_a_journal_of_another_version_is_refused_with_a_remedy(journal: Journal) -> None:
    journal._db.execute("PRAGMA user_version=99")
    with pytest.raises(JournalError, match="schema 99; this version of Gameday reads schema 3") as failed:
        reopened(journal)
    assert "version that wrote it" in failed.value.remedy


def test_entries_change_of_other_version_raises(journal: Journal) -> None:
    journal.intend(RUN, ROWS[:1])
    rewrite(journal, change='{"kind": "create", "from": "the future"}')
    with pytest.raises(JournalError, match="cannot read"):
        journal.entries(RUN)


def test_write_locked_journal_raises(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY", 0.0)
    other = Journal.open(journal.folder)
    journal._db.execute("BEGIN IMMEDIATE")
    with pytest.raises(JournalError, match="locked"):
        other.begin("run-2", Planned(), pid=2)
    journal._db.execute("ROLLBACK")
    other.begin("run-2", Planned(), pid=2)


def test_every_commit_reaches_the_disk(journal: Journal) -> None:
    def pragma(name: str) -> object:
        return journal._db.execute(f"PRAGMA {name}").fetchone()[0]

    assert (pragma("journal_mode"), pragma("synchronous")) == ("wal", 2)


# two processes --------------------------------------------------------------------------------------------------------

WRITER = """
import sys
from pathlib import Path
from tests.doubles.runs import Planned
from gameday.engine.journal import Journal
journal = Journal.open(Path(sys.argv[1]))
for number in range(20):
    journal.begin(f"{sys.argv[2]}-{number}", Planned(), pid=1)
"""


def test_two_processes_write_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    root = Path(__file__).parent.parent.parent
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(folder), name], cwd=root) for name in ("one", "other")
    ]
    assert [writer.wait() for writer in writers] == [0, 0]
    assert len(Journal.open(folder).runs()) == 40


def test_a_writer_waits_for_another(journal: Journal) -> None:
    began = threading.Event()

    def write() -> None:
        other = Journal.open(journal.folder)
        began.set()
        other.begin("run-2", Planned(), pid=2)
        other.close()

    journal._db.execute("BEGIN IMMEDIATE")
    writer = threading.Thread(target=write)
    writer.start()
    assert began.wait(LAST_NET)
    journal._db.execute("COMMIT")
    writer.join(LAST_NET)
    assert [run.id for run in journal.runs()] == [RUN, "run-2"]


# taken ----------------------------------------------------------------------------------------------------------------


def test_a_workload_is_taken_for_the_time_of_a_run(journal: Journal) -> None:
    other = Journal.open(journal.folder)
    other.begin("run-2", Planned(), pid=2)
    journal.take(RUN, "shop", ACCOUNT, "aws")
    journal.take(RUN, "shop", ACCOUNT, "aws")
    with pytest.raises(Refused) as refused:
        other.take("run-2", "shop", ACCOUNT, "aws")
    reason = refused.value.reasons[0].text
    assert reason.startswith(f"run {RUN} (")
    assert "process 1) has workload shop since 20" in reason
    journal.end(RUN)
    other.take("run-2", "shop", ACCOUNT, "aws")


def test_other_workloads_and_accounts_are_free(journal: Journal) -> None:
    other = Journal.open(journal.folder)
    other.begin("run-2", Planned(), pid=2)
    journal.take(RUN, "shop", ACCOUNT, "aws")
    other.take("run-2", "bank", ACCOUNT, "aws")
    other.take("run-2", "shop", "999922223333", "aws")


def test_every_twin_is_a_world_of_its_own(journal: Journal) -> None:
    other = Journal.open(journal.folder)
    other.begin("run-2", Planned("twin"), pid=2)
    journal.take(RUN, "shop", ACCOUNT, "aws")
    other.take("run-2", "shop", ACCOUNT, "twin")


def test_a_dead_run_that_owes_nothing_gives_its_workload_up(journal: Journal) -> None:
    journal.take(RUN, "shop", ACCOUNT, "aws")
    journal.intend(RUN, ROWS[:1])
    journal.settle(RUN, {0: ("restored", "")})
    other = reopened(journal)
    other.begin("run-2", Planned(), pid=2)
    other.take("run-2", "shop", ACCOUNT, "aws")


@pytest.mark.parametrize("state", ["open", "stuck"])
def test_dead_run_with_open_entries_keeps_its_workload(journal: Journal, state: str) -> None:
    journal.take(RUN, "shop", ACCOUNT, "aws")
    journal.intend(RUN, ROWS[:1])
    if state == "stuck":
        journal.settle(RUN, {0: ("stuck", "")})
        journal.end(RUN)
    other = reopened(journal)
    other.begin("run-2", Planned(), pid=2)
    with pytest.raises(Refused, match="died before it had undone everything") as refused:
        other.take("run-2", "shop", ACCOUNT, "aws")
    assert refused.value.remedy == "run gameday restore first"


# life and death -------------------------------------------------------------------------------------------------------


def test_a_run_lives_as_long_as_its_process_holds_it(journal: Journal) -> None:
    other = Journal.open(journal.folder)
    assert journal.is_alive(RUN)
    assert other.is_alive(RUN)
    assert not other.hold(RUN)
    journal.close()
    assert not other.is_alive(RUN)
    assert other.hold(RUN)
    assert not Journal.open(journal.folder).hold(RUN)


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    journal = begun(tmp_path, "mine")
    script = WRITER.replace("range(20)", "range(1)") + "\nprint('ready', flush=True)\nsys.stdin.read()\n"
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(journal.folder), "child"],
        cwd=Path(__file__).parent.parent.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        assert journal.is_alive("child-0")
        child.kill()
    assert not journal.is_alive("child-0")


def test_two_cannot_hold_a_run_over_a_file_that_was_removed(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    second, third = Holds(journal.folder / "runs"), Holds(journal.folder / "runs")
    real = holds.fcntl.flock

    def flock(lock: object, how: int) -> None:
        # Between third's opening of the file and its lock, the run ends and second takes the new file.
        monkeypatch.setattr(holds.fcntl, "flock", real)
        journal.end(RUN)
        assert second.hold(RUN)
        real(lock, how)  # type: ignore[arg-type]

    monkeypatch.setattr(holds.fcntl, "flock", flock)
    assert not third.hold(RUN)
    second.let_go(RUN)
    assert third.hold(RUN)


def test_the_plan_is_one_value_away_for_another_tool(journal: Journal) -> None:
    found = sqlite3.connect(journal.folder / "journal.db").execute("SELECT plan FROM runs").fetchall()
    assert found == [('{"plan": true}',)]
