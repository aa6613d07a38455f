"""The journal's home is for its owner alone, under any umask, also one that an older version made."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from gameday.engine.journal import Journal
from gameday.store.halt import halt_here, halted_here

from tests.doubles.runs import RUN, begun


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def readable_by_others(folder: Path) -> list[str]:
    paths = [folder, *folder.rglob("*")]
    return [str(path.relative_to(folder)) for path in paths if stat.S_IMODE(path.stat().st_mode) & 0o077]


def test_home_of_a_run_is_private_with_all_in_it(tmp_path: Path) -> None:
    journal = begun(tmp_path / "on" / "the" / "way")
    halt_here(journal.runs_folder, RUN, "ana")
    names = {path.name for path in journal.folder.rglob("*")}
    assert {"journal.db", "journal.db-wal", "journal.db-shm", "journal.lock", f"{RUN}.lock", f"{RUN}.halt"} <= names
    assert readable_by_others(tmp_path / "on") == []
    assert halted_here(journal.runs_folder, RUN) == "ana halted the run"


def test_home_that_was_open_to_others_is_closed(tmp_path: Path) -> None:
    journal = begun(tmp_path)
    for path in (journal.folder, *journal.folder.iterdir()):
        path.chmod(path.stat().st_mode | 0o055)
    with_others = Journal.open(journal.folder)
    assert readable_by_others(journal.folder) == []
    with_others.close()


def test_home_with_files_of_others_keeps_its_mode(tmp_path: Path) -> None:
    (home := tmp_path / "shared").mkdir(mode=0o755)
    (home / "theirs").touch(0o644)
    Journal.open(home).close()
    assert set(readable_by_others(home)) == {".", "theirs"}


def test_halt_request_that_is_a_pipe_still_halts(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / f"{RUN}.halt")
    assert "regular file" in (halted_here(tmp_path, RUN) or "")
