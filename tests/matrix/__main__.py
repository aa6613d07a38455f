"""`python -m tests.matrix`: every scenario, in parallel; ends with `N scenarios, M dirty`, and fails if one is dirty.

A scenario is told from all others by its key: shape of the fault | kind of account | first death | second death.
`--only KEY` plays one again, and lists its steps.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed

from harness.testing import Trouble
from tests.matrix.scenario import Key, bench
from tests.matrix.scenarios import KINDS, play_all
from tests.matrix.shapes import SHAPES

LEAST = 1000
"""Scenarios that a whole matrix has at least."""
Told = tuple[str, tuple[str, ...]]
"""A scenario's key, and what is wrong."""


def part(shape: str, kind: str) -> list[Told]:
    """All scenarios of one kind and shape; after a dirty one the world is built anew."""
    told: list[Told] = []
    with bench(shape) as on:
        for played in play_all(on, kind):
            told.append((str(played.key), played.dirt))
            if played.dirt:
                told.append((f"{shape} | {kind} | the rest", ("not played after a dirty one",)))
                break
    return told


def parts(kinds: list[str], jobs: int) -> Iterator[list[Told]]:
    """The parts of the matrix as they come in."""
    # What takes longest goes first.
    asked = [(shape, kind) for kind in reversed(KINDS) if kind in kinds for shape in SHAPES]
    with ProcessPoolExecutor(jobs) as pool:
        for done in as_completed([pool.submit(part, *one) for one in asked]):
            yield done.result()


def again(text: str) -> int:
    """Play one scenario, and say all about it."""
    key = Key.of(text)
    with bench(key.shape) as on:
        is_trouble = key.first and key.kind in set(Trouble)
        played = on.fail(Trouble(key.kind), key.first.at) if is_trouble else on.play(key)
    for name, steps, point in (("run", played.first, key.first), ("restore", played.second, key.second)):
        for number, step in enumerate(steps):
            died = f"   ← dies {point.when} this" if point and point.at == number else ""
            print(f"{name:>8} {number:4} {step}{died}")
    print("\n".join(played.dirt) or "clean")
    return int(bool(played.dirt))


def main() -> int:
    """The matrix, or a part of it."""
    parser = argparse.ArgumentParser(prog="tests.matrix")
    parser.add_argument("--only", metavar="KEY")
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), choices=KINDS)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    if asked.only:
        return again(asked.only)
    began, keys, dirty = time.monotonic(), set[str](), []
    for told in parts(asked.kinds, asked.jobs):
        keys |= {key for key, _ in told}
        dirty += [(key, dirt) for key, dirt in told if dirt]
        print(f"\r{len(keys)} scenarios, {len(dirty)} dirty, {time.monotonic() - began:.0f} s", end="", file=sys.stderr)
    print(file=sys.stderr)
    for key, dirt in dirty:
        print(f"DIRTY {key}", *dirt, sep="\n      ")
    print(f"{len(keys)} scenarios, {len(dirty)} dirty")
    return int(bool(dirty) or len(keys) < LEAST)


if __name__ == "__main__":
    sys.exit(main())
