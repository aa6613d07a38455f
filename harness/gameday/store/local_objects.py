"""Objects in a folder of this machine, with the conditions of the store: for what needs no store, or has none."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from gameday.disk import make_private_folder, open_private, read_regular, write_anew
from gameday.errors import JournalError
from gameday.store.s3 import Stored

MOST = 1_000_000
"""Bytes of one object."""


class LocalObjects:
    """Objects as files below a folder; a lock on the folder makes a conditional write one step (flock(2))."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> Stored | None:
        """Return the object of a key, or None; raises JournalError."""
        with self._explained():
            return self._read(key)

    def put(self, key: str, body: str, tag: str) -> str | None:
        """Write on a condition; return the new tag, or None. Raises JournalError."""
        path = self._folder / key
        with self._explained():
            make_private_folder(path.parent)
            with open_private(self._folder / "objects.lock") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                there = self._read(key)
                if (there.tag if there else "") != tag:
                    return there.tag if there and there.body == body else None
                write_anew(path, body.encode())
        return _tag(body)

    def remove(self, key: str) -> None:
        """Remove an object, if it exists; raises JournalError."""
        with self._explained():
            (self._folder / key).unlink(missing_ok=True)

    def keys(self, prefix: str) -> list[str]:
        """Return the keys with this prefix, in order; raises JournalError."""
        with self._explained():
            paths = (self._folder / prefix).parent.glob("**/[!.]*.json")
            return sorted(key for path in paths if (key := str(path.relative_to(self._folder))).startswith(prefix))

    def _read(self, key: str) -> Stored | None:
        try:
            body = read_regular(self._folder / key, MOST).decode(errors="replace")
        except FileNotFoundError:
            return None
        return Stored(body, _tag(body))

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise JournalError(
                f"Gameday cannot use {error.filename or self._folder}: {error.strerror}",
                "free disk space, repair the folder, or set GAMEDAY_HOME to another one",
                gd_code="GD-E320",
            ) from error


def _tag(body: str) -> str:
    return sha256(body.encode()).hexdigest()
