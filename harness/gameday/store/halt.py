"""Halt requests: ask a run to abort and undo, by a file beside its lock or an object in its team's store."""

from __future__ import annotations

import json
import secrets
from contextlib import suppress
from pathlib import Path

from gameday.disk import read_regular, write_anew
from gameday.store.s3 import NEW, Objects


def halt_here(folder: Path, run: str, who: str) -> None:
    """Request the halt of a run on this machine; raises OSError."""
    write_anew(folder / f"{run}.halt", f"{who} halted the run".encode())


def halted_here(folder: Path, run: str) -> str | None:
    """Return the halt request of this machine in words, or None."""
    path = folder / f"{run}.halt"
    try:
        return read_regular(path).decode() or "the run was halted"
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        return f"Gameday cannot read {path}: {error}"  # an unreadable request counts as a request


def forget(folder: Path, run: str) -> None:
    """Remove the request of a run that is over; a request that cannot be removed stays, and no run has its id."""
    with suppress(OSError):
        (folder / f"{run}.halt").unlink(missing_ok=True)


def halt_in(objects: Objects, run: str, who: str) -> None:
    """Request the halt of a run in the store; raises JournalError."""
    body = json.dumps({"who": who, "nonce": secrets.token_hex(8)})
    objects.put(_key(run), body, NEW)  # an earlier request stays


def halted_in(objects: Objects, run: str) -> str | None:
    """Return the halt request in the store in words, or None; raises JournalError."""
    stored = objects.get(_key(run))
    if stored is None:
        return None
    try:
        return f"{json.loads(stored.body)['who']} halted the run"
    except (ValueError, KeyError, TypeError, RecursionError):
        return "the run was halted"


def _key(run: str) -> str:
    return f"halts/{run}.json"
