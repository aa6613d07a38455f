"""Whether the process that began an occurrence is alive: it holds a lock on a file, which ends with the process."""

from __future__ import annotations

import fcntl
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from gameday.disk import make_private_folder, open_private


class Liveness(Protocol):
    """Say which processes of this machine are dead."""

    @property
    def me(self) -> str:
        """Return the name of this process."""
        ...

    def is_dead(self, holder: str) -> bool:
        """Return whether a process of this machine is dead; false for those of other machines."""
        ...


class Holders:
    """Processes of this machine, each with a locked file in a folder (flock(2))."""

    def __init__(self, folder: Path, me: str) -> None:
        self._folder = folder
        self.me = me

    def is_dead(self, holder: str) -> bool:
        """Return whether a process of this machine is dead; false for those of other machines."""
        path = self._folder / f"{holder}.lock"
        if holder == self.me or not holder.isalnum() or not path.exists():
            return False
        with open_private(path) as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
        return True


@contextmanager
def held(folder: Path) -> Iterator[Holders]:
    """Hold a file for this process within the block. A file that stays says that the process died. Raises OSError."""
    me = secrets.token_hex(8)
    make_private_folder(folder)
    with open_private(folder / f"{me}.lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield Holders(folder, me)
        with suppress(OSError):
            (folder / f"{me}.lock").unlink()
