from __future__ import annotations

from math import log

import numpy as np
import pytest
from gameday.steady_state.judging.edges import Edge
from gameday.steady_state.judging.episode import find
from gameday.steady_state.judging.evidence import breach, health
from gameday.steady_state.judging.proof import proven
from hypothesis import given
from hypothesis import strategies as some

from tests.steady_state.streams import gauge, ratio, readings, requests, steady


def by_definition(sums: np.ndarray, enough: float) -> list[bool]:
    """Compare each instant with each later instant."""
    return [
        max(log(np.exp(later - sums[first]).mean()) for later in sums[first + 1 :]) >= enough
        for first in range(len(sums) - 1)
    ]


@given(
    some.lists(some.tuples(some.integers(0, 5), some.integers(0, 60)), min_size=1, max_size=40),
    some.sampled_from([breach, health]),
    some.floats(0.1, 6),
)
def test_proven_equals_its_definition(counts, weighing, enough: float) -> None:
    logs = np.array(counts) @ np.array(weighing(Edge("share", 0.02)).pairs).T
    sums = np.vstack([np.zeros(logs.shape[1]), np.cumsum(logs, axis=0)])
    assert list(proven(sums, enough)) == by_definition(sums, enough)


@pytest.mark.parametrize("seed", range(5))
def test_proven_by_several_alternatives_together(seed: int) -> None:
    steps = np.random.default_rng(seed).normal(0, 1, (300, 4))
    sums = np.cumsum(steps, axis=0)
    assert list(proven(sums, 3.0)) == by_definition(sums, 3.0)


def test_find_judges_a_day_by_the_second() -> None:
    share_bad = [0.3 if 40_000 <= second < 50_000 else 0.002 for second in range(86_400)]
    found = find(ratio(), requests(1, 86_400, share_bad.__getitem__, each=5), steady(300), 0.05, 60)
    assert found is not None
    assert found.impact.low <= 40_000 <= (found.impact.high or 0)
    assert found.back.low <= 50_000 <= (found.back.high or 0)


def test_find_judges_a_day_of_readings() -> None:
    own = gauge()
    found = find(own, readings([4 if second < 80_000 else 6 for second in range(86_400)], own), (), 0.05, 60)
    assert found is not None
    assert found.back.point == 80_000
