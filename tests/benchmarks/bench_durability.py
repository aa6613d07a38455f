"""What durability costs: each commit of the journal, and its share of a black hole over 50 subnets.

    python -m tests.benchmarks.bench_durability

Against a server that takes 50 ms more for every call, with the journal on this machine alone and with the team's store
too, in turns; medians of five. Beside it what this disk takes for a write that must reach it, in the same run.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.benchmarks.bench_blackhole import ENV, ROOT, SUBNETS, build_world, slow_server
from tests.benchmarks.calibration import calibration

TURNS = 5


def fsync(folder: Path) -> float:
    """Seconds of a write of 4 KiB that must reach the disk; the median of fifty."""
    took = []
    with (folder / "probe").open("wb") as file:
        for _ in range(50):
            began = time.perf_counter()
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
            took.append(time.perf_counter() - began)
    return statistics.median(took)


def ours(url: str, home: Path, kind: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.benchmarks.durable_ours", str(home), kind]
    done = subprocess.run(command, cwd=ROOT, env={**ENV, "AWS_ENDPOINT_URL": url}, capture_output=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr.decode())
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def bucket(url: str, name: str) -> None:
    import botocore.session

    session = botocore.session.Session()
    session.set_credentials("bench", "bench")
    session.create_client("s3", region_name="us-east-1", endpoint_url=url).create_bucket(Bucket=name)


def main() -> None:
    found: dict[str, list[dict[str, Any]]] = {"local": [], "store": []}
    with tempfile.TemporaryDirectory() as raw:
        folder = Path(raw)
        disk = fsync(folder)
        for change in range(TURNS):
            for kind, runs in found.items():
                place = folder / f"{change}-{kind}"
                place.mkdir()
                with slow_server(place) as (url, _):
                    build_world(url)
                    bucket(url, "ledger")
                    runs.append(ours(url, place / "home", kind))
    print(f"calibration loop {calibration():.3f} s; a write that reaches this disk {1e3 * disk:.2f} ms")
    for kind, runs in found.items():
        commits = [took for run in runs for name, _, took in run["took"] if name == "intend"]
        intents = [took / rows for run in runs for name, rows, took in run["took"] if name == "intend" and rows]
        total = statistics.median(sum(took for _, _, took in run["took"]) for run in runs)
        wall = statistics.median(run["wall"] for run in runs)
        print(
            f"{kind:6} a commit of intents {1e3 * statistics.median(commits):6.2f} ms, "
            f"{1e6 * min(intents):5.0f} µs an intent in the largest; all commits {1e3 * total:5.0f} ms of {wall:.2f} s "
            f"({total / wall:.1%}) for {SUBNETS} subnets, apply {statistics.median(r['apply'] for r in runs):.2f} s"
        )


if __name__ == "__main__":
    main()
