"""A fixed piece of work, so that figures of different machines can be compared: divide by what it takes."""

from __future__ import annotations

import time


def calibration() -> float:
    """Seconds of CPU for a loop of a million steps of plain Python; the best of three."""
    best = float("inf")
    for _ in range(3):
        began = time.process_time()
        total = 0
        for number in range(1_000_000):
            total += number % 7
        best = min(best, time.process_time() - began)
    return best
