"""How long a person waits for the command line: --help, validate of one file, validate of 1,000.

python -m tests.benchmarks.bench_commands
"""

from __future__ import annotations

import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.calibration import calibration

ROOT = Path(__file__).parent.parent.parent
GAMEDAY = str(Path(sys.executable).parent / "gameday")
RUNS = 7


def timed(*words: str, runs: int = RUNS) -> tuple[float, float]:
    """Median wall and CPU seconds of a whole process, after a first run that is not counted."""
    walls, cpus = [], []
    for number in range(runs + 1):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.perf_counter()
        subprocess.run([GAMEDAY, *words], cwd=ROOT, capture_output=True, check=True)
        wall = time.perf_counter() - began
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if number:
            walls.append(wall)
            cpus.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(walls), statistics.median(cpus)


def main() -> None:
    print(f"calibration loop: {calibration():.3f} s CPU")
    print(f"{'':<34}{'wall':>8}{'CPU':>8}{'limit':>8}   (median of {RUNS})")
    with tempfile.TemporaryDirectory() as folder:
        many = Path(folder)
        for name in ("workload.yaml", "twin.yaml"):
            shutil.copy(ROOT / "experiments" / "storefront" / name, many)
        text = (ROOT / "experiments" / "storefront" / "lose-a-zone.yaml").read_text()
        for number in range(1000):
            (many / f"experiment-{number}.yaml").write_text(text)
        one = "experiments/storefront/lose-a-zone.yaml"
        rows = (
            ("--help", ("--help",), RUNS, 0.3),
            ("validate, one experiment", ("validate", one), RUNS, 0.3),
            ("validate, 1,000 experiments", ("validate", folder), 2, 5.0),
        )
        for label, words, runs, limit in rows:
            wall, cpu = timed(*words, runs=runs)
            print(f"{label:<34}{wall:>6.2f} s{cpu:>6.2f} s{limit:>6.1f} s")


if __name__ == "__main__":
    main()
