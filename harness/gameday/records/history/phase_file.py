"""The phase of a live run, in a small file beside its lock, for `gameday status`."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gameday.disk import read_regular, write_anew

LARGEST = 4096


@dataclass(frozen=True, slots=True)
class LivePhase:
    """The phase of a run, and since when: seconds since the epoch, on the wall clock."""

    phase: str
    since: float


def write_phase(folder: Path, run: str, phase: LivePhase) -> None:
    """Write the phase of a run; raises OSError."""
    write_anew(_path(folder, run), json.dumps({"phase": phase.phase, "since": phase.since}).encode())


def read_phase(folder: Path, run: str) -> LivePhase | None:
    """Return the phase of a run; None where its file is missing or is not ours."""
    try:
        raw = json.loads(read_regular(_path(folder, run), LARGEST))
        return LivePhase(str(raw["phase"]), float(raw["since"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def forget_phase(folder: Path, run: str) -> None:
    """Remove the file of a run that is over; a file that cannot be removed stays, and no other run has its id."""
    with suppress(OSError):
        _path(folder, run).unlink(missing_ok=True)


def _path(folder: Path, run: str) -> Path:
    return folder / f"{run}.phase"
