"""`python -m tests.crash_matrix`: all scenarios in parallel; ends with `N scenarios, M dirty`, fails if one is dirty.

Deaths and failing calls inside the process, real processes that are really killed, generated plans, and damage to the
files of the journal.
The key of a scenario identifies it: shape of the fault | kind of account | first death | second death.
`--only KEY` plays one again, and lists its steps.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing import get_context
from queue import Queue

from tests.crash_matrix.damage import STAGES
from tests.crash_matrix.parts import Told, damaged, kills, part, plans
from tests.crash_matrix.scenario import Key, bench
from tests.crash_matrix.scenarios import KINDS
from tests.crash_matrix.shapes import SHAPES
from tests.crash_matrix.troubles import ALL as ALL_TROUBLES
from tests.doubles.hostile import Hostility

LEAST = 15_000
"""Scenarios that a whole matrix has at least."""
PLANS = 10_000
SEEDS = 20
"""Generated plans that a whole matrix has at least, and in how many parts they come."""
TELL = 10.0
"""The longest time in seconds until a killed process is reported."""
ALL = (*KINDS, "damaged", "plans", "kills")


def played(kinds: list[str], jobs: int) -> Iterator[tuple[int, list[Told]]]:
    """What comes in: how many generated plans, and scenarios."""
    # What takes longest goes first; the killed processes mostly wait, beside all the rest.
    asked = [(shape, kind) for kind in reversed(KINDS) if kind in kinds for shape in SHAPES]
    # New processes, not forks: a fork of a process with threads may wait for a lock that nobody holds any more.
    fresh = get_context("spawn")
    with fresh.Manager() as manager, ProcessPoolExecutor(jobs, fresh) as pool, ProcessPoolExecutor(1, fresh) as beside:
        emitted: Queue[Told] = manager.Queue()
        waiting = {beside.submit(kills, emitted)} if "kills" in kinds else set[Future[tuple[int, list[Told]]]]()
        waiting |= {pool.submit(part, *one) for one in asked}
        waiting |= {pool.submit(plans, number) for number in range(SEEDS)} if "plans" in kinds else set()
        waiting |= {pool.submit(damaged, stage) for stage in STAGES} if "damaged" in kinds else set()
        while waiting:
            done, waiting = wait(waiting, TELL, FIRST_COMPLETED)
            yield from (one.result() for one in done)
            while not emitted.empty():
                yield 0, [emitted.get()]


def way_of(key: str) -> str:
    """Return the way of a scenario: its kind of account, or what kind of trouble it is."""
    parts = key.split(" | ")
    if parts[1] in KINDS or parts[0] == "damaged":
        return parts[1] if parts[1] in KINDS else parts[0]
    return "SIGKILL" if "SIGKILL" in parts else "troubles of one call"


def again(text: str) -> int:
    """Play one scenario, and say all about it."""
    key = Key.of(text)
    with bench(key.shape) as on:
        trouble = ALL_TROUBLES.get(key.kind)
        play = on.drop if key.kind == Hostility.DROPPED else on.play
        played = on.fail(trouble, key.first.at) if trouble and key.first else play(key)
    for name, steps, point in (("run", played.first, key.first), ("restore", played.second, key.second)):
        for number, step in enumerate(steps):
            died = f"   ← dies {point.when} this" if point and point.at == number else ""
            print(f"{name:>8} {number:4} {step}{died}")
    print("\n".join(played.dirt) or "clean")
    return int(bool(played.dirt))


def main() -> int:
    """The matrix, or a part of it."""
    parser = argparse.ArgumentParser(prog="tests.crash_matrix")
    parser.add_argument("--only", metavar="KEY")
    parser.add_argument("--kinds", nargs="*", default=list(ALL), choices=ALL)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    if asked.only:
        return again(asked.only)
    began, keys, dirty, generated = time.monotonic(), set[str](), list[str](), 0
    for tried, told in played(asked.kinds, asked.jobs):
        generated += tried
        keys |= {key for key, _ in told}
        for key, dirt in told:
            if dirt:
                dirty.append(key)
                print(f"DIRTY {key}", *dirt, sep="\n      ", flush=True)
        line = f"{len(keys)} scenarios, {len(dirty)} dirty, {generated} plans, {time.monotonic() - began:.0f} s"
        # On a terminal one line that moves on; in a file a line of its own each.
        print(f"\r{line}" if sys.stderr.isatty() else line, end="" if sys.stderr.isatty() else "\n", file=sys.stderr)
    print(file=sys.stderr)
    killed = sum(" | SIGKILL | " in key for key in keys)
    print(f"{generated} generated plans; {killed} of the scenarios are real processes that were killed")
    ways, dirty_ways = (Counter(map(way_of, some)) for some in (keys, dirty))
    for way, count in sorted(ways.items()):
        print(f"{way:<20} {count:6} scenarios, {dirty_ways[way]} dirty")
    print(f"{len(keys)} scenarios, {len(dirty)} dirty")
    is_whole = set(asked.kinds) == set(ALL)
    is_short = (is_whole and len(keys) < LEAST) or generated < (PLANS if "plans" in asked.kinds else 0)
    return int(bool(dirty) or is_short)


if __name__ == "__main__":
    sys.exit(main())
