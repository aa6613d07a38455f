"""The wish that a run abort and undo, left where the run looks: beside its lock, or in its team's store."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

from gameday.store.s3 import NEW, Objects


def halt_here(folder: Path, run: str, who: str) -> None:
    """Leave the wish for a run on this machine; raises OSError."""
    (folder / f"{run}.halt").write_text(f"{who} halted it", encoding="utf-8")


def halted_here(folder: Path, run: str) -> str | None:
    """Whether somebody on this machine wishes so: a few words, or None."""
    path = folder / f"{run}.halt"
    try:
        return path.read_text(encoding="utf-8") or "it was halted"
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        return f"{path} cannot be read: {error}"  # what cannot be read counts as a stop


def forget(folder: Path, run: str) -> None:
    """The run is over: so is the wish."""
    (folder / f"{run}.halt").unlink(missing_ok=True)


def halt_in(objects: Objects, run: str, who: str) -> None:
    """Leave the wish in the store; raises JournalError."""
    body = json.dumps({"who": who, "nonce": secrets.token_hex(8)})
    objects.put(_key(run), body, NEW)  # where it stands already, it is wished already


def halted_in(objects: Objects, run: str) -> str | None:
    """Whether somebody wishes so in the store: a few words, or None; raises JournalError."""
    stored = objects.get(_key(run))
    if stored is None:
        return None
    try:
        return f"{json.loads(stored.body)['who']} halted it"
    except (ValueError, KeyError, TypeError, RecursionError):
        return "it was halted"


def _key(run: str) -> str:
    return f"halts/{run}.json"
