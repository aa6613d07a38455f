"""The first stretch over which a KPI holds its bound for as long as a recovery must last."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING

from gameday.steady_state.judging.evidence import Weights
from gameday.steady_state.samples import CLOSE, Series

if TYPE_CHECKING:
    from gameday.steady_state.judging.proof import Matrix

SIGN = 3.0
"""Evidence of a breach within a stretch from which the stretch is not taken for well."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of bins over which a KPI holds: from an edge of bins to another."""

    first: int
    last: int


@dataclass(frozen=True)
class Stretches:
    """All stretches of `sustained` seconds in some bins, with the evidence for and against each.

    `counts`: (x, y) of each bin. `broken`: evidence of a breach. `well`: evidence, for each edge of the bound, that
    the KPI is within it.
    """

    bins: Series
    counts: Matrix
    broken: Weights
    well: list[Weights]
    sustained: float

    def could_hold(self, after: int, before: int, alpha: float) -> int | None:
        """Return the first edge whose stretch does not prove a breach at `alpha`; it lies between two edges."""
        return next(
            (
                stretch.first
                for stretch, seen in zip(self._all(after), self._evidence(self.broken, after), strict=True)
                if seen < log(1 / alpha) and stretch.last <= before
            ),
            None,
        )

    def holds(self, after: int, alpha: float) -> Stretch | None:
        """Return the first stretch from `after` that is proven well as a whole, without a sign of a breach in it.

        The chance that any stretch is wrongly proven is at most `alpha`: as many count as follow one another.
        """
        whole = self.bins[-1].end - self.bins[0].start
        enough = log(2 * max(1.0, whole / self.sustained) / alpha)
        proofs = [self._evidence(weights, after) for weights in self.well]
        for stretch, seen in zip(self._all(after), zip(*proofs, strict=True), strict=True):
            if min(seen) >= enough and not self._has_sign(stretch):
                return stretch
        return None

    def _all(self, after: int) -> list[Stretch]:
        starts = [sample.start for sample in self.bins]
        lasts = (bisect_left(starts, start + self.sustained - CLOSE) for start in starts[after:])
        return [
            Stretch(first, last)
            for first, last in enumerate(lasts, after)
            if self.bins[last - 1].end >= starts[first] + self.sustained - CLOSE
        ]

    def _evidence(self, weights: Weights, after: int) -> list[float]:
        """Return the logarithm of the mean evidence of each stretch as a whole."""
        import numpy as np

        sums = np.vstack([np.zeros(len(weights.pairs)), np.cumsum(self._logs(weights), axis=0)])
        pairs = np.array([(stretch.first, stretch.last) for stretch in self._all(after)], int).reshape(-1, 2)
        return [_mean(row) for row in sums[pairs[:, 1]] - sums[pairs[:, 0]]]

    def _has_sign(self, stretch: Stretch) -> bool:
        """Return whether some part of the stretch shows a breach."""
        import numpy as np

        logs = self._logs(self.broken)[stretch.first : stretch.last]
        sums = np.vstack([np.zeros(logs.shape[1]), np.cumsum(logs, axis=0)])
        return _mean((sums - np.minimum.accumulate(sums, axis=0)).max(axis=0)) >= log(SIGN)

    def _logs(self, weights: Weights) -> Matrix:
        import numpy as np

        logs: Matrix = self.counts @ np.array(weights.pairs).T
        return logs


def _mean(logs: Matrix) -> float:
    """Return the logarithm of the mean of exponentials."""
    import numpy as np

    top = float(logs.max())
    return top + float(np.log(np.exp(logs - top).mean()))
