"""Where within its interval a breach ended most likely: at a step, or on a slope back to what was usual."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gameday.steady_state.judging.edges import Edge
from gameday.steady_state.judging.evidence import MOSTLY_BAD, SMALLEST

WINDOW = 120
"""Bins before and after the peak of what lies beyond the edge over which shapes are laid."""

SLOPES = (30, 60, 120)
"""Bins over which a breach may have fallen to its edge."""

LEVELS = 40
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
    from numpy.lib.stride_tricks import sliding_window_view

    first, last = max(0, peak - WINDOW), min(len(counts), peak + WINDOW)
    some = np.array(sorted(one for one in ends if first <= one <= last))
    size = last - first
    ahead = size - np.arange(2 * size) - 0.5
    at = min(max(edge.at, SMALLEST), MOSTLY_BAD)
    odds = np.geomspace(1.2 * at / (1 - at), 4 * MOSTLY_BAD / (1 - MOSTLY_BAD), LEVELS)[:, None]
    worse = odds / (1 + odds)
    slopes = np.concatenate([np.minimum(worse, at + (worse - at) * ahead / bins) for bins in SLOPES])
    step, cut = (np.where(ahead > 0, one, usual) for one in (worse, slopes))
    shapes = np.maximum(np.concatenate([np.repeat(step, len(SLOPES), axis=0), cut, slopes]), usual).T
    # Row by row the same bins, moved so that the end lies in the middle; there is nothing to count beyond them.
    bad, good = (
        sliding_window_view(np.pad(part, size), 2 * size)[some - first] for part in np.array(counts[first:last]).T
    )
    logs = (bad @ np.log(shapes) + good @ np.log1p(-shapes)) / by
    likely = np.cumsum(np.exp(logs - logs.max()).sum(axis=1))
    return int(some[np.searchsorted(likely, likely[-1] / 2)])
