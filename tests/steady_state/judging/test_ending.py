from __future__ import annotations

import numpy as np
import pytest
from gameday.steady_state.judging.edges import Edge
from gameday.steady_state.judging.ending import likeliest_end

EDGE, USUAL, EACH, END = Edge("share", 0.01), 0.001, 50, 180


def drawn(shares: np.ndarray, seed: int) -> list[tuple[float, float]]:
    bad = np.random.default_rng(seed).binomial(EACH, shares)
    return [(float(count), float(EACH - count)) for count in bad]


def ended(counts: list[tuple[float, float]]) -> tuple[int, int]:
    """Return the most likely end of the breach, and the end by the peak of the excess over the edge."""
    beyond = np.cumsum([0.0, *(bad - EDGE.at * (bad + good) for bad, good in counts)])
    peak = int(beyond.argmax())
    return likeliest_end(counts, range(100, 260), peak, EDGE, USUAL, 1.0), peak


def test_likeliest_end_of_step_is_exact() -> None:
    counts = drawn(np.where(np.arange(400) < END, 0.5, USUAL), 1)
    assert ended(counts) == (END, END)


def slope(depth: float) -> np.ndarray:
    """Make shares that fall evenly from `depth` to the edge and below."""
    left = (END - np.arange(400) - 0.5) / END
    return np.maximum(EDGE.at + (depth - EDGE.at) * left, USUAL)


def medians(shares: np.ndarray) -> list[float]:
    found = [ended(drawn(shares, seed)) for seed in range(20)]
    return (np.median(found, axis=0) - END).tolist()


def test_likeliest_end_of_steep_slope_is_within_a_bin() -> None:
    ours, _ = medians(slope(0.5))
    assert abs(ours) <= 1


def test_likeliest_end_of_shallow_slope_lies_near_the_truth() -> None:
    cut, peak = medians(np.where(np.arange(400) < END, slope(0.05), USUAL))
    on, _ = medians(slope(0.05))
    assert -4 <= cut <= 0 <= on <= 6
    assert peak < -5


@pytest.mark.parametrize("at", [0.0, 0.2, 0.99])
def test_likeliest_end_is_one_of_the_given_ends(at: float) -> None:
    counts = drawn(np.where(np.arange(400) < END, 0.5, USUAL), 2)
    assert likeliest_end(counts, [150, 151], 150, Edge("share", at), at / 2 + 1e-7, 4.0) in (150, 151)
