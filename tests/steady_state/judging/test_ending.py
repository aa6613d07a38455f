from __future__ import annotations

import numpy as np
import pytest
from gameday.steady_state.judging.edges import Edge
from gameday.steady_state.judging.ending import likeliest_end

EDGE, USUAL, EACH, END = Edge("share", 0.01), 0.001, 50, 180


def drawn(shares: np.ndarray, seed: int) -> list[tuple[float, float]]:
    bad = np.random.default_rng(seed).binomial(EACH, shares)
    return [(float(one), float(EACH - one)) for one in bad]


def ended(counts: list[tuple[float, float]]) -> tuple[int, int]:
    """Where the breach ended most likely, and where it would have by the peak of what lies beyond the edge."""
    beyond = np.cumsum([0.0, *(bad - EDGE.at * (bad + good) for bad, good in counts)])
    peak = int(beyond.argmax())
    return likeliest_end(counts, range(100, 260), peak, EDGE, USUAL, 1.0), peak


def test_a_step_back_is_found_to_the_bin() -> None:
    counts = drawn(np.where(np.arange(400) < END, 0.5, USUAL), 1)
    assert ended(counts) == (END, END)


def slope(depth: float) -> np.ndarray:
    """Falls evenly from `depth` to the edge, and on."""
    left = (END - np.arange(400) - 0.5) / END
    return np.maximum(EDGE.at + (depth - EDGE.at) * left, USUAL)


def medians(shares: np.ndarray) -> list[float]:
    found = [ended(drawn(shares, seed)) for seed in range(20)]
    return (np.median(found, axis=0) - END).tolist()


def test_the_end_of_a_slope_from_half_is_found_to_the_bin() -> None:
    ours, _ = medians(slope(0.5))
    assert abs(ours) <= 1


def test_whether_a_shallow_slope_ends_at_the_edge_or_goes_on_its_end_is_told_between_too_early_and_too_late() -> None:
    cut, peak = medians(np.where(np.arange(400) < END, slope(0.05), USUAL))
    on, _ = medians(slope(0.05))
    assert -4 <= cut <= 0 <= on <= 6
    assert peak < -5


@pytest.mark.parametrize("at", [0.0, 0.2, 0.99])
def test_only_what_the_evidence_leaves_may_be_the_end(at: float) -> None:
    counts = drawn(np.where(np.arange(400) < END, 0.5, USUAL), 2)
    assert likeliest_end(counts, [150, 151], 150, Edge("share", at), at / 2 + 1e-7, 4.0) in (150, 151)
