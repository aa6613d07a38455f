"""Areas that the crash matrix knows: the same scenarios, of shapes in random order."""

from __future__ import annotations

from functools import partial
from random import Random

from tests.attack.area import Attack, Count, Until
from tests.crash_matrix.scenario import bench
from tests.crash_matrix.scenarios import play_all
from tests.crash_matrix.shapes import SHAPES


def of_kinds(*kinds: str) -> Attack:
    """The attack that plays scenarios of these kinds."""
    return partial(_play, kinds)


def _play(kinds: tuple[str, ...], until: Until, seed: int) -> Count:
    count, parts = Count(), [(shape, kind) for shape in SHAPES for kind in kinds]
    Random(seed).shuffle(parts)
    for shape, kind in parts:
        with bench(shape) as on:
            for played in play_all(on, kind):
                count.add(str(played.key), played.dirt)
                if played.dirt or until.is_over:  # a dirty world says nothing of the scenarios after it
                    break
        if until.is_over:
            break
    return count
