"""Where within its interval a breach ended most likely: at a step, or on a slope back to what was usual."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from steady_state.edges import Edge
from steady_state.evidence import MOSTLY_BAD, SMALLEST

WINDOW = 60
"""Bins before and after the peak of what lies beyond the edge over which shapes are laid, and slopes fall."""

LEVELS = 20
"""Shares beyond the edge from which a breach may have come back, geometric in odds."""


def likeliest_end(
    counts: Sequence[tuple[float, float]], ends: Iterable[int], peak: int, edge: Edge, usual: float, by: float
) -> int:
    """The median of where the breach of a share ended, each of `ends` being as likely beforehand.

    So is each of three shapes from each of `LEVELS`: a step to the usual share; a slope to the edge, then a step; a
    slope that goes on to the usual share. The peak alone comes early: at the end of a shallow slope little lies beyond
    the edge, and what lies within it afterwards is plain.

    `counts`: (bad, good) of each bin; `ends`: edges of bins, of which `peak` is one; `by`: what bursts inflate.
    """
    import numpy as np

    first, last = max(0, peak - WINDOW), min(len(counts), peak + WINDOW)
    some = np.array(sorted(one for one in ends if first <= one <= last))
    ahead = (some[:, None] - np.arange(first, last) - 0.5) / WINDOW
    at = min(max(edge.at, SMALLEST), MOSTLY_BAD)
    odds = np.geomspace(1.2 * at / (1 - at), 4 * MOSTLY_BAD / (1 - MOSTLY_BAD), LEVELS)[:, None, None]
    worse = odds / (1 + odds)
    slope = at + (worse - at) * ahead
    step = np.where(ahead > 0, worse, usual)
    shapes = np.concatenate([step, np.where(ahead > 0, slope, usual), slope]).clip(usual, worse.max())
    bad, good = np.array(counts[first:last]).T
    logs = (np.log(shapes) @ bad + np.log1p(-shapes) @ good) / by
    likely = np.cumsum(np.exp(logs - logs.max()).sum(axis=0))
    return int(some[np.searchsorted(likely, likely[-1] / 2)])
