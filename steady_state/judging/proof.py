"""A search for the instants from which a stretch ever proves something: n log n steps for n instants, not n²."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy import bool_, float64, int64
    from numpy.typing import NDArray

    Matrix = NDArray[float64]
    Flags = NDArray[bool_]
    Indices = NDArray[int64]

AT_ONCE = 256
"""The instants in a search at once, which bounds the memory."""


def proven(sums: Matrix, enough: float) -> Flags:
    """Tell for each row i but the last whether the mean of exp(sums[j] − sums[i]) reaches exp(enough) for some j > i.

    `sums`: cumulated log likelihood ratios, instants × alternatives.

    The largest later value of each alternative decides most rows. If a single value is enough, so is the mean; if all
    of them together are not, the mean never is. For the other rows, the search descends a tree of largest values, and
    opens only branches that may hold an answer.
    """
    import numpy as np

    best = np.maximum.accumulate(sums[:0:-1])[::-1]
    gains = best - sums[:-1]
    flags: Flags = gains.max(axis=1) - np.log(sums.shape[1]) >= enough
    unsure = np.flatnonzero(~flags & (_mean(gains) >= enough))
    tree = _tree(sums) if len(unsure) else []
    for first in range(0, len(unsure), AT_ONCE):
        some = unsure[first : first + AT_ONCE]
        flags[_search(sums, tree, some, enough)] = True
    return flags


def _mean(logs: Matrix) -> Matrix:
    """Return the log of the mean of exponentials, row by row."""
    import numpy as np

    top: Matrix = logs.max(axis=1, keepdims=True)
    mean: Matrix = np.log(np.exp(logs - top).mean(axis=1)) + top[:, 0]
    return mean


def _tree(sums: Matrix) -> list[Matrix]:
    """Return the rows, then the largest of each two, of each four, and so on, up to a single row."""
    import numpy as np

    levels = [sums]
    while len(levels[-1]) > 1:
        rows = levels[-1]
        odd = rows[-1:] if len(rows) % 2 else rows[:0]
        levels.append(np.vstack([np.maximum(rows[:-1:2], rows[1::2]), odd]))
    return levels


def _search(sums: Matrix, tree: list[Matrix], starts: Indices, enough: float) -> Indices:
    """Return the `starts` for which some later row is enough."""
    import numpy as np

    start, node = starts, np.zeros(len(starts), int)
    for depth in range(len(tree) - 1, -1, -1):
        rows = tree[depth]
        open_ = (node < len(rows)) & ((node + 1 << depth) > start + 1)
        start, node = start[open_], node[open_]
        open_ = _mean(rows[node] - sums[start]) >= enough if len(start) else np.zeros(0, bool)
        start, node = start[open_], node[open_]
        if depth:
            start, node = np.repeat(start, 2), np.column_stack([2 * node, 2 * node + 1]).ravel()
    return np.unique(start)
