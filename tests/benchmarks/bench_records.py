"""How much memory and time it takes to read many records: `gameday regression` and `gameday explain ID`.

    python -m tests.benchmarks.bench_records [RECORDS]

Each command runs in a process of its own, and reads half of the records as the old release.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from gameday.events import Sampled
from gameday.records.record import write_record

from tests.report.sample import held

RECORDS = 2_000
LIMIT = 300.0
"""Megabytes that each command may take, with any number of records."""


def written(folder: Path, count: int) -> str:
    """Write records of one experiment, each of another seed; return the id of the last."""
    record, name = held(), ""
    events = tuple(event for event in record.events if not isinstance(event, Sampled) or event.kpi == "orders")
    record = replace(record, events=events)
    for number in range(count):
        name = f"20260922-093000-{number:06x}"
        path = folder / "reports" / ("old" if number % 2 else "new") / f"{number // 100}" / f"{number}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_record(replace(record, run=name, seed=number), path)
    return name


def measured(folder: Path, *words: str) -> tuple[float, float]:
    """Run a command of ours; return its seconds of CPU and its peak memory in megabytes."""
    command = [sys.executable, "-m", "gameday.cli.main", *words]
    done = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(done.pid, 0)
    done.returncode = os.waitstatus_to_exitcode(status)
    assert done.returncode in (0, 1, 3), done.returncode
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> None:
    """Print a line for each command; exit 1 if one takes more than LIMIT."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else RECORDS
    with tempfile.TemporaryDirectory() as name:
        folder, began = Path(name), time.process_time()
        last = written(folder, count)
        size = sum(path.stat().st_size for path in folder.rglob("*.json")) / 1e6
        print(f"{count:,} records, {size:,.0f} MB, written in {time.process_time() - began:.0f} s of CPU")
        most = 0.0
        for words in (("regression", "reports/new", "--against", "reports/old"), ("explain", last)):
            seconds, memory = measured(folder, *words)
            most = max(most, memory)
            print(f"gameday {words[0]:<12}{seconds:>7.1f} s of CPU{memory:>8.0f} MB at its peak (limit {LIMIT:.0f} MB)")
    sys.exit(most > LIMIT)


if __name__ == "__main__":
    main()
