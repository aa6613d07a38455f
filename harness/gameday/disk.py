"""Files that Gameday makes or reads: for their owner alone, written whole, and never a pipe, a device or a link."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from typing import IO

OWNER_ONLY = 0o600
"""The mode of a file that only its owner reads and writes."""
FOR_OTHERS = 0o666
"""The mode of a report that other people read, less what the user's umask takes away."""


def make_private_folder(folder: Path) -> None:
    """Make a folder and the missing folders on the way to it, each for its owner alone. Raises OSError."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=0o700, exist_ok=True)  # with `parents` mkdir gives the mode to the last folder alone


def open_private(path: Path) -> IO[bytes]:
    """Open a file to append to; make it for its owner alone, and take the rights of others away. Raises OSError."""
    file = open(path, "ab", opener=_for_owner)  # noqa: SIM115 - a mode; the caller closes it
    try:
        if _must_be_regular(file.fileno(), path).st_mode & 0o077:
            os.fchmod(file.fileno(), OWNER_ONLY)
    except OSError:
        file.close()
        raise
    return file


def _for_owner(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK, OWNER_ONLY)


def write_anew(path: Path, content: bytes, mode: int = OWNER_ONLY) -> None:
    """Write a new file and put it in the place of an old one, whose mode and links do not matter. Raises OSError."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:  # noqa: PTH123 - a descriptor
            file.write(content)
        fresh.replace(path)
    except OSError as error:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from error


def read_regular(path: Path, most: int = -1) -> bytes:
    """Read a file, at most `most` bytes of it. Raises OSError, also for a pipe or a device, which may never end."""
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:  # noqa: PTH123 - a descriptor
        _must_be_regular(file.fileno(), path)
        return file.read(most)


def _must_be_regular(descriptor: int, path: Path) -> os.stat_result:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))
    return status
