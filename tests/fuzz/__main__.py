"""Fuzz for some minutes: print counts by command and exit code, and the smallest input of each failure.

A worker process plays cases, each from its own seed, and writes a line for each. Where it writes none for two minutes,
a command does not end: that is a failure, too, and another worker goes on behind it. `--case N` plays one case again.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from queue import Empty, Queue

from tests.fuzz.cases import Case, Failure, failure_of, outcomes_of, shrunk

PATIENCE = 120.0
"""Seconds for one command."""
SHOWN = 4000
"""Characters of a failure's input."""


def main() -> int:
    """Fuzz, and return the number of kinds of failures, 100 at most."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--case", type=int, help="play this one case, shrink it, and show all of it")
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker is not None:
        return work(options.seed, options.worker)
    if options.case is not None:
        return again(options.seed, options.case)
    counts: Counter[tuple[str, int]] = Counter()
    failures: dict[str, tuple[int, str]] = {}
    number, end = 0, time.monotonic() + 60 * options.minutes
    while time.monotonic() < end:
        number = _watch(options.seed, number, end, counts, failures)
    return _summary(options.seed, number, counts, failures)


def work(seed: int, first: int) -> int:
    """Play cases without end, and write a line of JSON for each command."""
    number = first
    with tempfile.TemporaryDirectory() as folder:
        while True:
            for outcome in outcomes_of(Case.of(seed, number, Path(folder) / "saved"), Path(folder) / "project"):
                print(json.dumps([number, outcome.verb, outcome.code, outcome.failure]), flush=True)
            number += 1


def again(seed: int, number: int) -> int:
    """Play one case, and show the smallest input that fails alike."""
    with tempfile.TemporaryDirectory() as folder:
        case = Case.of(seed, number, Path(folder) / "saved")
        failure = failure_of(case, Path(folder) / "project")
        if failure is None:
            print("as promised")
            return 0
        _show(seed, number, shrunk(case, failure, Path(folder) / "project"), len(failure.outcome.errors))
        return 1


def _watch(
    seed: int, first: int, end: float, counts: Counter[tuple[str, int]], failures: dict[str, tuple[int, str]]
) -> int:
    """Watch one worker until the time is up or it says nothing; return the next case."""
    words = [sys.executable, "-m", "tests.fuzz", "--seed", str(seed), "--worker", str(first)]
    number, lines = first, Queue[str]()
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as worker:

        def read() -> None:
            for line in worker.stdout or ():
                lines.put(line)

        threading.Thread(target=read, daemon=True).start()
        try:
            while (left := end - time.monotonic()) > 0:
                waited = min(PATIENCE, left)
                try:
                    number, verb, code, failure = json.loads(lines.get(timeout=waited))
                except Empty:
                    if worker.poll() is not None or waited == PATIENCE:
                        died = worker.poll() is not None
                        key = "the worker died" if died else "a command did not end"
                        failures.setdefault(key, (number, key))
                        return number + 1
                    break
                counts[verb, code] += 1
                if failure:
                    failures.setdefault(f"{verb}: {failure[:160]}", (number, failure))
        finally:
            worker.kill()
    return number + 1


def _summary(seed: int, cases: int, counts: Counter[tuple[str, int]], failures: dict[str, tuple[int, str]]) -> int:
    for (verb, code), count in sorted(counts.items()):
        print(f"{verb:<12} exit {code:<4} {count:>7,}")
    print(f"{cases:,} cases, {sum(counts.values()):,} commands, {len(failures)} kinds of failures")
    for key, (number, _) in failures.items():
        print(f"FAILED {key}\n  again: python -m tests.fuzz --seed {seed} --case {number}")
    return min(100, len(failures))


def _show(seed: int, number: int, failure: Failure, _: int) -> None:
    print(f"seed {seed}, case {number}: {failure.outcome.verb}: {failure.outcome.failure}")
    print(failure.outcome.errors[-SHOWN:])
    for name, text in failure.files.items():
        print(f"--- {name}\n{text[:SHOWN]}")


if __name__ == "__main__":
    sys.exit(main())
