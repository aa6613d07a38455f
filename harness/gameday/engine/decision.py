"""What undo does next about one change: a pure function of the change and of what a read shows."""

from __future__ import annotations

from enum import StrEnum

from gameday.change import Change, Json, Observation, Standing
from gameday.engine.entries import End


class Next(StrEnum):
    """What to do about one change now."""

    WRITE = "write"  # our value is there: write back the value of before
    WAIT = "wait"  # changing right now, or unreadable: read again
    HOLD = "hold"  # what it protects is not whole yet: read again
    WATCH = "watch"  # nothing to do, but a late request of ours may still land: read again
    RESTORED = "restored"
    GONE = "gone"  # the resource no longer exists
    CONFLICT = "conflict"  # somebody else changed it: leave it alone
    HEALED = "healed"


ENDS: dict[Next, End] = {
    Next.RESTORED: "restored",
    Next.GONE: "gone",
    Next.CONFLICT: "conflict",
    Next.HEALED: "healed",
}
"""How an entry ends. Any other next step keeps it open."""


_NEXT: dict[Standing, Next] = {
    Standing.BEFORE: Next.RESTORED,
    Standing.OURS: Next.WRITE,
    Standing.THEIRS: Next.CONFLICT,
    Standing.CHANGING: Next.WAIT,
    Standing.GONE: Next.GONE,
    Standing.HEALED: Next.HEALED,
    Standing.NOT_HEALED: Next.WATCH,
}


def decide(change: Change, now: Observation, quiet: bool, was: Json = None) -> Next:
    """Return what to do about a change that reads `now`; `was` is what its probe read before the run.

    `quiet`: neither a stale read nor a late request of ours is possible.
    """
    then = _NEXT[change.standing(now, was)]
    return then if quiet or then not in ENDS else Next.WATCH
