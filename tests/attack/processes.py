"""Areas of real processes: killed at a random request, or asked to end by a signal while the fault lasts."""

from __future__ import annotations

import signal
from itertools import count as numbers
from random import Random

from tests.attack.area import Count, Until
from tests.crash_matrix.kills import FAULTS, killing, points

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def kills(until: Until, seed: int) -> Count:
    """Kill a run at a random request, and restore it."""
    count, dice, accounts = Count(), Random(seed), (f"{number:012}" for number in numbers(300_000_000_000))
    with killing() as stage:
        while not until.is_over:
            name = dice.choice([*FAULTS])
            for point in dice.sample(points(stage.requests(name, next(accounts))), 5):
                key, wrong = stage.play(name, next(accounts), point)
                count.add(str(key), tuple(wrong))
                if until.is_over:
                    break
    return count


def signals(until: Until, seed: int) -> Count:
    """Send a signal once the fault is in force: exit 130, and nothing to restore."""
    count, dice, accounts = Count(), Random(seed), (f"{number:012}" for number in numbers(400_000_000_000))
    with killing() as stage:
        while not until.is_over:
            name, sent = dice.choice([*FAULTS]), dice.choice(SIGNALS)
            count.add(f"{name} | {sent.name}", tuple(stage.asked(name, next(accounts), sent)))
    return count
