"""Who is alive: a run is held by a lock on a file, which the kernel drops when the process that took it dies.

So a process id that is used again fools nobody, and no clock or heartbeat is needed. Source: flock(2).
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO


class Holds:
    """The runs that this process holds, as locked files in a folder. Raises OSError where locks do not work."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._mine: dict[str, IO[str]] = {}

    def hold(self, run: str) -> bool:
        """Hold a run, so that nobody else undoes it meanwhile; false where another holds it."""
        while run not in self._mine:
            lock = (self._folder / f"{run}.lock").open("a")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.close()
                return False
            if _is_still_there(lock):
                self._mine[run] = lock
            else:
                lock.close()  # its last holder removed it while we waited: lock the file that counts
        return True

    def is_alive(self, run: str) -> bool:
        """Whether anybody holds the run, we included."""
        if run in self._mine or not self.hold(run):
            return True
        self.let_go(run)
        return False

    def let_go(self, run: str) -> None:
        """Hold a run no longer."""
        if lock := self._mine.pop(run, None):
            Path(lock.name).unlink(missing_ok=True)
            lock.close()

    def let_go_of_all(self) -> None:
        """Hold nothing any longer, as if the process had died."""
        for run in list(self._mine):
            self.let_go(run)


def _is_still_there(lock: IO[str]) -> bool:
    try:
        return os.path.samestat(os.fstat(lock.fileno()), os.stat(lock.name))  # noqa: PTH116 - by name, as opened
    except FileNotFoundError:
        return False
