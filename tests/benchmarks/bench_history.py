"""How long each command of the history takes with many runs.

    python -m tests.benchmarks.bench_history [RUNS]

Each command runs in a process of its own, as people run it. Times are CPU seconds, so that other work on the machine
does not count. The store is in memory: `sync` counts what a machine does besides waiting for S3.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from math import exp
from pathlib import Path

from gameday.records.history.history import Filters, History
from gameday.records.history.kept_run import KeptRun
from gameday.records.history.sync import sync
from gameday.testing.memory_store import MemoryObjects

from tests.records.history.kept import kept

RUNS = 10_000
LIMIT = 1.0
"""CPU seconds that each command may take."""
EXPERIMENTS, PER_RELEASE = 20, 5
COMMANDS = (
    ("runs",),
    ("runs", "--json"),
    ("runs", "--experiment", "experiment-3", "--verdict", "broken", "--since", "2026-06-01"),
    ("runs", "show", "latest"),
    ("trend", "experiment-3"),
    ("status",),
)


def generated(count: int) -> list[KeptRun]:
    """Return runs of several experiments over many releases; each measure varies by a fifth."""
    draw, runs = random.Random(7), []
    for number in range(count):
        experiment, release = number % EXPERIMENTS, number // (EXPERIMENTS * PER_RELEASE)
        base = kept(number)
        measures = tuple(
            replace(row, value=(row.value or 60.0) * exp(draw.gauss(0.5 if release > 50 else 0, 0.2)))
            for row in base.measures
        )
        runs.append(
            replace(
                base,
                claim=f"{experiment:064x}",
                experiment=f"experiment-{experiment}",
                release=f"v{release}",
                verdict="broken" if draw.random() < 0.1 else "held",
                measures=measures,
            )
        )
    return runs


def of_command(home: Path, words: tuple[str, ...]) -> float:
    """Run a command of ours; return its seconds of CPU."""
    command = [sys.executable, "-m", "gameday.cli.main", *words]
    done = subprocess.Popen(command, env={**os.environ, "GAMEDAY_HOME": str(home)}, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(done.pid, 0)
    done.returncode = os.waitstatus_to_exitcode(status)
    assert done.returncode == 0, words
    return usage.ru_utime + usage.ru_stime


def timed(what: Callable[[], object]) -> float:
    """Return the seconds of CPU that a call takes in this process."""
    began = time.process_time()
    what()
    return time.process_time() - began


def main() -> None:
    """Print a line for each command; exit 1 if one takes more than LIMIT."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        history, objects = History(home / "history", print), MemoryObjects()
        history.keep(*generated(count))
        size = sum(path.stat().st_size for path in history.folder.iterdir()) / 1e6
        print(f"{count:,} runs, a log of {size:,.0f} MB")
        made = timed(lambda: history.runs(Filters(), 1))
        print(f"{'the index, made from the log':<60}{made:>7.2f} s of CPU")
        times = {"gameday " + " ".join(words): of_command(home, words) for words in COMMANDS}
        versions = history.versions()
        sync(objects, versions, lambda _: None)
        times["sync of two histories that are alike"] = timed(lambda: sync(objects, history.versions(), lambda _: None))
        for what, seconds in times.items():
            print(f"{what:<72}{seconds:>7.2f} s of CPU (limit {LIMIT:.0f} s)")
        fetched = timed(lambda: sync(objects, {}, lambda _: None))
        print(f"{'sync of a machine that lost its history, from memory':<72}{fetched:>7.2f} s of CPU")
    sys.exit(max(times.values()) > LIMIT)


if __name__ == "__main__":
    main()
