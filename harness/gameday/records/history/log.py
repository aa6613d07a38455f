"""The log of the history: a line of JSON for each version of a run, only ever added. Every index is made from it."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from gameday.disk import make_private_folder, open_private
from gameday.engine.sqlite import home
from gameday.errors import HistoryError
from gameday.records.history.kept_run import KeptRun, from_json, to_json

NAME = "runs.jsonl"
PATIENCE = 5.0
"""Seconds to wait for other processes that add lines; no run waits longer."""


def folder_of_history() -> Path:
    """Return the folder of this user's history."""
    return home() / "history"


def add(folder: Path, kept: Sequence[KeptRun]) -> None:
    """Add lines, in one write, and wait until they are on disk. Raises HistoryError; a line is there whole or not."""
    with explained(folder):
        make_private_folder(folder)
        with open_private(folder / NAME) as log:
            _lock(log)
            length = os.fstat(log.fileno()).st_size
            # A process that died within a line has left its beginning, which is then a line without meaning.
            torn = b"\n" if length and _last_byte(folder / NAME, length) != b"\n" else b""
            lines = torn + b"".join(to_json(each) + b"\n" for each in kept)
            try:
                if os.write(log.fileno(), lines) < len(lines):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            except OSError:
                os.ftruncate(log.fileno(), length)
                raise
            fcntl.flock(log, fcntl.LOCK_UN)  # nobody waits for our disk
            os.fsync(log.fileno())


def read_from(folder: Path, offset: int) -> tuple[Iterator[KeptRun | None], int]:
    """Return the lines after an offset, and the offset after them; None for a line that this version cannot read.

    Raises HistoryError where the file cannot be read.
    """
    with explained(folder):
        try:
            with (folder / NAME).open("rb") as log:
                log.seek(offset)
                raw = log.read()
        except FileNotFoundError:
            return iter(()), 0
    whole = raw[: raw.rfind(b"\n") + 1]
    return (from_json(line) for line in whole.splitlines() if line), offset + len(whole)


def size(folder: Path) -> int:
    """Return the bytes of the log; 0 where there is none."""
    with suppress(OSError):
        return (folder / NAME).stat().st_size
    return 0


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Turn an error of the disk in this block into a HistoryError."""
    try:
        yield
    except OSError as error:
        raise HistoryError(
            f"Gameday cannot use the history in {folder}: {error.strerror}",
            "free disk space, or set GAMEDAY_HOME to another folder; then `gameday runs import REPORTS` adds the runs",
        ) from error


def _lock(log: IO[bytes]) -> None:
    """Lock the log, so that no line of another process falls into ours; raises OSError where one keeps it locked."""
    waiting = Retrying(
        retry=retry_if_exception_type(BlockingIOError),
        wait=wait_fixed(0.005),
        stop=stop_after_delay(PATIENCE),
        reraise=True,
    )
    waiting(fcntl.flock, log, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _last_byte(path: Path, length: int) -> bytes:
    with path.open("rb") as file:
        file.seek(length - 1)
        return file.read(1)
