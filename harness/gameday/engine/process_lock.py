"""Which runs are alive: a process holds a run by a lock on a file, and the kernel drops the lock when it dies.

So a reused process id cannot pass for a live run, and no clock or heartbeat is needed. Source: flock(2).
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO

from gameday.disk import open_private


class Holds:
    """The runs that this process holds, as locked files in a folder.

    Its methods raise OSError where the file system does not support locks.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._mine: dict[str, IO[str]] = {}

    def hold(self, run: str) -> bool:
        """Hold a run, so that no other process undoes it; return false where another process holds it."""
        while run not in self._mine:
            lock = open_private(self._folder / f"{run}.lock")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.close()
                return False
            if _is_still_there(lock):
                self._mine[run] = lock
            else:
                lock.close()  # its last holder removed this file: lock its successor
        return True

    def is_alive(self, run: str) -> bool:
        """Return whether any process holds the run, this one included."""
        if run in self._mine or not self.hold(run):
            return True
        self.let_go(run)
        return False

    def let_go(self, run: str) -> None:
        """Release a run."""
        if lock := self._mine.pop(run, None):
            Path(lock.name).unlink(missing_ok=True)
            lock.close()

    def let_go_of_all(self) -> None:
        """Release every run, as the kernel does when the process dies."""
        for run in list(self._mine):
            self.let_go(run)


def _is_still_there(lock: IO[str]) -> bool:
    try:
        return os.path.samestat(os.fstat(lock.fileno()), os.stat(lock.name))  # noqa: PTH116 - by name, as opened
    except FileNotFoundError:
        return False
