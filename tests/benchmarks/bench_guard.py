"""What the guard costs: twenty KPIs of 500 requests a second each, read every second.

    python -m tests.benchmarks.bench_guard

Beside it the fixed loop of plain Python, which says how fast this machine is right now.
"""

from __future__ import annotations

import random
import sys
import time

from gameday.steady_state.judging.guard import Guard
from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.samples import Sample, Series

from tests.benchmarks.calibration import calibration

KPIS, RATE, SECONDS = 20, 500, 30
GOAL = 0.05
"""Of a core."""


def kpi(period: str) -> Kpi:
    """A KPI of requests that are counted once a period."""
    source = {"command": {"run": ["true"], "every": period}}
    return Kpi.model_validate({"tier": "technical", "ratio": {"total": source}, "bound": {"at_least": "99%"}})


def stream(start: float, seconds: int, bins: int) -> Series:
    """So many bins a second, half a percent of bad."""
    each = RATE / bins
    return tuple(
        Sample(
            start + index / bins, 1 / bins, each, float(sum(random.random() < 0.005 for _ in range(int(each)))), None
        )
        for index in range(seconds * bins)
    )


def core(bins: int) -> float:
    """The share of a core that the guard takes."""
    names = [f"kpi-{number}" for number in range(KPIS)]
    own = kpi(f"{1000 // bins}ms")
    before = stream(0, 300, 1)
    guard = Guard(
        dict.fromkeys(names, own.bound), dict.fromkeys(names, own), dict.fromkeys(names, before), 1e-4, 300, 600
    )
    looks = [stream(300 + second, 1, bins) for second in range(SECONDS)]
    began = time.process_time()
    for look in looks:
        for name in names:
            if guard.feed(name, look):
                raise AssertionError("a healthy KPI set off the guard")
        guard.blind(look[-1].end)
    return (time.process_time() - began) / SECONDS


def main() -> None:
    """Print the figures."""
    random.seed(1)
    for what, bins in (("counted by the second", 1), ("every request by itself", RATE)):
        share = core(bins)
        told = "within" if share <= GOAL else "OVER"
        sys.stdout.write(f"guard, {KPIS} KPIs at {RATE}/s, {what:<24} {share:7.2%} of a core ({told} {GOAL:.0%})\n")
    sys.stdout.write(f"calibration loop of this machine                     {calibration():7.3f}s CPU\n")


if __name__ == "__main__":
    main()
