"""The most likely end of a breach within its interval: a step, or a slope back to the usual share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gameday.steady_state.judging.edges import Edge
from gameday.steady_state.judging.evidence import MOSTLY_BAD, SMALLEST

WINDOW = 120
"""Bins on either side of the peak of the excess over the edge to which the shapes are fitted."""

SLOPES = (30, 60, 120)
"""Lengths in bins of the fall from a breach to its edge."""

LEVELS = 40
"""How many shares beyond the edge a breach may have come back from, geometric in odds."""


def likeliest_end(
    counts: Sequence[tuple[float, float]], ends: Iterable[int], peak: int, edge: Edge, usual: float, by: float
) -> int:
    """Return the posterior median of the end of a share's breach; all `ends` are equally likely beforehand.

    So are three shapes from each of `LEVELS`:

    - a step to the usual share;
    - a slope to the edge, then a step;
    - a slope that goes on to the usual share.

    The peak of the excess alone comes too early. Near the end of a shallow slope little lies beyond the edge, and
    afterwards much lies clearly within it.

    `counts`: (bad, good) of each bin. `ends`: edges of bins, with `peak` among them. `by`: the inflation by bursts.
    """
    import numpy as np
    from numpy.lib.stride_tricks import sliding_window_view

    first, last = max(0, peak - WINDOW), min(len(counts), peak + WINDOW)
    some = np.array(sorted(end for end in ends if first <= end <= last))
    size = last - first
    ahead = size - np.arange(2 * size) - 0.5
    at = min(max(edge.at, SMALLEST), MOSTLY_BAD)
    odds = np.geomspace(1.2 * at / (1 - at), 4 * MOSTLY_BAD / (1 - MOSTLY_BAD), LEVELS)[:, None]
    worse = odds / (1 + odds)
    slopes = np.concatenate([np.minimum(worse, at + (worse - at) * ahead / bins) for bins in SLOPES])
    step, cut = (np.where(ahead > 0, before, usual) for before in (worse, slopes))
    shapes = np.maximum(np.concatenate([np.repeat(step, len(SLOPES), axis=0), cut, slopes]), usual).T
    # Each row holds the same bins, shifted so that its end lies in the middle; the padding counts nothing.
    bad, good = (
        sliding_window_view(np.pad(part, size), 2 * size)[some - first] for part in np.array(counts[first:last]).T
    )
    logs = (bad @ np.log(shapes) + good @ np.log1p(-shapes)) / by
    likely = np.cumsum(np.exp(logs - logs.max()).sum(axis=1))
    return int(some[np.searchsorted(likely, likely[-1] / 2)])
