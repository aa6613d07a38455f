"""Which scenarios there are: every step of every shape, and a selection of what multiplies them."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from gameday.change import SettingChange
from gameday.faults.ec2 import POWER

from tests.crash_matrix.scenario import Bench, Key, Played, Point, is_mutating
from tests.crash_matrix.troubles import KINDS as TROUBLES
from tests.crash_matrix.troubles import Trouble, troubles_of
from tests.doubles.hostile import Hostility

WHENS = ("before", "after")
HOSTILE = ("unseen", *Hostility)
"""Accounts that are hostile all the time: see tests/doubles/hostile.py."""
KINDS = ("plain", "stranger", "late", "later", "rough", "pairs", *HOSTILE, *TROUBLES)
LATE = ("late", "later")
SECONDS = 1
"""Deaths of the restore that are tried after each death of the run."""
EVERY = 8
"""Of the many writes on a rough account, which are died at: every so many-th of each shape."""


def play_all(bench: Bench, kind: str, *, thin: bool = False) -> Iterator[Played]:
    """All scenarios of a kind; `thin` dies once at each write and some reads, before or after it in turn."""
    if kind in TROUBLES:
        yield from (bench.fail(trouble, at) for trouble, at in troubles(bench, kind, thin=thin))
    elif kind == "pairs":
        yield from _pairs(bench)
    elif meets(bench, kind):
        play = bench.drop if kind == Hostility.DROPPED else bench.play
        if kind in ("plain", "rough", *HOSTILE):
            yield play(Key(bench.name, kind))
        yield from (play(Key(bench.name, kind, point)) for point in points(bench, kind, thin=thin))


def meets(bench: Bench, kind: str) -> bool:
    """Whether a shape meets a kind of hostility: a creation, a start, or a hit member of a group."""
    changes = bench.planned_fault.changes
    match kind:
        case "unseen":
            return any(change.creates for change in changes)
        case Hostility.DROPPED:
            return any(isinstance(change, SettingChange) and change.setting == POWER for change in changes)
        case Hostility.LATE_GROUPS:
            return any(change.read_call.service == "autoscaling" for change in bench.hit)
    return True


def points(bench: Bench, kind: str, *, thin: bool) -> Iterator[Point]:
    """Where a run dies: at every step on a plain account, at every step that counts on the others."""
    if (kind == "stranger" and not bench.others()) or (kind in LATE and not bench.turned):
        return
    steps = bench.steps(kind if kind == "rough" else "plain")
    if kind in LATE:  # a request is late only where apply sent it
        bench.play(Key(bench.name, "plain"))
        yield from (Point(at, "after") for at, step in enumerate(steps[: bench.applied]) if is_mutating(step))
        return
    reads = kind == "plain"  # `thin` keeps a quarter of the reads
    counts = [at for at, step in enumerate(steps) if is_write(step) or (reads and not (thin and at % 4))]
    for number, at in enumerate(counts[:: EVERY if kind == "rough" else 1]):
        yield from (Point(at, when) for when in (WHENS[number % 2 :][:1] if thin else WHENS))


def is_write(step: str) -> bool:
    """Whether a step changes the account or the journal."""
    return is_mutating(step) or step.startswith("journal.")


def _pairs(bench: Bench) -> Iterator[Played]:
    """The restore of a run that died dies, too."""
    for at, step in enumerate(bench.steps("plain")):
        for when in WHENS if is_write(step) else ():
            first = Point(at, when)
            alone = bench.play(Key(bench.name, "plain", first, Point(10**6, "before")))
            dice = Random(f"{bench.name} {first}")
            writes = [n for n, one in enumerate(alone.second) if is_write(one)]
            for second in sorted(dice.sample(writes, min(SECONDS, len(writes)))):
                yield bench.play(Key(bench.name, "plain", first, Point(second, dice.choice(WHENS))))


def troubles(bench: Bench, kind: str, *, thin: bool) -> Iterator[tuple[Trouble, int]]:
    """The troubles of a kind, at every call."""
    calls = [step for step in bench.steps("plain") if not step.startswith("journal.")]
    for at, call in enumerate(calls):
        yield from ((trouble, at) for trouble in troubles_of(kind, at, is_write=is_mutating(call), thin=thin))
