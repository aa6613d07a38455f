"""Which runs are alive: a process holds a run by a lock on its file, and the kernel drops the lock when it dies.

So a reused process id cannot pass for a live run, and no clock or heartbeat is needed. Source: flock(2).
The file of a run that is not closed stays: it holds the run and its intents once more (`run_file`).
"""

from __future__ import annotations

import fcntl
import getpass
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from gameday.disk import open_private
from gameday.engine.entries import Entry, Run
from gameday.engine.run_file import RunFile, first_line, next_line, parsed


class Holds:
    """The runs that this process holds, as locked files in a folder.

    Its methods raise OSError where the file system does not support locks.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._mine: dict[str, IO[bytes]] = {}

    def create(self, run: Run) -> bool:
        """Create the file of a new run, and hold it; return false where there is one. It is on disk on return."""
        path, new = self._path(run.id), self._folder / f"{run.id}.new"
        if path.exists():
            return False
        lock = open_private(new)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            lock.truncate(0)
            _write(lock, first_line(run))
            new.rename(path)  # so no file is ever there without its first line
            _sync(self._folder)
        except BaseException:
            lock.close()
            new.unlink(missing_ok=True)
            raise
        self._mine[run.id] = lock
        return True

    def add(self, run: str, entries: Sequence[Entry]) -> bool:
        """Add intents to a run's file; return false where the file is damaged. They are on disk on return."""
        file = self.read(run)
        if not file.is_whole:
            return False
        with open_private(self._path(run)) as out:
            length = out.seek(0, os.SEEK_END)
            try:
                _write(out, next_line(file, entries))
            except OSError:
                with suppress(OSError):
                    out.truncate(length)
                raise
        return True

    def read(self, run: str) -> RunFile:
        """Return what a run's file holds; nothing where there is none."""
        try:
            return parsed(self._path(run).read_bytes())
        except FileNotFoundError:
            return RunFile()

    def names(self) -> list[str]:
        """Return the ids of the runs that have a file, in order."""
        return sorted(path.stem for path in self._folder.glob("*.lock"))

    def hold(self, run: str) -> bool:
        """Hold a run, so that no other process undoes it; return false where another process holds it."""
        path = self._path(run)
        while run not in self._mine:
            lock = open_private(path)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.close()
                return False
            if _is_still_there(lock, path):
                self._mine[run] = lock
            else:
                lock.close()  # its last holder removed this file: lock its successor
        return True

    def is_alive(self, run: str) -> bool:
        """Return whether any process holds the run, this one included."""
        if run in self._mine:
            return True
        if not self._path(run).exists():
            return False
        if not self.hold(run):
            return True
        self.let_go(run)
        return False

    def let_go(self, run: str) -> None:
        """Release a run; its file stays."""
        if lock := self._mine.pop(run, None):
            lock.close()

    def remove(self, run: str) -> None:
        """Release a run that is closed, and remove its file."""
        self._path(run).unlink(missing_ok=True)
        self.let_go(run)

    def let_go_of_all(self) -> None:
        """Release every run, as the kernel does when the process dies."""
        for run in list(self._mine):
            self.let_go(run)

    def _path(self, run: str) -> Path:
        return self._folder / f"{run}.lock"


def _write(out: IO[bytes], line: bytes) -> None:
    out.write(line)
    out.flush()
    os.fsync(out.fileno())


def _sync(folder: Path) -> None:
    """Bring the names in a folder to disk (fsync(2), "Calling fsync() does not necessarily ensure …")."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _is_still_there(lock: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(lock.fileno()), path.stat())
    except FileNotFoundError:
        return False


def who() -> str:
    """Return who runs this process, for others to read: user@host."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # no such user in this container
        user = str(os.getuid())
    return f"{user}@{os.uname().nodename}"
